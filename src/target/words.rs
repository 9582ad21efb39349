//! What the supervisor writes to its log.

use std::io::Write;

use crate::clock;

/// A line with the time. A full disk must not end the supervisor, so failing to write is passed over.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{} {text}", clock::now());
}

/// An error and what caused it, on one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
