//! Who a token lets in as: all tokens in memory, read again when another process has changed something.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Installation, Result, tokens};
use crate::clock;
use crate::store::{Role, Store, TokenRecord};

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
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.refresh()?;
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

    /// Whether the token that begins so still lets in.
    pub fn still_admits(&self, prefix: &str) -> Result<bool> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.refresh()?;
        let now = clock::now();
        let known = inner.tokens.values().find(|record| record.prefix == prefix);
        Ok(known.is_some_and(|record| matches!(admission(record, now), Admission::As { .. })))
    }
}

impl Inner {
    fn refresh(&mut self) -> Result<()> {
        let changes = self.store.outside_changes()?;
        if changes != self.seen {
            self.tokens = self.store.tokens_by_digest()?.into_iter().collect();
            self.seen = changes;
        }
        Ok(())
    }

    /// When it cannot be noted now, a later use is.
    fn note_use(&mut self, digest: &str, now: Timestamp) {
        let Some(known) = self.tokens.get_mut(digest) else {
            return;
        };
        let is_due = known
            .last_used_at
            .is_none_or(|last| now.duration_since(last) >= NOTE_EVERY);
        if is_due && self.notes.token_was_used(&known.prefix, now).is_ok() {
            known.last_used_at = Some(now);
        }
    }
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
