//! Migrations beside the running product: how far they are, and running them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::{AppError, Installation, Result};
use crate::clock;
use crate::engine::background::{self, Expected};
use crate::engine::{InstallationLock, knows, product};
use crate::store::StoreError;

/// How far it is, after each batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BackgroundProgress {
    pub rows: u64,
    /// About so many, where the trial of the update has counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_rows: Option<u64>,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct BackgroundReport {
    /// `done`, `paused`, or `nothing_to_do`.
    pub status: &'static str,
    pub level: Option<u32>,
    pub rows: u64,
    pub seconds: f64,
}

/// How long a wait between two batches goes without a look at whoever wants it to leave off.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs what is left, until it is done or `leave_off` is set.
pub fn migrate_in_background(
    root: &Path,
    config: Option<&Path>,
    leave_off: &AtomicBool,
    tell: &mut dyn FnMut(BackgroundProgress),
) -> Result<BackgroundReport> {
    let installation = Installation::open(root, config)?;
    let _lock = InstallationLock::take(&installation.layout, "netlink schema migrate")?;
    if let Some(id) = installation.store.unfinished()? {
        return Err(StoreError::Unfinished { id }.into());
    }
    let missing = || AppError::said("NL0107", "nothing is installed; there is nothing to migrate");
    let version = installation.installed()?.ok_or_else(missing)?;
    let manifest = product::manifest(&installation.layout, &version)?;
    knows::refuse_unknown(&installation.layout, &manifest)?;
    let level = || knows::level_of(&installation.layout, &manifest);
    let Some(left) = background::left(&installation.layout, &manifest)? else {
        return Ok(BackgroundReport {
            status: "nothing_to_do",
            level: level()?,
            rows: 0,
            seconds: 0.0,
        });
    };
    let expected = Expected::kept(&installation.store).rows(left.found, left.own);
    let pause = installation.settings.behavior.background_pause;
    let start = clock::monotonic();
    let mut rows = 0;
    let mut go_on = |changed: u64| {
        rows += changed;
        tell(progress(rows, expected, start.elapsed().as_secs_f64()));
        wait(pause, leave_off);
        !leave_off.load(Ordering::SeqCst)
    };
    let done = background::run(&installation.layout, &installation.store, &manifest, &left, &mut go_on)?;
    Ok(BackgroundReport {
        status: if done { "done" } else { "paused" },
        level: level()?,
        rows,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// What is estimated is estimated from the speed until now, pauses included.
fn progress(rows: u64, expected: Option<u64>, seconds: f64) -> BackgroundProgress {
    let left = expected.map(|expected| expected.saturating_sub(rows));
    BackgroundProgress {
        rows,
        expected_rows: expected,
        seconds,
        seconds_left: left
            .filter(|_| rows > 0)
            .map(|left| seconds * left as f64 / rows as f64),
    }
}

fn wait(pause: Duration, leave_off: &AtomicBool) {
    let until = clock::Deadline::after(pause);
    while !until.has_passed() && !leave_off.load(Ordering::SeqCst) {
        std::thread::sleep(until.left().min(LOOK_EVERY));
    }
}

/// Files that are still to be run beside the product.
pub fn left_for_background(installation: &Installation) -> Result<Vec<String>> {
    // In an update that is told by the update itself; and its migrations may have the database for themselves.
    let (None, Some(version)) = (installation.store.unfinished()?, installation.installed()?) else {
        return Ok(Vec::new());
    };
    // Who asks how things are must be told, also where the release cannot be read.
    let Ok(manifest) = product::manifest(&installation.layout, &version) else {
        return Ok(Vec::new());
    };
    let left = background::left(&installation.layout, &manifest).ok().flatten();
    let titles = left.map(|left| left.files.listed(left.found, left.own));
    Ok(titles.into_iter().flatten().map(|listed| listed.title).collect())
}
