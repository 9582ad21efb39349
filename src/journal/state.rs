//! The one function that knows every legal transition, and the state that replaying gives.

use super::{Event, Failure, Outcome, PauseReason};
use crate::plan::{Plan, StepId, StepKind};

/// The key under which a step that fell back is told so, and why.
pub const WHOLE_PACKAGE_BECAUSE: &str = "whole_package_because";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    Forward,
    Backward,
    /// Past the point of commitment; only tidying is left.
    Committed,
    Finished(Outcome),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    Pending,
    /// Begun `attempts` times; after a crash it is in doubt.
    Started {
        attempts: u32,
    },
    Succeeded,
    Failed,
    UndoStarted,
    Undone,
    UndoFailed,
}

impl StepState {
    /// Something of the step may be in place.
    pub fn needs_undo(&self) -> bool {
        !matches!(self, Self::Pending | Self::Undone)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal is damaged: `{event}` (step {step:?}) cannot follow in the course {course:?}")]
pub struct IllegalTransition {
    pub event: &'static str,
    pub step: Option<StepId>,
    pub course: Course,
}

/// State of one update.
#[derive(Debug, Clone)]
pub struct State {
    course: Course,
    steps: Vec<StepState>,
    undo: Vec<serde_json::Value>,
    paused: Option<PauseReason>,
    failure: Option<(StepId, Failure)>,
    aborted_by: Option<String>,
    /// Position of the last step before the commitment.
    commits_after: usize,
}

impl State {
    pub fn new(plan: &Plan) -> Self {
        let count = plan.steps().len();
        let commits_after = plan
            .steps()
            .iter()
            .rposition(|step| step.kind == StepKind::Record)
            .unwrap_or(count);
        Self {
            course: Course::Forward,
            steps: vec![StepState::Pending; count],
            undo: vec![serde_json::Value::Null; count],
            paused: None,
            failure: None,
            aborted_by: None,
            commits_after,
        }
    }

    pub fn replay<'a>(plan: &Plan, events: impl IntoIterator<Item = &'a Event>) -> Result<Self, IllegalTransition> {
        let mut state = Self::new(plan);
        for event in events {
            state.apply(event)?;
        }
        Ok(state)
    }

    pub fn course(&self) -> Course {
        self.course
    }

    pub fn paused(&self) -> Option<PauseReason> {
        self.paused
    }

    /// The failure that turned the update back, or that made it wait.
    pub fn failure(&self) -> Option<&(StepId, Failure)> {
        self.failure.as_ref()
    }

    pub fn aborted_by(&self) -> Option<&str> {
        self.aborted_by.as_deref()
    }

    /// Some step was started before.
    pub fn has_begun(&self) -> bool {
        self.steps.iter().any(|step| *step != StepState::Pending)
    }

    pub fn steps(&self) -> &[StepState] {
        &self.steps
    }

    /// What the step's undo needs; null before the step was started.
    pub fn undo_of(&self, step: StepId) -> &serde_json::Value {
        self.undo.get(usize::from(step.0)).unwrap_or(&serde_json::Value::Null)
    }

    pub(super) fn is_due_to_commit(&self) -> bool {
        self.course == Course::Forward
            && self
                .steps
                .iter()
                .take(self.commits_after + 1)
                .all(|s| *s == StepState::Succeeded)
    }

    /// The first step that is not done.
    pub(super) fn first_open(&self) -> Option<usize> {
        self.steps.iter().position(|s| *s != StepState::Succeeded)
    }

    /// The last step of which something may be in place.
    pub(super) fn last_to_undo(&self) -> Option<usize> {
        self.steps.iter().rposition(StepState::needs_undo)
    }

    /// Takes in the next entry, or refuses it and stays as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalTransition> {
        let illegal = IllegalTransition {
            event: event.name(),
            step: event.step(),
            course: self.course,
        };
        let at = event.step().map(|step| usize::from(step.0));
        let step_state = at.and_then(|i| self.steps.get(i)).cloned();
        let waits = self.paused.is_some();
        let moved = match (event, self.course, step_state) {
            (Event::Accepted { .. }, Course::Forward, None) => true,
            (Event::Started { undo, .. }, Course::Forward | Course::Committed, Some(was)) if !waits => {
                at == self.first_open() && !self.is_due_to_commit() && self.start(at, &was, undo)
            }
            (Event::Succeeded { .. }, Course::Forward | Course::Committed, Some(StepState::Started { .. })) => {
                self.set(at, StepState::Succeeded)
            }
            (Event::FellBack { reason, .. }, Course::Forward, Some(StepState::Started { .. })) => {
                self.fall_back(at, reason) && self.set(at, StepState::Started { attempts: 0 })
            }
            (Event::Failed { step, failure }, Course::Forward, Some(StepState::Started { .. })) => {
                self.failure = Some((*step, failure.clone()));
                self.course = Course::Backward;
                self.set(at, StepState::Failed)
            }
            (Event::Failed { step, failure }, Course::Committed, Some(StepState::Started { .. })) => {
                self.failure = Some((*step, failure.clone()));
                self.paused = Some(PauseReason::CleanUpFailed);
                self.set(at, StepState::Failed)
            }
            (Event::Aborted { by }, Course::Forward, _) => {
                self.aborted_by = Some(by.clone());
                self.paused = None;
                self.course = Course::Backward;
                true
            }
            (Event::UndoStarted { .. }, Course::Backward, Some(was)) if !waits && was.needs_undo() => {
                at == self.last_to_undo() && self.set(at, StepState::UndoStarted)
            }
            (Event::UndoFinished { .. }, Course::Backward, Some(StepState::UndoStarted)) => {
                self.set(at, StepState::Undone)
            }
            (Event::UndoFailed { step, failure }, Course::Backward, Some(StepState::UndoStarted)) => {
                // The first failure is why the update turned back; it stays the answer to `why` unless there was none.
                self.failure.get_or_insert((*step, failure.clone()));
                self.paused = Some(PauseReason::UndoFailed);
                self.set(at, StepState::UndoFailed)
            }
            (Event::Paused { reason }, Course::Forward | Course::Backward | Course::Committed, _) if !waits => {
                self.paused = Some(*reason);
                self.forget_attempts();
                true
            }
            (Event::Resumed { .. }, Course::Forward | Course::Backward | Course::Committed, _) if waits => {
                self.paused = None;
                true
            }
            (Event::Committed, Course::Forward, _) if self.is_due_to_commit() => {
                self.course = Course::Committed;
                true
            }
            (Event::Finished { outcome }, course, _) => self.finish(*outcome, course),
            _ => false,
        };
        if moved { Ok(()) } else { Err(illegal) }
    }

    fn start(&mut self, at: Option<usize>, was: &StepState, undo: &serde_json::Value) -> bool {
        let attempts = match was {
            StepState::Pending => 1,
            StepState::Started { attempts } => attempts + 1,
            StepState::Failed if self.course == Course::Committed => 1,
            _ => return false,
        };
        if let Some(kept) = at.and_then(|i| self.undo.get_mut(i)).filter(|kept| kept.is_null()) {
            *kept = undo.clone();
        }
        self.set(at, StepState::Started { attempts })
    }

    /// What the step goes by from now on; once only, so that it comes to an end.
    fn fall_back(&mut self, at: Option<usize>, reason: &str) -> bool {
        let Some(kept) = at.and_then(|at| self.undo.get_mut(at)) else {
            return false;
        };
        let first = kept.get(WHOLE_PACKAGE_BECAUSE).is_none();
        match kept.as_object_mut() {
            Some(kept) => drop(kept.insert(WHOLE_PACKAGE_BECAUSE.to_owned(), reason.into())),
            None => *kept = serde_json::json!({ WHOLE_PACKAGE_BECAUSE: reason }),
        }
        first
    }

    /// Who could journal a pause has not died in the step that it left off.
    fn forget_attempts(&mut self) {
        for step in &mut self.steps {
            if let StepState::Started { attempts } = step {
                *attempts = 0;
            }
        }
    }

    fn finish(&mut self, outcome: Outcome, course: Course) -> bool {
        let legal = match (outcome, course) {
            (Outcome::Completed, Course::Committed) => self.first_open().is_none(),
            (Outcome::RolledBack, Course::Backward) => self.last_to_undo().is_none(),
            _ => false,
        };
        if legal && self.paused.is_none() {
            self.course = Course::Finished(outcome);
            return true;
        }
        false
    }

    fn set(&mut self, at: Option<usize>, state: StepState) -> bool {
        match at.and_then(|i| self.steps.get_mut(i)) {
            Some(slot) => {
                *slot = state;
                true
            }
            None => false,
        }
    }
}
