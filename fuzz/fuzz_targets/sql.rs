//! SQL of migrations. Whatever is in a file: it is read, and when nothing was found in it that must not be there, SQLite finds
//! nothing of the kind either, which shows that statements begin where SQLite lets them begin. What is applied is in the history.
#![no_main]

use std::error::Error;
use std::fs;
use std::time::Duration;

use netlink::migrate::schema::{Dialect, Place, SchemaFiles, level, trial_up};

const BUDGET: Duration = Duration::from_secs(2);

libfuzzer_sys::fuzz_target!(|sql: &str| {
    // It is compiled, not run, so what it would do does not matter to SQLite either way.
    if sql.to_ascii_lowercase().contains("explain") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("migrations");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("V1__fuzzed.sql"), sql).unwrap();
    let Ok(files) = SchemaFiles::load(Dialect::Sqlite, &folder, &|_| true) else {
        return;
    };
    if files.lint(0, 1).is_err() {
        return;
    }
    // As the others read it: nothing of it is lost, and nothing of theirs panics.
    for dialect in [Dialect::Postgresql, Dialect::Mysql] {
        if let Ok(files) = SchemaFiles::load(dialect, &folder, &|_| true) {
            let _ = files.lint(0, 1);
        }
    }
    let db = Place::Sqlite(dir.path().join("p.db"));
    match trial_up(&db, &files, 1, BUDGET, &mut || Err("SQLite spoils no copy".into())) {
        Ok(_) => assert_eq!(level(&db).unwrap(), Some(1)),
        Err(error) => {
            let mut cause = Some(&error as &dyn Error);
            while let Some(error) = cause {
                // At its beginning: SQLite's own errors repeat what is in the file.
                assert!(!error.to_string().starts_with("a migration may not use"), "{error}");
                cause = error.source();
            }
            assert!(level(&db).is_ok());
        }
    }
});
