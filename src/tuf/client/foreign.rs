//! A repository made by another implementation of TUF (`tests/data/tuf/make.py`) verifies here: canonical JSON, key ids and
//! signatures are those of the specification, not only those of our own editor.
#![allow(clippy::disallowed_methods)]

use super::repository::{now, refresh};
use super::{MetadataSource, all, init};
use crate::crypt::digest_of;
use crate::tuf::document::Document;
use crate::tuf::model::Root;
use crate::tuf::{SourceError, catalog};

const FILES: [(&str, &[u8]); 5] = [
    ("1.root.json", include_bytes!("../../../tests/data/tuf/1.root.json")),
    ("2.root.json", include_bytes!("../../../tests/data/tuf/2.root.json")),
    (
        "3.snapshot.json",
        include_bytes!("../../../tests/data/tuf/3.snapshot.json"),
    ),
    (
        "4.targets.json",
        include_bytes!("../../../tests/data/tuf/4.targets.json"),
    ),
    (
        "timestamp.json",
        include_bytes!("../../../tests/data/tuf/timestamp.json"),
    ),
];

struct Foreign;

impl MetadataSource for Foreign {
    fn get(&self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let file = FILES.iter().find(|(file, _)| *file == name);
        Ok(file.map(|(_, bytes)| bytes.to_vec()))
    }
}

#[test]
fn a_repository_of_another_implementation_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path(), FILES[0].1).unwrap();
    let refreshed = refresh(dir.path(), &Foreign, now()).unwrap();
    assert_eq!(refreshed.targets().version, 4);
    let targets = all(&refreshed, "guestbook").unwrap();
    assert_eq!(targets.len(), 2);
    let found = catalog(&targets, &"guestbook".parse().unwrap()).unwrap();
    let release = found.get(&"0a1".parse().unwrap()).unwrap();
    let package = release.package_for(&"any".parse().unwrap()).unwrap();
    assert_eq!(package.target.sha256, digest_of(b"one"));
}

#[test]
fn the_keys_have_the_ids_that_the_specification_gives_them() {
    for (_, bytes) in &FILES[..2] {
        let root = Document::<Root>::parse(bytes).unwrap().verified_by_itself().unwrap();
        assert!(root.content.keys.len() >= 6);
        for (id, key) in &root.content.keys {
            assert_eq!(key.id().unwrap(), *id, "{} key", key.keytype);
        }
    }
}
