//! Live events: one thread reads on in the journal and tells everybody who watches; who falls behind reads it up there.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, watch};

use super::guard::guarded;
use super::say::say;
use crate::app::{EventView, Events, Installation, Result};
use crate::clock;
use crate::store::Store;

/// How late an event may come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who is further behind reads the journal instead.
const KEPT: usize = 1024;
/// Entries that are read at once.
const PAGE: u32 = 500;
/// Between two words on progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// An event, with its JSON, which is written once for all who watch.
#[derive(Debug)]
pub struct Shown {
    pub event: EventView,
    pub json: String,
}

impl Shown {
    pub(super) fn of(event: EventView) -> Self {
        Self {
            json: serde_json::to_string(&event).unwrap_or_default(),
            event,
        }
    }

    /// Nothing follows in this update.
    pub fn is_last(&self) -> bool {
        self.event.kind == "finished"
    }
}

/// What watchers are told.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Event(Arc<Shown>),
    /// May get lost on the way.
    Progress(Arc<Shown>),
    /// Nothing happened, and the server is alive.
    Beat,
    /// The server ends.
    End,
}

pub struct Feed {
    sender: broadcast::Sender<Told>,
    /// The last entry that was told.
    last: AtomicI64,
    ending: watch::Sender<bool>,
    told_progress: Mutex<Option<Instant>>,
}

impl Feed {
    pub fn new() -> Self {
        Self {
            sender: broadcast::channel(KEPT).0,
            last: AtomicI64::new(0),
            ending: watch::Sender::new(false),
            told_progress: Mutex::new(None),
        }
    }

    /// Everything from now on, and the entry before.
    pub(super) fn watch(&self) -> (broadcast::Receiver<Told>, i64) {
        let receiver = self.sender.subscribe();
        (receiver, self.last.load(Ordering::SeqCst))
    }

    /// How many watch.
    pub fn watchers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// From an update of this process; others are not heard of before their next entry.
    pub fn progress(&self, event: &EventView) {
        if event.progress.is_none() || self.watchers() == 0 {
            return;
        }
        let mut told = self.told_progress.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::monotonic();
        if told.is_some_and(|at| now.duration_since(at) < PROGRESS_EVERY) {
            return;
        }
        *told = Some(now);
        let _ = self.sender.send(Told::Progress(Arc::new(Shown::of(event.clone()))));
    }

    /// Everybody is told that the server ends.
    pub fn end(&self) {
        self.ending.send_replace(true);
        let _ = self.sender.send(Told::End);
    }

    pub fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Waits until the server was told to end.
    pub async fn ended(&self) {
        // The sender is our own: it cannot be gone.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Reads on in the journal on a thread of its own, until the server ends.
    pub fn follow(self: &Arc<Self>, root: &Path, config: Option<&Path>, heartbeat: Duration) -> Result<()> {
        let store = Installation::open(root, config)?.store;
        self.last.store(store.last_entry()?, Ordering::SeqCst);
        let feed = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("events".into())
            .spawn(move || feed.tell(&store, heartbeat));
        if let Err(error) = spawned {
            say(&format!("nobody is told of events: {error}"));
        }
        Ok(())
    }

    fn tell(&self, store: &Store, heartbeat: Duration) {
        let (mut events, mut changes, mut beaten) = (Events::default(), None, clock::monotonic());
        while !self.is_ending() {
            thread::sleep(LOOK_EVERY.min(heartbeat));
            let now = store.outside_changes().ok();
            if now.is_none() || now != changes {
                match guarded("live events", || self.tell_new(store, &mut events)) {
                    Ok(()) => changes = now,
                    Err(error) => say(&format!("events: {error}")),
                }
            }
            if beaten.elapsed() >= heartbeat {
                beaten = clock::monotonic();
                let _ = self.sender.send(Told::Beat);
            }
        }
    }

    fn tell_new(&self, store: &Store, events: &mut Events) -> Result<()> {
        loop {
            let new = events.after(store, None, self.last.load(Ordering::SeqCst), PAGE)?;
            let Some(newest) = new.last().map(|event| event.seq) else {
                return Ok(());
            };
            for event in new {
                let _ = self.sender.send(Told::Event(Arc::new(Shown::of(event))));
            }
            self.last.store(newest, Ordering::SeqCst);
        }
    }
}
