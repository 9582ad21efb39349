//! The publisher's side of a manifest: `release.toml`, checked against the tree it describes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::place::Places;
use super::{CONFIG_DEFAULTS, PackageError, SOURCE_NAME, needs};
use crate::disk;
use crate::named;
use crate::release::{CheckSpec, CommandSpec, DatabaseSpec, ReleaseManifest, ServerSpec};

/// Most bytes of a `release.toml`.
const SOURCE_LIMIT: u64 = 1 << 20;

/// Reads `<tree>/release.toml` and checks that the tree has what it names.
pub fn read_source(tree: &Path) -> Result<ReleaseManifest, PackageError> {
    let text = disk::read_text_limited(&tree.join(SOURCE_NAME), SOURCE_LIMIT)?;
    let manifest: ReleaseManifest = named::from_toml(&text).map_err(|e| unreadable(tree, &text, &e))?;
    if !manifest.files.is_empty() {
        return Err(fault("files", "it is written by packing, not by hand").at(tree));
    }
    check_against(tree, &manifest).map_err(|fault| fault.at(tree))?;
    Ok(manifest)
}

/// What is wrong with a key of `<tree>/release.toml`, told with its line.
pub fn source_fault(tree: &Path, key: &str, problem: impl Into<String>) -> PackageError {
    fault(key, problem).at(tree)
}

/// A key, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Fault {
    key: String,
    problem: String,
}

fn fault(key: impl Into<String>, problem: impl Into<String>) -> Fault {
    Fault {
        key: key.into(),
        problem: problem.into(),
    }
}

impl Fault {
    pub fn at(self, tree: &Path) -> PackageError {
        let path = tree.join(SOURCE_NAME);
        // A manifest may also come without its text; then there is no line to tell.
        let text = disk::read_text_limited(&path, SOURCE_LIMIT).unwrap_or_default();
        let line = Places::of(&text).line_of(&self.key);
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        PackageError::Source {
            place: format!("{}{line}: `{}`", path.display(), self.key),
            problem: self.problem,
        }
    }
}

fn unreadable(tree: &Path, text: &str, error: &toml_edit::de::Error) -> PackageError {
    let places = Places::of(text);
    let path = tree.join(SOURCE_NAME);
    let (line, key) = error.span().map_or((String::new(), None), |span| {
        (format!(":{}", places.line_at(span.start)), places.key_at(span.start))
    });
    let key = key.map(|key| format!(": `{key}`")).unwrap_or_default();
    PackageError::Source {
        place: format!("{}{line}{key}", path.display()),
        problem: error.message().trim_end().to_owned(),
    }
}

/// What the manifest names must be in the tree.
pub(super) fn check_against(tree: &Path, manifest: &ReleaseManifest) -> Result<(), Fault> {
    for (nth, spec) in manifest.config.iter().enumerate() {
        let file = &spec.file;
        let default = file.under(&tree.join(CONFIG_DEFAULTS));
        if !default.is_file() {
            let problem = format!("it lists {file}, but there is no file {CONFIG_DEFAULTS}/{file}");
            return Err(fault(format!("config.{nth}"), problem));
        }
        if let Some(schema) = spec.schema.as_ref().filter(|schema| !schema.under(tree).is_file()) {
            let problem = format!("{file} names the schema {schema}, which is not there");
            return Err(fault(format!("config.{nth}.schema"), problem));
        }
    }
    for (name, variable) in &manifest.variables {
        if manifest.config_file(&variable.file).is_none() {
            let problem = format!(
                "variable `{name}` is read from {}, which `config` does not list",
                variable.file
            );
            return Err(fault(format!("variables.{name}.file"), problem));
        }
    }
    match &manifest.database {
        Some(DatabaseSpec::Server(server)) => check_server(manifest, server)?,
        Some(DatabaseSpec::Command(_)) if manifest.rules.schema_level.is_none() => {
            return Err(fault(
                "rules.schema_level",
                "a product that migrates itself names the level that its release needs",
            ));
        }
        Some(DatabaseSpec::Sqlite(_) | DatabaseSpec::Command(_)) | None => {}
    }
    if let Some(folder) = manifest.migrations().filter(|folder| !folder.under(tree).is_dir()) {
        let problem = format!("the folder of migrations {folder} is not there");
        return Err(fault("database.migrations", problem));
    }
    needs::check(tree, manifest).map_err(|problem| fault("dependencies", problem))?;
    for (key, command) in commands(manifest) {
        let Some(program) = command.first() else {
            return Err(fault(key, "it is empty, and must name a program"));
        };
        // What dependencies bring is not there before they are.
        if let Some(inside) = program.strip_prefix("{release}/")
            && !manifest.is_of_dependencies(inside)
        {
            check_program(tree, &key, inside)?;
        }
    }
    Ok(())
}

/// Every command that installations run, by its key.
fn commands(manifest: &ReleaseManifest) -> Vec<(String, &[String])> {
    let mut all: Vec<(String, &[String])> = Vec::new();
    all.extend(manifest.run.iter().map(|run| ("run.command".to_owned(), &*run.command)));
    let named: [(&str, Option<&CommandSpec>); 2] = [
        ("test", manifest.test.as_ref()),
        ("config_check", manifest.config_check.as_ref()),
    ];
    all.extend(
        named
            .into_iter()
            .filter_map(|(key, spec)| Some((format!("{key}.command"), &*spec?.command))),
    );
    for (nth, check) in manifest.health.iter().enumerate() {
        if let CheckSpec::Command(check) = check {
            all.push((format!("health.{nth}.command"), &check.command));
        }
    }
    for (nth, spec) in manifest.extensions.iter().enumerate() {
        let named = spec.commands().into_iter();
        all.extend(named.map(|(key, command)| (format!("extensions.{nth}.{key}.command"), &*command.command)));
    }
    all
}

fn check_server(manifest: &ReleaseManifest, server: &ServerSpec) -> Result<(), Fault> {
    let known = |name: &String| {
        manifest.variables.contains_key(name) || ["root", "release", "data", "config"].contains(&name.as_str())
    };
    if let Some(unknown) = server.url.variables().iter().find(|name| !known(name)) {
        let problem = format!("it names `{{{unknown}}}`, which `variables` does not have");
        return Err(fault("database.url", problem));
    }
    let checked = server.url.check(server.engine);
    checked.map_err(|e| fault("database.url", e.to_string()))?;
    match (manifest.rules.schema_level, &server.migrations) {
        (Some(_), None) => Err(fault(
            "rules.schema_level",
            "it counts migrations that NetLink runs: name their folder in `database.migrations`, or leave it out",
        )),
        _ => Ok(()),
    }
}

fn check_program(tree: &Path, key: &str, inside: &str) -> Result<(), Fault> {
    let path: crate::release::RelPath = inside
        .parse()
        .map_err(|e: crate::release::NameError| fault(key, e.to_string()))?;
    match std::fs::metadata(path.under(tree)) {
        Ok(meta) if !meta.is_file() => Err(fault(key, format!("it names {path}, which is not a file"))),
        Ok(meta) if meta.permissions().mode() & 0o100 == 0 => Err(fault(
            key,
            format!("it names {path}, which is not executable; chmod +x it"),
        )),
        Ok(_) => Ok(()),
        Err(e) => Err(fault(key, format!("it names {path}, which cannot be looked at: {e}"))),
    }
}
