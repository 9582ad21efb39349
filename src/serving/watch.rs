//! One who watches live events: what was missed comes from the journal, then what happens; whatever falls behind is read up there.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use super::access::{Access, Identity};
use super::feed::{Shown, Told};
use super::work::Work;
use crate::app::{self, AppError, Result};
use crate::store::UpdateId;

/// Entries of the journal that are read at once for who comes back.
const PAGE: u32 = 200;

pub struct Watch {
    work: Arc<Work>,
    access: Arc<Access>,
    watcher: Identity,
    of: Option<UpdateId>,
    /// The last entry that was given.
    after: i64,
    receiver: broadcast::Receiver<Told>,
    state: State,
}

enum State {
    /// Reads up what was missed.
    Behind,
    Live,
    Over,
}

/// What there is to tell a watcher.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Entries of the journal, in order; never none.
    Events(Vec<Arc<Shown>>),
    /// May get lost on the way.
    Progress(Arc<Shown>),
    /// Nothing happened, and the server is alive.
    Beat,
}

/// Whether the update has finished and nothing of it comes after this entry.
pub fn has_seen_all(work: &Work, id: &UpdateId, after: i64) -> Result<bool> {
    let installation = work.open()?;
    let update = app::update(&installation, id)?;
    let left = app::events_after(&installation, Some(id), after, 1)?;
    Ok(update.finished_at.is_some() && left.is_empty())
}

impl Watch {
    /// Watches one update or all of them: what came after that entry, or from now on.
    pub fn begin(
        (work, access): (Arc<Work>, Arc<Access>),
        watcher: Identity,
        of: Option<UpdateId>,
        after: Option<i64>,
    ) -> Result<Self> {
        if work.feed().is_ending() {
            return Err(AppError::said("NL0720", "the server is ending; ask again in a moment"));
        }
        let (receiver, newest) = work.feed().watch();
        Ok(Self {
            state: if after.is_some() { State::Behind } else { State::Live },
            after: after.unwrap_or(newest),
            access,
            watcher,
            receiver,
            work,
            of,
        })
    }

    /// The last entry that was given, or after which it begins.
    pub fn after(&self) -> i64 {
        self.after
    }

    /// What comes next; none when the update, the server or the watcher's right to watch has ended. Whoever was cut off comes back
    /// and goes on from the last event.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            let seen = match self.state {
                State::Over => return None,
                State::Behind => self.read_up().await.ok()?,
                State::Live => match self.receiver.recv().await {
                    Ok(told) => self.told(told),
                    Err(RecvError::Lagged(_)) => {
                        self.state = State::Behind;
                        None
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            if seen.is_some() {
                return seen;
            }
        }
    }

    async fn read_up(&mut self) -> Result<Option<Seen>> {
        let (work, of, after) = (Arc::clone(&self.work), self.of.clone(), self.after);
        let read = move || app::events_after(&work.open()?, of.as_ref(), after, PAGE);
        let read = tokio::task::spawn_blocking(read).await;
        let events = read.map_err(|e| AppError::below("NL0999", &e))??;
        let Some(last) = events.last() else {
            self.state = State::Live;
            return Ok(None);
        };
        self.after = last.seq;
        if self.of.is_some() && last.kind == "finished" {
            self.state = State::Over;
        }
        let shown = events.into_iter().map(|event| Arc::new(Shown::of(event)));
        Ok(Some(Seen::Events(shown.collect())))
    }

    fn told(&mut self, told: Told) -> Option<Seen> {
        let is_ours = |event: &Shown| self.of.as_ref().is_none_or(|of| *of == event.event.update_id);
        match told {
            Told::Event(event) => {
                if event.event.seq <= self.after || !is_ours(&event) {
                    return None;
                }
                self.after = event.event.seq;
                if self.of.is_some() && event.is_last() {
                    self.state = State::Over;
                }
                Some(Seen::Events(vec![event]))
            }
            Told::Progress(event) => is_ours(&event).then_some(Seen::Progress(event)),
            Told::Beat => {
                if !self.access.still_admits(&self.watcher) {
                    self.state = State::Over;
                    return None;
                }
                Some(Seen::Beat)
            }
            Told::End => {
                self.state = State::Over;
                None
            }
        }
    }
}
