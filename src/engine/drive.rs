//! The loop that executes a stored plan: what is next, journal that it starts, do it, journal how it went.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::{Context, InstallationLock, StepError, finish, seeded, step};
use crate::clock;
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
    Finish(#[from] crate::disk::DiskError),
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
    let mut state = State::replay(cx.plan, rows.iter().map(|row| &row.event))?;
    loop {
        match journal::next(&state) {
            Next::Apply(id) => match wanted_otherwise(cx, &state) {
                Some(event) => record(cx, &mut state, &event)?,
                None => apply(cx, &mut state, find(cx, id)?)?,
            },
            Next::GiveUp(id) => {
                let message = format!(
                    "NetLink ended three times without a result in step {}",
                    find(cx, id)?.kind
                );
                let failure = StepError::new("NL0321", message).into_failure();
                record(cx, &mut state, &Event::Failed { step: id, failure })?;
            }
            Next::Undo(id) => undo(cx, &mut state, find(cx, id)?)?,
            Next::Commit => record(cx, &mut state, &Event::Committed)?,
            Next::Finish(outcome) => {
                finish::tidy_up(cx, outcome)?;
                record(cx, &mut state, &Event::Finished { outcome })?;
            }
            Next::Wait(reason) => return Ok(Stopped::Waiting(reason)),
            Next::Done(outcome) => return Ok(Stopped::Finished(outcome)),
        }
    }
}

/// What those outside want of the update instead of its next step. Once it is committed there is no way back to want.
fn wanted_otherwise(cx: &Context<'_>, state: &State) -> Option<Event> {
    if cx.control.wants_rollback() && state.course() == Course::Forward {
        let by = "the operator".into();
        return Some(Event::Aborted { by });
    }
    cx.control.wants_pause().map(|reason| Event::Paused { reason })
}

fn find<'a>(cx: &'a Context<'_>, id: StepId) -> Result<&'a Step, EngineError> {
    cx.plan.step(id).ok_or(EngineError::NoStep(id))
}

/// Checks the entry against the journal's rules, then makes it durable.
fn record(cx: &Context<'_>, state: &mut State, event: &Event) -> Result<(), EngineError> {
    state.apply(event)?;
    cx.store.append(cx.id, event, clock::now())?;
    finish::log(cx, event);
    Ok(())
}

fn apply(cx: &Context<'_>, state: &mut State, step: &Step) -> Result<(), EngineError> {
    let id = step.id;
    let work = step::of(step.kind);
    let undo = match state.steps().get(usize::from(id.0)) {
        Some(StepState::Pending) | None => match guarded(|| (work.prepare)(cx, step)) {
            Ok(undo) => undo,
            Err(error) => {
                record(
                    cx,
                    state,
                    &Event::Started {
                        step: id,
                        undo: Value::Null,
                    },
                )?;
                return record(
                    cx,
                    state,
                    &Event::Failed {
                        step: id,
                        failure: error.into_failure(),
                    },
                );
            }
        },
        Some(_) => state.undo_of(id).clone(),
    };
    record(
        cx,
        state,
        &Event::Started {
            step: id,
            undo: undo.clone(),
        },
    )?;
    if seeded::result_before_work() {
        record(
            cx,
            state,
            &Event::Succeeded {
                step: id,
                note: String::new(),
            },
        )?;
        let _ = guarded(|| (work.apply)(cx, step, &undo));
        return Ok(());
    }
    match guarded(|| (work.apply)(cx, step, &undo)) {
        Ok(note) => record(cx, state, &Event::Succeeded { step: id, note }),
        Err(error) if error.is_interrupted() => {
            wanted_otherwise(cx, state).map_or(Ok(()), |event| record(cx, state, &event))
        }
        Err(error) => record(
            cx,
            state,
            &Event::Failed {
                step: id,
                failure: error.into_failure(),
            },
        ),
    }
}

fn undo(cx: &Context<'_>, state: &mut State, step: &Step) -> Result<(), EngineError> {
    let id = step.id;
    let kept = state.undo_of(id).clone();
    record(cx, state, &Event::UndoStarted { step: id })?;
    // A step whose preparation failed has touched nothing.
    let undone = if kept.is_null() {
        Ok(())
    } else {
        guarded(|| (step::of(step.kind).undo)(cx, step, &kept))
    };
    match undone {
        Ok(()) => record(cx, state, &Event::UndoFinished { step: id }),
        Err(error) => record(
            cx,
            state,
            &Event::UndoFailed {
                step: id,
                failure: error.into_failure(),
            },
        ),
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
