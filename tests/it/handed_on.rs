//! Repositories in which another tool has handed work on to more roles: all of it is verified, and all of it is sent.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use netlink::crypt::{SigningKey, digest_of};
use netlink::release::TargetCustom;
use netlink::tuf::{Key, canonical};
use serde_json::{Value, json};

use crate::stores::{Ssh, Store};
use crate::world::{Installation, Lamp, Publisher, run};

/// A repository of `lamp` in which `plugins` speaks for `plug/*/*` and hands `plug/deep/*` on to `deep`.
struct Delegated {
    publisher: Publisher,
    top: SigningKey,
    plugins: SigningKey,
    deep: SigningKey,
    /// What each of the roles says.
    said: [Value; 2],
    dir: tempfile::TempDir,
}

fn role(targets: &Value, delegations: Option<Value>) -> Value {
    let expires = (Timestamp::now() + SignedDuration::from_hours(24 * 30))
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let mut role =
        json!({"_type": "targets", "spec_version": "1.0.31", "version": 1, "expires": expires, "targets": targets});
    if let Some(delegations) = delegations {
        role["delegations"] = delegations;
    }
    role
}

fn to(name: &str, key: &SigningKey, path: &str) -> Value {
    let key = Key::ed25519(&key.public());
    let id = key.id().unwrap();
    let to = json!({"name": name, "keyids": [id], "threshold": 1, "terminating": false, "paths": [path]});
    json!({"keys": {id: key}, "roles": [to]})
}

fn signed(said: &Value, key: &SigningKey) -> Value {
    let id = Key::ed25519(&key.public()).id().unwrap();
    let sig = hex::encode(key.sign(&canonical(said).unwrap()));
    json!({"signatures": [{"keyid": id, "sig": sig}], "signed": said})
}

impl Delegated {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        publisher.publish(&publisher.lamp(&Lamp::A1));
        let pem = fs::read_to_string(publisher.dir.join("keys/everything.pem")).unwrap();
        let mut delegated = Self {
            publisher,
            top: SigningKey::from_pem(&pem, None).unwrap(),
            plugins: SigningKey::generate(),
            deep: SigningKey::generate(),
            said: [Value::Null, Value::Null],
            dir,
        };
        let package = delegated.packed();
        let lists = json!({"plug/0a1/any.tar.zst": package});
        delegated.said[0] = role(&lists, Some(to("deep", &delegated.deep, "plug/deep/*")));
        let deep = delegated.put("plug/deep/note.txt", b"a note");
        delegated.said[1] = role(&json!({"plug/deep/note.txt": deep}), None);
        delegated.write();
        delegated
    }

    fn repo(&self) -> PathBuf {
        self.publisher.dir.join("repo")
    }

    /// A target as it is to be listed; its file lies where it belongs.
    fn put(&self, name: &str, bytes: &[u8]) -> Value {
        let sha256 = digest_of(bytes);
        let (folder, file) = name.rsplit_once('/').unwrap();
        let folder = self.repo().join("targets").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{sha256}.{file}")), bytes).unwrap();
        json!({"length": bytes.len(), "hashes": {"sha256": sha256}})
    }

    /// A package of another product, as its role lists it.
    fn packed(&self) -> Value {
        let tree = self.publisher.lamp(&Lamp::A1);
        let source = tree.join("release.toml");
        let text = fs::read_to_string(&source).unwrap().replace("\"lamp\"", "\"plug\"");
        fs::write(&source, text).unwrap();
        self.publisher.pack(&tree).ok();
        let package = PathBuf::from(self.publisher.text("0a1.tar.zst"));
        let manifest = netlink::package::read_manifest(&package).unwrap();
        let custom = TargetCustom::Package {
            product: manifest.product.clone(),
            version: manifest.version.clone(),
            platform: manifest.platform.clone(),
            rules: Box::new(manifest.rules.clone()),
            unpacked: manifest.unpacked_size(),
        };
        let mut listed = self.put("plug/0a1/any.tar.zst", &fs::read(&package).unwrap());
        listed["custom"] = json!({"netlink": custom});
        listed
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.repo().join("metadata").join(name)).unwrap()).unwrap()
    }

    fn keep(&self, name: &str, value: &Value) -> Value {
        let bytes = serde_json::to_vec(value).unwrap();
        fs::write(self.repo().join("metadata").join(name), &bytes).unwrap();
        json!({"version": value["signed"]["version"], "length": bytes.len(), "hashes": {"sha256": digest_of(&bytes)}})
    }

    /// All metadata anew, as the other tool would write it, over version 2 of everything.
    fn write(&self) {
        let mut top = self.read("2.targets.json")["signed"].clone();
        top["version"] = 3.into();
        // A star stands for no slash.
        top["delegations"] = to("plugins", &self.plugins, "plug/*/*");
        let mut snapshot = self.read("2.snapshot.json")["signed"].clone();
        snapshot["version"] = 3.into();
        let files = [
            ("targets", "3.targets.json", signed(&top, &self.top)),
            ("plugins", "1.plugins.json", signed(&self.said[0], &self.plugins)),
            ("deep", "1.deep.json", signed(&self.said[1], &self.deep)),
        ];
        for (role, file, value) in files {
            snapshot["meta"][format!("{role}.json")] = self.keep(file, &value);
        }
        let meta = self.keep("3.snapshot.json", &signed(&snapshot, &self.top));
        let mut timestamp = self.read("timestamp.json")["signed"].clone();
        timestamp["version"] = 3.into();
        timestamp["meta"]["snapshot.json"] = meta;
        self.keep("timestamp.json", &signed(&timestamp, &self.top));
    }

    fn verify(&self) -> crate::world::Ran {
        run(&["release", "verify", &self.publisher.text("repo"), "--output", "json"])
    }
}

#[test]
fn all_roles_and_their_targets_are_verified() {
    let scene = Delegated::new();
    let ran = scene.verify().ok();
    let report = ran.json();
    assert_eq!(report["delegated"], 2, "{report:#}");
    assert_eq!(report["releases"], 2, "{report:#}");
    assert_eq!(report["targets"], 4, "{report:#}");
    assert!(report["expires"]["deep"].is_string(), "{report:#}");
    // Of the one key alone that signs everything here.
    let warnings = report["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && ran.err.contains("THE KEY"), "{ran}");
    let plug = Installation {
        root: scene.dir.path().join("plug"),
    };
    let (url, root) = (scene.publisher.url(), scene.publisher.root_metadata());
    let init = [
        "init",
        "--product",
        "plug",
        "--repository",
        &url,
        "--root-metadata",
        &root,
    ];
    plug.run(&[&init[..], &["--version", "0a1", "--yes"]].concat()).ok();
}

#[test]
fn what_is_wrong_below_a_delegated_role_is_found() {
    let mut scene = Delegated::new();
    let note = digest_of(b"a note");
    let file = scene.repo().join(format!("targets/plug/deep/{note}.note.txt"));
    fs::write(&file, "a n0te").unwrap();
    scene.verify().no(1, &["NL0503", "plug/deep/note.txt"]);
    fs::remove_file(&file).unwrap();
    scene.verify().no(1, &["NL0503", "note.txt"]);
    fs::write(&file, "a note").unwrap();
    scene.verify().ok();

    let good = scene.said.clone();
    scene.said[1]["expires"] = "2020-01-01T00:00:00Z".into();
    scene.write();
    scene.verify().no(1, &["NL0503", "`deep`", "expired"]);
    scene.said = good.clone();
    let stranger = SigningKey::generate();
    let deep = std::mem::replace(&mut scene.deep, stranger);
    scene.write();
    scene
        .verify()
        .no(1, &["NL0503", "`deep`", "0 of the 1 valid signatures"]);
    scene.deep = deep;
    scene.said[0]["targets"]["plug/0a1/any.tar.zst"]["custom"]["netlink"]["unpacked"] = 1.into();
    scene.write();
    scene
        .verify()
        .no(1, &["NL0503", "plug/0a1/any.tar.zst", "says otherwise"]);
    scene.said = good;
    scene.write();
    fs::remove_file(scene.repo().join("metadata/1.deep.json")).unwrap();
    scene.verify().no(1, &["NL0503", "1.deep.json"]);
}

/// A role that lists what it was not given does no harm, and does not do what its owner thinks.
#[test]
fn what_clients_never_ask_a_role_for_is_told() {
    let mut scene = Delegated::new();
    let listed = scene.put("lamp/0b1/any.tar.zst", b"no package");
    scene.said[1]["targets"]["lamp/0b1/any.tar.zst"] = listed;
    scene.write();
    let ran = scene.verify().ok();
    assert!(
        ran.err
            .contains("the role deep lists lamp/0b1/any.tar.zst, and clients never ask it"),
        "{ran}"
    );
    // Nor is its file signed for anybody.
    assert!(ran.err.contains("nothing signed names targets/lamp/0b1/"), "{ran}");
}

#[test]
fn delegated_roles_are_sent_with_their_targets() {
    let scene = Delegated::new();
    let store = Ssh::in_folder(&scene.dir.path().join("ssh"));
    let (repo, to) = (scene.publisher.text("repo"), store.to());
    store.run(&["release", "publish", "--repo", &repo, "--to", &to]).ok();
    let names = store.names();
    for wanted in ["metadata/1.plugins.json", "metadata/1.deep.json"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}: {names:?}");
    }
    assert!(names.iter().any(|name| name.ends_with(".note.txt")), "{names:?}");
    assert!(
        names.iter().any(|name| name.starts_with("targets/plug/0a1/")),
        "{names:?}"
    );
}
