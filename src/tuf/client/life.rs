//! The client over time: following an honest repository, recovering, being cut short, changing its publisher.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;

use serde_json::json;

use super::repository::{Client, Repository, days, envelope, now, refresh};
use super::{MetadataSource, init, trusted};
use crate::tuf::model::Role;
use crate::tuf::{SourceError, TufError};

#[test]
fn an_honest_repository_is_followed_and_nothing_is_fetched_twice() {
    let mut repository = Repository::new();
    let client = Client::of(&repository);
    assert_eq!(client.refresh(&repository).unwrap(), 1);
    repository.asked.borrow_mut().clear();
    assert_eq!(client.refresh(&repository).unwrap(), 1);
    assert_eq!(*repository.asked.borrow(), ["2.root.json", "timestamp.json"]);
    repository.release(2);
    assert_eq!(client.refresh(&repository).unwrap(), 2);
    let kept = std::fs::read(client.trust.join("targets.json")).unwrap();
    assert_eq!(kept, repository.files["2.targets.json"], "kept as received");
    assert_eq!(trusted(&client.trust, now()).unwrap().version, 2);
}

#[test]
fn plain_names_are_used_without_consistent_snapshots() {
    let mut repository = Repository::new();
    repository.root.content.consistent_snapshot = false;
    repository.files.clear();
    repository.put_root(&[]);
    repository.put_all();
    Client::refreshed(&repository);
    let asked = repository.asked.borrow();
    assert_eq!(
        *asked,
        ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"]
    );
}

#[test]
fn an_intermediate_root_may_have_expired() {
    let mut repository = Repository::new();
    let client = Client::of(&repository);
    repository.root.version = 2;
    repository.root.expires = now() - days(1);
    repository.put_root(&[]);
    repository.root.version = 3;
    repository.root.expires = now() + days(1);
    repository.put_root(&[]);
    client.refresh(&repository).unwrap();
    assert_eq!(client.version(Role::Root), Some(3));
}

#[test]
fn fast_forward_is_recovered_from_by_rotating_the_key() {
    for role in [Role::Timestamp, Role::Snapshot] {
        let mut repository = Repository::new();
        repository.release(1 << 60);
        let client = Client::refreshed(&repository);
        repository.rotate(role);
        repository.release(2);
        assert_eq!(client.refresh(&repository).unwrap(), 2, "{role}");
        assert_eq!(client.versions(), [Some(2), Some(2), Some(2), Some(2)]);
    }
}

#[test]
fn kept_metadata_of_the_announced_version_but_other_bytes_is_fetched_anew() {
    for role in [Role::Snapshot, Role::Targets] {
        let mut repository = Repository::new();
        let client = Client::refreshed(&repository);
        // The attacker's version 1 of this role, which its stolen key signed, lies on the disk.
        let unknown = match role {
            Role::Snapshot => &mut repository.snapshot.content.unknown,
            _ => &mut repository.targets.content.unknown,
        };
        unknown.insert("x-other".into(), json!(1));
        repository.put_all();
        repository.timestamp.version = 2;
        repository.put_timestamp();
        if role == Role::Targets {
            repository.snapshot.version = 2;
            repository.timestamp.version = 3;
            repository.put_snapshot();
        }
        client.refresh(&repository).unwrap();
        let kept = std::fs::read(client.trust.join(role.file())).unwrap();
        assert_eq!(kept, repository.files[&role.versioned_file(1)], "{role}");
    }
}

#[test]
fn refreshes_at_the_same_time_do_not_harm_each_other() {
    let mut repository = Repository::new();
    let client = Client::of(&repository);
    repository.release(2);
    let files = repository.files.clone();
    struct Files(BTreeMap<String, Vec<u8>>);
    impl MetadataSource for Files {
        fn get(&self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
            Ok(self.0.get(name).cloned())
        }
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let files = Files(files.clone());
                    let refreshed = refresh(&client.trust, &files, now()).unwrap();
                    assert_eq!(refreshed.targets().version, 2);
                }
            });
        }
    });
}

#[test]
fn unknown_fields_are_part_of_what_is_signed_and_do_no_harm() {
    let mut repository = Repository::new();
    let mut timestamp = serde_json::to_value(&repository.timestamp).unwrap();
    timestamp["x-new"] = json!({"nested": [1, "two", null, {"three": true}]});
    timestamp["meta"]["snapshot.json"]["x-more"] = json!("é\n\"");
    let file = envelope(&timestamp, &repository.keys[&Role::Timestamp]);
    repository.put("timestamp.json", &file);
    Client::refreshed(&repository);
    repository.tamper("timestamp.json", |file| file["signed"]["x-new"] = json!(2));
    assert!(matches!(
        Client::of(&repository).refused(&repository),
        TufError::Signatures { .. }
    ));
}

#[test]
fn a_refresh_that_was_cut_short_is_completed_by_the_next() {
    let mut repository = Repository::new();
    let client = Client::refreshed(&repository);
    repository.release(2);
    let targets = repository.files.remove("2.targets.json").unwrap();
    assert!(client.refused(&repository).is_unreachable());
    assert_eq!(client.versions(), [Some(1), Some(2), Some(2), Some(1)]);
    repository.files.insert("2.targets.json".into(), targets);
    assert_eq!(client.refresh(&repository).unwrap(), 2);
}

#[test]
fn damaged_trust_below_the_root_is_fetched_again() {
    let repository = Repository::new();
    let client = Client::refreshed(&repository);
    for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
        std::fs::write(client.trust.join(role.file()), b"{").unwrap();
        assert!(trusted(&client.trust, now()).is_err());
        assert_eq!(client.refresh(&repository).unwrap(), 1);
    }
    std::fs::write(client.trust.join("root.json"), b"{").unwrap();
    let damaged = client.refused(&repository);
    assert!(damaged.to_string().contains("init --root-metadata"), "{damaged}");
}

#[test]
fn an_unreachable_repository_is_told_from_a_wrong_one() {
    struct Down;
    impl MetadataSource for Down {
        fn get(&self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
            Err(SourceError::new(name, std::io::Error::other("refused")))
        }
    }
    let mut repository = Repository::new();
    let client = Client::refreshed(&repository);
    let down = refresh(&client.trust, &Down, now()).err().unwrap();
    assert!(down.is_unreachable());
    assert_eq!(trusted(&client.trust, now()).unwrap().version, 1);
    repository.files.remove("timestamp.json");
    assert!(client.refused(&repository).is_unreachable());
    let nobody = tempfile::tempdir().unwrap();
    let nowhere = nobody.path().join("trust");
    assert!(matches!(refresh(&nowhere, &repository, now()), Err(TufError::NoRoot)));
    assert!(!nowhere.exists());
}

#[test]
fn the_same_root_again_keeps_what_was_learnt_another_one_begins_anew() {
    let mut repository = Repository::new();
    let first = repository.root_bytes(1).to_vec();
    repository.rotate(Role::Root);
    repository.release(3);
    let client = Client::refreshed(&repository);
    for again in [&first[..], repository.root_bytes(2)] {
        init(&client.trust, again).unwrap();
        assert_eq!(client.versions(), [Some(2), Some(3), Some(3), Some(3)]);
    }
    let other = Repository::new();
    init(&client.trust, other.root_bytes(1)).unwrap();
    assert_eq!(client.versions(), [Some(1), None, None, None]);
    assert!(client.refresh(&repository).is_err());
    assert_eq!(client.refresh(&other).unwrap(), 1);
}

#[test]
fn a_root_not_signed_by_itself_is_not_taken() {
    let mut repository = Repository::new();
    let dir = tempfile::tempdir().unwrap();
    let trust = dir.path().join("trust");
    repository.tamper("1.root.json", |file| file["signed"]["x"] = json!(1));
    assert!(init(&trust, repository.root_bytes(1)).is_err());
    // One that asks for no signature at all is signed by nobody.
    repository.root.content.roles.get_mut("root").unwrap().threshold = 0;
    repository.put_root(&[]);
    repository.tamper("1.root.json", |file| file["signatures"] = json!([]));
    assert!(matches!(
        init(&trust, repository.root_bytes(1)),
        Err(TufError::Malformed { .. })
    ));
    assert!(!trust.exists());
}
