//! What a heading says: a release with its date, what is to come, a date alone, a series of versions, or nothing of the kind.
//!
//! A heading is read from left to right: a date may lead, words may stand before the version, and after it dates, marks
//! and further words. Nothing here knows the headings around it; `Certainty` leaves the last word to the reader, who does.

mod token;
mod words;

use nom::Parser;
use nom::character::complete::digit1;
use nom::error::Error;

use self::token::{looks_like_version, named_series, next_word, version_in};
use self::words::{BETWEEN, PENDING, PHRASES_OF_PENDING, Role, VERBS, YANKED, role_after, role_before};
use super::date::{self, When};
use super::render::is_obeyed;
use crate::version::{Dotted, Scheme};

/// Words of a product's name before its version.
const LONGEST_NAME: usize = 3;
/// Stand between the parts of a heading.
const SIGNS: &str = "–—·";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Title<V> {
    Release(Release<V>),
    /// What is to come, without a version.
    Pending,
    /// A date and nothing else.
    Date(When),
    /// Has the form of a release's heading, but no version: `[] - 2020-01-01`, `Version (2020-01-01)`, nothing at all.
    Versionless,
    /// Such as `2.x`: it divides, but names no release.
    Series,
    /// Looks like a release, but was not understood.
    Odd,
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release<V> {
    pub version: V,
    /// The version's text.
    pub written: String,
    pub together_with: Vec<V>,
    pub date: Option<When>,
    /// The date's text.
    pub dated: String,
    pub yanked: bool,
    pub pending: bool,
    pub certainty: Certainty,
}

/// How much else the heading says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// A sentence about versions rather than the heading of one: `3.8 is now required`, `1.0 to 2.0 migration guide`.
    Told,
    /// Begins with a version and goes on as sections about a version do: `2.0 migration guide`, `2.3.0 – upgrade recommended`.
    Stopped,
    /// Could be a heading within a release just as well: `Python 3.8`.
    Named,
    /// Begins with a version, but has words that say nothing known.
    Wordy,
    /// Nothing but what belongs to a release.
    Clear,
}

/// What stands before the version.
#[derive(Default)]
struct Before<'a> {
    date: Option<(When, &'a str)>,
    name: usize,
    generic: bool,
    between: bool,
    stopped: bool,
    pending: bool,
    yanked: bool,
    /// A word looked like a version: how many unknown words stood before it, and whether it named a series.
    odd: Option<(usize, bool)>,
    words: usize,
}

/// What stands behind it.
#[derive(Default)]
struct After<'a, V> {
    date: Option<(When, &'a str)>,
    more: Vec<V>,
    yanked: bool,
    pending: bool,
    unknown: usize,
    stopped: bool,
    /// Goes on with a verb.
    sentence: bool,
}

/// A date that is not understood, such that it comes back from the heading it is written into: `#` at the end would close that.
fn as_written_again(date: &str) -> String {
    let date = date.trim().trim_end_matches('#').trim_end();
    date.replace('\t', " ").replace(is_obeyed, "\u{fffd}")
}

pub(super) fn read<V: Scheme>(text: &str) -> Title<V> {
    let text = without_attributes(text.trim().trim_end_matches('#').trim_end());
    let lower = text.to_lowercase();
    let phrase = lower.trim_matches(|c: char| !c.is_alphanumeric());
    if PHRASES_OF_PENDING.contains(&phrase) {
        return Title::Pending;
    }
    if text
        .chars()
        .all(|c| c.is_whitespace() || SIGNS.contains(c) || c.is_ascii_punctuation())
    {
        return Title::Versionless;
    }
    let (before, found) = up_to_version::<V>(text);
    let Some((version, written, strong, rest)) = found else {
        return without_version(&before);
    };
    let (version, written, rest) = with_pre_release_word(version, written, rest);
    let mut after = behind::<V>(rest);
    if before.stopped || before.name > LONGEST_NAME {
        return Title::Plain;
    }
    let date = before.date.or(after.date);
    let mut certainty = certainty(&before, &after);
    if !strong {
        // `3` alone is a version only beside something that says so, and with other words it may be anything.
        let named = before.name > 0;
        let said = after.date.is_some() || written.starts_with(['v', 'V']);
        if after.unknown > 0 && said && !named {
            certainty = Certainty::Told;
        } else if after.unknown > 0 || !(said || before.generic && !named) {
            return Title::Plain;
        }
    }
    after.more.push(version);
    after.more.sort();
    let Some(version) = after.more.pop() else {
        return Title::Odd;
    };
    if before.between {
        after.more.clear();
    }
    after.more.dedup();
    after.more.retain(|other| *other != version);
    Title::Release(Release {
        version,
        written,
        together_with: after.more,
        date: date.map(|(when, _)| when),
        dated: date.map_or_else(String::new, |(_, text)| as_written_again(text)),
        yanked: before.yanked || after.yanked,
        pending: before.pending || after.pending,
        certainty,
    })
}

fn certainty<V>(before: &Before, after: &After<V>) -> Certainty {
    let dated = before.date.is_some() || after.date.is_some();
    match (before.name > 0, after.stopped) {
        (true, true) if !dated => Certainty::Told,
        (_, true) if after.sentence || !after.more.is_empty() => Certainty::Told,
        (_, true) => Certainty::Stopped,
        (true, false) => Certainty::Named,
        (false, false) if after.unknown == 0 => Certainty::Clear,
        (false, false) => Certainty::Wordy,
    }
}

/// Whether the first version in a heading has the form of the lifecycle scheme, be it a right one or not.
pub(super) fn meant_as_lifecycle(text: &str) -> bool {
    let mut rest = text;
    while let Some((word, _, after)) = next_word(rest) {
        if token::meant_as_lifecycle(word) {
            return true;
        }
        if looks_like_version(word) || version_in::<Dotted>(word).is_some_and(|(_, written)| written.contains('.')) {
            return false;
        }
        rest = after;
    }
    false
}

fn without_version<V>(before: &Before) -> Title<V> {
    match (before.odd, before.date) {
        (Some((_, true)), _) => Title::Series,
        (Some((0 | 1, false)), _) if !before.stopped => Title::Odd,
        (None, Some((date, _))) if before.words == 0 => Title::Date(date),
        (None, _) if before.pending && before.name == 0 && !before.stopped => Title::Pending,
        (None, Some(_)) if before.name == 0 && !before.stopped => Title::Versionless,
        _ => Title::Plain,
    }
}

/// `{#anchor}` and `{ id="anchor" }` at the end.
fn without_attributes(text: &str) -> &str {
    match text.strip_suffix('}').and_then(|inner| inner.rsplit_once('{')) {
        Some((start, _)) => start.trim_end(),
        None => text,
    }
}

type Found<'a, V> = (V, String, bool, &'a str);

fn up_to_version<V: Scheme>(text: &str) -> (Before<'_>, Option<Found<'_, V>>) {
    let mut before = Before::default();
    let mut rest = text;
    while let Some((word, at, after)) = next_word(rest) {
        // Dotted numbers are versions first: `2022.10.1`.
        if let Some((after, when)) = date::read(at).filter(|_| !begins_with_dots(at)) {
            before.date = Some((when, &at[..at.len() - after.len()]));
            rest = after;
            continue;
        }
        if begins_as_day(word) {
            before.date = Some((When::Impossible, word));
            rest = after;
            continue;
        }
        // A tag such as `v2022-10-08` names a day, which is no version.
        let is_tag = begins_as_day(word.trim_start_matches(['v', 'V']));
        let found = version_in::<V>(word).filter(|_| !is_tag);
        if let Some((version, written)) = found {
            // `3` and `31m` are versions to a machine only.
            let strong = written.contains('.')
                || looks_like_version(&written)
                || written.ends_with(|c: char| c.is_ascii_digit())
                    && written.contains(|c: char| c.is_ascii_alphabetic() && c != 'v' && c != 'V');
            let is_year = written.len() == 4 && written.starts_with(['1', '2']) && !strong;
            if !is_year {
                return (before, Some((version, written, strong, after)));
            }
        }
        let lower = word.to_lowercase();
        if is_tag || looks_like_version(word) {
            before.odd.get_or_insert((before.name, named_series::<V>(word)));
        }
        match role_before(&lower) {
            Role::Known => before.generic = true,
            Role::Stop => before.stopped = true,
            Role::Unknown if BETWEEN.contains(&&*lower) => before.between = true,
            Role::Unknown if PENDING.contains(&&*lower) => before.pending = true,
            Role::Unknown if YANKED.contains(&&*lower) => before.yanked = true,
            Role::Unknown => before.name += 1,
        }
        before.words += 1;
        rest = after;
    }
    (before, None)
}

/// `2022.10.14` is a version where one may stand; `2022-10-14` is not.
fn begins_with_dots(text: &str) -> bool {
    digit1::<_, Error<&str>>
        .parse(text)
        .is_ok_and(|(rest, digits)| digits.len() == 4 && rest.starts_with('.'))
}

/// `2022-10-081` is a day with a slip of the pen, not the pre-release `10-081` of a version 2022.
fn begins_as_day(text: &str) -> bool {
    let year = digit1::<_, Error<&str>>
        .parse(text)
        .ok()
        .filter(|(_, digits)| digits.len() == 4 && digits.starts_with(['1', '2']));
    year.and_then(|(rest, _)| rest.strip_prefix(date::DASHES))
        .is_some_and(|month| month.starts_with(|c: char| c.is_ascii_digit()))
}

/// `1.0 RC 1`, `2.0.0 beta2`: the words belong to the version.
fn with_pre_release_word<V: Scheme>(version: V, written: String, rest: &str) -> (V, String, &str) {
    let unchanged = (version, written, rest);
    if unchanged.0.channel() != crate::version::Channel::Release || !rest.starts_with(' ') {
        return unchanged;
    }
    let trimmed = rest.trim_start_matches([' ', '-']);
    let letters = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (word, after) = trimmed.split_at(letters);
    let word = word.to_lowercase();
    if !matches!(word.as_str(), "alpha" | "beta" | "rc" | "pre" | "preview") {
        return unchanged;
    }
    let digits = after.trim_start_matches([' ', '.', '-']);
    let end = digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    // `1.0 beta 2020-01-02`, `1.0 beta - Jan 2`: no number of the beta.
    let (number, left) = match date::read(digits) {
        None if (1..=3).contains(&end) && !digits[end..].starts_with('.') => digits.split_at(end),
        _ => ("", after),
    };
    let text = format!(
        "{}-{word}{}{number}",
        unchanged.1,
        if number.is_empty() { "" } else { "." }
    );
    match text.trim_start_matches(['v', 'V']).parse() {
        Ok(version) => (version, text, left),
        Err(_) => unchanged,
    }
}

fn behind<V: Scheme>(text: &str) -> After<'_, V> {
    let mut after = After {
        date: None,
        more: Vec::new(),
        yanked: false,
        pending: false,
        unknown: 0,
        stopped: false,
        sentence: false,
    };
    let mut rest = text;
    let mut joined = false;
    while let Some((word, at, left)) = next_word(rest) {
        let between = &rest[..rest.len() - at.len()];
        if let Some((left, when)) = date::read(at) {
            after.date.get_or_insert((when, &at[..at.len() - left.len()]));
            rest = left;
            continue;
        }
        if after.unknown == 0 && date::is_year_alone(at) {
            after.date.get_or_insert((When::Vague, word));
            rest = left;
            continue;
        }
        if begins_as_day(word) {
            after.date.get_or_insert((When::Impossible, word));
            rest = left;
            continue;
        }
        if let Some(left) = pending_phrase(at) {
            after.pending = true;
            rest = left;
            continue;
        }
        let lower = word.to_lowercase();
        if matches!(lower.as_str(), "to" | "through" | "until" | "and" | "up") || word.starts_with("..") {
            joined = true;
        }
        // Behind words of its own the heading tells of other versions, such as those of what it works with.
        let tied = after.unknown == 0 && (joined || between.contains(['-', '–', '—', ',', '/', '&', '+', '…']));
        let is_other = |written: &str| tied && written.contains(|c: char| !c.is_ascii_digit());
        let other = version_in::<V>(word).filter(|(_, written)| is_other(written));
        match (other, role_after(&lower)) {
            (Some((version, _)), _) => after.more.push(version),
            (None, _) if YANKED.contains(&&*lower) => after.yanked = true,
            (None, _) if PENDING.contains(&&*lower) => after.pending = true,
            (None, Role::Known) => {}
            (None, _) if word.starts_with("..") => {}
            (None, Role::Stop) => {
                after.sentence |= after.unknown == 0 && between.trim().is_empty() && VERBS.contains(&&*lower);
                after.unknown += 1;
                after.stopped = true;
            }
            (None, Role::Unknown) => after.unknown += 1,
        }
        rest = left;
    }
    after
}

/// What is left behind a phrase such as `not yet released`, where the text begins with one.
fn pending_phrase(text: &str) -> Option<&str> {
    let left = |phrase: &&str| {
        let start = text.get(..phrase.len())?;
        let left = &text[phrase.len()..];
        (start.eq_ignore_ascii_case(phrase) && !left.starts_with(char::is_alphanumeric)).then_some(left)
    };
    // A single word is looked up as such.
    PHRASES_OF_PENDING
        .iter()
        .filter(|phrase| phrase.contains(' '))
        .find_map(left)
}

#[cfg(test)]
mod tests;
