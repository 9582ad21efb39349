//! What outlasts its time on a server: settings of a file, a reading from before the lock.

use std::time::Duration;

use netlink::migrate::schema::{Nobody, NotKept, Place, Schema, SchemaFiles, StoredLevel, Witness, down, up};

use super::faults::{Bench, PARENT};
use super::*;

/// The second file sets this; the third makes a table, and is verified by this.
fn sets(bench: &Bench, second: &str, verify: &str) {
    let files = [
        PARENT,
        ("V2__sets.sql", second),
        ("V2__sets.verify.sql", verify),
        (
            "V3__next.sql",
            "CREATE TABLE next (a int);\nINSERT INTO parent VALUES (3, 'c');",
        ),
        ("V3__next.verify.sql", verify),
    ];
    let files = bench.files(&files).unwrap();
    bench.clear();
    up(&bench.place(), &files, 3, &mut Nobody).unwrap_or_else(|e| panic!("{second}: {}", super::faults::told(&e)));
    assert_eq!(bench.level(), Some(3), "{second}");
}

#[test]
fn what_a_file_of_postgresql_sets_ends_with_it() {
    let bench = Bench::new(Postgresql);
    let user = bench.server.name(super::super::USER);
    bench
        .server
        .sql(None, &format!("CREATE ROLE other; GRANT other TO {user};"));
    for setting in [
        "CREATE SCHEMA IF NOT EXISTS elsewhere; SET search_path TO elsewhere;",
        "CREATE SCHEMA IF NOT EXISTS elsewhere; SET LOCAL search_path TO elsewhere;",
        "SELECT set_config('search_path', '', false);",
        "SET ROLE other;",
        "SET SESSION lock_timeout = '1ms'; SET statement_timeout = '5s'; SET row_security = off; SET work_mem = '64kB';",
        "CREATE TEMP TABLE parent (id int, name text);",
        "-- netlink: transaction=false rerunnable\nSET lock_timeout = '1ms'; SET search_path TO pg_catalog;",
    ] {
        let verify = "SELECT current_user = session_user;\n\
                      SELECT current_setting('lock_timeout') <> '1ms' AND current_setting('work_mem') <> '64kB';\n\
                      SELECT current_setting('statement_timeout') <> '5s' AND current_setting('row_security') = 'on';\n\
                      SELECT count(*) > 0 FROM parent;\n";
        sets(&bench, setting, verify);
        let next = "pg_tables WHERE schemaname = 'public' AND tablename IN ('next', 'refinery_schema_history')";
        assert_eq!(bench.count(next), "2", "{setting}");
        assert_eq!(bench.count("public.parent"), "2", "{setting}");
    }
}

#[test]
fn what_a_file_of_mariadb_sets_ends_with_it() {
    let bench = Bench::new(Mariadb);
    for setting in [
        "SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+05:00';\nSET NAMES latin1;\nSET unique_checks = 0;",
        "SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+05:00', unique_checks = 0;\nSET NAMES latin1;\nCREATE TABLE more (a int);",
    ] {
        let verify = "SELECT @@sql_mode NOT LIKE '%ANSI_QUOTES%' AND @@unique_checks = 1 AND @@time_zone <> '+05:00';\n\
                      SELECT @@character_set_client <> 'latin1' AND @@character_set_results <> 'latin1';\n";
        sets(&bench, setting, verify);
    }
}

/// Keeps how each level is taken back.
struct Keeper<'f> {
    files: &'f SchemaFiles,
    kept: Vec<StoredLevel>,
}

impl Witness for Keeper<'_> {
    fn turn(&mut self, level: u32, schema: Schema<'_>) -> Result<(), NotKept> {
        self.kept.extend(StoredLevel::of(self.files, level, schema()?, None));
        Ok(())
    }
}

/// All have read the history before the first of them is done; those that waited look again.
fn takes_back_once(engine: Engine) {
    let bench = Bench::new(engine);
    let files = [
        PARENT,
        ("V2__x.sql", "CREATE TABLE x (a int);"),
        ("V2__x.down.sql", "DROP TABLE x;"),
    ];
    let files = bench.files(&files).unwrap();
    let kept = Vec::new();
    let mut keeper = Keeper { files: &files, kept };
    up(&bench.place(), &files, 2, &mut keeper).unwrap();
    let mut place = bench.place();
    if let Place::Server(reach) = &mut place {
        reach.patience = Duration::from_secs(60);
    }
    std::thread::scope(|scope| {
        let down = || down(&place, &keeper.kept, 1, &mut Nobody).map(|applied| applied.count());
        let started: Vec<_> = (0..5).map(|_| scope.spawn(down)).collect();
        let ran = started.into_iter().map(|one| one.join().unwrap());
        let ran = ran.map(|ran| ran.unwrap_or_else(|e| panic!("{}", super::faults::told(&e))));
        assert_eq!(ran.sum::<usize>(), 1);
    });
    assert_eq!(bench.level(), Some(1));
}

#[test]
fn of_many_that_take_back_on_postgresql_one_does() {
    takes_back_once(Postgresql);
}

#[test]
fn of_many_that_take_back_on_mariadb_one_does() {
    takes_back_once(Mariadb);
}
