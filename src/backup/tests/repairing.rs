//! Drills and repairs.

use super::*;

#[test]
fn a_drill_restores_compares_and_is_remembered() {
    let place = Place::filled();
    let db = rusqlite::Connection::open(place.root().join("data/app.db")).unwrap();
    db.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(db);
    let record = place.create(Kind::Manual).unwrap();
    let scratch = place.dir.path().join("scratch");
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    let drilled = drill(&place.repository, &record.id, &scratch, now, &[]).unwrap();
    assert_eq!(
        (drilled.files, drilled.bytes, drilled.databases),
        (record.files, record.size, 1)
    );
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    let listed = list(&place.repository).unwrap();
    assert_eq!(listed[0].drilled, Some(drilled));
    assert!(place.verified().is_whole());
    let document = &place.files_below("snapshots")[0];
    let whole = fs::read(document).unwrap();
    fs::write(document, &whole[..whole.len() - 1]).unwrap();
    assert!(!place.verified().is_whole());
}

#[test]
fn a_drill_finds_a_database_that_was_broken_when_it_was_backed_up() {
    let place = Place::filled();
    let path = place.root().join("data/other.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (zeroblob(50000))")
        .unwrap();
    drop(db);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..4200].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let record = place.create(Kind::Manual).unwrap();
    let scratch = place.dir.path().join("scratch");
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    let error = drill(&place.repository, &record.id, &scratch, now, &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("other.db"), "{error}");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    assert_eq!(list(&place.repository).unwrap()[0].drilled, None);
}

#[test]
fn a_repair_heals_from_the_live_files_and_names_what_it_cannot_heal() {
    let place = Place::filled();
    place.write("data/stays", &noise(300_000, 1));
    place.write("data/goes", &noise(300_000, 2));
    let first = place.create(Kind::Manual).unwrap();
    fs::remove_file(place.root().join("data/goes")).unwrap();
    place.write("data/a", &noise(100_000, 3));
    let second = place.create(Kind::Manual).unwrap();
    let before = picture(&place.root());
    // The first block of every pack of content is lost: of both files.
    for pack in place.files_below("packs") {
        let mut bytes = fs::read(&pack).unwrap();
        if bytes.len() > 300_000 {
            bytes[100] ^= 1;
            fs::write(&pack, bytes).unwrap();
        }
    }
    assert_eq!(place.verified().damaged.len(), 2);
    let repaired = repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert_eq!(repaired.healed, std::slice::from_ref(&second.id), "{repaired:?}");
    assert_eq!(repaired.damaged.len(), 1);
    assert_eq!(repaired.damaged[0].id, first.id);
    assert!(repaired.healed_chunks > 0 && repaired.healed_chunks < repaired.lost_chunks);
    assert_eq!(verify(&place.repository, &second.id).unwrap(), second);
    place.restore(&second.id, &Selection::All).unwrap();
    assert_eq!(picture(&place.root()), before);
    // What is whole of the other can still be had.
    place.restore(&first.id, &only(&["data/stays"])).unwrap();
    assert!(place.restore(&first.id, &only(&["data/goes"])).is_err());
    assert!(place.verified().problems.is_empty());
    assert_eq!(
        repair(&place.repository, &place.request(Kind::Manual))
            .unwrap()
            .problems
            .len(),
        0
    );
}

#[test]
fn lost_indexes_and_packs_that_explain_themselves_no_more_are_mended() {
    let place = Place::filled();
    place.write("data/large", &noise(300_000, 1));
    let record = place.create(Kind::Manual).unwrap();
    for index in place.files_below("index") {
        fs::write(index, "nonsense").unwrap();
    }
    assert!(!place.verified().is_whole());
    repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert!(place.verified().is_whole());
    assert_eq!(verify(&place.repository, &record.id).unwrap(), record);
    for pack in place.files_below("packs") {
        let bytes = fs::read(&pack).unwrap();
        fs::write(&pack, &bytes[..bytes.len() - 3]).unwrap();
    }
    assert!(!place.verified().is_whole());
    repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert!(place.verified().is_whole());
    fs::remove_dir_all(place.root()).unwrap();
    place.restore(&record.id, &Selection::All).unwrap();
}

/// Only one file is hurt, whichever bit it is.
#[test]
fn a_file_that_names_an_unknown_key_hides_no_other_and_is_mended() {
    let place = Place::filled();
    let first = place.create(Kind::Manual).unwrap();
    place.write("data/large", &noise(100_000, 1));
    let second = place.create(Kind::Manual).unwrap();
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[10] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    flip(&place.files_below("index")[0]);
    flip(&place.files_below("packs")[0]);
    flip(&place.repository.snapshot_path(&first.id));
    let listed = list(&place.repository).unwrap();
    assert!(listed[0].record() == Some(&second) && matches!(listed[1].state, State::Damaged(_)));
    // Three such files are of one key that is not at hand.
    let refused = repair(&place.repository, &place.request(Kind::Manual)).unwrap_err();
    assert!(matches!(refused, BackupError::OtherKey { .. }), "{refused}");
    flip(&place.files_below("index")[0]);
    flip(&place.files_below("packs")[0]);
    let repaired = repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert_eq!(repaired.removed, [first.id]);
    assert!(place.verified().is_whole());
    flip(&place.files_below("packs")[0]);
    let repaired = repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert!(place.verified().problems.is_empty() && repaired.damaged.len() + repaired.healed.len() == 1);
}

#[test]
fn a_damaged_record_of_a_drill_goes_and_one_file_that_cannot_be_read_does_not_end_a_repair() {
    let place = Place::filled();
    place.write("data/large", &noise(100_000, 1));
    let record = place.create(Kind::Manual).unwrap();
    let scratch = place.dir.path().join("scratch");
    drill(&place.repository, &record.id, &scratch, record.created, &[]).unwrap();
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[100] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let drilled = place.repository.snapshot_path(&record.id).with_extension("drill");
    flip(&drilled);
    flip(&place.files_below("packs")[0]);
    // Named as a database, and none.
    place.write("data/app.db", b"SQLite format 3\0 and nothing of it is true");
    let repaired = repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert_eq!(repaired.unread.len(), 1, "{repaired:?}");
    assert!(repaired.unread[0].contains("app.db"), "{repaired:?}");
    assert!(repaired.healed_chunks > 0 && !drilled.exists());
    let found = place.verified();
    assert!(found.is_whole(), "{found:?}");
}
