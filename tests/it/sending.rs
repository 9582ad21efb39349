//! Repositories put to where operators read them: object stores and other machines, cut off at every moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stores::{S3, Ssh, Store};
use crate::world::{Lamp, Publisher, Ran, netlink};

/// The newest of what is listed.
const TARGET: &str = "lamp/0r1/any.tar.zst";

/// A publisher with releases, and a reader.
struct Scene<S> {
    // First, so that it is ended while its folder is there.
    store: S,
    publisher: Publisher,
    dir: tempfile::TempDir,
}

fn s3() -> Scene<S3> {
    Scene::new(|_| S3::start())
}

fn ssh() -> Scene<Ssh> {
    Scene::new(|dir| Ssh::in_folder(&dir.join("ssh")))
}

impl<S: Store> Scene<S> {
    fn new(store: impl FnOnce(&Path) -> S) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::with_lamps(dir.path());
        let store = store(dir.path());
        Self { store, publisher, dir }
    }

    fn send(&self) -> Ran {
        self.send_with(&[])
    }

    fn send_with(&self, more: &[&str]) -> Ran {
        let (repo, to) = (self.publisher.text("repo"), self.store.to());
        let args = ["--output", "json", "release", "publish", "--repo", &repo, "--to", &to];
        self.store.run(&[&args[..], more].concat())
    }

    #[track_caller]
    fn sent(&self) -> Vec<String> {
        let sent = self.send().ok().json()["sent"]["sent"].clone();
        serde_json::from_value(sent).unwrap()
    }

    /// Short-lived roles signed anew.
    fn timestamp(&self) {
        let (repo, keys) = (self.publisher.text("repo"), self.publisher.text("keys"));
        self.store
            .run(&["release", "timestamp", "--repo", &repo, "--keys", &keys])
            .ok();
    }

    /// All files that readers may ask for, as the repository has them.
    fn expected(&self) -> Vec<String> {
        let mut names = Vec::new();
        let repo = PathBuf::from(self.publisher.text("repo"));
        let mut folders = vec![repo.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(&repo).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        // Of metadata with versions only what the newest of it names.
        let old = |name: &str| {
            ["1.", "2.", "3."]
                .iter()
                .any(|version| name.starts_with(&format!("metadata/{version}")))
        };
        names.retain(|name| !matches!(&**name, "repository.lock" | "publisher.json"));
        names.retain(|name| !old(name) || name.ends_with("root.json"));
        names.sort();
        names
    }

    /// Refreshes as a reader who remembers what was seen before, and fetches a target; false where there is no repository yet.
    #[track_caller]
    fn read(&self, remembers: &str) -> bool {
        let dir = self.dir.path().join(remembers);
        let metadata = dir.join("metadata");
        let url = self.store.read_at();
        let root = self.publisher.root_metadata();
        if !metadata.exists() {
            self.store
                .run(&["tuf", "--metadata-dir", metadata.to_str().unwrap(), "init", &root])
                .ok();
        }
        let names = self.store.names();
        if !names.iter().any(|name| name == "metadata/timestamp.json") {
            return false;
        }
        let (metadata, url) = (metadata.to_str().unwrap(), format!("{url}/metadata"));
        let base = ["tuf", "--metadata-dir", metadata, "--metadata-url", &url];
        self.store.run(&[&base[..], &["refresh"]].concat()).ok();
        let targets = dir.join("targets");
        let _ = fs::remove_dir_all(&targets);
        let targets = targets.to_str().unwrap();
        let from = format!("{}/targets", self.store.read_at());
        let wanted = [
            "--target-name",
            TARGET,
            "--target-base-url",
            &from,
            "--target-dir",
            targets,
            "download",
        ];
        self.store.run(&[&base[..], &wanted].concat()).ok();
        true
    }
}

/// What stands in the store, sent again and again.
fn sends_what_is_missing(scene: &Scene<impl Store>) {
    let first = scene.sent();
    assert_eq!(scene.store.names(), scene.expected());
    assert!(scene.read("reader"));
    let at = |name: &str| first.iter().position(|sent| sent == name).unwrap();
    assert!(
        at("metadata/timestamp.json") > at("metadata/4.snapshot.json"),
        "{first:?}"
    );
    let last_target = first.iter().rposition(|name| name.starts_with("targets/")).unwrap();
    let first_metadata = first.iter().position(|name| name.starts_with("metadata/")).unwrap();
    assert!(last_target < first_metadata, "{first:?}");
    assert_eq!(scene.sent(), [""; 0]);
    scene.timestamp();
    assert_eq!(scene.sent(), ["metadata/5.snapshot.json", "metadata/timestamp.json"]);
    assert!(scene.read("reader"));
    // A lost file comes back.
    let target = scene
        .store
        .names()
        .into_iter()
        .find(|name| name.ends_with(".tar.zst"))
        .unwrap();
    scene.store.remove(&target);
    assert_eq!(scene.sent(), std::slice::from_ref(&target));
    assert!(
        scene.send_with(&["--check-all"]).ok().json()["sent"]["there"]
            .as_u64()
            .unwrap()
            > 5
    );

    // Of another length, or with other bytes: never written over.
    let bytes = fs::read(PathBuf::from(scene.publisher.text("repo")).join(&target)).unwrap();
    scene.store.overwrite(&target, b"short");
    scene.send().no(2, &["NL0515", "has 5 bytes and not the"]);
    let mut forged = bytes.clone();
    forged[100] ^= 1;
    scene.store.overwrite(&target, &forged);
    scene.send().ok();
    scene
        .send_with(&["--check-all"])
        .no(2, &["NL0515", "which is signed; nothing was put over it"]);
    scene.store.overwrite(&target, &bytes);
    scene.send_with(&["--check-all"]).ok();
}

/// Others publish to the same place.
fn refuses_what_others_published(scene: &Scene<impl Store>) {
    scene.send().ok();
    let copy = scene.dir.path().join("copy");
    copy_tree(Path::new(&scene.publisher.text("repo")), &copy);
    scene.timestamp();
    scene.send().ok();
    let (ours, theirs) = (scene.publisher.text("repo"), copy.to_str().unwrap().to_owned());
    let to = scene.store.to();
    let send = |repo: &str| scene.store.run(&["release", "publish", "--repo", repo, "--to", &to]);
    send(&theirs).no(2, &["NL0515", "has timestamp 5, this repository only timestamp 4"]);
    // Both went on from the same state.
    let keys = scene.publisher.text("keys");
    // Never to the same bytes, even within one second.
    let sign = |repo: &str| {
        let renew = [
            "release",
            "renew",
            "snapshot",
            "timestamp",
            "--expires",
            "snapshot=20d,timestamp=36h",
        ];
        scene
            .store
            .run(&[&renew[..], &["--repo", repo, "--keys", &keys]].concat())
            .ok();
    };
    sign(&theirs);
    send(&theirs).no(2, &["NL0515", "another than here"]);
    sign(&theirs);
    send(&theirs).no(2, &["NL0515", "another than here"]);
    scene
        .store
        .run(&["release", "renew", "root", "--repo", &ours, "--keys", &keys])
        .ok();
    assert!(scene.sent().contains(&"metadata/2.root.json".to_owned()));
    send(&theirs).no(2, &["NL0515", "has root 2, this repository only root 1"]);
    // Another repository altogether.
    let other = Publisher::new(&scene.dir.path().join("other"));
    send(&other.text("repo")).no(2, &["NL0515"]);
    assert!(scene.read("reader"));
    // What no publisher wrote is not taken for the beginning of anything.
    scene.store.overwrite("metadata/timestamp.json", b"{}");
    send(&ours).no(2, &["NL0515", "is not metadata of a repository"]);
}

/// A send is killed at each of its writes to the network. What readers find then is whole, and another send ends the work.
fn is_whole_whenever_it_is_cut(scene: &Scene<impl Store>, calls: &str) {
    let (repo, to) = (scene.publisher.text("repo"), scene.store.to());
    let mut cuts = 0;
    let mut seen_half = false;
    for number in 1.. {
        let inject = format!("inject={calls}:signal=KILL:when={number}");
        let trace = format!("trace={calls}");
        let mut command = Command::new("strace");
        command.args(["-qq", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject, "--"]);
        command
            .arg(netlink())
            .args(["release", "publish", "--repo", &repo, "--to", &to]);
        let ran = Ran::of(&command.envs(scene.store.variables()).output().unwrap());
        let is_there = scene.read("reader");
        if ran.code == 0 {
            break;
        }
        assert_ne!(ran.code, 2, "{ran}");
        cuts += 1;
        seen_half |= is_there;
        if number % 5 == 0 {
            // Something new, so that also what comes over what is there is cut.
            scene.timestamp();
        }
        assert!(number < 2000);
    }
    assert!(cuts > 10, "only {cuts} cuts: does strace work here?");
    assert!(seen_half, "no reader came before the end");
    assert!(scene.read("reader"));
    assert_eq!(scene.sent(), [""; 0]);
    scene.send_with(&["--check-all"]).ok();
}

/// More than goes at once.
fn takes_large_files(scene: &Scene<impl Store>) {
    let large = Lamp {
        version: "0a2",
        ..Lamp::R1
    };
    let tree = scene.publisher.lamp(&large);
    let mut random = 1u64;
    let bytes = std::iter::repeat_with(|| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    });
    fs::write(tree.join("large"), bytes.take(40 << 20).collect::<Vec<u8>>()).unwrap();
    scene.publisher.publish(&tree);
    let sent = scene.send().ok().json()["sent"]["bytes"].as_u64().unwrap();
    assert!(sent > 40 << 20, "{sent}");
    scene.send_with(&["--check-all"]).ok();
    assert_eq!(scene.sent(), [""; 0]);
}

fn copy_tree(from: &Path, to: &Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", Ran::of(&output));
}

#[test]
fn an_object_store_gets_what_is_missing_in_an_order_that_readers_can_use() {
    sends_what_is_missing(&s3());
}

#[test]
fn another_machine_gets_what_is_missing_in_an_order_that_readers_can_use() {
    sends_what_is_missing(&ssh());
}

#[test]
fn an_object_store_that_others_publish_to_is_left_as_it_is() {
    refuses_what_others_published(&s3());
}

#[test]
fn another_machine_that_others_publish_to_is_left_as_it_is() {
    refuses_what_others_published(&ssh());
}

#[test]
fn readers_of_an_object_store_find_it_whole_whenever_a_send_is_cut() {
    is_whole_whenever_it_is_cut(&s3(), "connect,sendto");
}

#[test]
fn readers_of_another_machine_find_it_whole_whenever_a_send_is_cut() {
    is_whole_whenever_it_is_cut(&ssh(), "sendto");
}

#[test]
fn an_object_store_that_knows_no_conditions_is_looked_at_before() {
    let mut scene = s3();
    scene.store.conditions = false;
    sends_what_is_missing(&scene);
    let mut scene = s3();
    scene.store.conditions = false;
    refuses_what_others_published(&scene);
}

#[test]
fn an_object_store_takes_a_large_file_in_pieces() {
    takes_large_files(&s3());
}

#[test]
fn another_machine_takes_a_large_file() {
    takes_large_files(&ssh());
}

#[test]
fn what_cannot_be_reached_is_told_without_a_secret() {
    let scene = ssh();
    let repo = scene.publisher.text("repo");
    let send = |to: &str| scene.store.run(&["release", "publish", "--repo", &repo, "--to", to]);
    send("sftp://nowhere.invalid/srv/repo").no(1, &["NL0516", "sftp://nowhere.invalid/srv/repo", "ssh says: "]);
    send("ftp://host/a").no(2, &["is not a place to publish to"]);
    let ran = send("sftp://me:hidden@host/a").no(2, &["holds no password"]);
    assert!(!ran.out.contains("hidden@"), "{ran}");
    // A host that is not the known one.
    fs::remove_file(scene.store.dir.join("known")).unwrap();
    send(&scene.store.to()).no(1, &["NL0516", "ssh says: Host key verification failed"]);
    let s3 = S3::start();
    let away = ["release", "publish", "--repo", &repo, "--to", "s3://not-there/repo"];
    s3.run(&away).no(1, &["NL0516", "s3://not-there/repo"]);
    let mut command = crate::world::command(&away);
    command
        .env_clear()
        .env("AWS_ENDPOINT", "http://127.0.0.1:9")
        .env("AWS_ALLOW_HTTP", "true");
    command
        .env("AWS_ACCESS_KEY_ID", "testkey")
        .env("AWS_SECRET_ACCESS_KEY", "hidden-secret");
    let ran = Ran::of(&command.output().unwrap()).no(1, &["NL0516"]);
    assert!(
        !ran.err.contains("hidden-secret") && !ran.err.contains("testkey"),
        "{ran}"
    );
}
