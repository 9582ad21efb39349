//! What the editor writes, the client believes, at every moment of the writing.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp as Time};
use serde_json::json;

use super::{Editor, Lifetimes, RoleKeys, Signatories, Standing};
use crate::crypt::{SigningKey, digest_of};
use crate::release::{ProductName, TargetCustom, TargetRef};
use crate::tuf::client::repository::refresh;
use crate::tuf::document::Document;
use crate::tuf::{Key, MetadataSource, Role, Signer, SignerError, SourceError, TufError, all, catalog, init};

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

/// Signs with keys that suffice and writes.
fn publish(editor: &mut Editor, metadata: &Path, keys: &[SigningKey], now: Time) {
    assert_eq!(editor.sign(keys, now).unwrap(), Standing::Ready);
    write(editor, metadata);
}

fn write(editor: &mut Editor, metadata: &Path) {
    editor.write(metadata, &metadata.join("draft")).unwrap();
}

/// A repository with one package, its keys, and a client's trust.
fn published(dir: &Path) -> ([SigningKey; 4], Folder, PathBuf) {
    let keys = four();
    let metadata = dir.join("metadata");
    publish(
        &mut Editor::create(&signatories(&keys), Lifetimes::default(), now()).unwrap(),
        &metadata,
        &keys,
        now(),
    );
    let mut editor = Editor::open(&metadata, None).unwrap();
    let name = "guestbook/0a1/any.tar.zst";
    assert!(editor.add_target(&target(name, b"one"), &package("0a1")).unwrap());
    publish(&mut editor, &metadata, &keys, now());
    let trust = dir.join("trust");
    init(&trust, &std::fs::read(metadata.join("1.root.json")).unwrap()).unwrap();
    (keys, Folder(metadata), trust)
}

#[test]
fn what_is_published_reaches_the_catalog() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor
        .add_target(&target("guestbook/0a1/changelog.md", b"text"), &changelog("0a1"))
        .unwrap();
    publish(&mut editor, &source.0, &keys, later(1));

    let refreshed = refresh(&trust, &source, later(2)).unwrap();
    assert_eq!(refreshed.targets().version, 3);
    let targets = all(&refreshed, "guestbook").unwrap();
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
    let mut editor = Editor::open(&source.0, None).unwrap();
    let name = "guestbook/0a1/any.tar.zst";
    assert!(!editor.add_target(&target(name, b"one"), &package("0a1")).unwrap());
    let refused = editor.add_target(&target(name, b"two"), &package("0a1"));
    assert!(matches!(refused, Err(TufError::Published { .. })));
    let outside = editor.add_target(&target("../x", b"two"), &package("0a1"));
    assert!(matches!(outside, Err(TufError::TargetName { .. })));
}

#[test]
fn a_role_is_not_published_without_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, _) = published(dir.path());
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor.renew(&[Role::Targets], now()).unwrap();
    let Standing::Waits(lacking) = editor.sign(&keys[2..], now()).unwrap() else {
        panic!("published without the key of targets");
    };
    assert_eq!(
        (lacking[0].role, lacking[0].given, lacking[0].threshold),
        (Role::Targets, 0, 1)
    );
    assert!(editor.pending.is_empty());
    let mut new = Editor::create(&signatories(&keys), Lifetimes::default(), now()).unwrap();
    assert!(matches!(new.sign(&four(), now()).unwrap(), Standing::Waits(_)));
    let mut two_of_one = signatories(&keys);
    two_of_one.targets = RoleKeys {
        keys: vec![keys[1].key(), keys[1].key()],
        threshold: 2,
    };
    assert!(matches!(
        Editor::create(&two_of_one, Lifetimes::default(), now()),
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
    let mut editor = Editor::open(&source.0, None).unwrap();
    assert!(editor.check_fresh(later(8)).is_err());
    editor.renew_online(&keys[3..], later(8)).unwrap();
    write(&mut editor, &source.0);
    refresh(&trust, &source, later(8)).unwrap();
    let versions: Vec<_> = editor.states().iter().map(|state| state.version).collect();
    assert_eq!(versions, [1, 2, 2, 3]);
    // With the snapshot key too, that one is renewed as well.
    editor.renew_online(&keys[2..], later(40)).unwrap();
    write(&mut editor, &source.0);
    refresh(&trust, &source, later(40)).unwrap();
    assert_eq!(editor.states()[2].version, 3);
}

#[test]
fn all_keys_can_be_rotated_and_clients_follow() {
    let dir = tempfile::tempdir().unwrap();
    let (old, source, trust) = published(dir.path());
    refresh(&trust, &source, now()).unwrap();
    let new = four();
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor.change_keys(&signatories(&new), now()).unwrap();
    let standing = editor.sign(&new, now()).unwrap();
    assert!(matches!(standing, Standing::Waits(_)), "without the old root key");
    let mut editor = Editor::open(&source.0, None).unwrap();
    let [a, b, c, d] = new;
    let [e, f, g, h] = old;
    let all = [a, b, c, d, e, f, g, h];
    let to = Signatories {
        root: all[0].public().into(),
        targets: all[1].public().into(),
        snapshot: all[2].public().into(),
        timestamp: all[3].public().into(),
    };
    editor.change_keys(&to, now()).unwrap();
    assert_eq!(editor.sign(&all, now()).unwrap(), Standing::Ready);
    // Cut short before every single file: the client always finds a repository that it believes.
    let pending = editor.pending.clone();
    for written in 0..=pending.len() {
        if let Some((name, bytes)) = written.checked_sub(1).map(|i| &pending[i]) {
            std::fs::write(source.0.join(name), bytes).unwrap();
        }
        let refreshed = refresh(&trust, &source, now());
        refreshed.map_err(|e| panic!("after {written} files: {e}")).ok();
        Editor::open(&source.0, None).unwrap();
    }
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor.renew(&[Role::Targets], now()).unwrap();
    let standing = editor.sign(&all[4..], now()).unwrap();
    assert!(matches!(standing, Standing::Waits(_)), "the old keys sign nothing more");
    publish(&mut editor, &source.0, &all[..4], now());
    assert_eq!(refresh(&trust, &source, now()).unwrap().targets().version, 4);
}

#[test]
fn a_release_cut_short_before_any_file_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    for written in 0..=3 {
        let mut editor = Editor::open(&source.0, None).unwrap();
        let name = format!("guestbook/{written}");
        editor.add_target(&target(&name, b"x"), &changelog("0a1")).unwrap();
        assert_eq!(editor.sign(&keys, now()).unwrap(), Standing::Ready);
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
    assert!(Editor::open(&source.0, None).is_err());
    assert!(matches!(
        Editor::open(dir.path(), None),
        Err(TufError::Missing { name }) if name == "1.root.json"
    ));
}

#[test]
fn fields_of_a_newer_editor_survive_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, _) = published(dir.path());
    let mut editor = Editor::open(&source.0, None).unwrap();
    let top = |editor: &Editor| editor.published.clone().unwrap().targets["targets"].clone();
    let mut newer = top(&editor).into_inner();
    newer.content.unknown.insert("x-new".into(), json!({"a": [1]}));
    newer.version += 1;
    editor
        .draft
        .targets
        .insert("targets".into(), Document::unsigned(newer).unwrap());
    publish(&mut editor, &source.0, &keys, now());
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor.renew(&[Role::Targets], now()).unwrap();
    publish(&mut editor, &source.0, &keys, now());
    let top = top(&Editor::open(&source.0, None).unwrap());
    assert_eq!(top.version, 4);
    assert_eq!(top.content.unknown["x-new"], json!({"a": [1]}));
    assert_eq!(top.expires.to_string(), "2026-08-28T12:00:01Z");
}

#[test]
fn unknown_kinds_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    let mut editor = Editor::open(&source.0, None).unwrap();
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
        let file = crate::tuf::TargetFile::new(&target(name, b"x"), crate::tuf::Custom::of(&custom).unwrap());
        editor.added.insert(name.into(), file);
    }
    publish(&mut editor, &source.0, &keys, now());
    let targets = all(&refresh(&trust, &source, now()).unwrap(), "guestbook").unwrap();
    let found = catalog(&targets, &"guestbook".parse().unwrap()).unwrap();
    assert_eq!(found.releases().count(), 1);
}

/// Two of three keys, each elsewhere, with a cron job renewing the timestamp between them.
#[test]
fn a_draft_goes_from_signer_to_signer() {
    let dir = tempfile::tempdir().unwrap();
    let metadata = dir.path().join("metadata");
    let draft = dir.path().join("draft.json");
    let (offline, online) = (four(), four());
    let two_of_three = RoleKeys {
        keys: offline[1..].iter().map(Signer::key).collect(),
        threshold: 2,
    };
    let signatories = Signatories {
        root: offline[0].public().into(),
        targets: two_of_three,
        snapshot: online[0].public().into(),
        timestamp: online[1].public().into(),
    };
    let mut new = Editor::create(&signatories, Lifetimes::default(), now()).unwrap();
    let Standing::Waits(_) = new.sign(&offline, now()).unwrap() else {
        panic!("the online keys have not signed");
    };
    assert_eq!(new.sign(&online, now()).unwrap(), Standing::Ready);
    new.write(&metadata, &draft).unwrap();

    let open = || Editor::open(&metadata, Some(&draft)).unwrap();
    let name = "guestbook/0a1/any.tar.zst";
    let mut first = open();
    first.add_target(&target(name, b"one"), &package("0a1")).unwrap();
    let Standing::Waits(lacking) = first.sign(&offline[1..2], now()).unwrap() else {
        panic!("one of two keys sufficed");
    };
    assert_eq!(
        (lacking[0].given, lacking[0].threshold, lacking[0].keys.len()),
        (1, 2, 2)
    );
    first.keep(&draft).unwrap();

    // Again, and something else: the same signature counts once, and a draft is not changed under its signers.
    let mut again = open();
    assert!(again.has_draft());
    assert!(!again.add_target(&target(name, b"one"), &package("0a1")).unwrap());
    let other = again.add_target(&target("guestbook/x", b"x"), &changelog("0a1"));
    assert!(matches!(other, Err(TufError::DraftWaits)));
    assert!(matches!(again.sign(&offline[1..2], now()).unwrap(), Standing::Waits(_)));

    let mut cron = open();
    cron.renew_online(&online, later(1)).unwrap();
    cron.write(&metadata, &draft).unwrap();
    assert!(draft.exists());

    let mut second = open();
    let Standing::Waits(lacking) = second.sign(&offline[2..3], later(1)).unwrap() else {
        panic!("nobody signed the snapshot");
    };
    assert_eq!(lacking[0].role, Role::Snapshot);
    second.keep(&draft).unwrap();
    let mut last = open();
    assert_eq!(last.sign(&online, later(1)).unwrap(), Standing::Ready);
    // A crash before the draft is removed leaves what is no draft any more.
    for (name, bytes) in &last.pending {
        std::fs::write(metadata.join(name), bytes).unwrap();
    }
    assert!(!open().has_draft());
    assert!(open().targets().contains_key(name));
}

#[test]
fn a_draft_of_a_state_that_is_no_more_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, _) = published(dir.path());
    let draft = dir.path().join("draft.json");
    let mut editor = Editor::open(&source.0, Some(&draft)).unwrap();
    editor
        .add_target(&target("guestbook/a", b"a"), &changelog("0a1"))
        .unwrap();
    assert!(matches!(editor.sign(&keys[2..], now()).unwrap(), Standing::Waits(_)));
    editor.keep(&draft).unwrap();
    let mut elsewhere = Editor::open(&source.0, None).unwrap();
    elsewhere.renew(&[Role::Targets], now()).unwrap();
    publish(&mut elsewhere, &source.0, &keys, now());
    let stale = Editor::open(&source.0, Some(&draft));
    assert!(matches!(
        stale,
        Err(TufError::StaleDraft {
            role: Role::Targets,
            draft: 3,
            published: 3
        })
    ));
    std::fs::write(&draft, b"{\"targets\": 3}").unwrap();
    let damaged = Editor::open(&source.0, Some(&draft));
    assert!(matches!(damaged, Err(TufError::DamagedDraft { .. })));
}

#[test]
fn what_has_expired_is_renewed_before_anything_hangs_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, trust) = published(dir.path());
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor
        .add_target(&target("guestbook/a", b"a"), &changelog("0a1"))
        .unwrap();
    let refused = editor.sign(&keys, later(400)).unwrap_err();
    assert!(
        matches!(refused, TufError::Expired { role: Role::Root, .. }),
        "{refused}"
    );
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor.renew(&[Role::Root], later(400)).unwrap();
    publish(&mut editor, &source.0, &keys[..1], later(400));
    let due: Vec<_> = editor
        .states()
        .into_iter()
        .filter(|state| state.is_due(later(400)))
        .collect();
    assert_eq!(due.len(), 3);
    editor
        .add_target(&target("guestbook/a", b"a"), &changelog("0a1"))
        .unwrap();
    publish(&mut editor, &source.0, &keys, later(400));
    assert!(!editor.states().iter().any(|state| state.is_due(later(400))));
    refresh(&trust, &source, later(400)).unwrap();
}

#[test]
fn a_signature_of_another_key_is_not_taken() {
    struct Liar(SigningKey, SigningKey);
    impl Signer for Liar {
        fn key(&self) -> Key {
            self.0.key()
        }
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
            Signer::sign(&self.1, message)
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (keys, source, _) = published(dir.path());
    let mut editor = Editor::open(&source.0, None).unwrap();
    editor.renew(&[Role::Targets], now()).unwrap();
    let [_, targets, ..] = keys;
    let lied = editor
        .sign(&[Liar(targets, SigningKey::generate())], now())
        .unwrap_err();
    assert!(matches!(lied, TufError::SignerLied { role: Role::Targets }));
}
