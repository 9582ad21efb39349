//! Lists that nobody's walk has made: whoever has the keys may still not lead a restore astray.

use super::*;
use crate::backup::chunk::{ChunkId, Cut, each_chunk};
use crate::backup::entry::{Content, Entry, Name, Seen, What};
use crate::backup::listing::ListWriter;
use crate::backup::repository::{Shelf, Snapshot, with_writer};

fn entry(path: &str, what: What) -> Entry {
    Entry {
        path: Name::Text(path.into()),
        what,
        mode: 0o755,
        modified: (1_700_000_000, 5),
        user: rustix::process::geteuid().as_raw(),
        group: rustix::process::getegid().as_raw(),
        attributes: BTreeMap::new(),
    }
}

fn file(path: &str, content: &[u8]) -> (Entry, Vec<u8>) {
    let size = content.len() as u64;
    let seen = Seen::default();
    let content_of = Content {
        size,
        seen,
        ..Content::default()
    };
    (entry(path, What::File(content_of)), content.to_vec())
}

fn folder(path: &str) -> (Entry, Vec<u8>) {
    (entry(path, What::Folder), Vec::new())
}

fn link(path: &str, target: &Path) -> (Entry, Vec<u8>) {
    let target = Name::of(target);
    (entry(path, What::Link { target }), Vec::new())
}

/// A backup with these entries, by one who has the keys.
fn forged(place: &Place, entries: Vec<(Entry, Vec<u8>)>) -> BackupId {
    let like = place.create(Kind::Manual).unwrap();
    let (repository, chunking) = (&place.repository, place.repository.chunking());
    let mut known = repository.index().unwrap();
    let (lists, _) = with_writer(repository, &chunking, &mut known, |to| {
        let mut list = ListWriter::new(&chunking);
        for (mut entry, content) in entries {
            let mut chunks: Vec<ChunkId> = Vec::new();
            each_chunk(&chunking, Cut::Runs(8192), &content, &mut |chunk| {
                chunks.push(to.put(Shelf::Content, chunk)?);
                Ok::<_, BackupError>(())
            })?;
            if let What::File(of) = &mut entry.what {
                of.chunks = chunks.len() as u64;
            }
            list.add(to, &entry, &chunks)?;
        }
        list.finish(to)
    })
    .unwrap();
    let id: BackupId = "backup_0b1_20260301_120000".parse().unwrap();
    let record = Record {
        id: id.clone(),
        trees: vec!["data".parse().unwrap()],
        ..like
    };
    let snapshot = Snapshot {
        record,
        entries: lists.entries,
        contents: lists.contents,
    };
    repository.write_snapshot(&snapshot).unwrap();
    id
}

#[test]
fn what_is_listed_honestly_is_restored() {
    let place = Place::filled();
    let id = forged(
        &place,
        vec![
            folder("data"),
            file("data/a", b"forged"),
            folder("data/b"),
            file("data/b/c", b"c"),
        ],
    );
    place.restore(&id, &Selection::All).unwrap();
    assert_eq!(fs::read(place.root().join("data/a")).unwrap(), b"forged");
}

#[test]
fn nothing_is_written_through_links_or_beside_the_trees() {
    let elsewhere = tempfile::tempdir().unwrap();
    let (outside, secret) = (elsewhere.path().join("outside"), elsewhere.path().join("secret"));
    fs::create_dir(&outside).unwrap();
    fs::write(&secret, "secret").unwrap();
    let named_again = |path: &str, first: &str| {
        let (mut entry, content) = file(path, b"secret");
        if let What::File(of) = &mut entry.what {
            of.same_as = Some(Name::Text(first.into()));
        }
        (entry, content)
    };
    let through = || link("data/x", &outside);
    let lists = [
        vec![folder("data"), through(), file("data/x/passwd", b"mine")],
        vec![
            folder("data"),
            through(),
            folder("data/x"),
            file("data/x/passwd", b"mine"),
        ],
        vec![
            folder("data"),
            folder("data/x"),
            through(),
            file("data/x/passwd", b"mine"),
        ],
        vec![folder("data"), file("data/x", b"1"), file("data/x/y", b"2")],
        vec![folder("data"), file("data/b", b"1"), file("data/a", b"2")],
        vec![folder("config"), folder("data")],
        vec![file("data/a", b"1")],
        vec![
            folder("data"),
            link("data/x", elsewhere.path()),
            named_again("data/y", "data/x/secret"),
        ],
        vec![folder("data"), link("data/x", &secret), named_again("data/y", "data/x")],
        // What the document names and the list lacks.
        vec![],
    ];
    for list in lists {
        let place = Place::filled();
        let before = picture(&place.root());
        let shown = format!("{:?}", list.iter().map(|(entry, _)| &entry.path).collect::<Vec<_>>());
        let id = forged(&place, list);
        let error = place.restore(&id, &Selection::All).unwrap_err();
        assert_eq!(error.code(), "NL0602", "{shown}: {error}");
        assert_eq!(picture(&place.root()), before, "{shown}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{shown}");
        assert_eq!(fs::metadata(&secret).unwrap().nlink(), 1, "{shown}");
    }
}

/// SQLite writes to what lies beside a database that it opens.
#[test]
fn a_drill_compares_what_lies_beside_a_database_before_that_is_opened() {
    let place = Place::filled();
    let live = place.dir.path().join("live.db");
    let db = rusqlite::Connection::open(&live).unwrap();
    db.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1)")
        .unwrap();
    let read = |ending: &str| fs::read(place.dir.path().join(format!("live.db{ending}"))).unwrap();
    let list = vec![
        folder("data"),
        file("data/x.db", &read("")),
        file("data/x.db-shm", &[7; 32768]),
        file("data/x.db-wal", &read("-wal")),
    ];
    let id = forged(&place, list);
    let drilled = drill(
        &place.repository,
        &id,
        &place.dir.path().join("scratch"),
        "2026-03-02T00:00:00Z".parse().unwrap(),
        &[],
    );
    assert_eq!(drilled.unwrap().databases, 1);
}
