//! What NetLink keeps of migrations that it runs, before they are run: how each level is taken back, and which statement has begun.

use super::StepError;
use crate::crypt::Digest;
use crate::migrate::schema::{Dialect, Log, NotKept, Schema, SchemaFiles, Standing, StoredLevel, Trial, Witness};
use crate::store::{Fact, Store};

pub struct Keeping<'a> {
    pub store: &'a Store,
    /// Of a way up.
    pub files: Option<&'a SchemaFiles>,
    /// What was found of the files, and of their ways down.
    pub tried: Option<&'a Trial>,
    pub usage: Usage,
    /// Is told of the rows of each batch; false to leave off.
    pub go_on: &'a mut dyn FnMut(u64) -> bool,
}

/// Who uses the database during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The product may be running.
    Shared,
    /// Only the run.
    Alone,
    /// Only the run, and it began with the schema that the trial had at the same level: what the schema is before each file up to this
    /// level is known, and kept.
    AsTried { until: u32 },
}

impl Keeping<'_> {
    fn keep(&self, files: &SchemaFiles, schemas: impl Iterator<Item = (u32, Digest)>) -> Result<(), NotKept> {
        let way_back = |level| self.tried.and_then(|tried| tried.way_back(level));
        let stored = schemas.filter_map(|(level, schema)| StoredLevel::of(files, level, schema, way_back(level)));
        let written = stored.map(|stored| Ok((stored.level, serde_json::to_string(&stored)?)));
        let all: Vec<(u32, String)> = written.collect::<Result<_, serde_json::Error>>()?;
        Ok(self.store.keep_schema_downs(&all)?)
    }

    /// All that follows from this level on, where the run begins as the trial did. Of a file of SQLite alone: on servers names and
    /// values of the database itself can come into its schema, where a copy has its own.
    fn foreseen(&self, files: &SchemaFiles, level: u32, schema: Digest) -> Option<Vec<(u32, Digest)>> {
        let tried = self
            .tried
            .filter(|_| self.usage == Usage::Alone && files.dialect() == Some(Dialect::Sqlite))?;
        let from = tried.files.iter().filter(|file| file.level >= level);
        let all: Vec<_> = from
            .map(|file| Some((file.level, file.schema?)))
            .collect::<Option<_>>()?;
        (all.first() == Some(&(level, schema))).then_some(all)
    }
}

/// With a log nobody else can look into the database until the run has ended: not even NetLink, to say how things are.
const SHORT: f64 = 2.0;

fn is_short(tried: &Trial) -> bool {
    tried.seconds() <= SHORT
}

impl Witness for Keeping<'_> {
    fn turn(&mut self, level: u32, schema: Schema<'_>) -> Result<(), NotKept> {
        let Some(files) = self.files else { return Ok(()) };
        if matches!(self.usage, Usage::AsTried { until } if level <= until) {
            return Ok(());
        }
        let schema = schema()?;
        match self.foreseen(files, level, schema) {
            Some(all) => {
                let until = all.last().map_or(level, |(last, _)| *last);
                self.keep(files, all.into_iter())?;
                self.usage = Usage::AsTried { until };
                Ok(())
            }
            None => self.keep(files, [(level, schema)].into_iter()),
        }
    }

    fn arrived(&mut self, level: u32, schema: Schema<'_>) -> Result<(), NotKept> {
        let tried = self.tried.filter(|_| matches!(self.usage, Usage::AsTried { .. }));
        match tried.and_then(|tried| tried.schema_at(level)) {
            Some(tried) if schema()? != tried => Err("its schema is another than on the copy; try again, or go without the trial (`update_system.safety.validate_migrations: false`)".into()),
            _ => Ok(()),
        }
    }

    fn log(&self) -> Result<Log, NotKept> {
        Ok(match (self.store.fact(Fact::LogChanged)?, self.usage) {
            (Some(_), _) => Log::Changed,
            (None, Usage::Alone | Usage::AsTried { .. }) if self.tried.is_some_and(is_short) => Log::MayChange,
            (None, _) => Log::AsFound,
        })
    }

    fn log_changed(&mut self, is: bool) -> Result<(), NotKept> {
        Ok(self.store.set_fact(Fact::LogChanged, is.then_some(""))?)
    }

    fn statement(&mut self, standing: &Standing) -> Result<(), NotKept> {
        let json = serde_json::to_string(standing)?;
        Ok(self.store.set_fact(Fact::Standing, Some(&json))?)
    }

    fn standing(&self) -> Option<Standing> {
        standing(self.store)
    }

    fn goes_on(&mut self, rows: u64) -> bool {
        (self.go_on)(rows)
    }
}

/// What cannot be read was not written by this NetLink.
pub fn standing(store: &Store) -> Option<Standing> {
    serde_json::from_str(&store.fact(Fact::Standing).ok()??).ok()
}

/// The database is as it was before: nothing of it stands half done.
pub fn nothing_stands(store: &Store) -> Result<(), StepError> {
    let forgotten = [Fact::Standing, Fact::LogChanged].map(|fact| store.set_fact(fact, None));
    let forgotten = forgotten.into_iter().collect::<Result<(), _>>();
    forgotten.map_err(|e| StepError::because("NL0404", &e))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;

    use super::*;
    use crate::crypt::digest_of;
    use crate::migrate::schema::{TriedFile, WayBack};

    fn schema(level: u32) -> Digest {
        digest_of(&level.to_be_bytes())
    }

    /// Of levels 2 to 4.
    fn trial() -> Trial {
        let file = |level| TriedFile {
            level,
            title: format!("V{level}__t.sql"),
            seconds: 0.1,
            rows: 0,
            way_back: Some(WayBack::Rehearsed),
            schema: Some(schema(level - 1)),
        };
        Trial {
            files: (2..=4).map(file).collect(),
            told: Vec::new(),
            schema: Some(schema(4)),
        }
    }

    fn with(usage: Usage, run: impl FnOnce(&mut Keeping<'_>, &Store)) {
        let dir = tempfile::tempdir().unwrap();
        for level in 1..=4 {
            fs::write(
                dir.path().join(format!("V{level}__t.sql")),
                format!("CREATE TABLE t{level} (n);"),
            )
            .unwrap();
            fs::write(
                dir.path().join(format!("V{level}__t.down.sql")),
                format!("DROP TABLE t{level};"),
            )
            .unwrap();
        }
        let files = SchemaFiles::load(Dialect::Sqlite, dir.path(), &|_| true).unwrap();
        let state = tempfile::tempdir().unwrap();
        let (store, tried) = (Store::open(&state.path().join("netlink.db")).unwrap(), trial());
        let mut keeping = Keeping {
            store: &store,
            files: Some(&files),
            tried: Some(&tried),
            usage,
            go_on: &mut |_| true,
        };
        run(&mut keeping, &store);
    }

    fn kept(store: &Store) -> Vec<u32> {
        store.schema_downs().unwrap().into_keys().collect()
    }

    #[test]
    fn what_begins_as_it_was_tried_is_kept_at_once_and_has_to_end_as_it_was_tried() {
        with(Usage::Alone, |keeping, store| {
            keeping.turn(3, &mut || Ok(schema(2))).unwrap();
            assert_eq!(kept(store), [3, 4]);
            keeping.turn(4, &mut || panic!("it is known")).unwrap();
            keeping.arrived(4, &mut || Ok(schema(4))).unwrap();
            keeping.arrived(3, &mut || Ok(schema(3))).unwrap();
            let elsewhere = keeping.arrived(4, &mut || Ok(schema(9))).unwrap_err();
            assert!(elsewhere.to_string().contains("than on the copy"));
        });
    }

    #[test]
    fn what_begins_otherwise_or_is_used_by_others_is_looked_at_before_each_file() {
        for (usage, found) in [(Usage::Alone, 8), (Usage::Shared, 1)] {
            with(usage, |keeping, store| {
                keeping.turn(2, &mut || Ok(schema(found))).unwrap();
                assert_eq!(kept(store), [2]);
                keeping.turn(3, &mut || Ok(schema(found))).unwrap();
                assert_eq!(kept(store), [2, 3]);
                assert!(store.schema_downs().unwrap()[&3].contains(&schema(found).to_string()));
                keeping.arrived(4, &mut || panic!("nothing is known of it")).unwrap();
            });
        }
    }
}
