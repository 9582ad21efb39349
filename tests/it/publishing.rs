//! A publisher's mistakes, found before anything is signed.

use std::fs;
use std::path::Path;

use crate::world::{Lamp, Publisher, run};

#[test]
fn a_package_that_clients_could_not_unpack_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    publisher.pack(&publisher.lamp(&Lamp::A1)).ok();
    let package = publisher.text("0a1.tar.zst");
    let whole = fs::read(&package).unwrap();
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let publish = || run(&["release", "publish", "--repo", &repo, "--keys", &keys, &package]);
    let before = fs::read(publisher.dir.join("repo/metadata/timestamp.json")).unwrap();
    for (bytes, said) in [
        (whole[..whole.len() - 1].to_vec(), "cannot be read to its end"),
        (whole[..whole.len() / 2].to_vec(), "0a1.tar.zst"),
        ([&whole[..], b"x"].concat(), "something follows"),
    ] {
        fs::write(&package, bytes).unwrap();
        publish().no(2, &["NL0501", "0a1.tar.zst", said]);
    }
    assert_eq!(
        fs::read(publisher.dir.join("repo/metadata/timestamp.json")).unwrap(),
        before
    );
    assert!(!publisher.dir.join("repo/targets/lamp").exists());
    fs::write(&package, &whole).unwrap();
    publish().ok();
    run(&["release", "verify", &repo]).ok();
}

fn files_below(dir: &Path) -> usize {
    netlink::disk::walk(dir).map_or(0, |found| found.len())
}

#[test]
fn who_cannot_sign_is_told_and_leaves_nothing_that_everybody_could_read() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("ours"));
    let other = Publisher::new(&dir.path().join("others"));
    publisher.pack(&publisher.lamp(&Lamp::A1)).ok();
    let (package, repo) = (publisher.text("0a1.tar.zst"), publisher.text("repo"));
    let with = |keys: &Publisher, more: &[&str]| {
        let keys = keys.text("keys");
        let first = ["release", more[0], "--repo", &repo, "--keys", &keys];
        run(&[&first[..], &more[1..]].concat())
    };
    with(&other, &["publish", &package]).no(2, &["NL0513", "none of the keys", "others/keys"]);
    assert_eq!(files_below(&publisher.dir.join("repo/targets")), 0);
    with(&publisher, &["publish", &package]).ok();
    with(&other, &["yank", "0a1", "--reason", "x"]).no(2, &["NL0513"]);
    with(&other, &["renew", "targets"]).no(2, &["NL0513"]);
    run(&["release", "verify", &repo]).ok();
}

#[test]
fn keys_never_lie_where_everybody_can_read_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let repo = path("repo");
    for keys in ["repo/keys", "repo", "repo/targets/a", "x/../repo/keys"] {
        let keys = path(keys);
        fs::create_dir_all(dir.path().join("x")).unwrap();
        run(&["release", "init", &repo, "--keys", &keys, "--no-passphrase"]).no(2, &["NL0513", "elsewhere"]);
    }
    assert_eq!(files_below(Path::new(&repo)), 0);
    run(&["release", "init", &repo, "--keys", &path("keys"), "--no-passphrase"]).ok();
}

#[test]
fn what_clients_would_go_by_is_what_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(dir.path());
    let repo = publisher.text("repo");
    let verify = || run(&["release", "verify", &repo]);
    assert!(!verify().ok().err.contains("nothing signed"));
    let strange = publisher.dir.join("repo/targets/lamp/customers.csv");
    fs::write(&strange, "secret").unwrap();
    let said = verify().ok();
    assert!(
        format!("{}{}", said.out, said.err).contains("targets/lamp/customers.csv"),
        "{said}"
    );
    fs::remove_file(&strange).unwrap();
    let root = publisher.dir.join("repo/root.json");
    let right = fs::read(&root).unwrap();
    let other = Publisher::new(&dir.path().join("other"));
    fs::copy(other.root_metadata(), &root).unwrap();
    verify().no(1, &["root.json", "1.root.json"]);
    fs::remove_file(&root).unwrap();
    verify().no(1, &["root.json"]);
    fs::write(&root, right).unwrap();
    verify().ok();
}

#[test]
fn a_rotation_that_came_to_nothing_does_not_stand_in_the_way_of_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (repo, keys, online) = (path("repo"), path("keys"), path("keys/online"));
    run(&["release", "init", &repo, "--keys", &keys, "--no-passphrase"]).ok();
    let rotate = |keys: &str| {
        let args = [
            "release",
            "keys",
            "rotate",
            "timestamp",
            "--repo",
            &repo,
            "--keys",
            keys,
            "--no-passphrase",
        ];
        run(&args).ok()
    };
    rotate(&online);
    run(&["release", "discard", "--repo", &repo]).ok();
    rotate(&keys);
    assert!(dir.path().join("keys/online/timestamp.3.pem").exists());
    run(&["release", "verify", &repo]).ok();
}
