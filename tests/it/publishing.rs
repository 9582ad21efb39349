//! A publisher's mistakes, found before anything is signed.

use std::fs;

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
