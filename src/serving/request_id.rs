//! What a request is called, in its answer, in the audit, and in the server's log: as its sender calls it, or else by a new name.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::crypt;

const LONGEST: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// What was sent is taken when it is short and plain.
    pub fn of(sent: Option<&str>) -> Self {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let taken = sent.filter(|text| (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain));
        Self(taken.map_or_else(new, str::to_owned))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the same twice in one process, nor, but by chance, in two: steps of an odd width from a random place meet all numbers before
/// they come back.
fn new() -> String {
    static FIRST: LazyLock<u64> = LazyLock::new(|| u64::from_be_bytes(crypt::random()));
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let given = GIVEN.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", FIRST.wrapping_add(given.wrapping_mul(STEP)))
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_taken_and_anything_else_gets_a_new_name() {
        for plain in ["a", "night-42", "0123_.x", &"x".repeat(64)] {
            assert_eq!(RequestId::of(Some(plain)).as_str(), plain);
        }
        for wrong in ["", "a b", "a\n", "\u{e4}", "a\"b", &"x".repeat(65)] {
            let made = RequestId::of(Some(wrong));
            assert!(made.as_str() != wrong && made.as_str().len() == 16, "{made}");
        }
        let made: std::collections::HashSet<String> = (0..10_000).map(|_| RequestId::of(None).0).collect();
        assert_eq!(made.len(), 10_000);
    }
}
