//! The loop that executes a stored plan: what is next, journal that it starts, do it, journal how it went.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::failure::DISK_FULL;
use super::reserve::Reserve;
use super::{Context, InstallationLock, StepError, finish, seeded, step};
use crate::clock;
use crate::fetch::Sources;
use crate::host;
use crate::journal::{self, Course, Event, IllegalTransition, Next, Outcome, PauseReason, State, StepState};
use crate::plan::{Step, StepId};
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] IllegalTransition),
    #[error("the plan has no step {}", .0.0)]
    NoStep(StepId),
    #[error("cannot tidy up after the update")]
    Finish(#[from] finish::TidyError),
}

/// Where driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    Finished(Outcome),
    Waiting(PauseReason),
}

/// Goes on with the update from wherever its journal says it is, to its end or to where it has to wait.
pub fn drive(cx: &Context<'_>, _lock: &InstallationLock) -> Result<Stopped, EngineError> {
    let rows = cx.store.journal(cx.id, 0)?;
    let state = State::replay(cx.plan, rows.iter().map(|row| &row.event))?;
    if state.has_begun() {
        // A NetLink that was killed may have left a command running, which must not work beside its own repetition or undo.
        host::end_commands(cx.layout.root());
    }
    if !matches!(state.course(), Course::Finished(_)) {
        finish::log_beginning(cx, &state);
    }
    let reserve = Reserve::take(cx.layout);
    Drive { cx, state, reserve }.run()
}

struct Drive<'a, 'c> {
    cx: &'a Context<'c>,
    state: State,
    reserve: Reserve,
}

impl<'a> Drive<'a, '_> {
    fn run(mut self) -> Result<Stopped, EngineError> {
        loop {
            match journal::next(&self.state) {
                Next::Apply(id) => match self.wanted_otherwise()? {
                    Some(event) => self.record(&event)?,
                    None => self.apply(self.find(id)?)?,
                },
                Next::GiveUp(id) => {
                    let message = format!(
                        "NetLink ended three times without a result in step {}",
                        self.find(id)?.kind
                    );
                    self.fail(id, StepError::new("NL0321", message))?;
                }
                Next::Undo(id) => self.undo(self.find(id)?)?,
                Next::Commit => {
                    let wanted = self.wanted_back()?;
                    self.record(&wanted.unwrap_or(Event::Committed))?;
                }
                Next::Finish(outcome) => {
                    finish::tidy_up(self.cx, outcome)?;
                    self.reserve.release();
                    self.record(&Event::Finished { outcome })?;
                }
                Next::Wait(reason) => return Ok(Stopped::Waiting(reason)),
                Next::Done(outcome) => return Ok(Stopped::Finished(outcome)),
            }
        }
    }

    /// What those outside want of the update instead of its next step. Once it is committed there is no way back to want.
    fn wanted_otherwise(&self) -> Result<Option<Event>, EngineError> {
        self.cx.control.settle();
        let back = self.wanted_back()?;
        Ok(back.or_else(|| self.cx.control.wants_pause().map(|reason| Event::Paused { reason })))
    }

    /// The wish for the way back is in the store where it must outlive this process.
    fn wanted_back(&self) -> Result<Option<Event>, EngineError> {
        if self.state.course() != Course::Forward {
            return Ok(None);
        }
        let asked = || self.cx.control.wants_rollback().then(|| "the operator".to_owned());
        let by = self.cx.store.wanted_back_by(self.cx.id)?.or_else(asked);
        Ok(by.map(|by| Event::Aborted { by }))
    }

    fn find(&self, id: StepId) -> Result<&'a Step, EngineError> {
        self.cx.plan.step(id).ok_or(EngineError::NoStep(id))
    }

    /// Checks the entry against the journal's rules, then makes it durable, if need be with the room that was kept for that.
    fn record(&mut self, event: &Event) -> Result<(), EngineError> {
        self.state.apply(event)?;
        let store = self.cx.store;
        match store.append(self.cx.id, event, clock::now()) {
            Err(error) if error.is_full() => {
                self.reserve.release();
                store.append(self.cx.id, event, clock::now())?;
            }
            appended => drop(appended?),
        }
        finish::log(self.cx, event);
        self.count_fetched();
        Ok(())
    }

    /// What was fetched since the last entry, whatever has become of it.
    fn count_fetched(&self) {
        let bytes = self.cx.repository.map_or(0, Sources::taken);
        if bytes > 0 {
            // A measure is not worth an update.
            let _ = self.cx.store.count_fetched(bytes);
        }
    }

    fn start(&mut self, step: StepId, undo: Value) -> Result<(), EngineError> {
        self.record(&Event::Started { step, undo })
    }

    /// A full disk must not stand in the way of the undoing that follows.
    fn fail(&mut self, step: StepId, error: StepError) -> Result<(), EngineError> {
        let failure = error.into_failure();
        if failure.code == DISK_FULL {
            self.reserve.release();
        }
        self.record(&Event::Failed { step, failure })
    }

    fn apply(&mut self, step: &Step) -> Result<(), EngineError> {
        let (cx, id) = (self.cx, step.id);
        let work = step::of(step.kind);
        let undo = match self.state.steps().get(usize::from(id.0)) {
            Some(StepState::Pending) | None => match guarded(|| (work.prepare)(cx, step)) {
                Ok(undo) => undo,
                Err(error) => {
                    self.start(id, Value::Null)?;
                    return self.fail(id, error);
                }
            },
            Some(_) => self.state.undo_of(id).clone(),
        };
        self.start(id, undo.clone())?;
        if seeded::result_before_work() {
            let note = String::new();
            self.record(&Event::Succeeded { step: id, note })?;
            let _ = guarded(|| (work.apply)(cx, step, &undo));
            return Ok(());
        }
        match guarded(|| (work.apply)(cx, step, &undo)) {
            Ok(note) => self.record(&Event::Succeeded { step: id, note }),
            Err(error) if error.is_interrupted() => {
                self.wanted_otherwise()?.map_or(Ok(()), |event| self.record(&event))
            }
            Err(error) if error.falls_back() => {
                let reason = error.into_failure().message;
                self.record(&Event::FellBack { step: id, reason })
            }
            Err(error) => self.fail(id, error),
        }
    }

    fn undo(&mut self, step: &Step) -> Result<(), EngineError> {
        let (cx, id) = (self.cx, step.id);
        let kept = self.state.undo_of(id).clone();
        self.record(&Event::UndoStarted { step: id })?;
        // A step whose preparation failed has touched nothing.
        let undone = if kept.is_null() {
            Ok(())
        } else {
            guarded(|| (step::of(step.kind).undo)(cx, step, &kept))
        };
        let event = match undone {
            Ok(()) => Event::UndoFinished { step: id },
            Err(error) => Event::UndoFailed {
                step: id,
                failure: error.into_failure(),
            },
        };
        self.record(&event)
    }
}

/// A panic in a step is a failed step.
fn guarded<T>(work: impl FnOnce() -> Result<T, StepError>) -> Result<T, StepError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(StepError::new("NL0323", format!("a fault in NetLink itself: {text}")))
    })
}
