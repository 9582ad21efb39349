//! TUF between NetLink and others: their repositories with our client, our repository with theirs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::world::{Publisher, Ran, netlink, run};

/// The interpreter with `tuf` and `securesystemslib`, which `./test` installs.
pub fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    assert!(
        python.exists(),
        "{} is not there: run `./test tuf` once",
        python.display()
    );
    python
}

pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tuf").join(name)
}

fn drive(command: &mut Command) -> Ran {
    let output: Output = command.output().unwrap();
    Ran::of(&output)
}

#[test]
fn the_client_does_what_the_conformance_suite_asks() {
    let ran = drive(
        Command::new(python())
            .arg(script("conformance.py"))
            .arg(netlink())
            .arg("tuf"),
    );
    let ran = ran.ok();
    assert!(ran.out.contains("120 of 120 cases passed"), "{ran}");
}

/// A repository as `netlink release` writes it, with an update of the short-lived roles, read by python-tuf's `ngclient`.
#[test]
fn another_client_reads_what_netlink_publishes() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    run(&["release", "timestamp", "--repo", &repo, "--keys", &keys]).ok();
    let (theirs, ours) = (dir.path().join("theirs"), dir.path().join("ours"));
    let mut client = Command::new(python());
    client.arg(script("ngclient.py")).arg(&repo).arg(&theirs);
    let ran = drive(&mut client).ok();
    assert!(ran.out.contains("downloaded lamp/0a1/any.tar.zst"), "{ran}");

    // Both clients come to the same files from the same repository.
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let metadata = text(&ours.join("metadata"));
    run(&["tuf", "--metadata-dir", &metadata, "init", &publisher.root_metadata()]).ok();
    let (url, targets) = (publisher.url(), text(&ours.join("targets")));
    let (metadata_url, base_url) = (format!("{url}/metadata"), format!("{url}/targets"));
    let download = |name: &str| {
        run(&[
            "tuf",
            "--metadata-dir",
            &metadata,
            "--metadata-url",
            &metadata_url,
            "--target-base-url",
            &base_url,
            "--target-dir",
            &targets,
            "--target-name",
            name,
            "download",
        ])
    };
    let ran = download("lamp/0a1/any.tar.zst").ok();
    assert!(
        ran.err.contains("timestamp") && ran.err.contains("is verified and kept"),
        "{ran}"
    );
    download("lamp/0a1/none").no(1, &["NL0205", "lamp/0a1/none"]);
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let file = format!("metadata/{role}.json");
        let kept = |dir: &Path| std::fs::read(dir.join(&file)).unwrap();
        assert_eq!(kept(&theirs), kept(&ours), "{role}");
    }
    let file = "targets/lamp%2F0a1%2Fany.tar.zst";
    assert_eq!(
        std::fs::read(theirs.join(file)).unwrap(),
        std::fs::read(ours.join(file)).unwrap()
    );
}
