//! What a leg makes of a configuration file. Reads migrations, defaults and kept ways back, and writes nothing: the trial, the step
//! and a dry run all ask here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sealed;
use crate::engine::{Layout, StepError, product};
use crate::migrate::config::{
    self, Applied, ConfigError, Conflict, Inverse, KeyPath, Merging, Migrations, Op, Secrets, Side,
};
use crate::plan::{Direction, Leg};
use crate::release::{ConfigSpec, RelPath};
use crate::settings::OnConflict;
use crate::store::Store;
use crate::version::Version;
use crate::{disk, package, settings};

/// Folder of configuration migrations below a release tree.
pub const MIGRATIONS: &str = "config/migrations";
const SCHEMA_LIMIT: u64 = 4 << 20;

/// From where to where a file goes, and what there is to know about it.
pub struct Way<'a> {
    pub layout: &'a Layout,
    pub store: &'a Store,
    pub settings: &'a settings::Config,
    pub direction: Direction,
    pub leg: &'a Leg,
    /// The trees of the release that comes and of the one that is left, wherever they lie.
    pub tree: PathBuf,
    pub left: Option<PathBuf>,
}

/// A file after the leg.
#[derive(Debug)]
pub struct Outcome {
    pub bytes: Vec<u8>,
    /// How to take each version's part back.
    pub inverses: Vec<(Version, Inverse)>,
    /// What the operator is to be told.
    pub notes: Vec<String>,
}

impl Outcome {
    fn untouched(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            inverses: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Files of the release that comes, and of the one that is left.
pub fn files(way: &Way<'_>) -> Result<Vec<ConfigSpec>, StepError> {
    let coming = package::manifest_of(&way.tree).map_err(|e| StepError::because("NL0306", &e))?;
    let mut files = coming.config;
    if let Some(left) = &way.left {
        let left = package::manifest_of(left)
            .map_err(|e| StepError::because("NL0306", &e))?
            .config;
        let more: Vec<_> = left
            .into_iter()
            .filter(|spec| !files.iter().any(|other| other.file == spec.file))
            .collect();
        files.extend(more);
    }
    files.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(files)
}

/// What the leg makes of the file.
pub fn outcome(way: &Way<'_>, spec: &ConfigSpec, bytes: &[u8]) -> Result<Outcome, Refused> {
    let Some(from) = &way.leg.from else {
        return Ok(Outcome::untouched(bytes));
    };
    if way.settings.by_hand.contains(&spec.file) {
        let mut untouched = Outcome::untouched(bytes);
        untouched.notes.push(format!("{} is left to you", spec.file));
        return Ok(untouched);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return not_text(way, from, spec, bytes);
    };
    match way.direction {
        Direction::Down => down(way, from, spec, text),
        Direction::Up | Direction::Install | Direction::Repair => up(way, from, spec, text),
        Direction::Schema => Ok(Outcome::untouched(bytes)),
    }
}

/// Bytes that are no text cannot be migrated; that is said only where it was asked for.
fn not_text(way: &Way<'_>, from: &Version, spec: &ConfigSpec, bytes: &[u8]) -> Result<Outcome, Refused> {
    if way.direction == Direction::Up {
        let migrations = migrations(way)?;
        if migrations
            .between(from, &way.leg.to)
            .any(|migration| migration.ops_for(&spec.file).is_some())
        {
            let message = format!("{} cannot be migrated: it is not UTF-8 text", spec.file);
            return Err(StepError::new("NL0312", message).into());
        }
    }
    Ok(Outcome::untouched(bytes))
}

fn migrations(way: &Way<'_>) -> Result<Migrations, StepError> {
    Migrations::load(&way.tree.join(MIGRATIONS)).map_err(|e| StepError::because("NL0312", &e))
}

fn up(way: &Way<'_>, from: &Version, spec: &ConfigSpec, text: &str) -> Result<Outcome, Refused> {
    let mut now = text.to_owned();
    let (mut inverses, mut notes, mut done) = (Vec::new(), Vec::new(), Vec::new());
    let migrations = migrations(way)?;
    for migration in migrations.between(from, &way.leg.to) {
        if let Some(ops) = migration.ops_for(&spec.file) {
            let applied = config::apply(spec.format(), &now, ops).map_err(|e| Refused::of(&spec.file, &e))?;
            now = applied.text;
            notes.extend(applied.notes);
            inverses.push((migration.version.clone(), applied.inverse));
            done.push(ops);
        }
    }
    if let Some(merged) = merged(way, spec, &now, &done, &mut notes)? {
        now = merged.text;
        let last = inverses.pop_if(|(version, _)| *version == way.leg.to);
        let inverse = match last {
            Some((_, inverse)) => inverse.then(merged.inverse),
            None => merged.inverse,
        };
        inverses.push((way.leg.to.clone(), inverse));
    }
    fits_schema(way, spec, &now)?;
    Ok(Outcome {
        bytes: now.into_bytes(),
        inverses,
        notes,
    })
}

/// What the release changed in its default; none when nothing of it comes into the file.
fn merged(
    way: &Way<'_>,
    spec: &ConfigSpec,
    text: &str,
    migrations: &[&[Op]],
    notes: &mut Vec<String>,
) -> Result<Option<Applied>, Refused> {
    let (file, format) = (&spec.file, spec.format());
    let left = way.left.as_deref().map(|tree| default(tree, file)).transpose()?;
    let (Some(old), Some(new)) = (left.flatten(), default(&way.tree, file)?) else {
        return Ok(None);
    };
    if old == new {
        return Ok(None);
    }
    let old = match config::brought_forward(format, &old, migrations) {
        Ok(old) => old,
        Err(e) => {
            notes.push(format!("{file}: the new defaults were left out: {e}"));
            return Ok(None);
        }
    };
    let secrets = secrets(way, spec);
    let merging = Merging {
        old: &old,
        new: &new,
        list_keys: &spec.list_keys,
        secrets: &secrets,
        settle: &|key| settled(way, file, key),
    };
    let merged = config::merge(format, text, &merging).map_err(|e| Refused::of(file, &e))?;
    tell_conflicts(way, file, &merged.conflicts, notes)?;
    notes.extend(merged.applied.notes.iter().map(|note| format!("{file}: {note}")));
    Ok((merged.applied.text != text).then_some(merged.applied))
}

/// The file as a release brings it; none when it does not, or brings no text.
fn default(tree: &Path, file: &RelPath) -> Result<Option<String>, StepError> {
    let path = file.under(&tree.join(package::CONFIG_DEFAULTS));
    match disk::read_limited(&path, product::CONFIG_LIMIT) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(e) if e.is_missing() => Ok(None),
        Err(e) => Err(StepError::because("NL0312", &e)),
    }
}

pub fn secrets(way: &Way<'_>, spec: &ConfigSpec) -> Secrets {
    Secrets::named(spec.secrets.iter().chain(&way.settings.secrets))
}

fn name_of(file: &RelPath, key: Option<&KeyPath>) -> String {
    key.map_or_else(|| file.to_string(), |key| format!("{file}:{key}"))
}

/// By the answer for this key, else by what is to be done in general.
fn settled(way: &Way<'_>, file: &RelPath, key: Option<&KeyPath>) -> Option<Side> {
    match way.settings.settled.get(&name_of(file, key)) {
        Some(settings::Side::Keep) => return Some(Side::Yours),
        Some(settings::Side::New) => return Some(Side::New),
        None => {}
    }
    match way.settings.on_conflict {
        OnConflict::Keep => Some(Side::Yours),
        OnConflict::New => Some(Side::New),
        OnConflict::Fail | OnConflict::Ask => None,
    }
}

fn tell_conflicts(
    way: &Way<'_>,
    file: &RelPath,
    conflicts: &[Conflict],
    notes: &mut Vec<String>,
) -> Result<(), Refused> {
    let said = |conflict: &Conflict| {
        let what = conflict.key.as_ref().map_or("it".to_owned(), |key| format!("`{key}`"));
        let (old, yours, new) = (&conflict.old, &conflict.yours, &conflict.new);
        format!(
            "{file}:{}: {what} was {old}, you have {yours}, the release brings {new}",
            conflict.line
        )
    };
    let open: Vec<&Conflict> = conflicts.iter().filter(|conflict| conflict.taken.is_none()).collect();
    let Some(first) = open.first() else {
        notes.extend(conflicts.iter().map(|conflict| match conflict.taken {
            Some(Side::New) => format!("{}; the release's is taken", said(conflict)),
            _ => format!("{}; yours stays", said(conflict)),
        }));
        return Ok(());
    };
    let all: Vec<String> = open.iter().map(|conflict| said(conflict)).collect();
    let answer = match way.settings.on_conflict {
        OnConflict::Ask => format!(
            "; answer in config/update.yml, for example `config: {{settled: {{\"{}\": keep}}}}`, or `new`",
            name_of(file, first.key.as_ref())
        ),
        _ => String::new(),
    };
    let message = format!("you and the release have changed the same: {}{answer}", all.join("; "));
    Err(Refused {
        error: StepError::new("NL0331", message),
        text: None,
        open: open.iter().map(|conflict| OpenConflict::of(file, conflict)).collect(),
    })
}

/// A value that the operator and the release have both changed, and of which nothing says yet which one it is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OpenConflict {
    /// As `config.settled` has it: the file and the key.
    pub name: String,
    pub line: usize,
    pub old: String,
    pub yours: String,
    pub new: String,
}

impl OpenConflict {
    fn of(file: &RelPath, conflict: &Conflict) -> Self {
        Self {
            name: name_of(file, conflict.key.as_ref()),
            line: conflict.line,
            old: conflict.old.clone(),
            yours: conflict.yours.clone(),
            new: conflict.new.clone(),
        }
    }
}

fn fits_schema(way: &Way<'_>, spec: &ConfigSpec, text: &str) -> Result<(), Refused> {
    let Some(schema) = &spec.schema else { return Ok(()) };
    let schema = disk::read_text_limited(&schema.under(&way.tree), SCHEMA_LIMIT);
    let schema = schema.map_err(|e| StepError::because("NL0312", &e))?;
    let wrong = config::violations(spec.format(), spec.file.as_str(), text, &schema);
    let wrong = wrong.map_err(|e| Refused::of(&spec.file, &e))?;
    if wrong.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the configuration does not fit release {}: {}",
        way.leg.to,
        wrong.join("; ")
    );
    let error = StepError::new("NL0332", message);
    Err(Refused {
        text: Some(text.to_owned()),
        ..error.into()
    })
}

fn down(way: &Way<'_>, from: &Version, spec: &ConfigSpec, text: &str) -> Result<Outcome, Refused> {
    let mut now = text.to_owned();
    for (version, kept) in sealed::kept(way, &spec.file)?.iter().rev() {
        if *version > way.leg.to && version <= from {
            let inverse = sealed::open(way, version, &spec.file, kept)?;
            now = config::invert(&now, &inverse).map_err(|e| Refused::of(&spec.file, &e))?;
        }
    }
    Ok(Outcome {
        bytes: now.into_bytes(),
        ..Outcome::untouched(&[])
    })
}

/// Why a file cannot go the way, with what an edit came to before it was refused.
#[derive(Debug)]
pub struct Refused {
    pub error: StepError,
    pub text: Option<String>,
    pub open: Vec<OpenConflict>,
}

impl Refused {
    fn of(file: &RelPath, error: &ConfigError) -> Self {
        let message = StepError::because("NL0312", error).into_failure().message;
        let is_named = message.contains(file.as_str());
        let message = if is_named {
            message
        } else {
            format!("{file}: {message}")
        };
        Self {
            text: error.refused_text().map(str::to_owned),
            ..StepError::new("NL0312", message).into()
        }
    }
}

impl From<StepError> for Refused {
    fn from(error: StepError) -> Self {
        Self {
            error,
            text: None,
            open: Vec::new(),
        }
    }
}

impl From<Refused> for StepError {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}
