//! What is being written while it is backed up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::*;

#[test]
fn a_database_that_is_being_written_is_copied_at_one_moment_and_restored_without_its_old_log() {
    let place = Place::filled();
    let path = place.root().join("data/app.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE a (n); CREATE TABLE b (n);")
        .unwrap();
    let stop = AtomicBool::new(false);
    let record = std::thread::scope(|scope| {
        scope.spawn(|| {
            let db = Connection::open(&path).unwrap();
            db.busy_timeout(Duration::from_secs(10)).unwrap();
            while !stop.load(Ordering::Relaxed) {
                db.execute_batch("BEGIN; INSERT INTO a VALUES (randomblob(900)); INSERT INTO b VALUES (1); COMMIT;")
                    .unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(100));
        let record = place.create(Kind::Manual);
        stop.store(true, Ordering::Relaxed);
        record.unwrap()
    });
    let shown = show(&place.repository, &record.id).unwrap();
    let names: Vec<_> = shown.files.iter().map(|file| file.path.as_str()).collect();
    assert!(
        names.contains(&"data/app.db") && !names.iter().any(|name| name.contains("-wal")),
        "{names:?}"
    );
    let counts = |db: &Connection| -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)";
        db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let now = counts(&db);
    assert!(place.root().join("data/app.db-wal").exists());
    // The product is down but left its log: it must not be replayed into the restored file.
    let log = fs::read(place.root().join("data/app.db-wal")).unwrap();
    drop(db);
    fs::write(place.root().join("data/app.db-wal"), log).unwrap();
    place.restore(&record.id, &only(&["data/app.db"])).unwrap();
    assert!(!place.root().join("data/app.db-wal").exists());
    let db = Connection::open(&path).unwrap();
    let then = counts(&db);
    assert!(then.0 == then.1 && then.0 > 0 && then.0 <= now.0, "{then:?} of {now:?}");
    let ok: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(ok, "ok");
}

/// The file itself does not change while rows go to the log.
#[test]
fn rows_that_are_only_in_the_log_are_in_the_next_backup() {
    let place = Place::filled();
    let path = place.root().join("data/app.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE a (n); PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    place.create_later();
    db.execute_batch("INSERT INTO a VALUES (1)").unwrap();
    let second = place.create_later();
    drop(db);
    place.restore(&second.id, &only(&["data/app.db"])).unwrap();
    let db = Connection::open(&path).unwrap();
    let rows: i64 = db.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

/// A reader of a closed database leaves an empty log beside it.
#[test]
fn a_closed_database_is_not_read_again_because_the_backup_before_has_read_it() {
    let place = Place::filled();
    let db = Connection::open(place.root().join("data/app.db")).unwrap();
    db.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE a (n); INSERT INTO a VALUES (zeroblob(1000000))")
        .unwrap();
    drop(db);
    place.create_later();
    let mut heard = 0;
    create(&place.repository, &place.request(Kind::Manual), &mut |_, _| heard += 1).unwrap();
    assert!(heard < 10, "one file is heard of once: {heard}");
}

#[test]
fn files_that_grow_shrink_and_vanish_while_they_are_read_neither_fail_nor_hang_a_backup() {
    let place = Place::filled();
    let stop = AtomicBool::new(false);
    let (growing, vanishing) = (place.root().join("data/log"), place.root().join("data/deep/er/tmp"));
    fs::write(&growing, noise(3 << 20, 1)).unwrap();
    let records = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                fs::write(&growing, noise((2 << 20) + (n as usize % 7) * 100_000, n)).unwrap();
                fs::write(&vanishing, "x").unwrap();
                let _ = fs::remove_file(&vanishing);
            }
        });
        let records: Vec<_> = (0..5).map(|_| place.create(Kind::Manual)).collect();
        stop.store(true, Ordering::Relaxed);
        records
    });
    for record in records {
        let record = record.unwrap();
        let elsewhere = place.dir.path().join("elsewhere");
        restore(
            &place.repository,
            &record.id,
            &Selection::All,
            &elsewhere,
            Dumps::AsFiles,
        )
        .unwrap();
        let shown = show(&place.repository, &record.id).unwrap();
        let log = shown.files.iter().find(|file| file.path == "data/log").unwrap();
        assert_eq!(fs::metadata(elsewhere.join("data/log")).unwrap().len(), log.size);
        let unsettled = shown.files.iter().filter(|file| file.unsettled).count() as u64;
        assert_eq!(record.unsettled, unsettled);
    }
}

/// Nobody has named it; its rows are in the log alone.
#[test]
fn a_database_that_nobody_named_is_copied_with_its_log_and_one_that_is_none_as_the_files_it_is() {
    let place = Place::filled();
    let path = place.root().join("data/deep/other.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE a (n); INSERT INTO a VALUES (1)",
    )
    .unwrap();
    place.write(
        "data/broken.db",
        &[b"SQLite format 3\0".as_slice(), &[0xff; 5000]].concat(),
    );
    place.write("data/broken.db-wal", b"no log");
    place.write("data/plain", b"plain");
    fs::create_dir(place.root().join("data/plain-wal")).unwrap();
    place.write("data/plain-wal/inside", b"inside");
    let names = |record: &Record| -> Vec<String> {
        let shown = show(&place.repository, &record.id).unwrap();
        // SQLite makes an index of the log when it tries to open the broken one.
        let names = shown.files.into_iter().map(|file| file.path);
        names.filter(|name| name != "data/broken.db-shm").collect()
    };
    let record = place.create_later();
    let expected = [
        "config/app.toml",
        "data/a",
        "data/broken.db",
        "data/broken.db-wal",
        "data/deep/er/b",
        "data/deep/link",
        "data/deep/other.db",
        "data/plain",
        "data/plain-wal/inside",
    ];
    assert_eq!(names(&record), expected);
    // Nothing of it has changed, and then only its log.
    assert!(place.create_later().new_bytes < 1000);
    db.execute_batch("INSERT INTO a VALUES (2)").unwrap();
    let third = place.create_later();
    assert_eq!(names(&third), expected);
    drop(db);
    place.restore(&third.id, &only(&["data/deep"])).unwrap();
    let db = Connection::open(&path).unwrap();
    let rows: i64 = db.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
    let scratch = place.dir.path().join("scratch");
    let refused = drill(&place.repository, &third.id, &scratch, third.created, &[]).unwrap_err();
    assert!(refused.to_string().contains("broken.db"), "{refused}");
}

#[test]
fn a_database_behind_a_link_is_copied_where_it_lies_or_said_to_be_missing() {
    let place = Place::filled();
    let real = place.root().join("data/deep/real.db");
    let db = Connection::open(&real).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE a (n); INSERT INTO a VALUES (1)",
    )
    .unwrap();
    symlink("deep/real.db", place.root().join("data/app.db")).unwrap();
    let first = place.create(Kind::Manual).unwrap();
    assert_eq!((first.left_out().len(), first.outside.len()), (0, 0));
    drop(db);
    fs::remove_dir_all(place.root()).unwrap();
    place.restore(&first.id, &Selection::All).unwrap();
    let db = Connection::open(place.root().join("data/app.db")).unwrap();
    let rows: i64 = db.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
    drop(db);
    // Out of the trees, by a link to it or to its folder.
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::rename(&real, outside.join("app.db")).unwrap();
    fs::remove_file(place.root().join("data/app.db")).unwrap();
    symlink(outside.join("app.db"), place.root().join("data/app.db")).unwrap();
    let second = place.create(Kind::Manual).unwrap();
    assert_eq!(second.outside, ["data/app.db".parse().unwrap()]);
    assert!(second.left_out()[0].contains("data/app.db"));
    assert_eq!(list(&place.repository).unwrap()[0].record(), Some(&second));
    // A tree that is a link itself is followed.
    fs::remove_file(place.root().join("data/app.db")).unwrap();
    fs::rename(outside.join("app.db"), place.root().join("data/app.db")).unwrap();
    fs::rename(place.root().join("data"), outside.join("data")).unwrap();
    symlink(outside.join("data"), place.root().join("data")).unwrap();
    let third = place.create(Kind::Manual).unwrap();
    assert_eq!(third.outside, []);
}
