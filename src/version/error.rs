//! What every parser of this room says when a text is not what it should be.

use std::fmt;
use std::ops::Deref;

/// Where a text stopped being a version (or a constraint) and what was expected there. Boxed: most texts are versions, and a
/// version is small.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VersionError(Box<Mistake>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub text: String,
    /// Byte offset into `text`.
    pub at: usize,
    pub expected: &'static str,
    /// What the whole text was read as: `version` or `version constraint`.
    pub what: &'static str,
}

impl VersionError {
    #[cold]
    pub(super) fn new(text: &str, at: usize, expected: &'static str) -> Self {
        Self(Box::new(Mistake {
            text: text.to_owned(),
            at,
            expected,
            what: "version",
        }))
    }

    /// The same mistake, told as one of a constraint in which the faulty part starts at byte `start`.
    pub(super) fn within_constraint(self, whole: &str, start: usize) -> Self {
        Self(Box::new(Mistake {
            text: whole.to_owned(),
            at: start + self.at,
            expected: self.expected,
            what: "version constraint",
        }))
    }

    /// The same mistake `start` bytes further on; one right at the beginning expected something else.
    pub(super) fn moved(mut self, start: usize, at_once: Option<&'static str>) -> Self {
        if let Some(expected) = at_once.filter(|_| self.at == 0) {
            self.0.expected = expected;
        }
        self.0.at += start;
        self
    }
}

impl Deref for VersionError {
    type Target = Mistake;

    fn deref(&self) -> &Mistake {
        &self.0
    }
}

/// Longer texts are cut in messages: they come from outside and end up in logs.
const SHOWN: usize = 120;

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            text,
            at,
            expected,
            what,
        } = self;
        let shown: String = text.chars().take(SHOWN).collect();
        let dots = if shown.len() < text.len() { "…" } else { "" };
        write!(
            f,
            "`{}{dots}` is not a {what}: at byte {at} expected {expected}, found ",
            shown.escape_debug()
        )?;
        match text.get(*at..).and_then(|rest| rest.chars().next()) {
            Some(found) => write!(f, "`{}`", found.escape_debug()),
            None => f.write_str("the end"),
        }
    }
}
