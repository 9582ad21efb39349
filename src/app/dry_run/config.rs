//! What an update would do to configuration files.

use std::path::PathBuf;

use crate::app::{AppError, Installation, Result};
use crate::engine::{ConfigChange, preview_config};
use crate::plan::{Direction, Plan};

/// `trees` has the release of each hop.
pub fn changes(installation: &Installation, plan: &Plan, trees: &[PathBuf]) -> Result<Vec<ConfigChange>> {
    // A migration of the database alone leaves them as they are.
    if plan.direction() == Direction::Schema {
        return Ok(Vec::new());
    }
    let of = (&installation.layout, &installation.store, &installation.settings.config);
    preview_config(of, plan, trees).map_err(|error| AppError::said("NL0312", error.into_failure().message))
}
