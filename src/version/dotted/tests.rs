//! Order, mistakes and properties of dotted versions.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Dotted {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn each_row_is_older_than_the_next() {
    let rows: &[&[&str]] = &[
        &["0", "0.0.0", "v0"],
        &["0.0.13.2", "0.0.13.2.0.0"],
        &["0.0.13.2.0.1"],
        &["0.9.10"],
        &["1.0.0-1"],
        &["1.0.dev3", "1.0.0-dev3", "1.0.0-snapshot.3"],
        &["1.0.0-alpha", "1.0a", "1-ALPHA"],
        &["1.0.0-alpha.1", "1.0a1"],
        &["1.0.0-alpha.beta"],
        &["1.0.0-beta"],
        &["1.0.0-beta.2", "1.0b2"],
        &["1.0.0-beta.11", "v1.0.0beta11"],
        &["1.0.0-rc.1", "1.0rc1", "1.0.rc1"],
        &["1.0.0-rc.10"],
        &["1.0.0", "1", "v1.0"],
        &["1.0.0+1"],
        &["1.0.0+2.a"],
        &["1.7.0", "1.7"],
        &["1.10"],
        &["16beta1"],
        &["16"],
        &["24.4", "24.04", "024.4.0"],
        &["2024.12.19"],
        &["18446744073709551615"],
    ];
    for (i, older) in rows.iter().enumerate() {
        for (j, newer) in rows.iter().enumerate() {
            for (a, b) in older.iter().flat_map(|a| newer.iter().map(move |b| (a, b))) {
                assert_eq!(version(a).cmp(&version(b)), i.cmp(&j), "{a} against {b}");
            }
        }
        let same: HashSet<Dotted> = older.iter().map(|text| version(text)).collect();
        assert_eq!(same.len(), 1, "{older:?} have one hash");
    }
}

#[test]
fn leading_zeros_are_kept_for_people() {
    for text in ["24.04", "2024.01.09.00", "1.02.3.4.05-rc.1+7", "0.00"] {
        assert_eq!(version(text).to_string(), text);
    }
    assert_eq!(version("v24.04").to_string(), "24.04");
}

#[test]
fn mistakes_are_placed() {
    for (text, at, expected) in [
        ("", 0, "a number"),
        ("v", 1, "a number"),
        ("x.1", 0, "a number"),
        ("1.", 2, "a number"),
        ("1..2", 2, "a number"),
        (" 1", 0, "a number"),
        ("1.2 ", 3, "the end"),
        ("1.1.1w", 5, "the word of a pre-release"),
        ("1.0-", 4, "a pre-release"),
        ("1.0-a..b", 6, "a letter"),
        ("1.0-a.", 6, "a letter"),
        ("1.0rc1.", 7, "a digit"),
        ("1.0+", 4, "a letter"),
        ("1.0+a_b", 5, "the end"),
        ("18446744073709551616", 0, "up to"),
    ] {
        let error = text.parse::<Dotted>().unwrap_err();
        assert_eq!(error.at, at, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn versions_are_shown_as_written() {
    for text in [
        "1.7",
        "1.7.0",
        "0.0.13.2",
        "1.2.3.4.5.0",
        "1.0rc1",
        "1.0.0-rc.1+b.7",
        "1.0.dev3",
    ] {
        assert_eq!(version(text).to_string(), text);
    }
    assert_eq!(version("v2.0").to_string(), "2.0");
}

#[test]
fn channels_and_what_comes_next() {
    for (text, channel, next) in [
        ("1.7", Channel::Release, "1.8"),
        ("1.2.3.4.5", Channel::Release, "1.2.3.4.6"),
        ("1.7.0-rc.1", Channel::Beta, "1.7.0"),
        ("1.7a1", Channel::Alpha, "1.7"),
        ("1.18446744073709551615", Channel::Release, "2.0"),
        ("1.7.0-20240101", Channel::Alpha, "1.7.0"),
    ] {
        let read = version(text);
        assert_eq!(
            (read.channel(), read.next().unwrap().to_string().as_str()),
            (channel, next),
            "{text}"
        );
    }
    assert_eq!(version("18446744073709551615").next(), None);
}

fn text() -> impl Strategy<Value = String> {
    let numbers = prop::collection::vec(prop_oneof![4 => 0..3_u64, 1 => any::<u32>().prop_map(u64::from)], 1..7);
    let pre =
        prop_oneof![3 => Just(String::new()), 1 => "-[0-9a-c]{1,2}(\\.[0-9a-c]{1,2})?", 1 => "(rc|beta|a)[0-9]{0,2}"];
    let build = prop_oneof![3 => Just(String::new()), 1 => "\\+[0-9a-b]{1,2}(\\.[0-9a-b]{1,2})?"];
    (numbers, pre, build).prop_map(|(numbers, pre, build)| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("{}{pre}{build}", numbers.join("."))
    })
}

proptest! {
    #[test]
    fn plain_versions_are_read_as_the_grammar_has_them(text in "[v]?[0-9]{0,20}([.][0-9]{0,3}){0,5}[-+ab./:]?[0-9]{0,2}") {
        let read = plain::read(text.as_bytes());
        let whole = Dotted::by_the_grammar(&text).ok();
        prop_assert!(read.is_none() || whole.as_ref().is_some_and(|whole| whole.more.is_none()), "{}", text);
        if let Some((head, written)) = read {
            let whole = whole.map(|whole| (whole.head, whole.written));
            prop_assert_eq!(Some((head, written)), whole);
        }
    }

    #[test]
    fn three_numbers_are_plain(a in 0..10_000_u64, b in 0..10_000_u64, c in 0..10_000_u64) {
        prop_assert_eq!(plain::read(format!("{a}.{b}.{c}").as_bytes()), Some(([a, b, c, 0], 3)));
    }

    #[test]
    fn what_is_read_is_printed(text in text()) {
        prop_assert_eq!(version(&text).to_string(), text);
    }

    #[test]
    fn the_order_is_total(a in text(), b in text(), c in text()) {
        let [a, b, c] = [version(&a), version(&b), version(&c)];
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        prop_assert_eq!(a == b, HashSet::from([a.clone(), b.clone()]).len() == 1);
    }

    #[test]
    fn no_text_makes_the_parser_fall_over(text in "\\PC{0,12}") {
        let _ = text.parse::<Dotted>();
        let _ = text.parse::<crate::version::Constraint<Dotted>>();
    }
}
