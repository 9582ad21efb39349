//! What a backup promises, tried on real files.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::crypt::digest_of;
use crate::disk;

struct Place {
    dir: TempDir,
    key: Key,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/data/deep/er")).unwrap();
        fs::create_dir_all(dir.path().join("root/config")).unwrap();
        let key = Key::load_or_create(&dir.path().join("key"), None).unwrap();
        Self { dir, key }
    }

    fn filled() -> Self {
        let place = Self::new();
        place.write("data/a", b"first");
        place.write("data/deep/er/b", &[7; 5000]);
        place.write("config/app.toml", b"x = 1\n");
        symlink("../a", place.root().join("data/deep/link")).unwrap();
        place
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    fn write(&self, path: &str, content: &[u8]) {
        fs::write(self.root().join(path), content).unwrap();
    }

    fn request(&self, kind: Kind) -> Request {
        let paths = |all: &[&str]| all.iter().map(|path| path.parse().unwrap()).collect();
        Request {
            root: self.root(),
            trees: paths(&["data", "config", "not-there"]),
            databases: paths(&["data/app.db"]),
            scratch: self.dir.path().join("scratch"),
            kind,
            version: Some("0b1".parse().unwrap()),
            by: "a test".into(),
            created: "2026-01-31T12:00:00Z".parse().unwrap(),
        }
    }

    fn create(&self, kind: Kind) -> Result<Record> {
        create(&self.backups(), &self.key, &self.request(kind), &mut |_, _| {})
    }

    fn restore(&self, id: &BackupId, selection: &Selection) -> Result<Restored> {
        restore(&self.backups(), &self.key, id, selection, &self.root())
    }

    fn verify(&self, id: &BackupId) -> Result<Record> {
        verify(&self.backups(), &self.key, id)
    }
}

fn only(paths: &[&str]) -> Selection {
    Selection::Only(paths.iter().map(|path| path.parse().unwrap()).collect())
}

/// Path, mode, time and content of everything.
fn picture(root: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, String)> {
    let entries = disk::walk(root).unwrap().into_iter();
    let shown = entries.map(|entry| {
        let full = root.join(&entry.path);
        let meta = fs::symlink_metadata(&full).unwrap();
        let content = match &entry.kind {
            disk::EntryKind::File => fs::read(&full).unwrap(),
            disk::EntryKind::Link(target) => target.as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let time = if meta.is_symlink() {
            (0, 0)
        } else {
            (meta.mtime(), meta.mtime_nsec())
        };
        (
            entry.path,
            (meta.mode(), time.0, time.1, digest_of(&content).to_string()),
        )
    });
    shown.collect()
}

#[test]
fn a_whole_restore_gives_back_what_was_and_nothing_else() {
    let place = Place::filled();
    fs::set_permissions(place.root().join("data/deep"), fs::Permissions::from_mode(0o750)).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd \xff name");
    fs::write(place.root().join("data").join(odd), "odd").unwrap();
    fs::write(place.root().join("data").join("n".repeat(200)), "long").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.root().join("data/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let mut heard = (0, 0);
    let record = create(
        &place.backups(),
        &place.key,
        &place.request(Kind::Manual),
        &mut |done, total| {
            assert!(done >= heard.0 && done <= total, "{done} of {total} after {heard:?}");
            heard = (done, total);
        },
    )
    .unwrap();
    assert_eq!(heard, (2 * record.bytes, 2 * record.bytes));
    assert_eq!((record.files, record.unsettled), (6, 0));
    let mut before = picture(&place.root());
    before.remove(Path::new("data/pipe"));
    place.write("data/a", b"second");
    place.write("data/new", b"x");
    fs::remove_file(place.root().join("config/app.toml")).unwrap();
    fs::create_dir(place.root().join("releases")).unwrap();
    let restored = place.restore(&record.id, &Selection::All).unwrap();
    assert_eq!((restored.files, restored.bytes), (record.files, record.bytes));
    fs::remove_dir(place.root().join("releases")).unwrap();
    assert_eq!(picture(&place.root()), before);
    let file = fs::metadata(record.id.file_in(&place.backups())).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_selection_touches_nothing_else_and_names_what_is_not_there() {
    let place = Place::filled();
    fs::set_permissions(place.root().join("data/deep"), fs::Permissions::from_mode(0o700)).unwrap();
    let record = place.create(Kind::Manual).unwrap();
    place.write("data/a", b"second");
    place.write("data/deep/er/b", b"second");
    place.write("data/deep/er/new", b"stays");
    place.restore(&record.id, &only(&["data/deep/er/b"])).unwrap();
    assert_eq!(fs::read(place.root().join("data/a")).unwrap(), b"second");
    assert_eq!(fs::read(place.root().join("data/deep/er/b")).unwrap(), [7; 5000]);
    assert!(place.root().join("data/deep/er/new").exists());
    assert!(!place.root().join(".netlink-restore").exists());

    let before = picture(&place.root());
    let missing = place.restore(&record.id, &only(&["data/a", "data/nope"])).unwrap_err();
    assert!(missing.to_string().contains("`data/nope`"), "{missing}");
    assert_eq!(picture(&place.root()), before);

    let elsewhere = place.dir.path().join("x/y");
    restore(
        &place.backups(),
        &place.key,
        &record.id,
        &only(&["data/deep/er", "data/deep/er/b"]),
        &elsewhere,
    )
    .unwrap();
    assert_eq!(picture(&elsewhere).len(), 4);
    let above = fs::metadata(elsewhere.join("data/deep")).unwrap();
    assert_eq!(above.permissions().mode() & 0o777, 0o700);
}

#[test]
fn every_changed_or_missing_byte_is_found_before_anything_is_restored() {
    let place = Place::filled();
    let record = place.create(Kind::Manual).unwrap();
    let path = record.id.file_in(&place.backups());
    let whole = fs::read(&path).unwrap();
    place.write("data/a", b"must stay");
    let before = picture(&place.root());
    // All of the frame's parts byte by byte; within the padded header, samples.
    let spots = (0..whole.len()).filter(|at| !(200..8200).contains(at) || at % 97 == 0);
    for at in spots {
        let mut bent = whole.clone();
        bent[at] ^= 1 << (at % 8);
        fs::write(&path, &bent).unwrap();
        let error = place.verify(&record.id).expect_err("flipped");
        assert_eq!(error.code(), "NL0602", "byte {at}: {error}");
        assert!(place.restore(&record.id, &only(&["data/a"])).is_err(), "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert!(place.verify(&record.id).is_err(), "cut at {at}");
        assert!(
            list(&place.backups(), &place.key).unwrap()[0].record.is_err(),
            "cut at {at}"
        );
    }
    fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert!(place.verify(&record.id).is_err());
    assert_eq!(picture(&place.root()), before);
    fs::write(&path, &whole).unwrap();
    assert_eq!(place.verify(&record.id).unwrap(), record);
}

#[test]
fn another_key_another_name_and_parts_of_another_backup_are_found() {
    let place = Place::filled();
    let first = place.create(Kind::Manual).unwrap();
    let second = place.create(Kind::Manual).unwrap();
    assert_eq!(second.id.as_str(), format!("{}_2", first.id));
    let other = Key::load_or_create(&place.dir.path().join("other"), None).unwrap();
    let error = verify(&place.backups(), &other, &first.id).unwrap_err();
    assert!(matches!(error, BackupError::OtherKey { .. }), "{error}");

    let (one, two) = (first.id.file_in(&place.backups()), second.id.file_in(&place.backups()));
    let (a, b) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let at = usize::try_from(format::BODY_AT).unwrap();
    for cut in [format::PRELUDE, at] {
        fs::write(&one, [&a[..cut], &b[cut..]].concat()).unwrap();
        assert!(place.verify(&first.id).is_err(), "joined at {cut}");
    }
    fs::write(&one, &b).unwrap();
    let error = place.restore(&first.id, &Selection::All).unwrap_err().to_string();
    assert!(error.contains("under another name"), "{error}");
    let listed = list(&place.backups(), &place.key).unwrap();
    assert_eq!(
        listed.iter().map(|one| &one.id).collect::<Vec<_>>(),
        [&second.id, &first.id]
    );
    assert!(listed[0].record.is_ok() && listed[1].record.is_err());
    let json = serde_json::to_value(&listed).unwrap();
    assert_eq!(
        (&json[0]["id"], &json[0]["kind"]),
        (&second.id.as_str().into(), &"manual".into())
    );
    assert!(json[1]["id"] == first.id.as_str() && json[1]["damaged"].as_str().is_some());
    assert_eq!(
        place
            .verify(&"backup_none_20200101_000000".parse().unwrap())
            .unwrap_err()
            .code(),
        "NL0601"
    );
}

#[test]
fn one_step_of_an_update_has_one_backup_however_often_it_is_tried() {
    let place = Place::filled();
    let kind = || Kind::BeforeUpdate("update_1".into());
    let first = place.create(kind()).unwrap();
    fs::write(
        place.backups().join(format!("{}_2.nlbackup.netlink-part", first.id)),
        "half",
    )
    .unwrap();
    place.write("data/a", b"written since");
    let again = place.create(kind()).unwrap();
    assert_eq!(fs::read_dir(place.backups()).unwrap().count(), 1);
    let listed = list(&place.backups(), &place.key).unwrap();
    assert!(listed[0].is_for("update_1") && !listed[0].is_for("update_2"));
    assert_eq!(place.verify(&again.id).unwrap(), again);
    assert_ne!(again.bytes, first.bytes);
}

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
            db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
            while !stop.load(Ordering::Relaxed) {
                db.execute_batch("BEGIN; INSERT INTO a VALUES (randomblob(900)); INSERT INTO b VALUES (1); COMMIT;")
                    .unwrap();
            }
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        let record = place.create(Kind::Manual);
        stop.store(true, Ordering::Relaxed);
        record.unwrap()
    });
    let shown = show(&place.backups(), &place.key, &record.id).unwrap();
    let names: Vec<_> = shown.files.iter().map(|file| file.path.as_str()).collect();
    assert!(
        names.contains(&"data/app.db") && !names.iter().any(|name| name.contains("-wal")),
        "{names:?}"
    );
    assert_eq!(fs::read_dir(place.dir.path().join("scratch")).unwrap().count(), 0);

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
    assert!(then.0 == then.1 && then.0 <= now.0, "{then:?} of {now:?}");
    let ok: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(ok, "ok");
}

#[test]
fn an_interrupted_restore_is_neither_hidden_nor_hard_to_finish() {
    let place = Place::filled();
    let record = place.create(Kind::Manual).unwrap();
    let before = picture(&place.root());
    place.write("data/a", b"second");
    // As a kill between the two swaps leaves it.
    let staging = place.root().join(".netlink-restore");
    fs::create_dir_all(staging.join("new/data")).unwrap();
    let mark = format!(r#"{{"backup":"{}","only":null}}"#, record.id);
    fs::write(staging.join("swapping"), mark).unwrap();
    fs::remove_dir_all(place.root().join("config")).unwrap();
    let refused = place.create(Kind::Manual).unwrap_err().to_string();
    assert!(
        refused.contains(&format!("netlink backup restore {}", record.id)),
        "{refused}"
    );
    assert!(matches!(
        place.restore(&record.id, &only(&["data/a"])),
        Err(BackupError::Interrupted { .. })
    ));
    place.restore(&record.id, &Selection::All).unwrap();
    assert_eq!(picture(&place.root()), before);
    place.create(Kind::Manual).unwrap();
}

#[test]
fn links_and_backups_in_the_way_stop_a_restore_before_it_begins() {
    let place = Place::filled();
    let record = place.create(Kind::Manual).unwrap();
    let moved = place.dir.path().join("moved");
    fs::rename(place.root().join("data"), &moved).unwrap();
    symlink(&moved, place.root().join("data")).unwrap();
    for selection in [Selection::All, only(&["data/a"])] {
        let error = place.restore(&record.id, &selection).unwrap_err();
        assert!(matches!(error, BackupError::InTheWay { .. }), "{error}");
    }
    fs::remove_file(place.root().join("data")).unwrap();
    fs::rename(&moved, place.root().join("data")).unwrap();

    let inside = place.root().join("data/backups");
    let request = place.request(Kind::Manual);
    let first = create(&inside, &place.key, &request, &mut |_, _| {}).unwrap();
    let second = create(&inside, &place.key, &request, &mut |_, _| {}).unwrap();
    assert_eq!(first.files, second.files);
    let error = restore(&inside, &place.key, &second.id, &Selection::All, &place.root()).unwrap_err();
    assert!(matches!(error, BackupError::InTheWay { .. }), "{error}");
    assert!(first.id.file_in(&inside).exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_tree_comes_back(files in prop::collection::btree_map("[a-c]{1,2}(/[a-cé ]{1,3}){0,2}", (prop::collection::vec(any::<u8>(), 0..3000), 0_u32..8), 0..12)) {
        let place = Place::new();
        for (path, (content, mode)) in &files {
            let full = place.root().join("data").join(path);
            // A name that is a file already cannot be a folder too.
            if fs::create_dir_all(full.parent().unwrap()).is_ok() && fs::write(&full, content).is_ok() {
                fs::set_permissions(&full, fs::Permissions::from_mode(0o600 | mode)).unwrap();
            }
        }
        let before = picture(&place.root());
        let record = place.create(Kind::Manual).unwrap();
        fs::remove_dir_all(place.root()).unwrap();
        place.restore(&record.id, &Selection::All).unwrap();
        prop_assert_eq!(picture(&place.root()), before);
    }
}
