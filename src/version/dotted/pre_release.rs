//! The pre-release part of a dotted version, as written: `-rc.1`, `rc1`, `.dev3`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::version::Channel;

#[derive(Debug, Clone)]
pub(super) struct PreRelease(Box<str>);

/// Numbers come before words, as in Semantic Versioning 2.0, section 11.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    /// Count of digits without leading zeros, then the digits: no number is too long.
    Number(usize, String),
    /// What is built every day comes before all that was made on purpose.
    Snapshot,
    Word(String),
}

impl PreRelease {
    /// `text` with the mark that sets it off.
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Without a word that says more, the least stable.
    pub(super) fn channel(&self) -> Channel {
        match self
            .tokens()
            .find(|token| matches!(token, Token::Word(_) | Token::Snapshot))
        {
            Some(Token::Word(word)) if matches!(word.as_str(), "beta" | "rc" | "pre" | "preview") => Channel::Beta,
            _ => Channel::Alpha,
        }
    }

    fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(['.', '-']);
            let first = rest.chars().next()?;
            let digits = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != digits || c == '.' || c == '-')
                .unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            rest = after;
            Some(if digits { number(token) } else { word(token) })
        })
    }
}

fn number(digits: &str) -> Token {
    let value = digits.trim_start_matches('0');
    Token::Number(value.len(), value.to_owned())
}

fn word(text: &str) -> Token {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "a" => Token::Word("alpha".into()),
        "b" => Token::Word("beta".into()),
        "c" => Token::Word("rc".into()),
        "dev" | "snapshot" | "nightly" => Token::Snapshot,
        _ => Token::Word(lower),
    }
}

impl Ord for PreRelease {
    fn cmp(&self, other: &Self) -> Ordering {
        self.tokens().cmp(other.tokens())
    }
}

impl PartialOrd for PreRelease {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PreRelease {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PreRelease {}

impl Hash for PreRelease {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tokens().for_each(|token| token.hash(state));
    }
}

impl fmt::Display for PreRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
