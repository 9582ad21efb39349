//! Dates as people write them in headings: `2024-01-02`, `Jan 2, 2020`, `2nd of January 2020`, `02-Jan-2020`, `25/12/2020`.

use jiff::civil::Date;
use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while_m_n, take_while1};
use nom::character::complete::{char, one_of, space0, space1};
use nom::combinator::{map_res, opt, recognize, verify};
use nom::{IResult, Parser};

/// A hyphen or minus, as typography knows them.
pub(super) const DASHES: [char; 6] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2212}'];
/// What stands between the numbers of a day.
const SIGNS: &str = "-/.\u{2010}\u{2011}\u{2012}\u{2013}\u{2212}";

/// What was read where a date was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Day(Date),
    /// A month or a quarter of a year.
    Vague,
    /// Numbers that may be read in two ways (`03/04/2020`): with the day first, and with the month first.
    Either(Date, Date),
    /// Written like a day, but the calendar has no such: `2020-02-30`.
    Impossible,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// A month or weekday is cut to no fewer letters than these.
const SHORTEST: usize = 3;
/// Behind these no blank comes.
const UNITS: [char; 4] = ['月', '월', '日', '일'];

/// Reads a date at the start of `text`, with a time of day when one follows; gives what was left.
pub(super) fn read(text: &str) -> Option<(&str, When)> {
    let (rest, _) = opt(weekday).parse(text).ok()?;
    let forms = (
        month_day_year,
        day_month_year,
        year_first,
        with_signs_for_units,
        quarter,
        year_last,
        compact,
        month_year,
    );
    let (rest, found) = alt(forms).parse(rest).ok()?;
    let (rest, _) = opt(time).parse(rest).ok()?;
    let read = &text[..text.len() - rest.len()];
    let goes_on = !read.ends_with(UNITS) && rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    // A further number after a dot or dash: it was a version after all, e.g. `2022.10.14.1`.
    let mut next = rest.chars();
    let longer = next.next().is_some_and(|c| SIGNS.contains(c)) && next.next().is_some_and(|c| c.is_ascii_digit());
    (!goes_on && !longer).then_some((rest, found))
}

/// `2020` with which a heading ends, as in `1.2.3 (2020)`: anywhere else it may be any number.
pub(super) fn is_year_alone(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_whitespace() || ")]*_".contains(c));
    digits.len() == 4 && digits.parse().is_ok_and(|year: u32| (1970..2200).contains(&year))
}

fn day(year: u32, month: u32, day: u32) -> When {
    let narrow = || {
        Some((
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        ))
    };
    narrow()
        .and_then(|(year, month, day)| Date::new(year, month, day).ok())
        .map_or(When::Impossible, When::Day)
}

fn number(least: usize, most: usize) -> impl FnMut(&str) -> IResult<&str, u32> {
    move |text| {
        let digits = take_while_m_n(least, most, |c: char| c.is_ascii_digit());
        let (rest, value) = map_res(digits, str::parse).parse(text)?;
        // Digits beyond the most there may be make it another number.
        verify(nom::combinator::success(value), |_| {
            !rest.starts_with(|c: char| c.is_ascii_digit())
        })
        .parse(rest)
    }
}

fn year(text: &str) -> IResult<&str, u32> {
    verify(number(4, 4), |year| *year >= 1900).parse(text)
}

fn name_of(names: &'static [&'static str]) -> impl FnMut(&str) -> IResult<&str, usize> {
    move |text| {
        let letters = take_while1(|c: char| c.is_ascii_alphabetic());
        let place = |word: &str| {
            let word = word.to_ascii_lowercase();
            let known = |name: &&str| name.starts_with(&word) || (word == "sept" && **name == *"september");
            (word.len() >= SHORTEST)
                .then(|| names.iter().position(known))
                .flatten()
                .ok_or(())
        };
        let (rest, place) = map_res(letters, place).parse(text)?;
        let (rest, _) = opt(char('.')).parse(rest)?;
        Ok((rest, place))
    }
}

fn month(text: &str) -> IResult<&str, u32> {
    let (rest, place) = name_of(&MONTHS)(text)?;
    Ok((rest, u32::try_from(place).unwrap_or(0) + 1))
}

fn weekday(text: &str) -> IResult<&str, ()> {
    let (rest, _) = name_of(&WEEKDAYS)(text)?;
    let (rest, _) = (opt(char(',')), space1).parse(rest)?;
    Ok((rest, ()))
}

/// Blanks, a comma or a dash between two parts.
fn gap(text: &str) -> IResult<&str, &str> {
    recognize(alt((
        recognize((space0, char(','), space0)),
        recognize(one_of("/")),
        recognize(one_of(DASHES.as_slice())),
        space1,
    )))
    .parse(text)
}

/// `2`, `02`, `2nd`, `2.`
fn day_of_month(text: &str) -> IResult<&str, u32> {
    let (rest, day) = number(1, 2)(text)?;
    let endings = alt((
        tag_no_case("st"),
        tag_no_case("nd"),
        tag_no_case("rd"),
        tag_no_case("th"),
        recognize(char('.')),
    ));
    let (rest, _) = opt(endings).parse(rest)?;
    Ok((rest, day))
}

fn month_day_year(text: &str) -> IResult<&str, When> {
    let (rest, (month, _, of_month, _, year)) = (month, gap, day_of_month, gap, year).parse(text)?;
    Ok((rest, day(year, month, of_month)))
}

fn day_month_year(text: &str) -> IResult<&str, When> {
    let of = opt((tag_no_case("of"), space1));
    let (rest, (of_month, _, _, month, _, year)) = (day_of_month, gap, of, month, gap, year).parse(text)?;
    Ok((rest, day(year, month, of_month)))
}

/// `2024-01-02`, `2024/1/2`, `2024.01.02`, `2024-01`.
fn year_first(text: &str) -> IResult<&str, When> {
    let (rest, year) = year(text)?;
    let (rest, sign) = one_of(SIGNS)(rest)?;
    let (rest, month) = number(1, 2)(rest)?;
    match (char(sign), number(1, 2)).parse(rest) {
        Ok((rest, (_, of_month))) => Ok((rest, day(year, month, of_month))),
        Err(e) if sign == '.' => Err(e),
        Err(_) => Ok((
            rest,
            if (1..=12).contains(&month) {
                When::Vague
            } else {
                When::Impossible
            },
        )),
    }
}

/// `2024年1月2日`, `2024년 1월 2일`, and months written so.
fn with_signs_for_units(text: &str) -> IResult<&str, When> {
    let (rest, (year, _, _, month, _)) = (year, one_of("年년"), space0, number(1, 2), one_of("月월")).parse(text)?;
    let of_month = (space0, number(1, 2), one_of("日일")).parse(rest);
    Ok(match of_month {
        Ok((rest, (_, of_month, _))) => (rest, day(year, month, of_month)),
        Err(_) => (rest, When::Vague),
    })
}

/// `2020-Q1`, `Q1 2020`.
fn quarter(text: &str) -> IResult<&str, When> {
    let named = || (one_of("qQ"), one_of("1234"));
    let gap = || opt(alt((recognize(one_of(SIGNS)), space1)));
    let first = recognize((named(), gap(), year));
    let last = recognize((year, gap(), named()));
    let (rest, _) = alt((first, last)).parse(text)?;
    Ok((rest, When::Vague))
}

/// `25/12/2024`, `12/25/2024`, `25.12.2024`: with dots the day is always first.
fn year_last(text: &str) -> IResult<&str, When> {
    let (rest, first) = number(1, 2)(text)?;
    let (rest, sign) = one_of(SIGNS)(rest)?;
    let (rest, (second, _, year)) = (number(1, 2), char(sign), year).parse(rest)?;
    let found = match (first, second) {
        (first, second) if sign == '.' || first > 12 || first == second => day(year, second, first),
        (first, second) if second > 12 => day(year, first, second),
        (first, second) => match (day(year, second, first), day(year, first, second)) {
            (When::Day(day_first), When::Day(month_first)) => When::Either(day_first, month_first),
            _ => When::Impossible,
        },
    };
    Ok((rest, found))
}

/// `20240102`
fn compact(text: &str) -> IResult<&str, When> {
    let (rest, digits) = number(8, 8)(text)?;
    let found = day(digits / 10_000, digits / 100 % 100, digits % 100);
    let is_day = matches!(found, When::Day(date) if (1970..2200).contains(&date.year()));
    verify(nom::combinator::success(found), |_| is_day).parse(rest)
}

fn month_year(text: &str) -> IResult<&str, When> {
    let (rest, _) = (month, gap, year).parse(text)?;
    Ok((rest, When::Vague))
}

/// `T12:00:00Z`, ` 12:30 UTC`, ` 12.15 P.M UTC+2:00`; read so that it is not taken for a word.
fn time(text: &str) -> IResult<&str, ()> {
    let (rest, _) = alt((recognize(one_of("Tt")), space1)).parse(text)?;
    let (rest, _) = (number(1, 2), one_of(":."), number(2, 2)).parse(rest)?;
    let (rest, _) = opt((char(':'), number(2, 2))).parse(rest)?;
    let (rest, _) = opt((char('.'), take_while1(|c: char| c.is_ascii_digit()))).parse(rest)?;
    let zone = take_while1(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '+' | ':' | '-'));
    let (rest, _) = opt((space0, recognize((opt(one_of("+-")), zone)))).parse(rest)?;
    Ok((rest, ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_any_usual_form() {
        let the_second = When::Day(jiff::civil::date(2024, 1, 2));
        for text in [
            "2024-01-02",
            "2024/01/02",
            "2024.01.02",
            "2024-1-2",
            "20240102",
            "Jan 2, 2024",
            "January 2nd, 2024",
            "Jan. 2 2024",
            "2 January 2024",
            "2nd Jan, 2024",
            "2nd of January 2024",
            "02-Jan-2024",
            "2. January 2024",
            "02.01.2024",
            "Tuesday, 2 January 2024",
            "Tue Jan 2 2024",
            "2024-01-02T03:04:05Z",
            "2024\u{2011}01\u{2011}02",
            "2024–01–02",
            "2024年1月2日",
            "2024年01月02日",
            "2024년 1월 2일",
            "2024-01-02 03:04 UTC",
            "2024-01-02T03:04:05.678+01:00",
        ] {
            assert_eq!(read(text), Some(("", the_second)), "{text}");
        }
        assert_eq!(
            read("25/12/2024 x"),
            Some((" x", When::Day(jiff::civil::date(2024, 12, 25))))
        );
        assert_eq!(
            read("12/25/2024)"),
            Some((")", When::Day(jiff::civil::date(2024, 12, 25))))
        );
        assert_eq!(
            read("Sept 5th 2024"),
            Some(("", When::Day(jiff::civil::date(2024, 9, 5))))
        );
    }

    #[test]
    fn what_names_no_day_is_said_to_be_vague_impossible_or_no_date() {
        for text in [
            "January 2024",
            "2024-01",
            "Oct, 2024",
            "2020-Q1",
            "2020 Q4",
            "Q1 2020",
            "2024年1月",
        ] {
            assert_eq!(read(text), Some(("", When::Vague)), "{text}");
        }
        let either = When::Either(jiff::civil::date(2024, 4, 3), jiff::civil::date(2024, 3, 4));
        assert_eq!(read("03/04/2024"), Some(("", either)));
        for text in [
            "2024-02-30",
            "2024-13-01",
            "00/04/2024",
            "Feb 30, 2024",
            "31.04.2024",
            "2024-13",
        ] {
            assert_eq!(read(text), Some(("", When::Impossible)), "{text}");
        }
        for text in [
            "1.2.3",
            "2024",
            "2024.1",
            "2024.10.14.1",
            "12345678901",
            "Ma 2, 2024",
            "",
            "Marching 2 2024",
            "2024-01-02x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
