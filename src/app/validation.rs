//! Whether an update could begin now, without a further word: planned as it would be, and neither begun nor tried.

use super::calendar::refuse_when_closed;
use super::orders::refuse_warnings;
use super::scheduling::{Begin, beginning};
use super::updating::is_covered;
use super::{AppError, Consent, Fetch, Goal, Installation, PlanView, Ready, Result, Wish, codes::Kind, preview};
use crate::plan::UpgradeStrategy;
use crate::version::Version;

#[derive(Debug, Clone)]
pub struct ToValidate {
    /// Expected to be installed; none expects nothing.
    pub from: Option<Version>,
    /// Up or down.
    pub to: Version,
    pub begin: Begin,
}

#[derive(Debug)]
pub struct Validation {
    /// None where there is no way, or nothing to do.
    pub plan: Option<PlanView>,
    pub already_there: bool,
    /// Why it could not begin; empty when it could.
    pub problems: Vec<AppError>,
}

/// Refusals are what is asked for; what keeps from finding out is an error.
pub fn validate(installation: &Installation, wanted: &ToValidate) -> Result<Validation> {
    let mut found = Validation {
        plan: None,
        already_there: false,
        problems: Vec::new(),
    };
    let installed = installation.installed()?;
    if let Some(expected) = wanted.from.as_ref().filter(|from| Some(*from) != installed.as_ref()) {
        let installed = installed.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        let message = format!("{expected} is not installed, {installed} is; what is planned begins there");
        found.problems.push(AppError::said("NL0733", message));
    }
    let goal = match installed.is_some_and(|installed| wanted.to < installed) {
        true => Goal::Downgrade(wanted.to.clone()),
        false => Goal::Upgrade(Wish::To(wanted.to.clone()), Fetch::AsNeeded),
    };
    let begins = found.take(beginning(installation, wanted.begin, false))?;
    let plan = match found.take(preview(installation, &goal.clone().into()))? {
        None => return Ok(found),
        Some(Ready::AlreadyThere(_)) => {
            found.already_there = true;
            return Ok(found);
        }
        Some(Ready::Go(view)) => view,
    };
    // What is scheduled begins when the calendar is open.
    if begins.is_some_and(|(strategy, _)| strategy != UpgradeStrategy::Scheduled) {
        found.take(refuse_when_closed(installation, &goal, &plan.plan, false))?;
    }
    found.take(refuse_warnings(&plan.plan, false))?;
    found.take(is_covered(&plan.plan, &Consent::default()))?;
    found.plan = Some(plan);
    Ok(found)
}

impl Validation {
    fn take<T>(&mut self, found: Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(refused) if is_refusal(&refused) => {
                self.problems.push(refused);
                Ok(None)
            }
            Err(failed) => Err(failed),
        }
    }
}

fn is_refusal(error: &AppError) -> bool {
    matches!(
        error.code().kind,
        Kind::Refused | Kind::Doubtful | Kind::Conflict | Kind::NotFound | Kind::NotNow | Kind::Cancelled
    )
}
