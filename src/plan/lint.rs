//! What is true of every sound plan; checked before one is given out, and again when one is read back.

use super::model::Body;
use super::{Direction, PlanError, StepKind};

pub fn check(body: &Body) -> Result<(), PlanError> {
    legs_chain(body)?;
    steps_are_numbered(body)?;
    nothing_is_touched_too_early(body)?;
    each_leg_is_whole(body)?;
    record_is_last(body)
}

fn unsound<T>(what: impl Into<String>) -> Result<T, PlanError> {
    Err(PlanError::Unsound(what.into()))
}

fn legs_chain(body: &Body) -> Result<(), PlanError> {
    let hops = body.legs.iter().flat_map(|leg| &leg.hops).count();
    if matches!(body.direction, Direction::Repair | Direction::Schema) && hops != 1 {
        return unsound("what leads nowhere is not exactly one hop");
    }
    let mut at = body.from.clone();
    for leg in &body.legs {
        for hop in &leg.hops {
            let right = match (body.direction, &hop.from) {
                (Direction::Install, from) => from.is_none(),
                (Direction::Up, Some(from)) => *from < hop.to,
                (Direction::Down, Some(from)) => *from > hop.to,
                (Direction::Repair, Some(from)) => *from == hop.to,
                (Direction::Schema, Some(_)) => true,
                (_, None) => false,
            };
            if hop.from != at || !right {
                return unsound(format!("the hop to {} does not follow from where the path is", hop.to));
            }
            at = Some(hop.to.clone());
        }
        if leg.hops.last().map(|hop| &hop.to) != Some(&leg.to)
            || leg.hops.first().map(|hop| &hop.from) != Some(&leg.from)
        {
            return unsound(format!("the leg to {} is not the sum of its hops", leg.to));
        }
        if leg.hops.iter().rev().skip(1).any(|hop| hop.stop || hop.runs) {
            return unsound(format!("the leg to {} runs past a stop", leg.to));
        }
    }
    if at.as_ref() == Some(&body.to) {
        Ok(())
    } else {
        unsound("the path does not end at the target")
    }
}

fn steps_are_numbered(body: &Body) -> Result<(), PlanError> {
    let numbered = body
        .steps
        .iter()
        .enumerate()
        .all(|(at, step)| usize::from(step.id.0) == at);
    let on_legs = body.steps.iter().all(|step| step.leg < body.legs.len());
    if numbered && on_legs {
        Ok(())
    } else {
        unsound("steps are not numbered in order, or name a leg that is not there")
    }
}

/// Pre-flight first; every package fetched, verified and tried before the product notices anything.
fn nothing_is_touched_too_early(body: &Body) -> Result<(), PlanError> {
    if body.steps.first().map(|step| step.kind) != Some(StepKind::Preflight) {
        return unsound("the first step is not the pre-flight");
    }
    let fetching = [
        StepKind::Download,
        StepKind::Stage,
        StepKind::Environment,
        StepKind::Trial,
    ];
    let last_fetch = body
        .steps
        .iter()
        .rposition(|step| fetching.contains(&step.kind))
        .unwrap_or(0);
    let first_touch = body
        .steps
        .iter()
        .position(|step| step.kind >= StepKind::MaintenanceOn)
        .unwrap_or(usize::MAX);
    if last_fetch < first_touch {
        Ok(())
    } else {
        unsound("the product is touched before all is fetched and tried")
    }
}

fn each_leg_is_whole(body: &Body) -> Result<(), PlanError> {
    for (at, leg) in body.legs.iter().enumerate() {
        let own: Vec<StepKind> = body
            .steps
            .iter()
            .filter(|step| step.leg == at)
            .map(|step| step.kind)
            .collect();
        let mut wanted = vec![StepKind::Start, StepKind::Health, StepKind::Record];
        if body.direction != Direction::Schema {
            wanted.extend([StepKind::Environment, StepKind::Config, StepKind::Switch]);
        }
        wanted.extend(match body.direction {
            Direction::Install => &[][..],
            Direction::Up | Direction::Down => &[StepKind::Trial, StepKind::Backup, StepKind::Stop],
            Direction::Schema => &[StepKind::Trial, StepKind::Backup, StepKind::Stop, StepKind::Schema],
            // What takes the place of the installed tree has to come from somewhere.
            Direction::Repair => &[StepKind::Stage, StepKind::Backup, StepKind::Stop, StepKind::Exchange],
        });
        if leg.strategy.package().is_some() {
            wanted.extend([StepKind::Download, StepKind::Stage]);
        }
        if leg.schema.is_some() {
            wanted.push(StepKind::Schema);
        }
        let changes = &leg.extensions;
        wanted.extend((!changes.disabled.is_empty()).then_some(StepKind::ExtensionsOff));
        wanted.extend((!changes.enabled.is_empty()).then_some(StepKind::ExtensionsOn));
        if let Some(missing) = wanted
            .iter()
            .find(|kind| own.iter().filter(|one| one == kind).count() != 1)
        {
            return unsound(format!(
                "the leg to {} does not have step {missing} exactly once",
                leg.to
            ));
        }
        if !own.is_sorted() {
            return unsound(format!("the steps of the leg to {} are not in their order", leg.to));
        }
    }
    Ok(())
}

/// After the last record there is only tidying.
fn record_is_last(body: &Body) -> Result<(), PlanError> {
    let last = body.steps.iter().rposition(|step| step.kind == StepKind::Record);
    let after = last.map(|at| &body.steps[at + 1..]).unwrap_or_default();
    let tidying = [StepKind::MaintenanceOff, StepKind::Retention];
    if last.is_some() && after.iter().all(|step| tidying.contains(&step.kind)) {
        return Ok(());
    }
    unsound("something but tidying comes after the new version is recorded")
}
