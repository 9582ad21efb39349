//! The words of a heading and the versions in them.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{digit1, one_of};
use nom::combinator::{opt, recognize};
use nom::error::Error;
use nom::{IResult, Parser};

use crate::version::Scheme;

fn separates(c: char) -> bool {
    c.is_whitespace() || "()[]{}<>,|–—\"`~*;“”（）【】".contains(c)
}

/// The next word that has a letter or digit in it, the text from it on, and what comes after it. `:tada:` is no word.
pub(super) fn next_word(text: &str) -> Option<(&str, &str, &str)> {
    let mut rest = text;
    loop {
        let mut blank = take_while::<_, _, Error<&str>>(separates);
        let (at, _) = blank.parse(rest).ok()?;
        if at.is_empty() {
            return None;
        }
        let (after, word) = take_while1::<_, _, Error<&str>>(|c| !separates(c)).parse(at).ok()?;
        let is_emoji = word.len() > 2 && word.starts_with(':') && word.ends_with(':');
        let core = word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '.' && c != '?');
        let kept = core.trim_end_matches([':', '.', '-', '/', '!', '\'', '’']);
        let dots = core.starts_with("..");
        if !is_emoji && (dots || kept.contains(char::is_alphanumeric) || kept.contains("??")) {
            let start = word.len() - core.len();
            return Some((if kept.is_empty() { core } else { kept }, &at[start..], after));
        }
        rest = after;
    }
}

/// The version that a word is or ends with: `1.2`, `v1.2`, `v.1.2`, `pkg@1.2`, `pkg/v1.2`, `pkg-1.2`; and its text.
pub(super) fn version_in<V: Scheme>(word: &str) -> Option<(V, String)> {
    let word = word.trim_start_matches("..").trim_start_matches('.');
    let direct = |text: &str| {
        let bare = text
            .strip_prefix("v.")
            .or_else(|| text.strip_prefix("V."))
            .unwrap_or(text);
        let digits = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
        let version = is_number.then(|| digits.parse::<V>().ok()).flatten()?;
        Some((version, bare.to_owned()))
    };
    if let Some(found) = direct(word) {
        return Some(found);
    }
    if let Some((_, after)) = word.rsplit_once(['@', '/', '=', ':']) {
        return direct(after).or_else(|| after_name(after).and_then(direct));
    }
    after_name(word).and_then(direct)
}

/// What follows a name and `-` or `_`: `1.2` of `my-pkg-1.2`.
fn after_name(word: &str) -> Option<&str> {
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let starts = word.match_indices(['-', '_']).map(|(at, _)| &word[at + 1..]);
    let mut versions = starts.filter(|rest| dotted(rest).is_ok());
    versions.next()
}

/// `1.2…`, `v1.2…`
fn dotted(text: &str) -> IResult<&str, &str> {
    recognize((
        opt(one_of("vV")),
        digit1,
        tag("."),
        alt((digit1, tag("x"), tag("*"), tag("X"))),
    ))
    .parse(text)
}

/// `0b1…`
fn lifecycle(text: &str) -> IResult<&str, &str> {
    recognize((digit1, one_of("abrABR"), digit1)).parse(text)
}

/// Whether a version of the lifecycle scheme is meant, be it a right one or not, such as `0b01`.
pub(super) fn meant_as_lifecycle(text: &str) -> bool {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    lifecycle(bare).is_ok_and(|(rest, _)| rest.is_empty() || rest.starts_with('+'))
}

/// Whether a reader would take the word for a version.
pub(super) fn looks_like_version(word: &str) -> bool {
    dotted(word).is_ok() || lifecycle(word).is_ok()
}

/// Whether the word stands for many versions, such as `2.x`.
pub(super) fn named_series<V: Scheme>(word: &str) -> bool {
    let bare = word.trim_start_matches(['v', 'V']);
    matches!(V::pattern(bare), Ok(Some(_))) || bare.ends_with(".x") || bare.ends_with(".*")
}
