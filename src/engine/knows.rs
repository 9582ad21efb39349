//! Whether a release's code runs on the schema that the database has: on its own level; on one below it, if all between say that
//! they can wait (`phase=after`, `phase=background`); on one above it, if all between say that they come before the new code
//! (`phase=before`).

use std::path::Path;

use super::{Layout, StepError, own_migrations, product, servers};
use crate::disk;
use crate::migrate::schema::{self, Dialect, Phase, Place, Reach, SchemaFiles, StoredLevel};
use crate::release::{DatabaseSpec, ReleaseManifest};
use crate::store::Store;
use crate::version::Version;

/// The level that the database of a release is at; none without a database.
pub fn level_of(layout: &Layout, manifest: &ReleaseManifest) -> Result<Option<u32>, StepError> {
    if let Some(own) = manifest.own_migrations() {
        return own_migrations::level(layout, manifest, own);
    }
    match place(layout, manifest)? {
        None => Ok(None),
        Some(place) => schema::level(&place).map_err(|e| StepError::because("NL0304", &e)),
    }
}

/// Where the database of a release is that NetLink migrates, as the configuration has it now.
pub fn place(layout: &Layout, manifest: &ReleaseManifest) -> Result<Option<Place>, StepError> {
    Ok(match &manifest.database {
        Some(DatabaseSpec::Sqlite(file)) => Some(Place::Sqlite(disk::followed(&file.path.under(&layout.data())))),
        Some(DatabaseSpec::Server(server)) if server.migrations.is_some() => {
            let values = product::values(layout, manifest)?;
            Some(Place::Server(Reach::new(servers::login(server, &values)?)))
        }
        Some(DatabaseSpec::Server(_) | DatabaseSpec::Command(_)) | None => None,
    })
}

pub fn dialect(database: &DatabaseSpec) -> Dialect {
    match database {
        // A product that migrates itself has no files that would be read.
        DatabaseSpec::Sqlite(_) | DatabaseSpec::Command(_) => Dialect::Sqlite,
        DatabaseSpec::Server(server) => Dialect::of(server.engine),
    }
}

/// The migrations of a release whose tree is on this disk; none when it has no database.
pub fn files_of(layout: &Layout, manifest: &ReleaseManifest) -> Result<Option<SchemaFiles>, StepError> {
    files_in(&layout.release(&manifest.version), manifest)
}

/// The same, wherever its tree lies.
pub fn files_in(tree: &Path, manifest: &ReleaseManifest) -> Result<Option<SchemaFiles>, StepError> {
    let (Some(database), Some(folder)) = (&manifest.database, manifest.migrations()) else {
        return Ok(None);
    };
    let dir = folder.under(tree);
    let listed = |name: &str| {
        let path = format!("{folder}/{name}");
        manifest.files.iter().any(|entry| entry.path.as_str() == path)
    };
    let files = SchemaFiles::load(dialect(database), &dir, &listed).map_err(|e| StepError::because("NL0313", &e))?;
    Ok(Some(files))
}

/// Whether its code runs on this level.
pub fn runs_on(layout: &Layout, manifest: &ReleaseManifest, found: u32) -> Result<bool, StepError> {
    let Some(own) = manifest.rules.schema_level else {
        return Ok(true);
    };
    if found < own {
        let files = files_of(layout, manifest)?;
        let waits = |level| matches!(files.as_ref()?.phase(level)?, Phase::After | Phase::Background).then_some(());
        return Ok((found + 1..=own).all(|level| waits(level).is_some()));
    }
    if found == own {
        return Ok(true);
    }
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0404", e);
    let store = Store::open_to_read(&layout.store()).map_err(|e| failed(&e))?;
    let stored = store.schema_downs().map_err(|e| failed(&e))?;
    for level in own + 1..=found {
        let Some(json) = stored.get(&level) else {
            return Ok(false);
        };
        let stored: StoredLevel = serde_json::from_str(json).map_err(|e| failed(&e))?;
        if stored.phase != Phase::Before {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Of those on this disk; one that cannot be read is none.
fn others_that_run_on(layout: &Layout, manifest: &ReleaseManifest, found: u32) -> Vec<String> {
    let dirs = std::fs::read_dir(layout.releases()).into_iter().flatten().flatten();
    let versions = dirs.filter_map(|dir| dir.file_name().to_str()?.parse::<Version>().ok());
    let fits = |version: &Version| {
        let other = product::manifest(layout, version).ok()?;
        let same = other.product == manifest.product && other.rules.schema_level.is_some();
        (same && runs_on(layout, &other, found).ok()?).then_some(())
    };
    let mut fitting: Vec<Version> = versions.filter(|version| fits(version).is_some()).collect();
    fitting.sort();
    fitting.iter().map(ToString::to_string).collect()
}

/// Code never meets a schema that it does not know.
pub fn refuse_unknown(layout: &Layout, manifest: &ReleaseManifest) -> Result<(), StepError> {
    let (Some(found), Some(own)) = (level_of(layout, manifest)?, manifest.rules.schema_level) else {
        return Ok(());
    };
    if runs_on(layout, manifest, found)? {
        return Ok(());
    }
    let can = others_that_run_on(layout, manifest, found);
    let can = match &can[..] {
        [] => "`netlink update check` lists the releases that there are".to_owned(),
        some => format!("of the releases on this disk {} can", some.join(", ")),
    };
    let message = format!(
        "release {} does not run on the schema that its database has; `netlink update upgrade-db` brings the database to the \
         level of the installed release; {can}",
        manifest.version
    );
    Err(StepError::new("NL0329", message).expected(format!("schema level {own}"), format!("schema level {found}")))
}
