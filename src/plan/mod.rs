//! From facts, releases and a wish to an immutable plan, or to a refusal that says why. Pure: no I/O, no clock.

mod facts;
mod model;
mod refusal;

pub use facts::{Facts, Goal, Installed, Wish};
pub use model::{
    Cost, Direction, Hop, Leg, Phase, Plan, PlanError, SchemaMove, Source, Step, StepId, StepKind, Warning,
};
pub use refusal::{Reason, Refusal, RefusedHop};
