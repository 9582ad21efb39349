//! The migration files of a release: each level with its way up, and perhaps a way down and what must hold after it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use refinery::Migration;

use super::SchemaError;
use super::directives::{Directives, Mistake, Phase, Transaction, directives};
use super::lint;
use super::names::{self, FileName, Side};
use super::sql::{self, Dialect};
use super::statements::{Statement, statements};
use crate::disk;

const FILE_LIMIT: u64 = 16 << 20;
const COUNT_LIMIT: usize = 100_000;

/// Levels 1..=highest without a gap.
#[derive(Debug, Clone)]
pub struct SchemaFiles {
    levels: Vec<LevelFiles>,
}

#[derive(Debug, Clone)]
pub(super) struct LevelFiles {
    pub(super) migration: Migration,
    pub(super) up: Script,
    pub(super) directives: Directives,
    pub(super) down: Option<Script>,
    pub(super) verify: Option<Script>,
}

#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) path: PathBuf,
    pub(super) sql: String,
    pub(super) dialect: Dialect,
}

/// How a file is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// With its history row, in one transaction.
    Whole,
    /// Each statement by itself, and each stays.
    Statements,
    /// Each statement again and again.
    Batches,
}

type Found = BTreeMap<u32, (String, PathBuf)>;

impl SchemaFiles {
    /// Reads every file of `dir`. `listed` says whether the release vouches for a file of that name.
    pub fn load(dialect: Dialect, dir: &Path, listed: &dyn Fn(&str) -> bool) -> Result<Self, SchemaError> {
        let [ups, mut downs, mut verifies] = found(dir, listed)?;
        let mut levels = Vec::with_capacity(ups.len());
        for (expected, (level, (name, path))) in (1..).zip(ups) {
            if level != expected {
                let folder = dir.to_path_buf();
                return Err(SchemaError::Gap {
                    folder,
                    missing: expected,
                });
            }
            let up = Script::read(dialect, path)?;
            levels.push(LevelFiles {
                migration: migration(level, &name, &up)?,
                directives: directives(dialect, &up.sql).map_err(|mistake| up.mistaken(mistake))?,
                up,
                down: beside(dialect, &mut downs, level, &name)?,
                verify: beside(dialect, &mut verifies, level, &name)?,
            });
        }
        match downs.into_values().chain(verifies.into_values()).next() {
            Some((_, path)) => Err(SchemaError::File {
                path,
                reason: "belongs to a level that has no way up".into(),
            }),
            None => Ok(Self { levels }),
        }
    }

    /// None when there are no migrations.
    pub fn dialect(&self) -> Option<Dialect> {
        self.levels.first().map(|step| step.up.dialect)
    }

    /// 0 when there are no migrations.
    pub fn highest(&self) -> u32 {
        u32::try_from(self.levels.len()).unwrap_or(u32::MAX)
    }

    /// When the file of a level is to be run; none without such a level.
    pub fn phase(&self, level: u32) -> Option<Phase> {
        self.get(level).map(LevelFiles::phase)
    }

    /// Whether nothing of the file of a level stays when it fails.
    pub fn is_all_or_nothing(&self, level: u32) -> bool {
        self.get(level).is_some_and(LevelFiles::is_all_or_nothing)
    }

    pub(super) fn get(&self, level: u32) -> Option<&LevelFiles> {
        self.levels.get(usize::try_from(level).ok()?.checked_sub(1)?)
    }

    /// With their levels, those in (after, up_to].
    pub(super) fn between(&self, after: u32, up_to: u32) -> impl Iterator<Item = (u32, &LevelFiles)> {
        let levels = after.saturating_add(1)..=up_to.min(self.highest());
        levels.filter_map(|level| Some((level, self.get(level)?)))
    }

    /// What must not be in the files of (after, up_to] is an error with its place; what somebody should know of them is given.
    pub fn lint(&self, after: u32, up_to: u32) -> Result<Vec<String>, SchemaError> {
        let mut told = Vec::new();
        for (_, files) in self.between(after, up_to) {
            told.extend(lint::check(files)?);
        }
        Ok(told)
    }
}

impl LevelFiles {
    /// The way down, unless it says nothing.
    pub(super) fn usable_down(&self) -> Option<&Script> {
        self.down.as_ref().filter(|down| !down.statements().is_empty())
    }

    pub(super) fn level(&self) -> u32 {
        self.migration.version().unsigned_abs()
    }

    pub(super) fn run(&self) -> Run {
        match (self.phase(), self.directives.transaction) {
            (Phase::Background, _) => Run::Batches,
            (_, Transaction::Statements) => Run::Statements,
            (_, Transaction::One) => self.up.run(),
        }
    }

    /// A single statement that stays by itself is not: what must hold after it, or a kill before its history row, comes too late for it.
    pub(super) fn is_all_or_nothing(&self) -> bool {
        self.run() == Run::Whole
    }

    /// Its file name, for people.
    pub(super) fn title(&self) -> String {
        self.up.title()
    }

    pub(super) fn phase(&self) -> Phase {
        self.directives.phase
    }
}

impl Script {
    fn read(dialect: Dialect, path: PathBuf) -> Result<Self, SchemaError> {
        let sql = disk::read_text_limited(&path, FILE_LIMIT)?;
        Ok(Self { path, sql, dialect })
    }

    pub(super) fn statements(&self) -> Vec<Statement<'_>> {
        statements(self.dialect, &self.sql)
    }

    /// MySQL commits before and after each statement that changes the schema: only what changes rows alone is whole there.
    pub(super) fn run(&self) -> Run {
        let changes_rows = |statement: &Statement<'_>| {
            let first = statement.words.first().map(String::as_str);
            matches!(
                first,
                Some("INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "SELECT" | "WITH" | "VALUES")
            )
        };
        match self.dialect {
            Dialect::Mysql if !self.statements().iter().all(changes_rows) => Run::Statements,
            _ => Run::Whole,
        }
    }

    pub(super) fn title(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The mistake as an error with file, line and column.
    pub(super) fn mistaken(&self, mistake: Mistake) -> SchemaError {
        let (line, column) = sql::place(&self.sql, mistake.at);
        SchemaError::Mistake {
            path: self.path.clone(),
            line,
            column,
            problem: mistake.problem,
        }
    }
}

fn found(dir: &Path, listed: &dyn Fn(&str) -> bool) -> Result<[Found; 3], SchemaError> {
    let mut sides = [Found::new(), Found::new(), Found::new()];
    for path in entries(dir)? {
        let wrong = |reason: &str| SchemaError::File {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|_| path.symlink_metadata().is_ok_and(|found| found.is_file())) else {
            return Err(wrong("is not a plain file with a name in UTF-8"));
        };
        let parsed = FileName::parse(name).ok_or_else(|| wrong(names::EXPECTED))?;
        if !listed(name) {
            return Err(wrong("is not part of the release"));
        }
        let side = match parsed.side {
            Side::Up => &mut sides[0],
            Side::Down => &mut sides[1],
            Side::Verify => &mut sides[2],
        };
        if let Some((_, other)) = side.insert(parsed.level, (parsed.name, path.clone())) {
            return Err(wrong(&format!("has the same level as {}", other.display())));
        }
    }
    Ok(sides)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, SchemaError> {
    let at_dir = |source| disk::DiskError {
        action: "list",
        path: dir.to_path_buf(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(at_dir)?.take(COUNT_LIMIT + 1) {
        found.push(entry.map_err(at_dir)?.path());
    }
    if found.len() > COUNT_LIMIT {
        return Err(SchemaError::File {
            path: dir.to_path_buf(),
            reason: format!("is a folder of more than {COUNT_LIMIT} files"),
        });
    }
    found.sort();
    Ok(found)
}

fn migration(level: u32, name: &str, up: &Script) -> Result<Migration, SchemaError> {
    let wrong = |reason: String| SchemaError::File {
        path: up.path.clone(),
        reason,
    };
    let migration = Migration::unapplied(&format!("V{level}__{name}"), &up.sql)
        .map_err(|e| wrong(format!("is not understood: {e}")))?;
    let same = migration.version().unsigned_abs() == level && migration.name() == name;
    if same {
        Ok(migration)
    } else {
        Err(wrong("is understood differently by refinery".into()))
    }
}

/// The other file of a level, whose name must be the same.
fn beside(dialect: Dialect, side: &mut Found, level: u32, name: &str) -> Result<Option<Script>, SchemaError> {
    match side.remove(&level) {
        None => Ok(None),
        Some((other, path)) if other != name => {
            let reason = format!("has another name than its way up, `{name}`");
            Err(SchemaError::File { path, reason })
        }
        Some((_, path)) => Script::read(dialect, path).map(Some),
    }
}
