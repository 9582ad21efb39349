//! The database alone: where it may be brought, and how it differs from a fresh one.

use serde::Serialize;

use super::dry_run::Scratch;
use super::{AppError, Goal, Installation, Result};
use crate::engine::copies::{Copy, Live};
use crate::engine::{knows, product};
use crate::migrate::schema::{self, Difference, SchemaFiles};
use crate::release::ReleaseManifest;
use crate::version::Version;

/// The goal of bringing the database to the schema of a release; without one, of the installed release.
pub fn schema_goal(installation: &Installation, to: Option<&Version>) -> Result<Goal> {
    let missing = || {
        AppError::said(
            "NL0107",
            "nothing is installed; `netlink init --version V` installs a release with its database",
        )
    };
    let installed = installation.installed()?.ok_or_else(missing)?;
    Ok(Goal::Schema(to.cloned().unwrap_or(installed)))
}

/// The database of a release as the configuration has it now.
pub(super) fn live<'a>(installation: &'a Installation, manifest: &'a ReleaseManifest) -> Live<'a> {
    Live::now(&installation.layout, &installation.settings, manifest)
}

/// How the database differs from that of a fresh installation of the installed release.
#[derive(Debug, Serialize)]
pub struct SchemaDiff {
    pub version: Version,
    pub level: Option<u32>,
    pub fresh_level: u32,
    pub differences: Vec<Difference>,
}

impl SchemaDiff {
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.level == Some(self.fresh_level)
    }
}

pub fn schema_diff(installation: &Installation) -> Result<SchemaDiff> {
    let missing = || AppError::said("NL0107", "nothing is installed; there is no schema to compare with");
    let version = installation.installed()?.ok_or_else(missing)?;
    let manifest = product::manifest(&installation.layout, &version)?;
    let none = || {
        AppError::said(
            "NL0115",
            format!("release {version} has no database that NetLink migrates"),
        )
    };
    let place = knows::place(&installation.layout, &manifest)?.ok_or_else(none)?;
    let files: SchemaFiles = knows::files_of(&installation.layout, &manifest)?.ok_or_else(none)?;
    let fresh_level = manifest.rules.schema_level.unwrap_or_else(|| files.highest());
    let scratch = Scratch::take(&installation.layout)?;
    let differences = live(installation, &manifest).on_copy(Copy::Empty, scratch.path(), "NL0313", |fresh, _| {
        schema::diff(&place, &files, fresh_level, fresh)
    })?;
    Ok(SchemaDiff {
        level: knows::level_of(&installation.layout, &manifest)?,
        fresh_level,
        differences,
        version,
    })
}
