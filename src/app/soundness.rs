//! What operators' machines would refuse of a release is found where it can still be mended: with the very code that they run.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use super::{AppError, Result};
use crate::crypt::digest_of;
use crate::engine::{knows, product};
use crate::migrate::config;
use crate::migrate::schema::SchemaFiles;
use crate::package::{self, CONFIG_DEFAULTS, SOURCE_NAME};
use crate::plan::{self, GraphError};
use crate::probe;
use crate::release::{
    Catalog, CatalogError, CommandSpec, ConfigSpec, ReleaseManifest, TargetCustom, TargetRef, expand,
};
use crate::{disk, engine};

/// All that is wrong with the tree of a release, as far as it shows before it is installed.
pub fn check(tree: &Path, manifest: &ReleaseManifest) -> Result<()> {
    let mut faults = Faults(Vec::new());
    let values = variables(tree, manifest, &mut faults);
    commands(manifest, &values, &mut faults);
    for (nth, spec) in manifest.health.iter().enumerate() {
        faults.take(format!("health.{nth}"), probe::resolve(spec, &values));
    }
    for (nth, spec) in manifest.config.iter().enumerate() {
        configuration(tree, spec, &format!("config.{nth}"), &mut faults);
    }
    let migrations = tree.join(engine::CONFIG_MIGRATIONS);
    faults.take("config".to_owned(), config::Migrations::load(&migrations));
    schema(tree, manifest, &mut faults);
    faults.take("rules".to_owned(), alone(manifest));
    faults.told(tree)
}

/// Keys of `release.toml`, each with what is wrong there.
struct Faults(Vec<(String, String)>);

impl Faults {
    fn take<T, E: Error + 'static>(&mut self, key: String, result: std::result::Result<T, E>) {
        if let Err(e) = result {
            self.0.push((key, AppError::below("NL0501", &e).to_string()));
        }
    }

    fn say(&mut self, key: &str, problem: String) {
        self.0.push((key.to_owned(), problem));
    }

    fn told(self, tree: &Path) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let told = self
            .0
            .into_iter()
            .map(|(key, problem)| package::source_fault(tree, &key, problem).to_string());
        let told: Vec<String> = told.collect();
        Err(AppError::said("NL0501", told.join("\n")))
    }
}

/// What `{name}` stands for in commands, with the default configuration for an operator's.
fn variables(tree: &Path, manifest: &ReleaseManifest, faults: &mut Faults) -> BTreeMap<String, String> {
    let defaults = tree.join(CONFIG_DEFAULTS);
    let mut values = places(tree);
    for (name, variable) in &manifest.variables {
        let key = format!("variables.{name}.key");
        match product::value_of(&defaults, manifest, variable) {
            Ok(value) => drop(values.insert(name.clone(), value)),
            Err(e) => {
                faults.say(&key, e.into_failure().message);
                // The name is known all the same.
                values.insert(name.clone(), String::new());
            }
        }
    }
    values
}

/// As any installation has them; where it will be nobody knows yet.
fn places(tree: &Path) -> BTreeMap<String, String> {
    let release = tree.display().to_string();
    let places = [
        ("root", "/installation"),
        ("release", release.as_str()),
        ("data", "/installation/data"),
        ("config", "/installation/config"),
    ];
    places.map(|(name, place)| (name.to_owned(), place.to_owned())).into()
}

fn commands(manifest: &ReleaseManifest, values: &BTreeMap<String, String>, faults: &mut Faults) {
    let mut argv = |key: &str, texts: &[String], values: &BTreeMap<String, String>| {
        for (nth, text) in texts.iter().enumerate() {
            faults.take(format!("{key}.{nth}"), expand(text, values));
        }
    };
    if let Some(run) = &manifest.run {
        argv("run.command", &run.command, values);
    }
    let own = |spec: &Option<CommandSpec>| spec.iter().map(|spec| spec.command.clone()).collect::<Vec<_>>();
    for command in own(&manifest.test) {
        argv("test.command", &command, values);
    }
    // It comes before there is a configuration to read variables from.
    let only_places: BTreeMap<String, String> = values
        .iter()
        .filter(|(name, _)| !manifest.variables.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for command in own(&manifest.config_check) {
        argv("config_check.command", &command, &only_places);
    }
    let mut with_one = values.clone();
    with_one.extend(["name", "version"].map(|name| (name.to_owned(), String::new())));
    for (nth, spec) in manifest.extensions.iter().enumerate() {
        for (key, command) in spec.commands() {
            let values = if key == "list" { values } else { &with_one };
            argv(&format!("extensions.{nth}.{key}.command"), &command.command, values);
        }
    }
    for (name, text) in manifest.run.iter().flat_map(|run| &run.env) {
        faults.take(format!("run.env.{name}"), expand(text, values));
    }
}

/// The default is of its format, and its schema is one.
fn configuration(tree: &Path, spec: &ConfigSpec, key: &str, faults: &mut Faults) {
    let name = format!("{CONFIG_DEFAULTS}/{}", spec.file);
    let read = |path: &Path| disk::read_text_limited(path, product::CONFIG_LIMIT);
    let text = match read(&tree.join(&name)) {
        Ok(text) => text,
        // Lines of what is no text are nobody's but the product's.
        Err(e) if spec.format() == config::Format::Text && !e.is_missing() => return,
        Err(e) => return faults.take(key.to_owned(), Err::<(), _>(e)),
    };
    faults.take(key.to_owned(), config::check(spec.format(), &name, &text));
    let Some(schema) = &spec.schema else { return };
    let key = format!("{key}.schema");
    match read(&schema.under(tree)) {
        Err(e) => faults.take(key, Err::<(), _>(e)),
        // A default may lack what only an operator knows; but there must be a schema to hold it against.
        Ok(schema) => faults.take(key, config::violations(spec.format(), &name, &text, &schema)),
    }
}

fn schema(tree: &Path, manifest: &ReleaseManifest, faults: &mut Faults) {
    let (Some(database), Some(folder)) = (&manifest.database, manifest.migrations()) else {
        return;
    };
    let dir = folder.under(tree);
    if manifest.rules.schema_level.is_none() && !dir.exists() {
        return;
    }
    let key = "database.migrations";
    let files = match SchemaFiles::load(knows::dialect(database), &dir, &|_| true) {
        Ok(files) => files,
        Err(e) => return faults.take(key.to_owned(), Err::<(), _>(e)),
    };
    faults.take(key.to_owned(), files.lint(0, files.highest()));
    let (highest, said) = (files.highest(), manifest.rules.schema_level);
    // A folder without migrations brings none.
    if said.unwrap_or(0) == highest {
        return;
    }
    let said = said.map_or_else(
        || "no `schema_level`".to_owned(),
        |level| format!("`schema_level = {level}`"),
    );
    let problem = format!(
        "release.toml says {said}, but the migrations in {} go up to {highest}",
        dir.display()
    );
    faults.say("rules.schema_level", problem);
}

/// Whether its rules can be meant, as if it were the only release.
fn alone(manifest: &ReleaseManifest) -> std::result::Result<(), Contradiction> {
    let mut catalog = Catalog::default();
    let target = TargetRef {
        name: SOURCE_NAME.to_owned(),
        length: 0,
        sha256: digest_of(b""),
    };
    let custom = TargetCustom::Package {
        product: manifest.product.clone(),
        version: manifest.version.clone(),
        platform: manifest.platform.clone(),
        rules: Box::new(manifest.rules.clone()),
        unpacked: 0,
    };
    catalog.add(&manifest.product, target, custom)?;
    plan::shut(&manifest.product, &catalog)?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Contradiction {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Rules(#[from] GraphError),
}
