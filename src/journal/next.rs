//! What is to be done next in an update; a function of its state alone.

use super::{Course, Outcome, PauseReason, State, StepState};
use crate::plan::StepId;

/// A step that was begun this often without a result (the machine or the program died each time) counts as failed.
const ATTEMPTS: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Apply(StepId),
    /// Died in this step too often.
    GiveUp(StepId),
    Undo(StepId),
    Commit,
    Finish(Outcome),
    Wait(PauseReason),
    Done(Outcome),
}

pub fn next(state: &State) -> Next {
    if let Some(reason) = state.paused() {
        return Next::Wait(reason);
    }
    match state.course() {
        Course::Finished(outcome) => Next::Done(outcome),
        Course::Backward => state
            .last_to_undo()
            .map_or(Next::Finish(Outcome::RolledBack), |at| Next::Undo(id(at))),
        Course::Forward if state.is_due_to_commit() => Next::Commit,
        course @ (Course::Forward | Course::Committed) => match state.first_open() {
            None => Next::Finish(Outcome::Completed),
            Some(at) => match state.steps()[at] {
                StepState::Started { attempts } if attempts >= ATTEMPTS && course == Course::Forward => {
                    Next::GiveUp(id(at))
                }
                _ => Next::Apply(id(at)),
            },
        },
    }
}

fn id(at: usize) -> StepId {
    StepId(u16::try_from(at).unwrap_or(u16::MAX))
}
