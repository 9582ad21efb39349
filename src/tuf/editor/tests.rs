//! What the editor writes, the client believes, at every moment of the writing.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp as Time};
use serde_json::json;

use super::{Editor, RoleKeys, Signatories};
use crate::crypt::{SigningKey, digest_of};
use crate::release::{ProductName, TargetCustom, TargetRef};
use crate::tuf::client::repository::refresh;
use crate::tuf::{MetadataSource, Role, SourceError, TufError, all, catalog, init};

struct Folder(PathBuf);

impl MetadataSource for Folder {
    fn get(&self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(std::fs::read(self.0.join(name)).ok())
    }
}

fn now() -> Time {
    "2026-03-01T12:00:00.5Z".parse().unwrap()
}

fn later(days: i64) -> Time {
    now() + SignedDuration::from_hours(24 * days)
}

fn four() -> [SigningKey; 4] {
    std::array::from_fn(|_| SigningKey::generate())
}

fn signatories(keys: &[SigningKey; 4]) -> Signatories {
    Signatories {
        root: keys[0].public().into(),
        targets: keys[1].public().into(),
        snapshot: keys[2].public().into(),
        timestamp: keys[3].public().into(),
    }
}

fn target(name: &str, content: &[u8]) -> TargetRef {
    TargetRef {
        name: name.into(),
        length: content.len() as u64,
        sha256: digest_of(content),
    }
}

fn changelog(version: &str) -> TargetCustom {
    TargetCustom::Changelog {
        product: "guestbook".parse().unwrap(),
        version: version.parse().unwrap(),
    }
}

fn package(version: &str) -> TargetCustom {
    TargetCustom::Package {
        product: "guestbook".parse().unwrap(),
        version: version.parse().unwrap(),
        platform: "any".parse().unwrap(),
        rules: Box::default(),
        unpacked: 7,
    }
}

/// A repository with one package, its keys, and a client's trust.
fn published(dir: &Path) -> ([SigningKey; 4], Folder, PathBuf) {
    let keys = four();
    let metadata = dir.join("metadata");
    let mut editor = Editor::create(&signatories(&keys), &keys, now()).unwrap();
    editor.write(&metadata).unwrap();
    let mut editor = Editor::open(&metadata).unwrap();
    let name = "guestbook/0a1/any.tar.zst";
    assert!(editor.add_target(&target(name, b"one"), &package("0a1")).unwrap());
    editor.sign_release(&keys, now()).unwrap();
    editor.write(&metadata).unwrap();
    let trust = dir.join("trust");
    init(&trust, &std::fs::read(metadata.join("1.root.json")).unwrap()).unwrap();
    (keys, Folder(metadata), trust)
}

#[test]
fn what_is_published_reaches_the_catalog() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    let mut editor = Editor::open(&source.0).unwrap();
    editor
        .add_target(&target("guestbook/0a1/changelog.md", b"text"), &changelog("0a1"))
        .unwrap();
    editor.sign_release(&keys, later(1)).unwrap();
    editor.write(&source.0).unwrap();

    let refreshed = refresh(&trust, &source, later(2)).unwrap();
    assert_eq!(refreshed.targets().version, 3);
    let targets = all(&refreshed).unwrap();
    let product: ProductName = "guestbook".parse().unwrap();
    let found = catalog(&targets, &product).unwrap();
    let release = found.get(&"0a1".parse().unwrap()).unwrap();
    let package = release.package_for(&"linux-x86_64".parse().unwrap()).unwrap();
    assert_eq!(package.target, target("guestbook/0a1/any.tar.zst", b"one"));
    assert!(release.changelog.is_some());
    let other = catalog(&targets, &"other".parse().unwrap()).unwrap();
    assert_eq!(other.releases().count(), 0);
}

#[test]
fn a_name_is_published_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_, source, _) = published(dir.path());
    let mut editor = Editor::open(&source.0).unwrap();
    let name = "guestbook/0a1/any.tar.zst";
    assert!(!editor.add_target(&target(name, b"one"), &package("0a1")).unwrap());
    let refused = editor.add_target(&target(name, b"two"), &package("0a1"));
    assert!(matches!(refused, Err(TufError::Published { .. })));
    let outside = editor.add_target(&target("../x", b"two"), &package("0a1"));
    assert!(matches!(outside, Err(TufError::TargetName { .. })));
}

#[test]
fn a_role_is_not_signed_without_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, _) = published(dir.path());
    let mut editor = Editor::open(&source.0).unwrap();
    let missing = editor.sign_release(&keys[2..], now()).unwrap_err();
    assert!(
        matches!(
            missing,
            TufError::KeysMissing {
                role: Role::Targets,
                threshold: 1,
                given: 0
            }
        ),
        "{missing}"
    );
    let stranger = four();
    assert!(Editor::create(&signatories(&keys), &stranger, now()).is_err());
    let mut two_of_one = signatories(&keys);
    two_of_one.targets = RoleKeys {
        keys: vec![keys[1].public(), keys[1].public()],
        threshold: 2,
    };
    assert!(matches!(
        Editor::create(&two_of_one, &keys, now()),
        Err(TufError::Threshold { .. })
    ));
}

#[test]
fn the_timestamp_key_alone_keeps_a_repository_alive() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    assert!(matches!(
        refresh(&trust, &source, later(8)),
        Err(TufError::Expired {
            role: Role::Timestamp,
            ..
        })
    ));
    let mut editor = Editor::open(&source.0).unwrap();
    assert!(editor.check_fresh(later(8)).is_err());
    editor.renew(&keys[3..], later(8)).unwrap();
    editor.write(&source.0).unwrap();
    refresh(&trust, &source, later(8)).unwrap();
    let versions: Vec<_> = editor.states().iter().map(|state| state.version).collect();
    assert_eq!(versions, [1, 2, 2, 3]);
    // With the snapshot key too, that one is renewed as well.
    editor.renew(&keys[2..], later(40)).unwrap();
    editor.write(&source.0).unwrap();
    refresh(&trust, &source, later(40)).unwrap();
    assert_eq!(editor.states()[2].version, 3);
}

#[test]
fn all_keys_can_be_rotated_and_clients_follow() {
    let dir = tempfile::tempdir().unwrap();
    let (old, source, trust) = published(dir.path());
    refresh(&trust, &source, now()).unwrap();
    let new = four();
    let mut editor = Editor::open(&source.0).unwrap();
    assert!(
        editor.rotate(&signatories(&new), &new, now()).is_err(),
        "without the old root key"
    );
    let mut editor = Editor::open(&source.0).unwrap();
    let [a, b, c, d] = new;
    let [e, f, g, h] = old;
    let all = [a, b, c, d, e, f, g, h];
    let to = Signatories {
        root: all[0].public().into(),
        targets: all[1].public().into(),
        snapshot: all[2].public().into(),
        timestamp: all[3].public().into(),
    };
    editor.rotate(&to, &all, now()).unwrap();
    // Cut short before every single file: the client always finds a repository that it believes.
    let pending = editor.pending.clone();
    for written in 0..=pending.len() {
        if let Some((name, bytes)) = written.checked_sub(1).map(|i| &pending[i]) {
            std::fs::write(source.0.join(name), bytes).unwrap();
        }
        let refreshed = refresh(&trust, &source, now());
        refreshed.map_err(|e| panic!("after {written} files: {e}")).ok();
        Editor::open(&source.0).unwrap();
    }
    let mut editor = Editor::open(&source.0).unwrap();
    assert!(
        editor.sign_release(&all[4..], now()).is_err(),
        "the old keys sign nothing more"
    );
    editor.sign_release(&all[..4], now()).unwrap();
    editor.write(&source.0).unwrap();
    assert_eq!(refresh(&trust, &source, now()).unwrap().targets().version, 4);
}

#[test]
fn a_release_cut_short_before_any_file_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    for written in 0..=3 {
        let mut editor = Editor::open(&source.0).unwrap();
        let name = format!("guestbook/{written}");
        editor.add_target(&target(&name, b"x"), &changelog("0a1")).unwrap();
        editor.sign_release(&keys, now()).unwrap();
        for (name, bytes) in editor.pending.iter().take(written) {
            std::fs::write(source.0.join(name), bytes).unwrap();
        }
        let seen = refresh(&trust, &source, now()).unwrap();
        assert_eq!(seen.targets().content.targets.contains_key(&name), written == 3);
    }
}

#[test]
fn a_repository_that_a_client_would_refuse_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (_, source, _) = published(dir.path());
    let path = source.0.join("2.targets.json");
    let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    file["signed"]["targets"]["evil"] = json!({"length": 1, "hashes": {"sha256": "00"}});
    std::fs::write(&path, file.to_string()).unwrap();
    assert!(Editor::open(&source.0).is_err());
    assert!(matches!(
        Editor::open(dir.path()),
        Err(TufError::Missing { name }) if name == "1.root.json"
    ));
}

#[test]
fn fields_of_a_newer_editor_survive_this_one() {
    let keys = four();
    let mut editor = Editor::create(&signatories(&keys), &keys, now()).unwrap();
    editor.targets.content.unknown.insert("x-new".into(), json!({"a": [1]}));
    editor.sign_release(&keys, now()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    editor.write(dir.path()).unwrap();
    let mut editor = Editor::open(dir.path()).unwrap();
    editor.sign_release(&keys, now()).unwrap();
    editor.write(dir.path()).unwrap();
    let editor = Editor::open(dir.path()).unwrap();
    assert_eq!(editor.targets.content.unknown["x-new"], json!({"a": [1]}));
    assert_eq!(editor.targets.expires.to_string(), "2026-08-28T12:00:01Z");
}

#[test]
fn unknown_kinds_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    let mut editor = Editor::open(&source.0).unwrap();
    for (name, custom) in [
        (
            "p",
            json!({"netlink": {"kind": "plugin", "product": "guestbook", "of": 3}}),
        ),
        ("q", json!({"netlink": 7})),
        ("r", json!({"other": {}})),
        (
            "s",
            json!({"netlink": {"kind": "package", "product": "else", "version": "?"}}),
        ),
    ] {
        let mut file = crate::tuf::TargetFile::new(&target(name, b"x"), serde_json::Map::new());
        file.custom = custom.as_object().cloned();
        editor.targets.content.targets.insert(name.into(), file);
    }
    editor.sign_release(&keys, now()).unwrap();
    editor.write(&source.0).unwrap();
    let targets = all(&refresh(&trust, &source, now()).unwrap()).unwrap();
    let found = catalog(&targets, &"guestbook".parse().unwrap()).unwrap();
    assert_eq!(found.releases().count(), 1);
}
