//! An update that runs at a server, shown here as it goes on. Whoever looks away leaves it running.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::wire::{ASK_EVERY, BASE, Wire, failed};
use crate::app::{AppError, EventView, Report, Running, UpdateView};
use crate::cli::args::Global;
use crate::cli::events::Show;
use crate::cli::output::{Failed, Result, say};
use crate::clock::Deadline;
use crate::fetch::remote::{Line, Lines, Remote, RemoteError};
use crate::journal::PauseReason;
use crate::store::UpdateId;

enum Word {
    Event(Box<EventView>),
    /// Nothing has happened for a while.
    Alive,
    /// All there is was seen.
    Over,
    /// The server does not answer, or does so again.
    Gone(String),
    Back,
    Broken(Failed),
    Interrupted,
}

/// Shows the entries after `after`, until the update has ended or waits for a person; says how that is.
pub fn follow(global: &Global, wire: &Wire, id: &UpdateId, after: i64) -> Result<Report> {
    let mut show = Show::new(global);
    let (tell, told) = mpsc::channel();
    interruptions(tell.clone())?;
    let reader = Reader {
        remote: Arc::clone(&wire.remote),
        path: format!("{BASE}/updates/{id}/events"),
        patience: wire.patience,
        after,
        tell,
    };
    let spawned = thread::Builder::new().name("events".into()).spawn(move || reader.run());
    spawned.map_err(|e| AppError::below("NL0408", &e))?;
    until_its_end(wire, id, &told, &mut show)?;
    wire.look_patiently(&format!("/updates/{id}/report"))
}

fn until_its_end(wire: &Wire, id: &UpdateId, told: &Receiver<Word>, show: &mut Show) -> Result<()> {
    loop {
        match told.recv() {
            Ok(Word::Event(event)) => {
                show.event(&event);
                if event.kind == "finished" || event.kind == "paused" && waits_for_a_person(wire, id)? {
                    return Ok(());
                }
            }
            Ok(Word::Alive) => {
                if waits_for_a_person(wire, id)? {
                    return Ok(());
                }
            }
            Ok(Word::Over) => return Ok(()),
            Ok(Word::Gone(reason)) => say(&format!("{reason}; waiting for it")),
            Ok(Word::Back) => say(&format!("{} is back", wire.shown())),
            Ok(Word::Broken(failed)) => return Err(failed),
            Ok(Word::Interrupted) => return Err(left_alone(wire, id)),
            Err(_) => return Err(lost(wire, id, "its events have ended")),
        }
    }
}

/// It has ended, or it is not going on by itself.
fn waits_for_a_person(wire: &Wire, id: &UpdateId) -> Result<bool> {
    let update: UpdateView = wire.look_patiently(&format!("/updates/status/{id}"))?;
    Ok(match update.running {
        Running::Finished { .. } => true,
        Running::Waiting { reason } => reason != PauseReason::ServerEnded,
        Running::Running { .. } => false,
        // While a server starts again nobody is at it for a moment.
        Running::Died => {
            thread::sleep(ASK_EVERY);
            let update: UpdateView = wire.look_patiently(&format!("/updates/status/{id}"))?;
            if matches!(update.running, Running::Died) {
                let message = format!(
                    "the process that worked on update {id} is gone; `netlink --server {} update resume` goes on",
                    wire.shown()
                );
                return Err(Failed::said("NL0407", message));
            }
            false
        }
    })
}

fn again(wire: &Wire, id: &UpdateId) -> String {
    format!(
        "`netlink --server {} update watch --update-id {id}` shows it again",
        wire.shown()
    )
}

fn left_alone(wire: &Wire, id: &UpdateId) -> Failed {
    let message = format!(
        "update {id} goes on at the server; {}, `update rollback` turns it back",
        again(wire, id)
    );
    Failed::said("NL0740", message)
}

fn lost(wire: &Wire, id: &UpdateId, why: &str) -> Failed {
    let message = format!("how update {id} went on cannot be told: {why}; {}", again(wire, id));
    Failed::said("NL0738", message)
}

/// Ctrl-C is for who watches, not for the update.
fn interruptions(tell: Sender<Word>) -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let failed = |e| AppError::below("NL0408", &e);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let wait = move || {
        if signals.forever().next().is_some() {
            let _ = tell.send(Word::Interrupted);
        }
    };
    let spawned = thread::Builder::new().name("signals".into()).spawn(wait);
    Ok(spawned.map(drop).map_err(failed)?)
}

/// Reads the events, and comes back after the last one that was seen when the line is cut.
struct Reader {
    remote: Arc<Remote>,
    path: String,
    patience: Duration,
    after: i64,
    tell: Sender<Word>,
}

impl Reader {
    fn run(mut self) {
        let mut gone: Option<Deadline> = None;
        loop {
            let word = match self.remote.lines(&self.path, self.after) {
                Ok(Some(lines)) => {
                    if gone.take().is_some() && self.tell.send(Word::Back).is_err() {
                        return;
                    }
                    self.read(lines).err()
                }
                Ok(None) => Some(Word::Over),
                Err(error) if error.is_temporary() => match gone {
                    None => {
                        gone = Some(Deadline::after(self.patience));
                        let told = self.tell.send(Word::Gone(error.to_string()));
                        told.err().map(|unheard| unheard.0)
                    }
                    Some(deadline) if deadline.has_passed() => Some(Word::Broken(self.given_up(&error))),
                    Some(_) => None,
                },
                Err(error) => Some(Word::Broken(failed(error))),
            };
            if let Some(word) = word {
                let _ = self.tell.send(word);
                return;
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// Until the line is cut; or what there is to say instead of going on.
    fn read(&mut self, mut lines: Lines) -> std::result::Result<(), Word> {
        loop {
            let word = match lines.wait() {
                Ok(Some(Line::Event { id, data })) => {
                    let event = serde_json::from_str(&data);
                    let event = event.map_err(|e| Word::Broken(failed(self.remote.garbled(e.to_string()))))?;
                    if let Some(seq) = id.and_then(|id| id.parse().ok()) {
                        self.after = seq;
                    }
                    Word::Event(event)
                }
                Ok(Some(Line::Alive)) => Word::Alive,
                Ok(None) => return Ok(()),
                Err(error) if error.is_temporary() => return Ok(()),
                Err(error) => return Err(Word::Broken(failed(error))),
            };
            self.tell.send(word).map_err(|unheard| unheard.0)?;
        }
    }

    fn given_up(&self, error: &RemoteError) -> Failed {
        let message = format!(
            "{error}, and was waited for; what it was doing may go on: `netlink --server {} update status` tells once it is there again",
            self.remote.place()
        );
        Failed::said("NL0738", message)
    }
}
