//! From hops to legs to ordered steps, with what they cost.

use super::goal::Aim;
use super::model::Body;
use super::{
    Cost, Direction, ExtensionChanges, Facts, Hop, Leg, PlanNotes, Reason, Refusal, Restorable, SchemaMove, Step,
    StepId, StepKind, Strategy, UpgradeStrategy, Warning, extensions,
};
use crate::release::Catalog;
use crate::version::Version;

/// Bytes a second, for estimates.
const DOWNLOAD_RATE: u64 = 10_000_000;
const DATA_RATE: u64 = 200_000_000;
/// Seconds to stop a product and start it again.
const RESTART: u64 = 2;
/// Room that is asked for beyond what can be calculated: journal, logs, file system overhead.
const SPARE: u64 = 16 << 20;

pub fn body(facts: &Facts, catalog: &Catalog, aim: Aim, hops: Vec<Hop>) -> Result<Body, Refusal> {
    let mut legs = legs(facts, catalog, hops, &aim)?;
    let extensions = extensions::decide(&facts.extensions, &legs, aim.direction);
    for (leg, changes) in legs.iter_mut().zip(extensions.changes) {
        leg.extensions = changes;
    }
    let steps = steps(&legs, aim.direction);
    let irreversible = irreversible(facts, &legs, aim.direction);
    let restore = restored(facts, &legs, aim.direction)?;
    let mut warnings = aim.warnings;
    warnings.extend(extensions.warnings);
    warnings.extend(restore.map(|restore| Warning {
        code: "restores-backup".into(),
        message: format!(
            "the database comes back from backup {} of {}: everything that was written to it since is lost",
            restore.backup, restore.made
        ),
    }));
    Ok(Body {
        product: facts.product.clone(),
        direction: aim.direction,
        from: facts.installed.as_ref().map(|installed| installed.version.clone()),
        to: aim.to,
        cost: cost(facts, &legs),
        legs,
        steps,
        warnings,
        irreversible,
        notes: PlanNotes::default(),
        accepted_risks: facts.terms.accepted_risks.clone(),
        bundle: None,
        restore: restore.map(|restore| restore.backup.clone()),
        incompatible: extensions.incompatible,
        begun: UpgradeStrategy::default(),
        graceful_timeout_seconds: None,
    })
}

/// Only where a way down is missing: those that lead back keep what was written since.
fn restored<'f>(facts: &'f Facts, legs: &[Leg], direction: Direction) -> Result<Option<&'f Restorable>, Refusal> {
    let Some(restore) = facts.restore.as_ref().filter(|_| direction == Direction::Down) else {
        return Ok(None);
    };
    let moves: Vec<SchemaMove> = legs.iter().filter_map(|leg| leg.schema).collect();
    let leads = |moved: &SchemaMove| {
        let mut levels = moved.to + 1..=moved.from.unwrap_or(0);
        levels.all(|level| facts.stored_downs.contains(&level))
    };
    match moves[..] {
        [only] if leads(&only) => Ok(None),
        [_] => Ok(Some(restore)),
        _ if moves.iter().all(leads) => Ok(None),
        _ => {
            let message = "a backup leads back in one go alone, and this way has more than one stop; go back with `netlink update rollback`";
            Err(Refusal::new(Reason::Unsound, message))
        }
    }
}

/// A leg ends at each stop, which must run before going on, and at the target.
fn legs(facts: &Facts, catalog: &Catalog, hops: Vec<Hop>, aim: &Aim) -> Result<Vec<Leg>, Refusal> {
    let mut level = facts.installed.as_ref().and_then(|installed| installed.schema_level);
    let mut legs = Vec::new();
    let mut open: Vec<Hop> = Vec::new();
    let last = hops.len().saturating_sub(1);
    for (at, hop) in hops.into_iter().enumerate() {
        let ends = hop.runs || at == last;
        open.push(hop);
        if ends {
            let leg = leg(facts, catalog, std::mem::take(&mut open), (level, aim))?;
            level = leg.schema.map_or(level, |moved| Some(moved.to));
            legs.push(leg);
        }
    }
    Ok(legs)
}

fn leg(facts: &Facts, catalog: &Catalog, hops: Vec<Hop>, (level, aim): (Option<u32>, &Aim)) -> Result<Leg, Refusal> {
    let from = hops.first().and_then(|hop| hop.from.clone());
    let unsound = || Refusal::new(Reason::Unsound, "a leg without a known release");
    let release = hops.last().and_then(|hop| catalog.get(&hop.to)).ok_or_else(unsound)?;
    // What takes the database down is kept here; the release itself is not needed for that.
    let is_down = aim.direction == Direction::Schema && release.rules.schema_level < level;
    let strategy = if is_down {
        Strategy::None
    } else {
        Strategy::choose(facts, catalog, (from.as_ref(), release), aim.fetch).ok_or_else(unsound)?
    };
    // A repair is of the release's own files alone.
    let moves = |to: &u32| aim.direction != Direction::Repair && level != Some(*to);
    let moved = release.rules.schema_level.filter(moves);
    let schema = moved.map(|to| SchemaMove { from: level, to });
    Ok(Leg {
        from,
        to: release.version.clone(),
        hops,
        strategy,
        rules: release.rules.clone(),
        schema,
        extensions: ExtensionChanges::default(),
    })
}

/// Everything that can be fetched, checked and tried comes before anything that the product notices.
fn steps(legs: &[Leg], direction: Direction) -> Vec<Step> {
    let first = direction == Direction::Install;
    let repair = direction == Direction::Repair;
    let schema_only = direction == Direction::Schema;
    // What the files say of their phases is known only once they are here.
    let in_parts = |leg: &Leg| direction == Direction::Up && leg.schema.is_some();
    let mut steps: Vec<(StepKind, usize)> = vec![(StepKind::Preflight, 0)];
    for kind in [StepKind::Download, StepKind::Stage] {
        let packaged = |leg: &(usize, &Leg)| leg.1.strategy.package().is_some();
        steps.extend(legs.iter().enumerate().filter(packaged).map(|(at, _)| (kind, at)));
    }
    if !schema_only {
        steps.extend((0..legs.len()).map(|at| (StepKind::Environment, at)));
    }
    if !first && !repair {
        steps.extend((0..legs.len()).map(|at| (StepKind::Trial, at)));
    }
    for (at, leg) in legs.iter().enumerate() {
        if !first {
            steps.push((StepKind::Backup, at));
            if at == 0 {
                steps.push((StepKind::MaintenanceOn, at));
            }
            if in_parts(leg) {
                steps.push((StepKind::SchemaBefore, at));
            }
            steps.push((StepKind::Stop, at));
            if !leg.extensions.disabled.is_empty() {
                steps.push((StepKind::ExtensionsOff, at));
            }
        }
        if repair {
            steps.push((StepKind::Exchange, at));
        }
        if !schema_only {
            steps.extend([(StepKind::Dependencies, at), (StepKind::Config, at)]);
        }
        if leg.schema.is_some() {
            steps.push((StepKind::Schema, at));
        }
        if !schema_only {
            steps.push((StepKind::Switch, at));
            if !leg.extensions.enabled.is_empty() {
                steps.push((StepKind::ExtensionsOn, at));
            }
        }
        steps.extend([StepKind::Start, StepKind::Health, StepKind::Validate].map(|kind| (kind, at)));
        if in_parts(leg) {
            steps.push((StepKind::SchemaAfter, at));
        }
        steps.push((StepKind::Record, at));
    }
    let end = legs.len().saturating_sub(1);
    if !first {
        steps.push((StepKind::MaintenanceOff, end));
    }
    steps.push((StepKind::Retention, end));
    let numbered = steps.into_iter().enumerate();
    numbered
        .map(|(at, (kind, leg))| Step {
            id: StepId(u16::try_from(at).unwrap_or(u16::MAX)),
            kind,
            leg,
        })
        .collect()
}

fn cost(facts: &Facts, legs: &[Leg]) -> Cost {
    let download: u64 = legs
        .iter()
        .filter_map(|leg| leg.strategy.fetched())
        .map(|target| target.length)
        .sum();
    let unpacked: u64 = legs
        .iter()
        .filter_map(|leg| leg.strategy.package())
        .map(|package| package.unpacked)
        .sum();
    let data = facts.installed.as_ref().map_or(0, |installed| installed.data_bytes);
    // The backup, its copy of live databases, the copy to undo from, the copy to try on.
    let copies = 4 * data;
    let downtime = legs.len() as u64 * RESTART + data / DATA_RATE;
    Cost {
        download_bytes: download,
        disk_bytes: download + unpacked + copies + SPARE,
        seconds: download / DOWNLOAD_RATE + copies / DATA_RATE + downtime,
        downtime_seconds: downtime,
    }
}

fn irreversible(facts: &Facts, legs: &[Leg], direction: Direction) -> Vec<String> {
    let Some(from) = facts.installed.as_ref().map(|installed| &installed.version) else {
        return Vec::new();
    };
    let goes_down = |leg: &Leg| {
        leg.schema
            .is_some_and(|moved| moved.from.is_some_and(|from| from > moved.to))
    };
    if direction == Direction::Down || (direction == Direction::Schema && legs.iter().any(goes_down)) {
        let text = |leg: &Leg| {
            let to = leg.schema?.to;
            Some(format!(
                "what only releases above {} store is lost when the schema goes down to level {to}",
                leg.to
            ))
        };
        return legs.iter().filter_map(text).collect();
    }
    let one_way = legs.iter().flat_map(|leg| &leg.hops).filter(|hop| !hop.reversible);
    let text = |to: &Version| format!("from {to} there is no way back to {from} but a restore of the backup");
    one_way.map(|hop| text(&hop.to)).collect()
}
