//! A migration tried on a copy: whether it works, how long it takes, and which ways down lead back to where it came from.

use std::path::Path;
use std::time::Instant;

use super::down::{StoredDown, down, downs_of};
use super::files::SchemaFiles;
use super::shape::{Shape, quick_check, shape_of};
use super::up::up;
use super::{SchemaError, history};
use crate::clock;

#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    seconds: f64,
    untrusted_downs: Vec<u32>,
}

impl Trial {
    /// How long the move itself took, without the checks after it.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Levels whose way down fails or does not give the old schema back. The ones below such a level are not tried.
    pub fn untrusted_downs(&self) -> &[u32] {
        &self.untrusted_downs
    }
}

/// Migrates `copy`, which the caller made and throws away. Ways down are tried when every level has one.
pub fn trial_up(copy: &Path, files: &SchemaFiles, to: u32) -> Result<Trial, SchemaError> {
    let from = history::level(copy)?.unwrap_or(0);
    let mut before: Vec<(u32, Shape)> = Vec::new();
    let mut seconds = 0.0;
    // An error of `up` for a target below must come from `up`, hence one run even when there is no level between.
    for level in from.saturating_add(1).min(to)..=to {
        before.push((level, shape_of(copy)?));
        seconds += timed(|| up(copy, files, level))?;
    }
    quick_check(copy)?;
    let levels: Vec<u32> = (from.saturating_add(1)..=to).collect();
    let downs = downs_of(files, from, to);
    let untrusted_downs = if !levels.is_empty() && downs.len() == levels.len() {
        before.retain(|(level, _)| *level > from);
        untrusted(copy, files, &downs, &before)?
    } else {
        Vec::new()
    };
    Ok(Trial {
        seconds,
        untrusted_downs,
    })
}

/// Takes `copy` down as [`down`] would take the database itself.
pub fn trial_down(copy: &Path, downs: &[StoredDown], to: u32) -> Result<Trial, SchemaError> {
    let seconds = timed(|| down(copy, downs, to))?;
    quick_check(copy)?;
    Ok(Trial {
        seconds,
        untrusted_downs: Vec::new(),
    })
}

/// Down level by level, then up again.
fn untrusted(
    copy: &Path,
    files: &SchemaFiles,
    downs: &[StoredDown],
    before: &[(u32, Shape)],
) -> Result<Vec<u32>, SchemaError> {
    let top = shape_of(copy)?;
    for (level, shape) in before.iter().rev() {
        match down(copy, downs, level - 1) {
            Ok(_) if shape_of(copy)? == *shape => {}
            Ok(_) | Err(SchemaError::Migration { .. }) => return Ok(vec![*level]),
            Err(e) => return Err(e),
        }
    }
    let all = || before.iter().map(|(level, _)| *level).collect::<Vec<_>>();
    match up(copy, files, all().last().copied().unwrap_or(0)) {
        // Which of them left the data that the way up trips over is not known.
        Err(SchemaError::Migration { .. }) => Ok(all()),
        Err(e) => Err(e),
        Ok(_) if shape_of(copy)? != top => Ok(all()),
        Ok(_) => quick_check(copy).map(|()| Vec::new()),
    }
}

fn timed<T>(run: impl FnOnce() -> Result<T, SchemaError>) -> Result<f64, SchemaError> {
    let start: Instant = clock::monotonic();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}
