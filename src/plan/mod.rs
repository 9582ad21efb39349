//! From facts, releases and a wish to an immutable plan, or to a refusal that says why. Pure: no I/O, no clock.

mod bars;
mod calendar;
mod component;
mod entrance;
mod explain;
mod extensions;
mod facts;
mod fit;
mod goal;
mod graph;
mod index;
mod lint;
mod model;
mod notes;
mod path;
mod refusal;
mod repair;
mod route;
mod rule;
mod schema_only;
mod search;
mod segments;
mod stack;
mod steps;
mod strategy;
mod terms;
#[cfg(test)]
mod tests;
mod travel;
mod upgrade_strategy;
mod waiting;

pub use bars::{Bar, bars};
pub use calendar::{
    Answer as CalendarAnswer, Calendar, Closed, Dates, Day, Exception, ExceptionRule, Hours, Interval, MomentError,
    local, moment, to_come,
};
pub use component::ComponentNeed;
pub use entrance::{Shut, shut};
pub use explain::{Explanation, explain};
pub use extensions::{
    ExtensionChange, ExtensionChanges, ExtensionFacts, ExtensionState, FoundExtensions, Incompatible,
    InstalledExtension, unforeseen,
};
pub use facts::{Facts, Fetch, Goal, Installed, Restorable, Tree, Wish};
pub use goal::{PASSED_OVER, unknown};
pub use graph::{EdgeRule, Graph, GraphError};
pub use index::{Index, IndexError, scheme_of};
pub use model::{Cost, Direction, Hop, Leg, Phase, Plan, PlanError, SchemaMove, Step, StepId, StepKind, Warning};
pub use notes::{Concern, PlanNote, PlanNotes};
pub use refusal::{Reason, Refusal, RefusedHop};
pub use route::Stuck;
pub use rule::Rule;
pub use stack::{Change, FittedStack, Missed, Placed, Stack, StackEntry, StackError, StackFile, StackTerms, StackWish};
pub use strategy::{Strategy, WhyFull};
pub use terms::{Policy, Terms};
pub use travel::{NoTravel, Travel, TravelHop, index_graph, plan_way};
pub use upgrade_strategy::{UpgradeStrategy, UpgradeStrategyError};

use crate::release::Catalog;
use crate::version::Version;

/// What a goal comes to.
#[derive(Debug, Clone)]
pub enum Planned {
    AlreadyThere(Settled),
    Go(Box<Plan>),
}

/// The wanted version is the installed one, or nothing better may be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub version: Version,
    /// Higher releases that were wished for in general, each with why it is not taken.
    pub passed_over: Vec<String>,
}

impl Settled {
    pub fn at(version: Version) -> Self {
        Self {
            version,
            passed_over: Vec::new(),
        }
    }
}

/// The plan for a goal; the same answer for the same input.
pub fn plan(facts: &Facts, catalog: &Catalog, goal: &Goal) -> Result<Planned, Refusal> {
    if let Some(aim) = repair::wanted(facts, catalog, goal) {
        let hops = repair::hops(facts, catalog, &aim.to)?;
        return sealed(steps::body(facts, catalog, aim, hops)?);
    }
    if let Goal::Schema(to) = goal {
        return match schema_only::resolve(facts, catalog, to)? {
            schema_only::Resolved::AlreadyThere(planned) => Ok(planned),
            schema_only::Resolved::Go(aim, hops) => sealed(steps::body(facts, catalog, aim, hops)?),
        };
    }
    let graph = path::graph(facts, catalog)?;
    let mut aim = match goal::resolve(facts, catalog, &graph, goal)? {
        goal::Resolved::AlreadyThere(settled) => return Ok(Planned::AlreadyThere(settled)),
        goal::Resolved::Aim(aim) => aim,
    };
    let hops = path::find(facts, catalog, &graph, &aim)?;
    aim.warnings.extend(path::warnings(&graph, &hops));
    sealed(steps::body(facts, catalog, aim, hops)?)
}

fn sealed(body: model::Body) -> Result<Planned, Refusal> {
    Plan::seal(body)
        .map(|plan| Planned::Go(Box::new(plan)))
        .map_err(|e| Refusal::new(Reason::Unsound, e.to_string()))
}
