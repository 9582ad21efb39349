//! Delegated roles, as honest publishers and as attackers use them.
#![allow(clippy::disallowed_methods)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::repository::{Client, Repository, bytes, days, envelope, now};
use super::{Asking, Listing, Note, all, find, refresh};
use crate::crypt::{SigningKey, digest_of};
use crate::release::{TargetCustom, TargetRef};
use crate::tuf::model::{MetaFile, SPEC_VERSION, Signed, Targets};
use crate::tuf::{Custom, TargetFile};
use crate::tuf::{Delegations, Key, TufError, catalog};

/// A role of the tree with the keys that sign it.
struct Role {
    signed: Signed<Targets>,
    keys: Vec<SigningKey>,
}

struct Tree {
    repository: Repository,
    roles: BTreeMap<String, Role>,
}

fn empty() -> Signed<Targets> {
    Signed {
        kind: "targets".into(),
        spec_version: SPEC_VERSION.into(),
        version: 1,
        expires: now() + days(10),
        content: Targets::default(),
    }
}

fn file(content: &[u8], custom: &impl serde::Serialize) -> TargetFile {
    let target = TargetRef {
        name: String::new(),
        length: content.len() as u64,
        sha256: digest_of(content),
    };
    TargetFile::new(&target, Custom::of(custom).unwrap())
}

impl Tree {
    fn new() -> Self {
        Self {
            repository: Repository::new(),
            roles: BTreeMap::new(),
        }
    }

    fn signed(&mut self, name: &str) -> &mut Signed<Targets> {
        match name {
            "targets" => &mut self.repository.targets,
            _ => &mut self.roles.get_mut(name).unwrap().signed,
        }
    }

    /// Hands on `paths` to a role, made here when it is new; a key of its own for each delegation.
    fn delegate(&mut self, by: &str, name: &str, paths: &[&str]) -> &mut Self {
        let key = SigningKey::generate();
        let listed = Key::ed25519(&key.public());
        let id = listed.id().unwrap();
        let role = self.roles.entry(name.into()).or_insert_with(|| Role {
            signed: empty(),
            keys: Vec::new(),
        });
        role.keys.push(key);
        let delegations = self
            .signed(by)
            .content
            .delegations
            .get_or_insert_with(Delegations::default);
        delegations.keys.insert(id.clone(), listed);
        let role = json!({"name": name, "keyids": [id], "threshold": 1, "paths": paths});
        let role = serde_json::from_value(role).unwrap();
        delegations.roles.get_or_insert_with(Vec::new).push(role);
        self
    }

    fn list(&mut self, role: &str, target: &str) -> &mut Self {
        let content = format!("{target} by {role}");
        let file = file(content.as_bytes(), &json!({}));
        self.signed(role).content.targets.insert(target.into(), file);
        self
    }

    fn put(&mut self) {
        for (name, role) in &self.roles {
            let file = envelope(&role.signed, &role.keys);
            let meta = MetaFile::of(role.signed.version, &bytes(&file));
            self.repository
                .put(&format!("{}.{name}.json", role.signed.version), &file);
            self.repository
                .snapshot
                .content
                .meta
                .insert(format!("{name}.json"), meta);
        }
        self.repository.put_all();
    }

    fn client(&mut self) -> Client {
        self.put();
        Client::of(&self.repository)
    }

    /// Who is found for a target by a client that searches, and that the listing of the whole tree agrees.
    fn found(&self, client: &Client, target: &str) -> Result<Option<String>, TufError> {
        let asking = Asking {
            source: &self.repository,
            max_staleness: Duration::ZERO,
            now: now(),
            tell: &|_| {},
        };
        let refreshed = refresh(&client.trust, asking)?;
        let found = find(&refreshed, target);
        if let Some((folder, _)) = target.split_once('/') {
            let listed = all(&refreshed, folder)?;
            let searched = found.as_ref().ok().and_then(Option::as_ref);
            assert_eq!(listed.get(target), searched.map(|listed| &**listed), "{target}");
        }
        Ok(found?.map(|listed| listed.delegated_to.as_deref().unwrap_or("targets").to_owned()))
    }

    /// Everything in `folder`.
    fn listing(&self, client: &Client, folder: &str) -> Result<Listing, TufError> {
        let asking = Asking {
            source: &self.repository,
            max_staleness: Duration::ZERO,
            now: now(),
            tell: &|_| {},
        };
        let listing = refresh(&client.trust, asking).and_then(|refreshed| all(&refreshed, folder));
        listing.map(crate::tuf::Verified::into_inner)
    }
}

#[test]
fn the_first_role_that_may_speak_of_a_target_does() {
    let mut tree = Tree::new();
    tree.delegate("targets", "a", &["x/*"])
        .delegate("targets", "b", &["x/*", "y/*"]);
    tree.list("a", "x/1")
        .list("b", "x/1")
        .list("b", "x/2")
        .list("b", "z/1")
        .list("targets", "x/3")
        .list("a", "x/3");
    let client = tree.client();
    for (target, by) in [
        ("x/1", Some("a")),
        ("x/2", Some("b")),
        ("x/3", Some("targets")),
        ("z/1", None),
        ("x/4", None),
    ] {
        let found = tree.found(&client, target).unwrap();
        assert_eq!(found.as_deref(), by, "{target}");
    }
}

#[test]
fn after_a_terminating_role_nobody_else_is_asked() {
    let mut tree = Tree::new();
    tree.delegate("targets", "a", &["x/*"])
        .delegate("targets", "b", &["x/*"])
        .list("b", "x/1");
    let client = tree.client();
    assert_eq!(tree.found(&client, "x/1").unwrap().as_deref(), Some("b"));
    let delegations = tree.repository.targets.content.delegations.as_mut().unwrap();
    delegations.roles.as_mut().unwrap()[0].terminating = true;
    let client = tree.client();
    assert_eq!(tree.found(&client, "x/1").unwrap(), None);
}

/// Also when the terminating role has been asked before and is not asked again.
#[test]
fn a_terminating_role_ends_the_search_each_time_it_is_met() {
    let mut tree = Tree::new();
    tree.delegate("targets", "shared", &["x/*"])
        .delegate("targets", "a", &["x/*"])
        .delegate("targets", "last", &["x/*"])
        .delegate("a", "shared", &["x/*"])
        .list("last", "x/1");
    let client = tree.client();
    assert_eq!(tree.found(&client, "x/1").unwrap().as_deref(), Some("last"));
    let delegations = tree.signed("a").content.delegations.as_mut().unwrap();
    delegations.roles.as_mut().unwrap()[0].terminating = true;
    let client = tree.client();
    assert_eq!(tree.found(&client, "x/1").unwrap(), None);
}

#[test]
fn cycles_end() {
    let mut tree = Tree::new();
    tree.delegate("targets", "a", &["*/*"])
        .delegate("a", "b", &["*/*"])
        .delegate("b", "a", &["*/*"])
        .delegate("b", "c", &["*/*"]);
    tree.list("c", "x/found");
    let client = tree.client();
    assert_eq!(tree.found(&client, "x/found").unwrap().as_deref(), Some("c"));
    assert_eq!(tree.found(&client, "x/missing").unwrap(), None);
}

/// Both `a` and `b` delegate to `shared`, each with a key of its own.
#[test]
fn a_role_is_verified_by_the_delegator_through_which_it_is_reached() {
    let shared_by = |keys: &[usize]| {
        let mut tree = Tree::new();
        tree.delegate("targets", "a", &["a/*"])
            .delegate("targets", "b", &["b/*"]);
        tree.delegate("a", "shared", &["a/*"]).delegate("b", "shared", &["b/*"]);
        tree.list("shared", "a/1").list("shared", "b/1");
        let role = tree.roles.get_mut("shared").unwrap();
        let all = std::mem::take(&mut role.keys);
        role.keys = all
            .into_iter()
            .enumerate()
            .filter(|(at, _)| keys.contains(at))
            .map(|(_, key)| key)
            .collect();
        let client = tree.client();
        ["a/1", "b/1"].map(|target| tree.found(&client, target).is_ok_and(|found| found.is_some()))
    };
    assert_eq!(shared_by(&[0, 1]), [true, true]);
    assert_eq!(shared_by(&[0]), [true, false]);
    assert_eq!(shared_by(&[1]), [false, true]);
}

#[test]
fn whoever_may_speak_of_a_folder_must_be_had_for_it() {
    type Spoil = fn(&mut Tree);
    let spoil: [(&str, Spoil); 6] = [
        ("expired", |tree| {
            tree.signed("bad").expires = now();
            tree.put();
        }),
        ("valid signatures", |tree| {
            tree.roles.get_mut("bad").unwrap().keys = vec![SigningKey::generate()];
            tree.put();
        }),
        ("has no", |tree| {
            tree.repository.files.remove("1.bad.json");
        }),
        ("does not announce", |tree| {
            tree.repository.snapshot.content.meta.remove("bad.json");
            tree.repository.put_snapshot();
        }),
        ("longer than", |tree| {
            tree.repository.files.get_mut("1.bad.json").unwrap().push(b' ');
        }),
        ("SHA-256", |tree| {
            let file = tree.repository.files.get_mut("1.bad.json").unwrap();
            let at = file.len() - 2;
            file[at] ^= 1;
        }),
    ];
    for (word, spoil) in spoil {
        let mut tree = Tree::new();
        tree.delegate("targets", "good", &["x/*"])
            .delegate("targets", "bad", &["x/*"])
            .delegate("targets", "last", &["*/*"]);
        tree.list("good", "x/1")
            .list("bad", "x/2")
            .list("last", "x/3")
            .list("last", "y/1");
        let client = tree.client();
        spoil(&mut tree);
        let error = tree.listing(&client, "x").unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            error.to_string().contains("`bad`") && cause.contains(word),
            "{word}: {error}: {cause}"
        );
        let names: Vec<String> = tree.listing(&client, "y").unwrap().into_keys().collect();
        assert_eq!(names, ["y/1"], "{word}");
        let error = tree.found(&client, "x/2").unwrap_err();
        assert!(
            matches!(&error, TufError::Delegated { name, .. } if name == "bad"),
            "{error}"
        );
    }
}

#[test]
fn an_older_delegated_role_is_a_rollback() {
    let mut tree = Tree::new();
    tree.delegate("targets", "d", &["*"]);
    tree.signed("d").version = 5;
    let client = tree.client();
    tree.found(&client, "x").unwrap();
    tree.signed("d").version = 4;
    tree.repository.snapshot.version = 2;
    tree.repository.timestamp.version = 2;
    tree.put();
    let refused = tree.found(&client, "x").unwrap_err();
    assert!(
        matches!(&refused, TufError::AnnouncedRollback { name, trusted: 5, offered: 4, .. } if name == "d.json"),
        "{refused}"
    );
    assert!(refused.to_string().contains("d.json 4"), "{refused}");
}

#[test]
fn a_kept_delegated_role_is_not_fetched_again_and_a_newer_one_is() {
    let mut tree = Tree::new();
    tree.delegate("targets", "../d", &["*"]).list("../d", "x");
    let client = tree.client();
    tree.found(&client, "x").unwrap();
    tree.repository.asked.borrow_mut().clear();
    tree.found(&client, "x").unwrap();
    assert_eq!(*tree.repository.asked.borrow(), ["2.root.json", "timestamp.json"]);
    assert!(client.trust.join("%2E.%2Fd.json").is_file());
    assert_eq!(std::fs::read_dir(client.trust.parent().unwrap()).unwrap().count(), 1);
    tree.signed("../d").version = 2;
    tree.list("../d", "y");
    tree.repository.snapshot.version = 2;
    tree.repository.timestamp.version = 2;
    tree.put();
    assert_eq!(tree.found(&client, "y").unwrap().as_deref(), Some("../d"));
}

#[test]
fn trees_without_end_are_refused() {
    let chain = |levels: usize| {
        let mut tree = Tree::new();
        let names: Vec<String> = (0..=levels)
            .map(|n| if n == 0 { "targets".into() } else { format!("r{n}") })
            .collect();
        for pair in names.windows(2) {
            tree.delegate(&pair[0], &pair[1], &["x/*"]);
        }
        let client = tree.client();
        tree.listing(&client, "x").map(|_| ())
    };
    chain(32).unwrap();
    let refused = chain(33).unwrap_err();
    assert!(matches!(refused, TufError::TooMany { limit: 32, .. }), "{refused}");

    let mut tree = Tree::new();
    let bins = json!({"keys": {}, "succinct_roles":
        {"keyids": [], "threshold": 1, "bit_length": 11, "name_prefix": "bin"}});
    tree.repository.targets.content.delegations = Some(serde_json::from_value(bins).unwrap());
    let client = tree.client();
    let refused = tree.listing(&client, "x").unwrap_err();
    assert!(matches!(refused, TufError::TooMany { limit: 1024, .. }), "{refused}");
}

#[test]
fn a_delegated_role_releases_only_products_below_whose_name_it_lists() {
    let release = |version: &str| {
        let custom = TargetCustom::Package {
            product: "guestbook".parse().unwrap(),
            version: version.parse().unwrap(),
            platform: "any".parse().unwrap(),
            rules: Box::default(),
            unpacked: 1,
        };
        file(b"x", &json!({"netlink": custom}))
    };
    let mut tree = Tree::new();
    tree.delegate("targets", "theirs", &["guestbook/*/*"])
        .delegate("targets", "helpers", &["helpers/*"]);
    for (role, name, version) in [
        ("targets", "anywhere", "0a1"),
        ("theirs", "guestbook/0b1/changelog.md", "0b1"),
        ("helpers", "helpers/x", "9r9"),
        ("helpers", "guestbook/8r8/changelog.md", "8r8"),
    ] {
        tree.signed(role).content.targets.insert(name.into(), release(version));
    }
    let client = tree.client();
    let asking = Asking {
        source: &tree.repository,
        max_staleness: Duration::ZERO,
        now: now(),
        tell: &|_| {},
    };
    let listing = all(&refresh(&client.trust, asking).unwrap(), "guestbook").unwrap();
    let catalog = catalog(&listing, &"guestbook".parse().unwrap()).unwrap();
    let versions: Vec<String> = catalog.releases().map(|release| release.version.to_string()).collect();
    assert_eq!(versions, ["0a1", "0b1"]);
}

#[test]
fn a_clock_that_went_back_is_said_and_nothing_more() {
    let repository = Repository::new();
    let client = Client::refreshed(&repository);
    let told = |hours: i64| {
        let notes = RefCell::new(Vec::new());
        let asking = Asking {
            source: &repository,
            max_staleness: Duration::ZERO,
            now: now() + jiff::SignedDuration::from_hours(hours),
            tell: &|note: &Note| notes.borrow_mut().push(note.to_string()),
        };
        refresh(&client.trust, asking).unwrap();
        notes.into_inner().into_iter().any(|note| note.contains("clock"))
    };
    assert!(!told(2));
    assert!(told(1));
    assert!(told(1), "until somebody sees to it");
    assert!(!told(3));
}
