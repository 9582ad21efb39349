//! What may follow what in an update. The journal is append-only; state is what replaying it gives.
//!
//! ```text
//! accepted -> started -> succeeded -> … -> committed -> … -> finished(completed)
//!                \-> failed | aborted
//!                      \-> undo-started -> undo-finished -> … -> finished(rolled-back)
//!                               \-> undo-failed, waits for a person, resumed -> undo-started
//! ```

mod event;
mod next;
mod notice;
mod state;

pub use event::{Event, Failure, Outcome, PauseReason};
pub use next::{Next, next};
pub use notice::{NoticeKind, NoticeKindError};
pub use state::{Course, IllegalTransition, State, StepState, WHOLE_PACKAGE_BECAUSE};
