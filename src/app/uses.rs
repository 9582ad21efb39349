//! When tokens and sessions were last used: written down once a minute for each, behind the back of who asks, and at the end.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{AppError, Result};
use crate::store::Store;

/// For each, at most so often.
const WRITE_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Whoever writes at the same time is waited for, also at the end; what cannot be written then is lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Used {
    /// The token that begins so.
    Token(String),
    /// The session with this SHA-256.
    Session(String),
}

pub(super) struct Uses {
    /// By the SHA-256 of each.
    last: HashMap<String, LastUse>,
    /// None once it has ended.
    told: Option<Sender<(Used, Timestamp)>>,
    writer: Option<JoinHandle<()>>,
}

struct LastUse {
    of: Used,
    at: Timestamp,
    /// That which is written down, or about to be.
    written: Option<Timestamp>,
}

impl Uses {
    /// Writes into this state, which is nobody else's: what is written here does not change the view of others.
    pub fn written_into(store: Store) -> Result<Self> {
        store.wait_at_most(PATIENCE)?;
        let (told, heard) = mpsc::channel();
        let writer = thread::Builder::new()
            .name("last uses".into())
            .spawn(move || write(&store, &heard))
            .map_err(|e| AppError::below("NL0704", &e))?;
        Ok(Self {
            last: HashMap::new(),
            told: Some(told),
            writer: Some(writer),
        })
    }

    /// One more use of what has this SHA-256; the one that is known of it was at `known`.
    pub fn note(&mut self, digest: &str, of: impl FnOnce() -> Used, known: Option<Timestamp>, now: Timestamp) {
        let new = || LastUse {
            of: of(),
            at: now,
            written: known,
        };
        let last = match self.last.get_mut(digest) {
            Some(last) => last,
            None => self.last.entry(digest.to_owned()).or_insert_with(new),
        };
        last.at = now;
        if last.written.is_none_or(|written| is_another_minute(written, now)) {
            tell(self.told.as_ref(), last);
        }
    }

    /// Forgets what is no longer known.
    pub fn keep_only(&mut self, is_known: impl Fn(&str) -> bool) {
        self.last.retain(|digest, _| is_known(digest));
    }

    /// Writes down what is not yet; from now on nothing is. The result is to be waited for, without holding up others.
    pub fn end(&mut self) -> Option<JoinHandle<()>> {
        let told = self.told.take();
        for last in self.last.values_mut().filter(|last| last.written != Some(last.at)) {
            tell(told.as_ref(), last);
        }
        self.writer.take()
    }
}

fn tell(told: Option<&Sender<(Used, Timestamp)>>, last: &mut LastUse) {
    last.written = Some(last.at);
    if let Some(told) = told {
        // The writer ends after us.
        let _ = told.send((last.of.clone(), last.at));
    }
}

/// One that cannot be written now is not: the next minute's is.
fn write(store: &Store, heard: &Receiver<(Used, Timestamp)>) {
    for (used, at) in heard {
        let _ = match used {
            Used::Token(prefix) => store.token_was_used(&prefix, at),
            Used::Session(digest) => store.session_was_used(&digest, at),
        };
    }
}

/// Also when the clock was set back since.
fn is_another_minute(written: Timestamp, now: Timestamp) -> bool {
    now.duration_since(written).abs() >= WRITE_EVERY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::store::{Role, TokenRecord};

    struct Noted {
        store: Store,
        uses: Uses,
        begin: Timestamp,
        _dir: tempfile::TempDir,
    }

    const PREFIX: &str = "nlk_00000000";

    impl Noted {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("netlink.db");
            let store = Store::open(&path).unwrap();
            let begin = clock::now();
            let token = TokenRecord {
                prefix: PREFIX.into(),
                name: "x".into(),
                role: Role::Viewer,
                created_at: begin,
                created_by: "somebody".into(),
                expires_at: None,
                revoked_at: None,
                last_used_at: None,
            };
            store.add_token(&token, "digest").unwrap();
            Self {
                uses: Uses::written_into(Store::open(&path).unwrap()).unwrap(),
                store,
                begin,
                _dir: dir,
            }
        }

        fn after(&self, seconds: i64) -> Timestamp {
            self.begin.checked_add(SignedDuration::from_secs(seconds)).unwrap()
        }

        fn note(&mut self, seconds: i64) {
            let now = self.after(seconds);
            self.uses.note("digest", || Used::Token(PREFIX.into()), None, now);
        }

        fn written(&self) -> Option<Timestamp> {
            self.store.token(PREFIX).unwrap().unwrap().last_used_at
        }

        #[track_caller]
        fn wait_for(&self, seconds: i64) {
            let deadline = clock::Deadline::after(Duration::from_secs(20));
            while self.written() != Some(self.after(seconds)) {
                assert!(!deadline.has_passed(), "{:?}", self.written());
                thread::sleep(Duration::from_millis(10));
            }
        }
    }

    #[test]
    fn the_first_use_is_written_at_once_and_then_one_a_minute() {
        let mut noted = Noted::new();
        noted.note(0);
        noted.wait_for(0);
        noted.note(59);
        noted.note(60);
        noted.wait_for(60);
        // The one between was not: it would have been written before this one.
        assert_eq!(noted.uses.last["digest"].written, Some(noted.after(60)));
        // The clock is set back by an hour.
        noted.note(-3600);
        noted.wait_for(-3600);
    }

    #[test]
    fn the_end_writes_down_the_last_use() {
        let mut noted = Noted::new();
        noted.note(0);
        noted.note(42);
        noted.uses.end().unwrap().join().unwrap();
        assert_eq!(noted.written(), Some(noted.after(42)));
        // Too late, and no harm.
        noted.note(200);
        assert!(noted.uses.end().is_none());
        assert_eq!(noted.written(), Some(noted.after(42)));
    }

    #[test]
    fn what_is_known_no_longer_is_forgotten() {
        let mut noted = Noted::new();
        noted.note(0);
        noted.uses.keep_only(|digest| digest == "digest");
        assert_eq!(noted.uses.last.len(), 1);
        noted.uses.keep_only(|_| false);
        assert!(noted.uses.last.is_empty());
    }
}
