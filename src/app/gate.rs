//! Who a token, or a session that stands for one, lets in as: all of them in memory, read again when somebody has changed something.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::uses::{Used, Uses};
use super::{Installation, Result, SessionText, sessions, tokens};
use crate::clock;
use crate::store::{Beat, Pulse, Role, SessionRecord, Store, TokenRecord};

pub struct Gate {
    inner: Mutex<Inner>,
}

struct Inner {
    store: Store,
    pulse: Pulse,
    /// What is known is of this moment; none when it has to be read again.
    seen: Option<Beat>,
    tokens: HashMap<String, TokenRecord>,
    sessions: HashMap<String, SessionRecord>,
    uses: Uses,
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
        let Installation { store, layout, .. } = Installation::open(root, config)?;
        let mut inner = Inner {
            pulse: Pulse::of(&layout.store())?,
            seen: None,
            tokens: HashMap::new(),
            sessions: HashMap::new(),
            uses: Uses::written_into(Installation::open(root, config)?.store)?,
            store,
        };
        inner.refresh()?;
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

    /// Writes down what was used last; whoever is let in from now on leaves no trace.
    pub fn end(&self) {
        let writer = self.locked().uses.end();
        if let Some(writer) = writer {
            // What broke off there was said.
            let _ = writer.join();
        }
    }

    fn fresh(&self) -> Result<MutexGuard<'_, Inner>> {
        let mut inner = self.locked();
        inner.refresh()?;
        Ok(inner)
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn refresh(&mut self) -> Result<()> {
        let beat = self.pulse.beat();
        if beat.is_some() && beat == self.seen {
            return Ok(());
        }
        // When this fails, what is known is of no moment.
        self.seen = None;
        self.tokens = self.store.tokens_by_digest()?.into_iter().collect();
        self.sessions = self.store.sessions_by_digest()?.into_iter().collect();
        let (tokens, sessions) = (&self.tokens, &self.sessions);
        self.uses
            .keep_only(|digest| tokens.contains_key(digest) || sessions.contains_key(digest));
        self.seen = beat;
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

    fn note_use(&mut self, digest: &str, now: Timestamp) {
        if let Some(TokenRecord {
            prefix, last_used_at, ..
        }) = self.tokens.get(digest)
        {
            let of = || Used::Token(prefix.clone());
            self.uses.note(digest, of, *last_used_at, now);
        }
    }

    fn note_use_of_session(&mut self, digest: &str, prefix: &str, now: Timestamp) {
        if let Some(session) = self.sessions.get(digest) {
            let of = || Used::Session(digest.to_owned());
            self.uses.note(digest, of, Some(session.last_used_at), now);
        }
        if let Some(token) = self.token_named(prefix).map(|(digest, _)| digest.clone()) {
            self.note_use(&token, now);
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
