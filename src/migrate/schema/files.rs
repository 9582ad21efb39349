//! The migration files of a release. refinery skips what it cannot parse with a warning; here such a file is an error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use refinery::Migration;

use super::SchemaError;
use crate::disk;

const FILE_LIMIT: u64 = 16 << 20;
const COUNT_LIMIT: usize = 100_000;

/// Levels 1..=highest without a gap, each with the way up and perhaps one down.
#[derive(Debug, Clone)]
pub struct SchemaFiles {
    levels: Vec<LevelFiles>,
}

#[derive(Debug, Clone)]
pub(super) struct LevelFiles {
    pub(super) migration: Migration,
    pub(super) down: Option<String>,
}

impl SchemaFiles {
    /// Reads every file of `dir`. `listed` says whether the release vouches for a file of that name.
    pub fn load(dir: &Path, listed: &dyn Fn(&str) -> bool) -> Result<Self, SchemaError> {
        let mut ups: BTreeMap<u32, (String, PathBuf)> = BTreeMap::new();
        let mut downs: BTreeMap<u32, (String, PathBuf)> = BTreeMap::new();
        for path in entries(dir)? {
            let wrong = |reason: &str| SchemaError::File {
                path: path.clone(),
                reason: reason.to_owned(),
            };
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name.filter(|_| path.symlink_metadata().is_ok_and(|found| found.is_file())) else {
                return Err(wrong("is not a plain file with a name in UTF-8"));
            };
            let parsed = FileName::parse(name)
                .ok_or_else(|| wrong("is not named V<level>__<name>.sql or V<level>__<name>.down.sql"))?;
            if !listed(name) {
                return Err(wrong("is not part of the release"));
            }
            let side = if parsed.is_down { &mut downs } else { &mut ups };
            if let Some((_, other)) = side.insert(parsed.level, (parsed.name, path.clone())) {
                return Err(wrong(&format!("has the same level as {}", other.display())));
            }
        }
        let mut levels = Vec::with_capacity(ups.len());
        for (expected, (level, (name, path))) in (1..).zip(ups) {
            if level != expected {
                let folder = dir.to_path_buf();
                return Err(SchemaError::Gap {
                    folder,
                    missing: expected,
                });
            }
            levels.push(LevelFiles {
                migration: migration(level, &name, &path)?,
                down: down_of(&mut downs, level, &name)?,
            });
        }
        match downs.into_values().next() {
            Some((_, path)) => Err(SchemaError::File {
                path,
                reason: "takes back a level that has no way up".into(),
            }),
            None => Ok(Self { levels }),
        }
    }

    /// 0 when there are no migrations.
    pub fn highest(&self) -> u32 {
        u32::try_from(self.levels.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, level: u32) -> Option<&LevelFiles> {
        self.levels.get(usize::try_from(level).ok()?.checked_sub(1)?)
    }

    pub(super) fn migrations_up_to(&self, level: u32) -> Vec<Migration> {
        let count = usize::try_from(level).unwrap_or(usize::MAX).min(self.levels.len());
        self.levels[..count]
            .iter()
            .map(|files| files.migration.clone())
            .collect()
    }
}

impl LevelFiles {
    /// The way down, unless it says nothing.
    pub(super) fn usable_down(&self) -> Option<&str> {
        self.down.as_deref().filter(|sql| says_something(sql))
    }
}

/// Whether SQL holds more than space, semicolons and comments.
pub(super) fn says_something(sql: &str) -> bool {
    let mut rest = sql.trim_start_matches(blank);
    loop {
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = rest[2..].split_once("*/").map_or("", |(_, after)| after);
        } else {
            return !rest.is_empty();
        }
        rest = rest.trim_start_matches(blank);
    }
}

fn blank(c: char) -> bool {
    c.is_whitespace() || c == ';' || c == '\u{feff}'
}

struct FileName {
    level: u32,
    name: String,
    is_down: bool,
}

impl FileName {
    /// Stricter than refinery, whose pattern is open at its end: `V1__a-b` would be taken for the migration `a`.
    fn parse(file: &str) -> Option<Self> {
        let stem = file.strip_suffix(".sql")?;
        let (stem, is_down) = stem.strip_suffix(".down").map_or((stem, false), |up| (up, true));
        let (digits, name) = stem.strip_prefix('V')?.split_once("__")?;
        let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        // The history's versions are int4: refinery's `int8-versions` would lay the table out differently from the one
        // that products make with refinery's defaults.
        let level = digits
            .parse::<i32>()
            .ok()
            .filter(|level| *level > 0 && canonical && plain)?;
        Some(Self {
            level: level.unsigned_abs(),
            name: name.to_owned(),
            is_down,
        })
    }
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

fn migration(level: u32, name: &str, path: &Path) -> Result<Migration, SchemaError> {
    let wrong = |reason: String| SchemaError::File {
        path: path.to_path_buf(),
        reason,
    };
    let sql = disk::read_text_limited(path, FILE_LIMIT)?;
    let migration = Migration::unapplied(&format!("V{level}__{name}"), &sql)
        .map_err(|e| wrong(format!("is not understood: {e}")))?;
    let same = migration.version().unsigned_abs() == level && migration.name() == name;
    if same {
        Ok(migration)
    } else {
        Err(wrong("is understood differently by refinery".into()))
    }
}

fn down_of(
    downs: &mut BTreeMap<u32, (String, PathBuf)>,
    level: u32,
    name: &str,
) -> Result<Option<String>, SchemaError> {
    let Some((down_name, path)) = downs.remove(&level) else {
        return Ok(None);
    };
    if down_name != name {
        let reason = format!("has another name than its way up, `{name}`");
        return Err(SchemaError::File { path, reason });
    }
    Ok(Some(disk::read_text_limited(&path, FILE_LIMIT)?))
}
