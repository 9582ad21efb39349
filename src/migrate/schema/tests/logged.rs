//! The write-ahead log that a database has for the length of a run of many files.

use super::*;

/// Lends a log and keeps that it is lent.
#[derive(Default)]
struct Lender {
    changed: bool,
    times: usize,
}

impl Witness for Lender {
    fn log(&self) -> Result<Log, NotKept> {
        Ok(if self.changed { Log::Changed } else { Log::MayChange })
    }

    fn log_changed(&mut self, is: bool) -> Result<(), NotKept> {
        self.times += usize::from(is);
        self.changed = is;
        Ok(())
    }
}

/// Levels of a table each; that of `wrong` fails.
fn levels(count: u32, wrong: u32) -> Scene {
    let sql = |level: u32| match level {
        _ if level == wrong => "SELECT nothing FROM nowhere;".to_owned(),
        level => format!("CREATE TABLE t{level} (n);"),
    };
    let files: Vec<_> = (1..=count)
        .map(|level| (format!("V{level}__t.sql"), sql(level)))
        .collect();
    let files: Vec<_> = files.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    Scene::new(&files)
}

fn lent(scene: &Scene, to: u32, lender: &mut Lender) -> Result<Applied, SchemaError> {
    super::super::up(&at(&scene.db()), &scene.files(), to, lender)
}

#[track_caller]
fn assert_given_back(scene: &Scene, lender: &Lender) {
    assert!(!lender.changed);
    assert_eq!(fs::read(scene.db()).unwrap()[18..20], [1, 1], "it still has a log");
    let beside = fs::read_dir(scene.dir.path()).unwrap().count();
    assert_eq!(beside, 2, "only the folder of migrations and the database are there");
}

#[test]
fn many_files_have_a_log_for_the_run_alone_and_few_have_none() {
    for (count, times) in [(7, 0), (8, 1)] {
        let scene = levels(count, 0);
        let mut lender = Lender::default();
        assert_eq!(lent(&scene, count, &mut lender).unwrap().count(), count as usize);
        assert_eq!(lender.times, times, "{count} files");
        assert_given_back(&scene, &lender);
    }
}

#[test]
fn a_failed_run_gives_its_log_back() {
    let scene = levels(9, 5);
    let mut lender = Lender::default();
    lent(&scene, 9, &mut lender).unwrap_err();
    assert_eq!((lender.times, level(&scene.db()).unwrap()), (1, Some(4)));
    assert_given_back(&scene, &lender);
}

#[test]
fn what_a_killed_run_has_left_is_given_back_by_the_next_whether_it_has_much_to_do_or_nothing() {
    for to in [8, 9] {
        let scene = levels(9, 0);
        up(&scene.db(), &scene.files(), 8).unwrap();
        scene.sql().execute_batch("PRAGMA journal_mode = WAL").unwrap();
        let mut lender = Lender {
            changed: true,
            times: 0,
        };
        lent(&scene, to, &mut lender).unwrap();
        assert_eq!(level(&scene.db()).unwrap(), Some(to));
        assert_given_back(&scene, &lender);
    }
}

#[test]
fn a_database_that_has_a_log_of_its_own_keeps_it() {
    let scene = levels(9, 0);
    scene.sql().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let mut lender = Lender::default();
    lent(&scene, 9, &mut lender).unwrap();
    assert_eq!(
        (lender.times, scene.one::<String>("PRAGMA journal_mode").as_str()),
        (0, "wal")
    );
}

/// What somebody has open stays as it is for them, and what they read is waited for.
#[test]
fn a_database_that_somebody_has_open_is_migrated_all_the_same() {
    let scene = levels(10, 0);
    up(&scene.db(), &scene.files(), 1).unwrap();
    let other = scene.sql();
    other.execute_batch("SELECT * FROM t1").unwrap();
    let mut lender = Lender::default();
    lent(&scene, 10, &mut lender).unwrap();
    assert_eq!(other.query_row("SELECT count(*) FROM t10", [], |row| row.get(0)), Ok(0));
    assert_given_back(&scene, &lender);
}

/// What a file says of the database's own ways is not undone by ours.
#[test]
fn files_that_are_no_transaction_are_run_without_a_log() {
    for (sql, pragma, expected) in [
        ("PRAGMA journal_mode = WAL;", "journal_mode", "wal"),
        ("PRAGMA page_size = 8192; VACUUM;", "page_size", "8192"),
    ] {
        let scene = levels(9, 0);
        let sql = format!("-- netlink: transaction=false rerunnable\n{sql}");
        fs::write(scene.folder().join("V9__t.sql"), sql).unwrap();
        let mut lender = Lender::default();
        lent(&scene, 9, &mut lender).unwrap();
        let found: rusqlite::types::Value = scene.one(&format!("PRAGMA {pragma}"));
        assert!(format!("{found:?}").contains(expected), "{found:?}");
        assert_eq!(lender.times, 0);
    }
}

/// One who is reading just then is not waited for.
#[test]
fn a_database_that_somebody_reads_stays_as_it_is() {
    let scene = levels(9, 0);
    up(&scene.db(), &scene.files(), 1).unwrap();
    let other = scene.sql();
    other.execute_batch("BEGIN; SELECT * FROM t1").unwrap();
    let connection = scene.sql();
    let start = std::time::Instant::now();
    crate::migrate::schema::sqlite::log_ahead(&connection).unwrap();
    assert!(start.elapsed() < crate::store::BUSY_TIMEOUT);
    drop(other);
    scene.sql().execute_batch("CREATE TABLE more (n)").unwrap();
    assert_eq!(scene.one::<String>("PRAGMA journal_mode"), "delete");
}

/// What a file sets for itself does not hold for those after it.
#[test]
fn each_file_is_as_durable_as_the_others() {
    let scene = levels(2, 0);
    let sql = "-- netlink: transaction=false rerunnable\nPRAGMA synchronous = OFF;";
    fs::write(scene.folder().join("V1__t.sql"), sql).unwrap();
    let must = "-- netlink: require \"SELECT synchronous = 2 FROM pragma_synchronous\" \"it is not durable\"\nCREATE TABLE t2 (n);";
    fs::write(scene.folder().join("V2__t.sql"), must).unwrap();
    up(&scene.db(), &scene.files(), 2).unwrap();
}
