//! Who a token, or a session that stands for one, lets in as: all of them in memory, read again when somebody has changed something.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Installation, Result, SessionText, sessions, tokens};
use crate::clock;
use crate::store::{Role, SessionRecord, Store, TokenRecord};

/// `last_used_at` is written at most so often.
const NOTE_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Whoever writes at the same time is not waited for.
const NO_PATIENCE: Duration = Duration::ZERO;

pub struct Gate {
    inner: Mutex<Inner>,
}

struct Inner {
    store: Store,
    /// Notes when tokens were used; a connection of its own, so that the first one's view of outside changes stays plain.
    notes: Store,
    seen: i64,
    tokens: HashMap<String, TokenRecord>,
    sessions: HashMap<String, SessionRecord>,
}

/// What a token comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    As {
        prefix: String,
        name: String,
        role: Role,
        expires_at: Option<Timestamp>,
    },
    Unknown,
    Expired,
    Revoked,
}

impl Gate {
    pub fn open(root: &Path, config: Option<&Path>) -> Result<Self> {
        let store = Installation::open(root, config)?.store;
        let notes = Installation::open(root, config)?.store;
        notes.wait_at_most(NO_PATIENCE)?;
        let inner = Inner {
            seen: store.outside_changes()?,
            tokens: store.tokens_by_digest()?.into_iter().collect(),
            sessions: store.sessions_by_digest()?.into_iter().collect(),
            store,
            notes,
        };
        Ok(Self {
            inner: Mutex::new(inner),
        })
    }

    /// Looked up by its SHA-256, so that the time it takes says nothing of tokens that are known.
    pub fn admit(&self, token: &str) -> Result<Admission> {
        let digest = tokens::digest(token);
        let mut inner = self.fresh()?;
        let now = clock::now();
        let Some(known) = inner.tokens.get(&digest) else {
            return Ok(Admission::Unknown);
        };
        let admission = admission(known, now);
        if matches!(admission, Admission::As { .. }) {
            inner.note_use(&digest, now);
        }
        Ok(admission)
    }

    /// The same by a session: as the token that it stands for, which may have ended meanwhile.
    pub fn admit_session(&self, text: &SessionText) -> Result<Admission> {
        let digest = text.digest();
        let mut inner = self.fresh()?;
        let now = clock::now();
        let admission = inner.admission_of_session(&digest, now);
        if let Admission::As { prefix, .. } = &admission {
            inner.note_use_of_session(&digest, prefix, now);
        }
        Ok(admission)
    }

    /// Whether the token that begins so still lets in.
    pub fn still_admits(&self, prefix: &str) -> Result<bool> {
        let inner = self.fresh()?;
        let known = inner.token_named(prefix).map(|(_, record)| record);
        let now = clock::now();
        Ok(known.is_some_and(|record| matches!(admission(record, now), Admission::As { .. })))
    }

    /// Whether this session does; asking is no use of it.
    pub fn still_admits_session(&self, text: &SessionText) -> Result<bool> {
        let admission = self.fresh()?.admission_of_session(&text.digest(), clock::now());
        Ok(matches!(admission, Admission::As { .. }))
    }

    fn fresh(&self) -> Result<MutexGuard<'_, Inner>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.refresh()?;
        Ok(inner)
    }
}

impl Inner {
    fn refresh(&mut self) -> Result<()> {
        let changes = self.store.outside_changes()?;
        if changes != self.seen {
            self.tokens = self.store.tokens_by_digest()?.into_iter().collect();
            self.sessions = self.store.sessions_by_digest()?.into_iter().collect();
            self.seen = changes;
        }
        Ok(())
    }

    fn token_named(&self, prefix: &str) -> Option<(&String, &TokenRecord)> {
        self.tokens.iter().find(|(_, record)| record.prefix == prefix)
    }

    fn admission_of_session(&self, digest: &str, now: Timestamp) -> Admission {
        match self.sessions.get(digest) {
            None => Admission::Unknown,
            Some(session) if sessions::is_over(session, now) => Admission::Expired,
            Some(session) => self
                .token_named(&session.prefix)
                .map_or(Admission::Unknown, |(_, token)| admission(token, now)),
        }
    }

    /// When it cannot be noted now, a later use is.
    fn note_use(&mut self, digest: &str, now: Timestamp) {
        let Some(known) = self.tokens.get_mut(digest) else {
            return;
        };
        let is_due = known.last_used_at.is_none_or(|last| is_long_ago(last, now));
        if is_due && self.notes.token_was_used(&known.prefix, now).is_ok() {
            known.last_used_at = Some(now);
        }
    }

    fn note_use_of_session(&mut self, digest: &str, prefix: &str, now: Timestamp) {
        if let Some(session) = self.sessions.get_mut(digest)
            && is_long_ago(session.last_used_at, now)
            && self.notes.session_was_used(digest, now).is_ok()
        {
            session.last_used_at = now;
        }
        if let Some(token) = self.token_named(prefix).map(|(digest, _)| digest.clone()) {
            self.note_use(&token, now);
        }
    }
}

fn is_long_ago(last: Timestamp, now: Timestamp) -> bool {
    now.duration_since(last) >= NOTE_EVERY
}

fn admission(known: &TokenRecord, now: Timestamp) -> Admission {
    if known.revoked_at.is_some() {
        return Admission::Revoked;
    }
    if known.expires_at.is_some_and(|at| at <= now) {
        return Admission::Expired;
    }
    Admission::As {
        prefix: known.prefix.clone(),
        name: known.name.clone(),
        role: known.role,
        expires_at: known.expires_at,
    }
}
