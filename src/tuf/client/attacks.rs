//! Each attack of the specification's section 1.5.2, and that the client is none the worse afterwards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::repository::{Client, Repository, bytes, days, envelope, now, refresh};
use super::{MetadataSource, trusted};
use crate::crypt::{SigningKey, sha512_hex};
use crate::tuf::model::Role;
use crate::tuf::{Key, SourceError, TufError};

#[test]
fn arbitrary_software_every_role_needs_the_right_signature() {
    for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
        let mut repository = Repository::new();
        let client = Client::refreshed(&repository);
        repository.keys.insert(role, vec![SigningKey::generate()]);
        repository.release(2);
        let refused = client.refused(&repository);
        assert!(
            matches!(refused, TufError::Signatures { role: r, valid: 0, .. } if r == role),
            "{refused}"
        );
        assert_eq!(client.version(role), Some(1));
    }
}

#[test]
fn a_changed_byte_breaks_the_signature() {
    let mut repository = Repository::new();
    let client = Client::of(&repository);
    repository.tamper("timestamp.json", |file| file["signed"]["version"] = json!(7));
    assert!(matches!(client.refused(&repository), TufError::Signatures { .. }));
    assert_eq!(client.versions(), [Some(1), None, None, None]);
}

#[test]
fn rollback_of_the_timestamp() {
    let mut repository = Repository::new();
    repository.release(5);
    let client = Client::refreshed(&repository);
    repository.timestamp.version = 4;
    repository.put_timestamp();
    let refused = client.refused(&repository);
    assert!(
        matches!(
            refused,
            TufError::Rollback {
                role: Role::Timestamp,
                trusted: 5,
                offered: 4
            }
        ),
        "{refused}"
    );
    assert_eq!(client.version(Role::Timestamp), Some(5));
}

#[test]
fn rollback_of_the_snapshot() {
    let mut repository = Repository::new();
    repository.release(5);
    let client = Client::refreshed(&repository);
    repository.timestamp.version = 6;
    repository.snapshot.version = 4;
    repository.put_snapshot();
    let refused = client.refused(&repository);
    assert!(
        matches!(
            refused,
            TufError::Rollback {
                role: Role::Snapshot,
                trusted: 5,
                offered: 4
            }
        ),
        "{refused}"
    );
    assert_eq!(client.versions(), [Some(1), Some(5), Some(5), Some(5)]);
}

#[test]
fn rollback_of_the_targets_by_a_newer_snapshot() {
    let mut repository = Repository::new();
    repository.release(5);
    let client = Client::refreshed(&repository);
    repository.timestamp.version = 6;
    repository.snapshot.version = 6;
    repository.targets.version = 4;
    repository.put_all();
    let refused = client.refused(&repository);
    assert!(
        matches!(
            refused,
            TufError::AnnouncedRollback {
                trusted: 5,
                offered: 4,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(client.version(Role::Snapshot), Some(5));
    assert_eq!(client.version(Role::Targets), Some(5));
}

#[test]
fn a_metadata_file_may_not_vanish_from_the_snapshot() {
    let mut repository = Repository::new();
    let meta = crate::tuf::MetaFile::of(1, b"");
    repository.snapshot.content.meta.insert("extra.json".into(), meta);
    repository.put_snapshot();
    let client = Client::refreshed(&repository);
    repository.snapshot.content.meta.remove("extra.json");
    repository.release(2);
    assert!(matches!(client.refused(&repository), TufError::Dropped { .. }));
}

#[test]
fn freeze_expired_metadata_of_every_role_is_refused_at_the_fixed_start_time() {
    for role in Role::ALL {
        for (left, fresh) in [
            (jiff::SignedDuration::from_secs(1), true),
            (jiff::SignedDuration::ZERO, false),
        ] {
            let mut repository = Repository::new();
            let expires = now() + left;
            match role {
                Role::Root => repository.root.expires = expires,
                Role::Timestamp => repository.timestamp.expires = expires,
                Role::Snapshot => repository.snapshot.expires = expires,
                Role::Targets => repository.targets.expires = expires,
            }
            repository.put_root(&[]);
            repository.put_all();
            let result = Client::of(&repository).refresh(&repository);
            let expired = matches!(&result, Err(TufError::Expired { role: r, .. }) if *r == role);
            assert_eq!((result.is_ok(), expired), (fresh, !fresh), "{role}: {result:?}");
        }
    }
}

#[test]
fn freeze_what_was_fresh_yesterday_does_not_stay_so() {
    let repository = Repository::new();
    let client = Client::refreshed(&repository);
    let later = now() + days(11);
    let frozen = refresh(&client.trust, &repository, later).err().unwrap();
    assert!(
        matches!(
            frozen,
            TufError::Expired {
                role: Role::Timestamp,
                ..
            }
        ),
        "{frozen}"
    );
    assert!(!frozen.is_unreachable());
    assert!(trusted(&client.trust, later).is_err());
    // Once the publisher signs anew, all is well.
    let mut repository = repository;
    repository.timestamp.expires = later + days(7);
    repository.snapshot.expires = later + days(7);
    repository.targets.expires = later + days(7);
    repository.release(2);
    assert!(refresh(&client.trust, &repository, later).is_ok());
}

#[test]
fn freeze_kept_metadata_expires_role_by_role() {
    for role in Role::ALL {
        let mut repository = Repository::new();
        let expires = now() + days(1);
        match role {
            Role::Root => repository.root.expires = expires,
            Role::Timestamp => repository.timestamp.expires = expires,
            Role::Snapshot => repository.snapshot.expires = expires,
            Role::Targets => repository.targets.expires = expires,
        }
        repository.put_root(&[]);
        repository.put_all();
        let client = Client::refreshed(&repository);
        let later = now() + days(2);
        for result in [
            refresh(&client.trust, &repository, later).map(|refreshed| refreshed.targets().clone()),
            trusted(&client.trust, later),
        ] {
            let expired = result.unwrap_err();
            assert!(
                matches!(expired, TufError::Expired { role: r, .. } if r == role),
                "{expired}"
            );
        }
    }
}

#[test]
fn mix_and_match_files_of_two_moments_are_refused() {
    let mut repository = Repository::new();
    let old = repository.files.clone();
    repository.release(2);
    let new = repository.files.clone();
    // An old, validly signed snapshot in the place of the new one, and so for targets.
    for name in ["snapshot", "targets"] {
        repository.files = new.clone();
        repository
            .files
            .insert(format!("2.{name}.json"), old[&format!("1.{name}.json")].clone());
        let refused = Client::of(&repository).refused(&repository);
        assert!(matches!(refused, TufError::WrongBytes { .. }), "{refused}");
    }
}

#[test]
fn mix_and_match_is_refused_by_version_where_no_hashes_are_announced() {
    for role in [Role::Snapshot, Role::Targets] {
        let mut repository = Repository::new();
        let bare = json!({"version": 2});
        let bare: crate::tuf::MetaFile = serde_json::from_value(bare).unwrap();
        if role == Role::Targets {
            repository.snapshot.content.meta.insert(role.file(), bare);
            repository.put_snapshot();
        } else {
            repository.timestamp.content.meta.insert(role.file(), bare);
            repository.put_timestamp();
        }
        let old = repository.files[&role.versioned_file(1)].clone();
        repository.files.insert(role.versioned_file(2), old);
        let refused = Client::of(&repository).refused(&repository);
        assert!(
            matches!(
                refused,
                TufError::WrongVersion {
                    found: 1,
                    expected: 2,
                    ..
                }
            ),
            "{role}: {refused}"
        );
    }
}

#[test]
fn endless_data_is_refused_for_every_role() {
    let padded = |file: &[u8], length: u64| {
        let mut file = file.to_vec();
        file.resize(usize::try_from(length).unwrap(), b' ');
        file
    };
    let mut repository = Repository::new();
    repository.root.version = 2;
    repository.put_root(&[]);
    let good = repository.files.clone();
    for (name, limit) in [("2.root.json", 512_000), ("timestamp.json", 16_384)] {
        for (length, fits) in [(limit, true), (limit + 1, false)] {
            repository.files = good.clone();
            repository.files.insert(name.into(), padded(&good[name], length));
            let result = Client::of(&repository).refresh(&repository);
            assert_eq!(result.is_ok(), fits, "{name} of {length}: {result:?}");
            assert!(fits || matches!(result, Err(TufError::TooLong { .. })));
        }
    }
    for name in ["1.snapshot.json", "1.targets.json"] {
        repository.files = good.clone();
        let announced = good[name].len() as u64;
        repository.files.insert(name.into(), padded(&good[name], announced + 1));
        let refused = Client::of(&repository).refused(&repository);
        assert!(
            matches!(refused, TufError::TooLong { limit, .. } if limit == announced),
            "{refused}"
        );
    }
}

#[test]
fn endless_data_is_refused_where_no_length_is_announced() {
    for (role, limit) in [(Role::Snapshot, 2 << 20), (Role::Targets, 5 << 20)] {
        let mut repository = Repository::new();
        let bare = serde_json::from_value(json!({"version": 1})).unwrap();
        if role == Role::Targets {
            repository.snapshot.content.meta.insert(role.file(), bare);
            repository.put_snapshot();
        } else {
            repository.timestamp.content.meta.insert(role.file(), bare);
            repository.put_timestamp();
        }
        let name = role.versioned_file(1);
        for (length, fits) in [(limit, true), (limit + 1, false)] {
            repository.files.get_mut(&name).unwrap().resize(length, b' ');
            let result = Client::of(&repository).refresh(&repository);
            assert_eq!(result.is_ok(), fits, "{name} of {length}: {result:?}");
            assert!(fits || matches!(result, Err(TufError::TooLong { .. })));
        }
    }
}

#[test]
fn every_announced_digest_must_be_right_and_one_be_known() {
    let with = |change: fn(&mut BTreeMap<String, String>)| {
        let mut repository = Repository::new();
        let file = repository.files["1.snapshot.json"].clone();
        let meta = repository.timestamp.content.meta.get_mut("snapshot.json").unwrap();
        let hashes = serde_json::to_value(meta.hashes.take()).unwrap();
        let mut hashes: BTreeMap<String, String> = serde_json::from_value(hashes).unwrap();
        hashes.insert("sha512".into(), sha512_hex(&file));
        hashes.insert("new".into(), "0".into());
        change(&mut hashes);
        meta.hashes = Some(serde_json::from_value(serde_json::json!(hashes)).unwrap());
        repository.put_timestamp();
        Client::of(&repository).refresh(&repository).is_ok()
    };
    assert!(with(|_| ()));
    assert!(with(|hashes| drop(hashes.remove("sha256"))));
    assert!(!with(|hashes| drop(hashes.insert("sha512".into(), "0".repeat(128)))));
    assert!(!with(|hashes| drop(hashes.insert("sha256".into(), "0".repeat(64)))));
    assert!(!with(|hashes| hashes.retain(|kind, _| kind == "new")));
}

#[test]
fn a_huge_announced_length_does_not_lift_the_limit() {
    struct Watching<'a>(&'a Repository);
    impl MetadataSource for Watching<'_> {
        fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
            assert!(limit <= 5 << 20, "{name}: {limit}");
            self.0.get(name, limit)
        }
    }
    let mut repository = Repository::new();
    let meta = repository.timestamp.content.meta.get_mut("snapshot.json").unwrap();
    meta.length = Some(u64::MAX);
    repository.put_timestamp();
    let client = Client::of(&repository);
    assert!(refresh(&client.trust, &Watching(&repository), now()).is_err());
}

#[test]
fn a_threshold_counts_keys_not_signatures() {
    let (a, b) = (SigningKey::generate(), SigningKey::generate());
    let mut repository = Repository::new();
    repository.set_keys(Role::Timestamp, vec![a, b], 2);
    repository.put_root(&[]);
    repository.put_timestamp();
    let good = repository.files.clone();
    Client::refreshed(&repository);

    // One of two.
    repository.tamper("timestamp.json", |file| {
        file["signatures"].as_array_mut().unwrap().truncate(1);
    });
    let refused = Client::of(&repository).refused(&repository);
    assert!(
        matches!(
            refused,
            TufError::Signatures {
                valid: 1,
                threshold: 2,
                ..
            }
        ),
        "{refused}"
    );

    // The same one twice.
    repository.files = good;
    repository.tamper("timestamp.json", |file| {
        file["signatures"][1] = file["signatures"][0].clone();
    });
    let refused = Client::of(&repository).refused(&repository);
    assert!(refused.to_string().contains("signs it twice"), "{refused}");
}

#[test]
fn a_key_under_two_names_counts_once() {
    let mut repository = Repository::new();
    let key = SigningKey::generate();
    let listed = Key::ed25519(&key.public());
    repository.set_keys(Role::Timestamp, vec![key], 2);
    repository.root.content.keys.insert("alias".into(), listed);
    let rule = repository.root.content.roles.get_mut("timestamp").unwrap();
    rule.keyids.push("alias".into());
    repository.put_root(&[]);
    repository.put_timestamp();
    repository.tamper("timestamp.json", |file| {
        let mut again = file["signatures"][0].clone();
        again["keyid"] = json!("alias");
        file["signatures"].as_array_mut().unwrap().push(again);
    });
    assert!(matches!(
        Client::of(&repository).refused(&repository),
        TufError::Signatures {
            valid: 1,
            threshold: 2,
            ..
        }
    ));
}

#[test]
fn a_key_of_another_role_does_not_count() {
    let mut repository = Repository::new();
    let file = envelope(&repository.timestamp, &repository.keys[&Role::Snapshot]);
    repository.put("timestamp.json", &file);
    assert!(matches!(
        Client::of(&repository).refused(&repository),
        TufError::Signatures { valid: 0, .. }
    ));
}

#[test]
fn metadata_of_another_role_is_refused_even_if_signed_by_a_shared_key() {
    let mut repository = Repository::new();
    let seed = SigningKey::generate();
    let pem = seed.to_pem(None).unwrap();
    let same = || SigningKey::from_pem(std::str::from_utf8(pem.expose()).unwrap(), None).unwrap();
    repository.set_keys(Role::Timestamp, vec![same()], 1);
    repository.set_keys(Role::Snapshot, vec![same()], 1);
    repository.put_root(&[]);
    repository.put_all();
    let snapshot = repository.files["1.snapshot.json"].clone();
    repository.files.insert("timestamp.json".into(), snapshot);
    assert!(matches!(
        Client::of(&repository).refused(&repository),
        TufError::Malformed {
            role: Role::Timestamp,
            ..
        }
    ));
}

#[test]
fn roots_are_followed_one_by_one_each_signed_by_old_and_new() {
    let mut repository = Repository::new();
    let client = Client::refreshed(&repository);
    repository.rotate(Role::Root);
    repository.rotate(Role::Root);
    repository.rotate(Role::Targets);
    repository.release(2);
    assert_eq!(client.refresh(&repository).unwrap(), 2);
    assert_eq!(client.version(Role::Root), Some(4));
    // A key that was rotated away signs nothing any more.
    let thief = std::mem::replace(
        repository.keys.get_mut(&Role::Targets).unwrap(),
        vec![SigningKey::generate()],
    );
    repository.release(3);
    assert!(client.refresh(&repository).is_err());
    repository.keys.insert(Role::Targets, thief);
}

#[test]
fn a_root_that_only_the_old_or_only_the_new_keys_signed_is_refused() {
    for old_signs in [true, false] {
        let mut repository = Repository::new();
        let client = Client::refreshed(&repository);
        let old = std::mem::take(repository.keys.get_mut(&Role::Root).unwrap());
        repository.set_keys(Role::Root, vec![SigningKey::generate()], 1);
        repository.root.version = 2;
        if old_signs {
            repository.keys.insert(Role::Root, old);
        }
        repository.put_root(&[]);
        assert!(matches!(
            client.refused(&repository),
            TufError::Signatures { role: Role::Root, .. }
        ));
        assert_eq!(client.versions(), [Some(1); 4]);
    }
}

#[test]
fn a_root_under_a_wrong_number_is_refused() {
    let mut repository = Repository::new();
    let client = Client::refreshed(&repository);
    for version in [1, 3] {
        repository.root.version = version;
        let file = envelope(&repository.root, &repository.keys[&Role::Root]);
        repository.put("2.root.json", &file);
        assert!(matches!(
            client.refused(&repository),
            TufError::WrongVersion {
                role: Role::Root,
                expected: 2,
                ..
            }
        ));
    }
}

#[test]
fn a_key_of_an_unknown_kind_is_kept_and_never_counts() {
    let mut repository = Repository::new();
    let ids = repository.root.content.roles["timestamp"].keyids.clone();
    let key = repository.root.content.keys.get_mut(&ids[0]).unwrap();
    key.scheme = "none".into();
    repository.put_root(&[]);
    assert!(matches!(
        Client::of(&repository).refused(&repository),
        TufError::Signatures { valid: 0, .. }
    ));
}

#[test]
fn malformed_metadata_is_refused() {
    let good = Repository::new();
    let text = String::from_utf8(good.files["timestamp.json"].clone()).unwrap();
    let twice = text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1);
    let deep = format!("{{\"signed\":{}", "[".repeat(100_000));
    for bad in [
        twice.as_str(),
        deep.as_str(),
        "",
        "[]",
        "{}",
        "null",
        &text[1..],
        &format!("{text}{text}"),
    ] {
        let mut repository = Repository::new();
        repository.files.insert("timestamp.json".into(), bad.into());
        assert!(Client::of(&repository).refresh(&repository).is_err(), "{bad:.80}");
    }
    // Rightly signed, and still not acceptable.
    let changes: [(&str, Value); 12] = [
        ("spec_version", json!("1")),
        ("spec_version", json!("0.9.0")),
        ("spec_version", json!("1.0.0.0")),
        ("spec_version", json!("1.x")),
        ("spec_version", json!("")),
        ("meta", json!({"snapshot.json": {"version": 0}})),
        ("_type", json!("snapshot")),
        ("version", json!(0)),
        ("version", json!(1.5)),
        ("spec_version", json!("2.0.0")),
        ("expires", json!("tomorrow")),
        ("meta", json!({})),
    ];
    for (field, value) in changes {
        let mut repository = Repository::new();
        let mut timestamp = serde_json::to_value(&repository.timestamp).unwrap();
        timestamp[field] = value;
        if field == "version" && timestamp[field].is_f64() {
            let text = bytes(&json!({"signatures": [], "signed": timestamp}));
            repository.files.insert("timestamp.json".into(), text);
        } else {
            let file = envelope(&timestamp, &repository.keys[&Role::Timestamp]);
            repository.put("timestamp.json", &file);
        }
        let refused = Client::of(&repository).refused(&repository);
        assert!(matches!(refused, TufError::Malformed { .. }), "{field}: {refused}");
    }
}
