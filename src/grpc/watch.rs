//! The stream of what happens: one task for each who watches, which never keeps more than a few events for a slow reader.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{Stream, stream};
use tokio::sync::mpsc::{self, Sender};
use tonic::Status;

use super::{pb, status, views};
use crate::clock;
use crate::serving::{Identity, Seen, Server, Watch};

/// Events that are kept for who has not taken them yet.
const KEPT: usize = 64;

pub type Events = Pin<Box<dyn Stream<Item = Result<pb::UpgradeStatusEvent, Status>> + Send>>;

/// One who watches, and how.
pub struct Watcher {
    pub server: Arc<Server>,
    pub identity: Identity,
    pub watch: Watch,
    /// One update, with which the stream ends.
    pub ends: bool,
    pub heartbeat: bool,
    /// The last entry that was taken to be sent.
    pub after: i64,
}

impl Watcher {
    pub fn stream(self) -> Events {
        let (sender, receiver) = mpsc::channel(KEPT + 1);
        tokio::spawn(async move {
            // Room for the last word, also where the reader is slow.
            let Ok(last) = sender.clone().reserve_owned().await else {
                return;
            };
            if let Some(word) = self.tell(&sender).await {
                last.send(Err(word));
            }
        });
        let taken = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|told| (told, receiver))
        });
        Box::pin(taken)
    }

    /// Until the end; why it ended, where that was not the update's own end and somebody is there to hear it.
    async fn tell(mut self, sender: &Sender<Result<pb::UpgradeStatusEvent, Status>>) -> Option<Status> {
        let limit = self.server.settings.slow_reader;
        let mut finished = false;
        loop {
            let next = match select(pin!(self.watch.next()), pin!(sender.closed())).await {
                Either::Left((next, _)) => Some(next),
                Either::Right(_) => None,
            };
            // Nobody is there to hear why.
            let Some(seen) = next? else {
                return self.why_over(finished);
            };
            for event in self.shown(seen) {
                let sequence = event.sequence;
                finished = event.kind == "finished";
                match tokio::time::timeout(limit, sender.send(Ok(event))).await {
                    Ok(Ok(())) => self.after = sequence,
                    Ok(Err(_)) => return None,
                    Err(_) => return Some(too_slow(limit, self.after)),
                }
            }
        }
    }

    fn shown(&self, seen: Seen) -> Vec<pb::UpgradeStatusEvent> {
        match seen {
            Seen::Events(events) => events.iter().map(|shown| views::event(&shown.event)).collect(),
            Seen::Progress(shown) => vec![views::event(&shown.event)],
            Seen::Beat if self.heartbeat => vec![pb::UpgradeStatusEvent {
                sequence: self.after,
                time: Some(views::time(clock::now())),
                kind: "heartbeat".into(),
                ..Default::default()
            }],
            Seen::Beat => Vec::new(),
        }
    }

    fn why_over(&self, finished: bool) -> Option<Status> {
        if self.ends && finished {
            return None;
        }
        let after = self.after;
        if !self.server.access.still_admits(&self.identity) {
            return Some(status::no("NL0701", "the bearer token lets in no longer", None));
        }
        let detail = format!("the server is ending; watch again in a moment, with `after_sequence` {after}");
        Some(status::no("NL0720", &detail, Some(2)))
    }
}

fn too_slow(limit: Duration, after: i64) -> Status {
    let detail = format!(
        "nothing was taken of what was sent for {} s (`server.slow_reader`); watch again with `after_sequence` {after}",
        limit.as_secs_f64()
    );
    status::no("NL0735", &detail, None)
}
