//! The publisher's side of a manifest: `release.toml`, checked against the tree it describes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{CONFIG_DEFAULTS, PackageError, SOURCE_NAME};
use crate::disk;
use crate::release::{DatabaseSpec, ReleaseManifest, ServerSpec};

/// Most bytes of a `release.toml`.
const SOURCE_LIMIT: u64 = 1 << 20;

/// Reads `<tree>/release.toml` and checks that the tree has what it names.
pub fn read_source(tree: &Path) -> Result<ReleaseManifest, PackageError> {
    let path = tree.join(SOURCE_NAME);
    let fail = |problem: String| PackageError::Source {
        path: path.clone(),
        problem,
    };
    let text = disk::read_text_limited(&path, SOURCE_LIMIT)?;
    let manifest: ReleaseManifest = toml_edit::de::from_str(&text).map_err(|e| fail(e.to_string()))?;
    if !manifest.files.is_empty() {
        return Err(fail("`files` is written by packing, not by hand".into()));
    }
    check_against(tree, &manifest).map_err(fail)?;
    Ok(manifest)
}

/// What the manifest names must be in the tree.
pub(super) fn check_against(tree: &Path, manifest: &ReleaseManifest) -> Result<(), String> {
    for spec in &manifest.config {
        let file = &spec.file;
        let default = file.under(&tree.join(CONFIG_DEFAULTS));
        if !default.is_file() {
            return Err(format!(
                "`config` lists {file}, but there is no file {CONFIG_DEFAULTS}/{file}"
            ));
        }
        if let Some(schema) = spec.schema.as_ref().filter(|schema| !schema.under(tree).is_file()) {
            return Err(format!("{file} names the schema {schema}, which is not there"));
        }
    }
    for (name, variable) in &manifest.variables {
        if manifest.config_file(&variable.file).is_none() {
            return Err(format!(
                "variable `{name}` is read from {}, which `config` does not list",
                variable.file
            ));
        }
    }
    match &manifest.database {
        Some(DatabaseSpec::Sqlite(database)) if !database.migrations.under(tree).is_dir() => {
            return Err(format!("the folder of migrations {} is not there", database.migrations));
        }
        Some(DatabaseSpec::Server(server)) => check_server(manifest, server)?,
        Some(DatabaseSpec::Sqlite(_)) | None => {}
    }
    if let Some(run) = &manifest.run {
        let Some(program) = run.command.first() else {
            return Err("`run.command` is empty".into());
        };
        if let Some(inside) = program.strip_prefix("{release}/") {
            check_program(tree, inside)?;
        }
    }
    Ok(())
}

fn check_server(manifest: &ReleaseManifest, server: &ServerSpec) -> Result<(), String> {
    let known = |name: &String| {
        manifest.variables.contains_key(name) || ["root", "release", "data", "config"].contains(&name.as_str())
    };
    if let Some(unknown) = server.url.variables().iter().find(|name| !known(name)) {
        return Err(format!(
            "`database.url` names `{{{unknown}}}`, which `variables` does not have"
        ));
    }
    let checked = server.url.check(server.engine);
    checked.map_err(|e| format!("`database.url`: {e}"))?;
    match manifest.rules.schema_level {
        Some(_) => Err(
            "`rules.schema_level` counts migrations that NetLink runs, which it does for SQLite alone: leave it out"
                .into(),
        ),
        None => Ok(()),
    }
}

fn check_program(tree: &Path, inside: &str) -> Result<(), String> {
    let path: crate::release::RelPath = inside.parse().map_err(|e| format!("`run.command`: {e}"))?;
    match std::fs::metadata(path.under(tree)) {
        Ok(meta) if !meta.is_file() => Err(format!("`run.command` names {path}, which is not a file")),
        Ok(meta) if meta.permissions().mode() & 0o100 == 0 => Err(format!(
            "`run.command` names {path}, which is not executable; chmod +x it"
        )),
        Ok(_) => Ok(()),
        Err(e) => Err(format!("`run.command` names {path}, which cannot be looked at: {e}")),
    }
}
