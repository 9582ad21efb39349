//! Sessions of the page: a token is shown once, and a text that only the browser has stands for it from then on.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{Installation, Result, tokens};
use crate::clock;
use crate::crypt;
use crate::store::SessionRecord;

/// Whoever has not looked for so long shows the token again.
const IDLE: SignedDuration = SignedDuration::from_hours(12);
/// A session ends then, used or not.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a browser sends to be known again: 256 random bits in hex. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionText(String);

impl SessionText {
    fn draw() -> Self {
        Self(hex::encode(crypt::random::<32>()))
    }

    /// None for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_one.then(|| Self(text.to_owned()))
    }

    /// For the browser alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self) -> String {
        tokens::digest(&self.0)
    }
}

impl fmt::Debug for SessionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A session that was just begun; nobody can show its text again.
#[derive(Debug)]
pub struct NewSession {
    pub text: SessionText,
    pub expires_at: Timestamp,
}

/// Begins one that stands for the token that begins so, and forgets those that are over.
pub fn begin_session(installation: &Installation, prefix: &str) -> Result<NewSession> {
    let now = clock::now();
    forget_ended(installation, now)?;
    let text = SessionText::draw();
    let expires_at = now.checked_add(LONGEST).unwrap_or(Timestamp::MAX);
    let record = SessionRecord {
        prefix: prefix.to_owned(),
        begun_at: now,
        expires_at,
        last_used_at: now,
    };
    installation.store.add_session(&record, &text.digest())?;
    Ok(NewSession { text, expires_at })
}

/// The session lets nobody in from now on; repeatable.
pub fn end_session(installation: &Installation, text: &SessionText) -> Result<()> {
    Ok(installation.store.end_session(&text.digest())?)
}

/// Whether it still stands for its token.
pub(super) fn is_over(session: &SessionRecord, now: Timestamp) -> bool {
    session.expires_at <= now || now.duration_since(session.last_used_at) >= IDLE
}

fn forget_ended(installation: &Installation, now: Timestamp) -> Result<()> {
    for (digest, session) in installation.store.sessions_by_digest()? {
        if is_over(&session, now) {
            installation.store.end_session(&digest)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sends_is_taken_only_as_it_was_drawn_and_never_printed() {
        let text = SessionText::draw();
        assert_eq!(SessionText::parse(text.reveal()), Some(text.clone()));
        assert_eq!(format!("{text:?}"), "***");
        for wrong in ["", "nlk_1f2e3d4c", &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(SessionText::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_and_at_last_in_any_case() {
        let begun_at = clock::now();
        let after = |hours| begun_at.checked_add(SignedDuration::from_hours(hours)).unwrap();
        let session = |used| SessionRecord {
            prefix: "nlk_00000000".into(),
            begun_at,
            expires_at: after(7 * 24),
            last_used_at: after(used),
        };
        for (used, now, over) in [
            (0, 0, false),
            (0, 11, false),
            (0, 12, true),
            (160, 167, false),
            (167, 168, true),
            // A clock that went back.
            (5, 0, false),
        ] {
            assert_eq!(is_over(&session(used), after(now)), over, "used at {used}, now {now}");
        }
    }
}
