//! Each trap of refinery and SQLite that this room is built around.
#![allow(clippy::disallowed_methods)]

mod logged;
mod said;
mod trust;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

struct Scene {
    dir: TempDir,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("m")).unwrap();
        let place = Self { dir };
        for (name, sql) in files {
            fs::write(place.folder().join(name), sql).unwrap();
        }
        place
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("m")
    }

    fn db(&self) -> PathBuf {
        self.dir.path().join("p.db")
    }

    fn load(&self) -> Result<SchemaFiles, SchemaError> {
        SchemaFiles::load(Dialect::Sqlite, &self.folder(), &|_| true)
    }

    fn files(&self) -> SchemaFiles {
        self.load().unwrap()
    }

    fn sql(&self) -> Connection {
        Connection::open(self.db()).unwrap()
    }

    fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> T {
        self.sql().query_row(query, [], |row| row.get(0)).unwrap()
    }
}

const BUDGET: Duration = Duration::from_secs(60);

fn at(db: &Path) -> Place {
    Place::from(db)
}

fn up(db: &Path, files: &SchemaFiles, to: u32) -> Result<Applied, SchemaError> {
    super::up(&at(db), files, to, &mut Nobody)
}

fn down(db: &Path, stored: &[StoredLevel], to: u32) -> Result<Applied, SchemaError> {
    super::down(&at(db), stored, to, &mut Nobody)
}

fn trial_up(db: &Path, files: &SchemaFiles, to: u32, budget: Duration) -> Result<Trial, SchemaError> {
    super::trial_up(&at(db), files, to, budget, &mut || {
        Err("a copy of SQLite is never spoiled".into())
    })
}

fn trial_down(db: &Path, stored: &[StoredLevel], to: u32, budget: Duration) -> Result<Trial, SchemaError> {
    super::trial_down(&at(db), stored, to, budget)
}

fn level(db: &Path) -> Result<Option<u32>, SchemaError> {
    super::level(&at(db))
}

fn fingerprint(db: &Path) -> Result<crate::crypt::Digest, SchemaError> {
    super::fingerprint(&at(db))
}

/// Up, with what is kept for the way back.
fn up_and_keep(db: &Path, files: &SchemaFiles, to: u32) -> Vec<StoredLevel> {
    let mut keeping = Keeping {
        files,
        kept: Vec::new(),
    };
    super::up(&at(db), files, to, &mut keeping).unwrap();
    keeping.kept
}

struct Keeping<'f> {
    files: &'f SchemaFiles,
    kept: Vec<StoredLevel>,
}

impl Witness for Keeping<'_> {
    fn turn(&mut self, level: u32, schema: Schema<'_>) -> Result<(), NotKept> {
        self.kept.extend(StoredLevel::of(self.files, level, schema()?, None));
        Ok(())
    }
}

/// Neither a run nor one that was killed before its end leaves the journal of SQLite.
#[test]
fn nothing_is_left_beside_the_database() {
    let scene = Scene::new(&[
        ("V1__t.sql", "CREATE TABLE t (n)"),
        ("V1__t.down.sql", "DROP TABLE t"),
        (
            "V2__u.sql",
            "CREATE TABLE u (n); INSERT INTO u VALUES (zeroblob(100000))",
        ),
    ]);
    let journal = scene.dir.path().join("p.db-journal");
    assert!(up(&scene.db(), &scene.files(), 1).is_ok() && !journal.exists());
    fs::write(&journal, "").unwrap();
    assert_eq!(up(&scene.db(), &scene.files(), 1).unwrap().count(), 0);
    assert!(!journal.exists());
    assert!(up(&scene.db(), &scene.files(), 2).is_ok() && !journal.exists());
    assert!(up(&scene.db(), &scene.files(), 3).is_err() && !journal.exists());
}

fn levels(applied: &Applied) -> Vec<u32> {
    applied.files().iter().map(|run| run.level).collect()
}

/// The error with its causes.
fn told(error: &SchemaError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

const PARENT: (&str, &str) = (
    "V1__parent.sql",
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
     CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent (id) ON DELETE CASCADE);
     INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (1, 1), (2, 1);",
);
const REBUILD: (&str, &str) = (
    "V2__rebuild.sql",
    "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
     INSERT INTO new SELECT id, name FROM parent; DROP TABLE parent; ALTER TABLE new RENAME TO parent;",
);

#[test]
fn a_rebuilt_table_keeps_the_rows_that_point_to_it() {
    let place = Scene::new(&[PARENT, REBUILD]);
    assert_eq!(up(&place.db(), &place.files(), 2).unwrap().count(), 2);
    assert_eq!(place.one::<i64>("SELECT count(*) FROM child"), 2);
}

#[test]
fn naive_refinery_loses_them() {
    let place = Scene::new(&[PARENT, REBUILD]);
    let mut connection = place.sql();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    let migrations = refinery::load_sql_migrations(place.folder()).unwrap();
    refinery::Runner::new(&migrations).run(&mut connection).unwrap();
    assert_eq!(
        place.one::<i64>("SELECT count(*) FROM child"),
        0,
        "the trap is gone: so may be the cure"
    );
}

#[test]
fn the_history_is_the_one_refinery_writes() {
    let place = Scene::new(&[PARENT, REBUILD]);
    up(&place.db(), &place.files(), 2).unwrap();
    let migrations = refinery::load_sql_migrations(place.folder()).unwrap();
    let report = refinery::Runner::new(&migrations).run(&mut place.sql()).unwrap();
    assert!(report.applied_migrations().is_empty());

    let other = Scene::new(&[PARENT, REBUILD]);
    refinery::Runner::new(&migrations).run(&mut other.sql()).unwrap();
    assert_eq!(up(&other.db(), &other.files(), 2).unwrap().count(), 0);
    let table = "SELECT sql FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    assert_eq!(place.one::<String>(table), other.one::<String>(table));
}

#[test]
fn no_history_row_no_sql() {
    let place = Scene::new(&[PARENT, REBUILD]);
    up(&place.db(), &place.files(), 1).unwrap();
    place
        .sql()
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON refinery_schema_history BEGIN SELECT RAISE(ABORT, 'full'); END;",
        )
        .unwrap();
    let before = fingerprint(&place.db()).unwrap();
    let failed = up(&place.db(), &place.files(), 2).unwrap_err();
    assert!(matches!(failed, SchemaError::Migration { level: 2, .. }), "{failed}");
    assert_eq!(fingerprint(&place.db()).unwrap(), before);
    assert_eq!(level(&place.db()).unwrap(), Some(1));
}

#[test]
fn a_failed_migration_leaves_the_ones_before_it_and_nothing_of_itself() {
    let place = Scene::new(&[
        PARENT,
        ("V2__bad.sql", "CREATE TABLE x (a); INSERT INTO nowhere VALUES (1);"),
    ]);
    up(&place.db(), &place.files(), 2).unwrap_err();
    assert_eq!(level(&place.db()).unwrap(), Some(1));
    assert_eq!(
        place.one::<i64>("SELECT count(*) FROM sqlite_schema WHERE name = 'x'"),
        0
    );
}

#[test]
fn a_file_cannot_end_its_transaction_but_may_have_triggers() {
    let sneaky = [
        "COMMIT;",
        "END;",
        "ROLLBACK;",
        "SAVEPOINT s;",
        "ATTACH ':memory:' AS o;",
        "BEGIN;",
    ];
    for statement in sneaky {
        let sql = format!("CREATE TABLE x (a);\n /* */ {statement}");
        let place = Scene::new(&[PARENT, ("V2__sneaky.sql", &sql)]);
        let failed = up(&place.db(), &place.files(), 2).unwrap_err().to_string();
        assert!(
            failed.contains("V2__sneaky.sql:2:8: ") && failed.contains("not for migrations"),
            "{failed}"
        );
        assert!(!place.db().exists(), "{statement}: it was refused before anything ran");
        // What reading does not find, SQLite does.
        let ran = database::Database::run(&mut sqlite::Sqlite::in_memory(), &sql).unwrap_err();
        assert!(ran.to_string().contains("may not use BEGIN"), "{statement}: {ran}");
    }
    let trigger = "CREATE TRIGGER t AFTER DELETE ON child BEGIN UPDATE parent SET name = 'COMMIT;'; END;";
    let place = Scene::new(&[PARENT, ("V2__trigger.sql", trigger)]);
    up(&place.db(), &place.files(), 2).unwrap();
}

#[test]
fn rows_that_point_to_nothing_are_refused_unless_they_did_before() {
    let place = Scene::new(&[
        PARENT,
        ("V2__orphans.sql", "DELETE FROM parent;"),
        ("V3__more.sql", "CREATE TABLE x (a);"),
    ]);
    let failed = up(&place.db(), &place.files(), 3).unwrap_err();
    assert!(matches!(failed, SchemaError::Migration { level: 2, .. }), "{failed}");
    assert_eq!(place.one::<i64>("SELECT count(*) FROM parent"), 1);

    let place = Scene::new(&[PARENT, ("V2__more.sql", "CREATE TABLE x (a);")]);
    up(&place.db(), &place.files(), 1).unwrap();
    place
        .sql()
        .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM parent;")
        .unwrap();
    up(&place.db(), &place.files(), 2).unwrap();
}

#[test]
fn files_that_refinery_would_skip_are_errors() {
    let wrong = [
        "V2_one_underscore.sql",
        "v2__small.sql",
        "U2__unversioned.sql",
        "V02__zero.sql",
        "V2__a-b.sql",
        "V2.1__dotted.sql",
        "V3__gap.sql",
        "V1__twice.sql",
        "V2__x.down.sql",
        "V1__other.down.sql",
        "README.md",
        "V99999999999__large.sql",
        "V1__parent.check.sql",
        "V2__x.verify.sql",
        "V1__other.verify.sql",
    ];
    for name in wrong {
        let place = Scene::new(&[PARENT, (name, "SELECT 1;")]);
        place.load().unwrap_err();
    }
    let place = Scene::new(&[PARENT, REBUILD]);
    let unlisted = SchemaFiles::load(Dialect::Sqlite, &place.folder(), &|name| name == PARENT.0).unwrap_err();
    assert!(unlisted.to_string().contains("V2__rebuild.sql"), "{unlisted}");
}

#[test]
fn missing_changed_ahead_and_targets_are_told_apart() {
    let place = Scene::new(&[PARENT, REBUILD]);
    let (db, both) = (place.db(), place.files());
    up(&db, &both, 2).unwrap();
    assert!(matches!(
        up(&db, &both, 1),
        Err(SchemaError::TargetBelow { level: 2, target: 1 })
    ));
    assert!(matches!(
        up(&db, &both, 3),
        Err(SchemaError::TargetUnknown { target: 3, known: 2 })
    ));
    let first = Scene::new(&[PARENT]).files();
    assert!(matches!(
        up(&db, &first, 1),
        Err(SchemaError::Ahead { found: 2, known: 1 })
    ));
    let changed = Scene::new(&[PARENT, (REBUILD.0, "SELECT 1;")]).files();
    assert!(matches!(
        up(&db, &changed, 2),
        Err(SchemaError::Changed { level: 2, .. })
    ));
    let other_line_ends = Scene::new(&[(PARENT.0, &PARENT.1.replace('\n', "\r\n")), REBUILD]).files();
    assert_eq!(up(&db, &other_line_ends, 2).unwrap().count(), 0, "they mean nothing");
    place
        .sql()
        .execute("DELETE FROM refinery_schema_history WHERE version = 1", [])
        .unwrap();
    assert!(matches!(
        up(&db, &both, 2),
        Err(SchemaError::Missing { level: 2, missing: 1 })
    ));
    let twice = "CREATE TABLE h AS SELECT * FROM refinery_schema_history; DROP TABLE refinery_schema_history;
                 ALTER TABLE h RENAME TO refinery_schema_history;
                 INSERT INTO refinery_schema_history SELECT * FROM refinery_schema_history;";
    place.sql().execute_batch(twice).unwrap();
    assert!(matches!(
        up(&db, &both, 2),
        Err(SchemaError::Duplicate { level: 2, .. })
    ));
}

#[test]
fn a_level_is_read_without_leaving_a_trace() {
    let place = Scene::new(&[PARENT]);
    assert_eq!(level(&place.db()).unwrap(), None);
    assert!(!place.db().exists());
    place
        .sql()
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE x (a);")
        .unwrap();
    up(&place.db(), &place.files(), 1).unwrap();
    assert_eq!(level(&place.db()).unwrap(), Some(1));
    let names: Vec<_> = fs::read_dir(place.dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(place.one::<String>("PRAGMA journal_mode"), "wal");
}

fn with_downs(second: &str) -> Scene {
    Scene::new(&[
        PARENT,
        ("V1__parent.down.sql", "DROP TABLE child; DROP TABLE parent;"),
        ("V2__more.sql", "CREATE TABLE more (a);"),
        ("V2__more.down.sql", second),
    ])
}

#[test]
fn down_gives_the_schema_back_and_repeats() {
    let place = with_downs("DROP TABLE more;");
    let (db, files) = (place.db(), place.files());
    up(&db, &files, 1).unwrap();
    let before = fingerprint(&db).unwrap();
    let downs = up_and_keep(&db, &files, 2);
    assert_ne!(fingerprint(&db).unwrap(), before);
    assert_eq!(levels(&down(&db, &downs, 1).unwrap()), [2]);
    assert_eq!(down(&db, &downs, 1).unwrap().count(), 0);
    assert_eq!(fingerprint(&db).unwrap(), before);
    assert!(matches!(
        down(&db, &downs, 2),
        Err(SchemaError::TargetAbove { level: 1, target: 2 })
    ));
}

#[test]
fn the_guestbook_goes_up_and_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/migrate/guestbook/migrations");
    let files = SchemaFiles::load(Dialect::Sqlite, &folder, &|_| true).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("g b?#%.db");
    up(&db, &files, 1).unwrap();
    let first = fingerprint(&db).unwrap();
    let copy = dir.path().join("copy.db");
    fs::copy(&db, &copy).unwrap();
    let trial = trial_up(&copy, &files, 3, BUDGET).unwrap();
    assert!(
        trial.files.iter().all(|file| file.way_back == Some(WayBack::Rehearsed)),
        "{trial:?}"
    );
    assert_eq!(level(&copy).unwrap(), Some(3));
    let kept = up_and_keep(&db, &files, 3);
    trial_down(&db, &kept, 1, BUDGET).unwrap();
    assert_eq!(fingerprint(&db).unwrap(), first);
}
