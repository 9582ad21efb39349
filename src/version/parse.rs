//! What every parser of this room says when the text is not a version.

use std::fmt;

/// Where a text stopped being a version and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct VersionError {
    pub text: String,
    /// Byte offset into `text`.
    pub at: usize,
    pub expected: &'static str,
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, at, expected } = self;
        match text.get(*at..).and_then(|rest| rest.chars().next()) {
            Some(found) => write!(
                f,
                "`{text}` is not a version: at byte {at} expected {expected}, found `{found}`"
            ),
            None => write!(
                f,
                "`{text}` is not a version: at byte {at} expected {expected}, found the end"
            ),
        }
    }
}
