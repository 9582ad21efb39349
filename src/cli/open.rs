//! The installation that a command is about.

use super::args::Global;
use super::output::Result;
use crate::app::Installation;

/// Opens the installation that `--root` names.
pub fn open(global: &Global) -> Result<Installation> {
    Ok(Installation::open(&global.root, global.config.as_deref())?)
}
