//! Products that migrate themselves: asked for the level of their database, and told where to bring it.

use super::{Layout, StepError, product};
use crate::release::{CommandSpec, OwnMigrations, ReleaseManifest};

/// A level counts migrations; what is more is something else.
const HIGHEST: u32 = 1_000_000;

/// None when it prints nothing: there is no schema yet.
pub fn level(layout: &Layout, manifest: &ReleaseManifest, own: &OwnMigrations) -> Result<Option<u32>, StepError> {
    let said = product::output_of(layout, manifest, &own.status, &[], "NL0304")?;
    let said = said.trim();
    if said.is_empty() {
        return Ok(None);
    }
    match said.parse().ok().filter(|level| *level <= HIGHEST) {
        Some(level) => Ok(Some(level)),
        None => {
            let message = format!(
                "`{}` of release {} does not print the level of its schema",
                own.status.command.join(" "),
                manifest.version
            );
            let found = said.lines().next().unwrap_or_default();
            Err(StepError::new("NL0304", message).expected(format!("a number up to {HIGHEST}"), found))
        }
    }
}

/// From one level to another; 0 is no schema.
pub fn bring(
    layout: &Layout,
    manifest: &ReleaseManifest,
    own: &OwnMigrations,
    command: &CommandSpec,
    (from, to): (u32, u32),
) -> Result<(), StepError> {
    product::output_of(layout, manifest, command, &[("from", from), ("to", to)], "NL0313")?;
    let found = level(layout, manifest, own)?;
    if found.unwrap_or(0) == to {
        return Ok(());
    }
    let message = format!(
        "`{}` ended well, and the schema is not where it was to be",
        command.command.join(" ")
    );
    let found = found.map_or("no schema".to_owned(), |level| format!("schema level {level}"));
    Err(StepError::new("NL0313", message).expected(format!("schema level {to}"), found))
}
