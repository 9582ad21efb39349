//! The publisher's keys: in several hands, changed, kept elsewhere; read by other tools.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use netlink::crypt::{SigningKey, digest_of};
use netlink::release::{TargetCustom, TargetRef};
use netlink::tuf::{Editor, Lifetimes, Signatories, Standing};

use crate::tuf::{python, script};
use crate::world::{Installation, Lamp, Publisher, Ran, command, run};

/// A publisher with a repository whose keys are in several hands.
struct Shared {
    publisher: Publisher,
}

impl Shared {
    fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let publisher = Publisher { dir: dir.to_path_buf() };
        let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
        let ran = run(&["release", "init", &repo, "--keys", &keys, "--no-passphrase"]).ok();
        assert!(ran.err.contains("give those in offline/ to different people"), "{ran}");
        Self { publisher }
    }

    /// Gives these keys to somebody: a folder of that name.
    fn give(&self, to: &str, keys: &[&str]) {
        let folder = self.publisher.dir.join(to);
        fs::create_dir_all(&folder).unwrap();
        for key in keys {
            for ending in ["pem", "pub"] {
                let file = self.publisher.dir.join("keys/offline").join(format!("{key}.{ending}"));
                fs::rename(&file, folder.join(file.file_name().unwrap())).unwrap();
            }
        }
    }

    fn release(&self, words: &[&str], who: &[&str]) -> Ran {
        let repo = self.publisher.text("repo");
        let mut args = vec!["release".to_owned()];
        args.extend(words.iter().map(|word| (*word).to_owned()));
        args.extend(["--repo".to_owned(), repo]);
        for who in who {
            args.extend(["--keys".to_owned(), self.publisher.text(who)]);
        }
        run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// An installation that follows the repository.
    fn install(&self, version: &str) -> String {
        let root = self.publisher.text("installed");
        let (url, trusted) = (self.publisher.url(), self.publisher.root_metadata());
        let init = ["--root", &root, "init", "--product", "lamp", "--repository", &url];
        run(&[&init[..], &["--root-metadata", &trusted, "--version", version, "--yes"]].concat()).ok();
        root
    }

    fn package(&self, release: &Lamp) -> String {
        let tree = self.publisher.lamp(release);
        self.publisher.pack(&tree).ok();
        self.publisher.text(&format!("{}.tar.zst", release.version))
    }
}

/// Stops the product of the installation, if there is one.
impl Drop for Shared {
    fn drop(&mut self) {
        let root = self.publisher.dir.join("installed");
        if root.exists() {
            drop(Installation { root });
        }
    }
}

fn read_by_another_client(repo: &str, into: &Path, names: &[&str]) -> Ran {
    let mut client = Command::new(python());
    client.arg(script("ngclient.py")).arg(repo).arg(into).args(names);
    Ran::of(&client.output().unwrap()).ok()
}

#[test]
fn a_release_is_signed_in_several_places() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    for key in ["root-1", "root-2", "root-3", "targets-1", "targets-2", "targets-3"] {
        let file = shared.publisher.dir.join(format!("keys/offline/{key}.pem"));
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
    }
    shared.give("ada", &["root-1", "targets-1"]);
    shared.give("bert", &["root-2", "targets-2"]);
    let first = shared.package(&Lamp::A1);
    let ran = shared.release(&["publish", &first], &["ada"]).ok();
    assert!(
        ran.out.contains("drafted") && ran.out.contains("targets 2 has 1 of 2 signatures"),
        "{ran}"
    );
    assert!(!shared.publisher.dir.join("repo/metadata/2.targets.json").exists());
    // The same again is the same draft; something else waits.
    shared.release(&["publish", &first], &["ada"]).ok();
    let second = shared.package(&Lamp::B1);
    shared
        .release(&["publish", &second], &["ada"])
        .no(2, &["NL0512", "netlink release discard"]);
    shared
        .release(&["keys", "rotate", "snapshot", "--no-passphrase"], &["keys/online"])
        .no(2, &["NL0512"]);
    assert!(!shared.publisher.dir.join("keys/online/snapshot.2.pem").exists());
    let shown = shared
        .release(&["keys", "show", "--output", "json"], &["ada"])
        .ok()
        .json();
    assert_eq!(shown["draft"][0]["given"], 1, "{shown}");
    assert_eq!(shown["roles"][0]["threshold"], 2, "{shown}");
    // The cron job goes on; the draft waits.
    shared.release(&["timestamp"], &["keys/online"]).ok();
    let ran = shared.release(&["sign", "--yes"], &["bert"]).ok();
    assert!(ran.out.contains("snapshot 3 has 0 of 1 signatures"), "{ran}");
    let ran = shared.release(&["sign", "--yes"], &["keys/online"]).ok();
    assert!(ran.out.contains("signed and published"), "{ran}");
    shared
        .release(&["sign", "--yes"], &["keys/online"])
        .no(2, &["NL0512", "no draft waits"]);
    run(&["release", "verify", &shared.publisher.text("repo")]).ok();
    let root = shared.install("0a1");

    // Whoever signs has the files that are signed; who drops a draft drops its files.
    let listed = |version: &str| {
        let folder = shared.publisher.dir.join("repo/targets/lamp").join(version);
        fs::read_dir(folder).map_or(0, Iterator::count)
    };
    shared.release(&["publish", &second], &["bert"]).ok();
    assert_eq!((listed("0a1"), listed("0b1")), (1, 1));
    let folder = shared.publisher.dir.join("repo/targets/lamp/0b1");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let content = fs::read(&file).unwrap();
    fs::write(&file, b"something else").unwrap();
    shared
        .release(&["sign", "--yes"], &["ada"])
        .no(1, &["NL0502", "is not as it was signed"]);
    fs::write(&file, content).unwrap();
    let ran = shared.release(&["sign", "--yes"], &["ada"]).ok();
    assert!(
        ran.out.contains("lamp/0b1/any.tar.zst") && ran.out.contains("snapshot"),
        "{ran}"
    );
    shared.release(&["discard"], &[]).ok();
    assert_eq!((listed("0a1"), listed("0b1")), (1, 0));

    // Together it goes in one step, as it does when a draft was dropped.
    shared.release(&["publish", &second], &["bert"]).ok();
    shared.release(&["discard"], &[]).ok();
    shared
        .release(&["publish", &second], &["bert", "ada", "keys/online"])
        .ok();
    let again = shared.release(&["publish", &second], &["bert", "ada", "keys/online"]);
    again.no(0, &["published before: 0b1: nothing of it is new"]);
    let ran = run(&["--root", &root, "update", "check", "--exit-code"]);
    ran.no(10, &["0b1"]);

    // What is said later of a release is signed in the same way.
    let yank = ["yank", "0b1", "--reason", "loses rows"];
    let ran = shared.release(&yank, &["ada"]).ok();
    assert!(ran.out.contains("drafted: ") && ran.out.contains("1 of 2"), "{ran}");
    let ran = shared.release(&["sign", "--yes"], &["bert", "keys/online"]).ok();
    assert!(ran.out.contains("lamp/advisory.json"), "{ran}");
    run(&["--root", &root, "update", "check", "--exit-code"]).ok();
    let into = dir.path().join("theirs");
    let ran = read_by_another_client(&shared.publisher.text("repo"), &into, &[]);
    assert!(ran.out.contains("downloaded lamp/0b1/any.tar.zst"), "{ran}");
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Each on a copy of the repository, at the same time.
#[test]
fn signatures_from_copies_come_together() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    shared.give("ada", &["targets-1"]);
    shared.give("bert", &["targets-2"]);
    let package = shared.package(&Lamp::A1);
    shared.release(&["publish", &package], &["keys/online"]).ok();
    let path = |name: &str| shared.publisher.dir.join(name);
    let copies = ["ada", "bert"].map(|who| {
        let copy = path(&format!("copy-of-{who}"));
        copy_folder(&path("repo"), &copy);
        let (repo, keys) = (copy.to_str().unwrap(), shared.publisher.text(who));
        run(&["release", "sign", "--yes", "--repo", repo, "--keys", &keys]).ok();
        copy.join("draft.json").to_str().unwrap().to_owned()
    });
    let take = ["sign", "--yes", "--take", &copies[0], "--take", &copies[1]];
    // A signature that was damaged on the way is left where it is.
    let damaged = path("damaged.json");
    let text = fs::read_to_string(&copies[0]).unwrap();
    let at = text.find("\"sig\":\"").unwrap() + 7;
    let other = if &text[at..=at] == "0" { "1" } else { "0" };
    fs::write(&damaged, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
    let ran = shared.release(&["sign", "--take", damaged.to_str().unwrap()], &[]).ok();
    assert!(ran.out.contains("targets 2 has 0 of 2"), "{ran}");
    fs::write(&damaged, text.replace("0a1", "0a2")).unwrap();
    shared
        .release(&["sign", "--take", damaged.to_str().unwrap()], &[])
        .no(2, &["NL0512", "has another targets"]);
    for (text, said) in [
        ("{", "is not a copy of the draft"),
        ("{}", "none of the roles that wait here"),
    ] {
        fs::write(&damaged, text).unwrap();
        let ran = shared
            .release(&["sign", "--take", damaged.to_str().unwrap()], &[])
            .no(2, &["NL0512", "damaged.json", said]);
        assert!(!ran.err.contains("discard"), "{ran}");
    }
    shared
        .release(&["sign", "--take", "nowhere"], &[])
        .no(2, &["NL0512", "nowhere"]);
    let ran = shared.release(&take, &["keys/online"]).ok();
    assert!(ran.out.contains("signed and published"), "{ran}");
    shared.install("0a1");
}

#[test]
fn keys_come_and_go_and_installations_follow() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    let package = shared.package(&Lamp::A1);
    shared.release(&["publish", &package], &["keys"]).ok();
    let root = shared.install("0a1");
    let ids = |role: usize| -> Vec<String> {
        let shown = shared.release(&["keys", "show", "--output", "json"], &[]).ok().json();
        let keys = shown["roles"][role]["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect()
    };

    let carla = shared.publisher.text("carla");
    run(&["release", "keys", "new", "carla", "--keys", &carla, "--no-passphrase"]).ok();
    let public = format!("{carla}/carla.pub");
    shared
        .release(&["keys", "add", "targets", "--public", &public], &["keys"])
        .ok();
    assert_eq!(ids(1).len(), 4);
    let none = shared.publisher.root_metadata();
    shared
        .release(&["keys", "add", "targets", "--public", &none], &["keys"])
        .no(2, &["NL0513", "is not a public key"]);
    shared
        .release(&["keys", "threshold", "targets", "5"], &["keys"])
        .no(2, &["NL0513", "names 4 keys"]);

    let before = ids(0);
    let ran = shared
        .release(&["keys", "rotate", "root", "--no-passphrase"], &["keys"])
        .ok();
    assert!(ran.err.contains("root-1.2.pem"), "{ran}");
    assert!(ids(0).iter().all(|id| !before.contains(id)));
    let first = ids(1)[0].clone();
    shared.release(&["keys", "revoke", &first[..12]], &["keys"]).ok();
    assert!(!ids(1).contains(&first));
    shared
        .release(&["keys", "revoke", ""], &["keys"])
        .no(2, &["NL0513", "0 keys"]);
    shared
        .release(&["keys", "rotate", "timestamp", "--no-passphrase"], &["keys"])
        .ok();
    shared
        .release(&["renew", "root", "targets", "snapshot", "timestamp"], &["keys"])
        .ok();
    let second = shared.package(&Lamp::B1);
    shared.release(&["publish", &second], &["keys"]).ok();
    run(&["release", "verify", &shared.publisher.text("repo")]).ok();
    run(&["--root", &root, "update", "check", "--exit-code"]).no(10, &["0b1"]);
    read_by_another_client(&shared.publisher.text("repo"), &dir.path().join("theirs"), &[]);
}

/// The machine that is online wants a new key; those who hold root's keys sign for that elsewhere, while its old key goes on.
#[test]
fn a_key_is_rotated_by_those_who_hold_root() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    shared.give("ada", &["root-1", "targets-1"]);
    shared.give("bert", &["root-2", "targets-2"]);
    let package = shared.package(&Lamp::A1);
    shared
        .release(&["publish", &package], &["ada", "bert", "keys/online"])
        .ok();
    let root = shared.install("0a1");
    let rotate = ["keys", "rotate", "timestamp", "--no-passphrase"];
    let ran = shared.release(&rotate, &["keys/online"]).ok();
    assert!(ran.out.contains("root 2 has 0 of 2 signatures"), "{ran}");
    shared.release(&["timestamp"], &["keys/online"]).ok();
    shared.release(&["sign", "--yes"], &["ada"]).ok();
    let ran = shared.release(&["sign", "--yes"], &["bert"]).ok();
    assert!(ran.out.contains("timestamp 4 has 0 of 1 signatures"), "{ran}");
    let ran = shared.release(&["sign", "--yes"], &["keys/online"]).ok();
    assert!(ran.out.contains("signed and published"), "{ran}");
    fs::remove_file(shared.publisher.dir.join("keys/online/timestamp.pem")).unwrap();
    shared.release(&["timestamp"], &["keys/online"]).ok();
    run(&["--root", &root, "update", "check"]).ok();
    read_by_another_client(&shared.publisher.text("repo"), &dir.path().join("theirs"), &[]);
}

/// A P-256 key that only a command can use, as with a key management service.
#[test]
fn a_key_may_be_kept_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    let folder = shared.publisher.dir.join("device");
    fs::create_dir_all(&folder).unwrap();
    let signer = folder.join("device.signer");
    let text = fs::read_to_string(script("signer.py")).unwrap();
    let place = |secret: &str| {
        let text = format!("#!{}\n{text}", python().display()).replace("SECRET", secret);
        fs::write(&signer, text).unwrap();
        fs::set_permissions(&signer, fs::Permissions::from_mode(0o755)).unwrap();
    };
    place("7");
    let made = Command::new(&signer).arg("public").output().unwrap();
    fs::write(folder.join("device.pub"), Ran::of(&made).ok().out).unwrap();
    let public = folder.join("device.pub").to_str().unwrap().to_owned();
    shared
        .release(&["keys", "add", "targets", "--public", &public], &["keys"])
        .ok();
    shared.give("ada", &["targets-1"]);
    let package = shared.package(&Lamp::A1);
    let who = ["ada", "device", "keys/online"];

    place("8");
    shared
        .release(&["publish", &package], &who)
        .no(1, &["NL0514", "check what the signer command signs with"]);
    fs::write(&signer, "#!/bin/sh\necho no device >&2\nexit 3\n").unwrap();
    shared
        .release(&["publish", &package], &who)
        .no(1, &["NL0514", "no device"]);
    place("7");
    fs::set_permissions(&signer, fs::Permissions::from_mode(0o777)).unwrap();
    shared
        .release(&["publish", &package], &who)
        .no(2, &["NL0513", "chmod go-w"]);
    fs::set_permissions(&signer, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = shared.release(&["publish", &package], &who).ok();
    assert!(ran.out.contains("published"), "{ran}");
    shared.install("0a1");
    read_by_another_client(&shared.publisher.text("repo"), &dir.path().join("theirs"), &[]);
}

#[test]
fn encrypted_keys_open_with_their_passphrase_here_and_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher {
        dir: dir.path().to_path_buf(),
    };
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let with = |words: &[&str], passphrase: &str| {
        Ran::of(&command(words).env("NETLINK_PASSPHRASE", passphrase).output().unwrap())
    };
    let init = ["release", "init", &repo, "--keys", &keys];
    run(&init).no(3, &["NL0108"]);
    with(&init, "correct horse").ok();
    let timestamp = ["release", "timestamp", "--repo", &repo, "--keys", &keys];
    run(&timestamp).no(3, &["NL0108"]);
    with(&timestamp, "wrong").no(2, &["NL0513", "the passphrase does not open the key"]);
    with(&timestamp, "correct horse").ok();
    let check = "import sys\nfrom cryptography.hazmat.primitives.serialization import *\n\
        key = load_pem_private_key(open(sys.argv[1], 'rb').read(), b'correct horse')\n\
        public = load_pem_public_key(open(sys.argv[2], 'rb').read())\n\
        assert key.public_key() == public\n";
    let file = |ending: &str| PathBuf::from(&keys).join(format!("offline/root-1.{ending}"));
    let mut python = Command::new(python());
    python.arg("-c").arg(check).arg(file("pem")).arg(file("pub"));
    Ran::of(&python.output().unwrap()).ok();
    // A private key beside the public half of another.
    fs::copy(
        PathBuf::from(&keys).join("online/snapshot.pub"),
        PathBuf::from(&keys).join("online/timestamp.pub"),
    )
    .unwrap();
    with(&timestamp, "correct horse").no(2, &["NL0513", "is not the private half of"]);
}

#[test]
fn a_single_key_is_for_trying_out_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher {
        dir: dir.path().to_path_buf(),
    };
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let init = [
        "release",
        "init",
        &repo,
        "--keys",
        &keys,
        "--no-passphrase",
        "--single-key",
    ];
    let ran = run(&init).ok();
    assert!(ran.err.contains("for trying out only"), "{ran}");
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 2);
    run(&init).no(1, &["NL0502", "is there already"]);
    run(&[
        "release",
        "keys",
        "rotate",
        "root",
        "--repo",
        &repo,
        "--keys",
        &keys,
        "--no-passphrase",
    ])
    .ok();
    run(&["release", "renew", "targets", "--repo", &repo, "--keys", &keys]).ok();
    run(&["release", "verify", &repo]).ok();
}

/// A cron job meets a person: both changes are made, one after the other.
#[test]
fn changes_at_the_same_time_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let words = ["release", "timestamp", "--repo", &repo, "--keys", &keys];
    let mut running: Vec<_> = (0..6).map(|_| command(&words).spawn().unwrap()).collect();
    for child in &mut running {
        assert!(child.wait().unwrap().success());
    }
    let shown = run(&["release", "keys", "show", "--repo", &repo, "--output", "json"])
        .ok()
        .json();
    assert_eq!(
        (&shown["roles"][2]["version"], &shown["roles"][3]["version"]),
        (&7.into(), &7.into()),
        "{shown}"
    );
    run(&["release", "verify", &repo]).ok();
}

/// More targets than the top-level role lists itself, read by python-tuf.
#[test]
fn another_client_finds_targets_in_bins() {
    let dir = tempfile::tempdir().unwrap();
    let repo = dir.path().join("repo");
    let metadata = repo.join("metadata");
    let now = jiff::Timestamp::now();
    let key = SigningKey::generate();
    let signatories = Signatories {
        root: key.public().into(),
        targets: key.public().into(),
        snapshot: key.public().into(),
        timestamp: key.public().into(),
    };
    let mut editor = Editor::create(&signatories, Lifetimes::default(), now).unwrap();
    let sha256 = digest_of(b"x");
    for n in 0..1001 {
        let name = format!("lamp/{n}/changelog.md");
        let custom = TargetCustom::Changelog {
            product: "lamp".parse().unwrap(),
            version: "0a1".parse().unwrap(),
        };
        editor
            .add_target(
                &TargetRef {
                    name,
                    length: 1,
                    sha256,
                },
                &custom,
            )
            .unwrap();
    }
    assert_eq!(editor.sign(&[key], now).unwrap(), Standing::Ready);
    editor.write(&metadata, &repo.join("draft.json")).unwrap();
    fs::copy(metadata.join("1.root.json"), repo.join("root.json")).unwrap();
    let names = ["lamp/0/changelog.md", "lamp/1000/changelog.md"];
    for n in [0, 1000] {
        let folder = repo.join(format!("targets/lamp/{n}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{sha256}.changelog.md")), b"x").unwrap();
    }
    assert!(metadata.join("1.bin-0.json").exists());
    let ran = read_by_another_client(repo.to_str().unwrap(), &dir.path().join("theirs"), &names);
    assert!(ran.out.contains("downloaded lamp/1000/changelog.md"), "{ran}");
}

#[test]
fn what_is_signed_is_good_for_as_long_as_the_publisher_says() {
    let dir = tempfile::tempdir().unwrap();
    let text = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (repo, keys) = (text("repo"), text("keys"));
    let init = [
        "release",
        "init",
        &repo,
        "--keys",
        &keys,
        "--single-key",
        "--no-passphrase",
        "--expires",
    ];
    let init = |spec: &str| run(&[&init[..], &[spec]].concat());
    for (bad, said) in [
        ("root=1h", "root may be good for 1d to 3650d, not for 1h"),
        ("timestamp=2y", "timestamp may be good for 1h to 365d, not for 730d"),
        ("root", "not a lifetime of a role"),
        ("root=1y,root=2y", "root is named twice"),
    ] {
        init(bad).no(2, &[said]);
        assert!(!dir.path().join("repo").exists());
    }
    init("root=2y, timestamp=36h").ok();
    let show = || {
        let shown = run(&["release", "keys", "show", "--repo", &repo, "--output", "json"])
            .ok()
            .json();
        let now = jiff::Timestamp::now();
        let role = |n: usize| {
            let role = &shown["roles"][n];
            let expires: jiff::Timestamp = role["expires"].as_str().unwrap().parse().unwrap();
            let lifetime = role["lifetime"].as_str().unwrap().to_owned();
            (lifetime, (expires.duration_since(now).as_secs() + 1800) / 3600)
        };
        [role(0), role(1), role(2), role(3)]
    };
    let lived = |hours: i64, text: &str| (text.to_owned(), hours);
    let roles = show();
    assert_eq!(roles[0], lived(730 * 24, "730d"));
    assert_eq!(roles[1], lived(180 * 24, "180d"));
    assert_eq!(roles[3], lived(36, "36h"));
    let plain = run(&["release", "keys", "show", "--repo", &repo]).ok();
    assert!(plain.out.contains("each time for 36h"), "{plain}");

    let renew = |spec: &[&str], role: &str| {
        run(&[&["release", "renew", role, "--repo", &repo, "--keys", &keys], spec].concat())
    };
    renew(&["--expires", "targets=11y"], "targets").no(2, &["targets may be good for"]);
    renew(&["--expires", "targets=90d,timestamp=48h"], "targets").ok();
    let roles = show();
    assert_eq!(roles[1], lived(90 * 24, "90d"));
    assert_eq!(roles[3], lived(48, "2d"));
    // Remembered by whatever is signed later.
    renew(&[], "root").ok();
    run(&["release", "timestamp", "--repo", &repo, "--keys", &keys]).ok();
    assert_eq!(show()[0], lived(730 * 24, "730d"));
    assert_eq!(show()[3], lived(48, "2d"));
    fs::write(
        dir.path().join("repo/publisher.json"),
        r#"{"lifetimes": {"timestamp": "9y"}}"#,
    )
    .unwrap();
    run(&["release", "timestamp", "--repo", &repo, "--keys", &keys]).no(1, &["publisher.json", "1h to 365d"]);
}

#[test]
fn a_key_that_is_there_already_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    let public = shared.publisher.text("keys/offline/targets-1.pub");
    let add = ["keys", "add", "targets", "--public", &public];
    let ran = shared.release(&add, &["keys"]).ok();
    assert!(ran.out.contains("the keys are so already; nothing to do"), "{ran}");
    assert!(!shared.publisher.dir.join("repo/metadata/2.root.json").exists());
    assert!(!shared.publisher.dir.join("repo/draft.json").exists());
    shared.release(&["keys", "threshold", "targets", "2"], &["keys"]).ok();
    assert!(!shared.publisher.dir.join("repo/metadata/2.root.json").exists());
}

#[test]
fn a_key_for_offline_and_online_roles_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    let repo = shared.publisher.text("repo");
    assert!(!run(&["release", "verify", &repo]).ok().err.contains("THE KEY"));
    let public = shared.publisher.text("keys/online/timestamp.pub");
    let ran = shared
        .release(&["keys", "add", "targets", "--public", &public], &["keys"])
        .ok();
    assert!(ran.err.contains("SIGNS targets AND timestamp"), "{ran}");
    let ran = run(&["release", "verify", &repo]).ok();
    assert!(ran.err.contains("SIGNS targets AND timestamp"), "{ran}");
}

#[test]
fn signers_see_what_they_sign_and_are_asked() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Shared::new(&dir.path().join("publisher"));
    shared.give("ada", &["root-1", "targets-1"]);
    shared.give("bert", &["root-2", "targets-2"]);
    let package = shared.package(&Lamp::A1);
    shared.release(&["publish", &package], &["ada"]).ok();
    let ran = shared.release(&["sign"], &["bert", "keys/online"]).no(3, &["NL0108"]);
    for said in [
        "To be signed: targets 2",
        "release lamp 0a1 for any",
        "lamp is new in this repository",
    ] {
        assert!(ran.err.contains(said), "{said}: {ran}");
    }
    assert!(!shared.publisher.dir.join("repo/metadata/2.targets.json").exists());
    shared.release(&["sign", "--yes"], &["bert", "keys/online"]).ok();

    shared.release(&["yank", "0a1", "--reason", "it smokes"], &["ada"]).ok();
    let ran = shared.release(&["sign", "--yes"], &["bert", "keys/online"]).ok();
    assert!(ran.err.contains("lamp 0a1 is withdrawn: it smokes"), "{ran}");

    let public = shared.publisher.text("ada/root-1.pub");
    shared
        .release(&["keys", "add", "targets", "--public", &public], &["ada"])
        .ok();
    let ran = shared.release(&["sign"], &["bert"]).no(3, &["To be signed: root 2"]);
    assert!(
        ran.err.contains("targets: the key ") && ran.err.contains("may sign"),
        "{ran}"
    );
    shared.release(&["sign", "--yes"], &["bert", "keys/online"]).ok();
    shared.release(&["renew", "targets"], &["ada"]).ok();
    shared
        .release(&["sign"], &["bert"])
        .no(3, &["says what is published already, and is good for longer"]);
}

#[test]
fn who_renews_is_told_until_when_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let timestamp = ["release", "timestamp", "--repo", &repo, "--keys", &keys];
    let ran = run(&[&timestamp[..], &["--output", "json"]].concat()).ok();
    let until = ran.json()["good_until"].as_str().unwrap().to_owned();
    assert!(run(&timestamp).ok().out.contains("clients take what is there until 20"));
    assert!(until.parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::now());
    publisher.timestamp_at("2020-01-01T00:00:00Z".parse().unwrap());
    let ran = run(&["release", "list", &repo]).ok();
    assert!(ran.err.contains("timestamp 5 expired 2020-01-08"), "{ran}");
    assert!(ran.out.contains("0a1"), "{ran}");
}
