//! A new master key: made, reached by every slot, interrupted at each change, gone on with, and the old one forgotten.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::backup::killed_at_each;
use crate::backup_keys::{Place, WORDS, id};
use crate::world::{Ran, netlink, put};

fn filled(settings: &str) -> Place {
    let place = Place::new();
    let notes: String = (0..30_000).map(|n| format!("note {n}\n")).collect();
    put(&place.root().join("data/notes.txt"), &notes, 0o640);
    put(&place.root().join("data/deep/more.txt"), "more", 0o600);
    put(
        &place.root().join("config/update.yml"),
        &format!("update_system: {{backup: {{{settings}}}}}\n"),
        0o644,
    );
    place
}

fn backup(place: &Place, args: &[&str]) -> Ran {
    place.run(&[&["backup"], args].concat())
}

fn made(place: &Place) -> String {
    let made = backup(place, &["create", "--output", "json"]).ok().json();
    made["id"].as_str().unwrap().to_owned()
}

fn repository(place: &Place) -> PathBuf {
    let mut all = fs::read_dir(place.root().join("backups/updates")).unwrap();
    all.next().unwrap().unwrap().path()
}

/// Path and content of every file.
fn picture(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(one).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_path_buf(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

fn data(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    picture(&place.root().join("data"))
}

/// Restores into a folder of its own.
fn restored(place: &Place, backup_id: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let into = tempfile::tempdir().unwrap();
    let ran = backup(place, &["restore", backup_id, "--into", into.path().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran}");
    picture(&into.path().join("data"))
}

fn read_by_python(place: &Place, [way, file]: [&str; 2], backup_id: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let into = tempfile::tempdir().unwrap();
    let mut reader = Command::new(crate::tuf::python());
    reader
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backup-reader.py"))
        .arg(repository(place))
        .args([way, file, "extract", backup_id])
        .arg(into.path());
    Ran::of(&reader.output().unwrap()).ok();
    picture(&into.path().join("data"))
}

/// Begins a rotation that ends at its first pack, as if the disk were failing.
fn begin(place: &Place) {
    let mut command = Command::new("strace");
    let slots = place.slots().len();
    let inject = format!("inject=rename:error=EIO:when={}+", slots + 1);
    command.args([
        "-qq",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=rename",
        "-e",
        &inject,
        "--",
    ]);
    command.arg(netlink()).arg("--root").arg(place.root());
    let ran = Ran::of(&command.args(["backup", "keys", "rotate", "--master"]).output().unwrap());
    ran.no(1, &["cannot"]);
}

fn whole(place: &Place, when: &str) -> usize {
    let found = backup(place, &["verify", "--output", "json"]);
    assert_eq!(found.code, 0, "{when}: {found}");
    found.json()["whole"].as_array().unwrap().len()
}

#[test]
fn a_new_master_key_reaches_every_slot_it_can_and_the_old_one_is_forgotten_when_nothing_needs_it() {
    let place = filled("");
    let first = made(&place);
    let words = place.file("words", WORDS);
    let passphrase = id(&place.json(&["add", "--new-passphrase-file", &words]));
    let half = place.path("half");
    let public = place.keys(&["new-recipient", &half]).ok().out.trim().to_owned();
    place.json(&["add", "--recipient", &public]);
    let code = place.json(&["export-recovery"])["code"].as_str().unwrap().to_owned();
    let code = place.file("code", &code);
    let before = data(&place);

    let rotated = place.json(&["rotate", "--master"]);
    assert_eq!(
        (&rotated["new"], &rotated["resealed"]["left_files"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(rotated["slots"].as_array().unwrap().len(), 3, "{rotated:#}");
    assert_eq!(rotated["behind"][0]["id"], passphrase.as_str(), "{rotated:#}");
    let key = rotated["key"].as_str().unwrap().to_owned();
    let listed = place.keys(&["list"]).ok();
    assert!(
        listed.out.contains("behind:") && listed.out.contains("older "),
        "{listed}"
    );
    for how in [["--recovery", &half], ["--recovery-code-file", &code]] {
        assert_eq!(place.json(&[&["list"], &how[..]].concat())["key"], key.as_str());
    }
    let record = &backup(&place, &["list", "--output", "json"]).ok().json()[0];
    assert_eq!((&record["key"], &record["id"]), (&json!(key), &json!(first)));
    let second = made(&place);
    assert_eq!(
        (restored(&place, &first), restored(&place, &second)),
        (before.clone(), before.clone())
    );

    // The passphrase opens nothing any more until it is given the new key, and the old key stays until then.
    let said = format!("keys rotate {passphrase}");
    for verb in [&["create"][..], &["prune"], &["repair"], &["drill", &first]] {
        backup(&place, &[verb, &["--passphrase-file", &words]].concat()).no(2, &["NL0626", &said]);
    }
    place.keys(&["forget-older"]).no(2, &["NL0626", &passphrase]);
    place
        .keys(&["rotate", &passphrase, "--new-passphrase-file", &words])
        .ok();
    assert_eq!(place.json(&["list", "--passphrase-file", &words])["key"], key.as_str());
    let forgotten = place.keys(&["forget-older"]).ok();
    assert!(
        forgotten.out.contains("forgotten") && forgotten.out.contains("still held"),
        "{forgotten}"
    );
    place
        .keys(&["rotate", &passphrase, "--new-passphrase-file", &words])
        .ok();
    assert!(place.keys(&["forget-older"]).ok().out.contains("no older keys"));
    for slot in place.json(&["list"])["slots"].as_array().unwrap() {
        assert_eq!((&slot["masters"], &slot["behind"]), (&json!([key]), &json!(false)));
    }
    for how in [
        ["--recovery", &half],
        ["--recovery-code-file", &code],
        ["--passphrase-file", &words],
    ] {
        backup(&place, &[&["verify", &first], &how[..]].concat()).ok();
    }
    let key_file = place.path("lamp/.netlink/backup.key");
    for way in [
        ["--key-file", &key_file],
        ["--passphrase-file", &words],
        ["--recovery", &half],
        ["--recovery-code-file", &code],
    ] {
        assert_eq!(read_by_python(&place, way, &first), before, "{way:?}");
    }
    let again = place.json(&["rotate", "--master"]);
    assert_ne!(again["key"], key.as_str());
}

/// Whoever was shut out, or has another installation, notices nothing.
#[test]
fn a_wrong_secret_and_another_installation_are_left_as_they_were() {
    let shared = tempfile::tempdir().unwrap();
    let settings = format!("directory: {}", shared.path().join("backups").display());
    let (ours, theirs) = (filled(&settings), filled(&settings));
    let (_, other) = (made(&ours), made(&theirs));
    let wrong = ours.file("wrong", "another four words here");
    let before = picture(shared.path());
    ours.keys(&["rotate", "--master", "--passphrase-file", &wrong])
        .no(2, &[]);
    ours.keys(&["rotate", "--master", "--recovery", &ours.path("none")])
        .no(2, &[]);
    assert_eq!(picture(shared.path()), before);
    ours.keys(&["rotate", "--master", "anything"])
        .no(2, &["cannot be used with"]);
    ours.keys(&["rotate", "--master"]).ok();
    ours.keys(&["forget-older"]).ok();
    let after = picture(shared.path());
    let folder = |path: &Path| path.components().nth(1).map(|name| name.as_os_str().to_owned());
    let changed: Vec<_> = before
        .iter()
        .filter(|(path, content)| after.get(*path) != Some(content))
        .collect();
    let changed: std::collections::BTreeSet<_> = changed.iter().map(|(path, _)| folder(path)).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(restored(&theirs, &other), data(&theirs));
    assert_eq!(
        theirs.json(&["list"])["slots"][0]["masters"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn each_backup_goes_on_with_a_rotation_that_was_cut_off_unless_it_is_told_not_to() {
    let place = filled("rotation_share: 0s");
    let first = made(&place);
    begin(&place);
    let listed = place.keys(&["list"]).ok();
    assert!(
        listed.out.contains("rotation of the master key:") && listed.out.contains("goes on"),
        "{listed}"
    );
    place.keys(&["forget-older"]).no(2, &["NL0627", "rotate --master"]);
    made(&place);
    assert!(place.keys(&["list"]).ok().out.contains("rotation of the master key:"));
    put(&place.root().join("config/update.yml"), "update_system: {}\n", 0o644);
    let said = backup(&place, &["create"]).ok();
    assert!(said.err.contains("rotation of the master key is finished"), "{said}");
    assert!(!place.keys(&["list"]).ok().out.contains("rotation of the master key:"));
    assert!(!backup(&place, &["create"]).ok().err.contains("rotation"));
    place.keys(&["forget-older"]).ok();
    assert_eq!(restored(&place, &first), data(&place));
    assert_eq!(whole(&place, "at the end"), 4);
}

#[test]
fn a_rotation_that_is_killed_anywhere_leaves_every_backup_whole_and_the_next_one_finishes_it() {
    let place = filled("rotation_share: 0s, retention_days: 100");
    let first = made(&place);
    let before = data(&place);
    put(&place.root().join("data/notes.txt"), "other notes", 0o640);
    let (second, after) = (made(&place), data(&place));
    backup(&place, &["drill", &second]).ok();
    let half = place.path("half");
    let public = place.keys(&["new-recipient", &half]).ok().out.trim().to_owned();
    place.json(&["add", "--recipient", &public]);
    let mut met = 0;
    let killed = killed_at_each(&place.root(), &["backup", "keys", "rotate", "--master"], |when| {
        met += 1;
        assert_eq!(whole(&place, when), 2);
        if met % 4 == 0 {
            let way = ["--key-file", &place.path("lamp/.netlink/backup.key")];
            assert_eq!(read_by_python(&place, way, &first), before, "{when}");
        }
        // Others work in between.
        let third = made(&place);
        let rotated = place.json(&["rotate", "--master"]);
        assert_eq!(rotated["resealed"]["left_files"], 0, "{when}: {rotated:#}");
        assert_eq!(whole(&place, when), 3);
        let slots = &place.json(&["list"])["slots"];
        let held: Vec<&Value> = slots
            .as_array()
            .unwrap()
            .iter()
            .map(|slot| &slot["masters"][0])
            .collect();
        assert_eq!(held, [&rotated["key"], &rotated["key"]], "{when}");
        place.keys(&["forget-older"]).ok();
        assert_eq!(
            (
                restored(&place, &first),
                restored(&place, &second),
                restored(&place, &third)
            ),
            (before.clone(), after.clone(), after.clone()),
            "{when}"
        );
        let parts = picture(&repository(&place)).into_keys();
        assert_eq!(
            parts
                .filter(|path| path.to_string_lossy().contains("netlink-part"))
                .count(),
            0,
            "{when}"
        );
    });
    assert!(killed > 10, "{killed}");
}

#[test]
fn forgetting_that_is_killed_anywhere_leaves_slots_that_open_and_is_finished_by_the_next() {
    let place = filled("");
    let first = made(&place);
    let before = data(&place);
    let half = place.path("half");
    let public = place.keys(&["new-recipient", &half]).ok().out.trim().to_owned();
    place.json(&["add", "--recipient", &public]);
    place.keys(&["rotate", "--master"]).ok();
    let killed = killed_at_each(&place.root(), &["backup", "keys", "forget-older"], |when| {
        assert_eq!(whole(&place, when), 1);
        backup(&place, &["verify", &first, "--recovery", &half]).ok();
        place.keys(&["forget-older"]).ok();
        for slot in place.json(&["list"])["slots"].as_array().unwrap() {
            assert_eq!(
                (slot["masters"].as_array().unwrap().len(), &slot["unfinished"]),
                (1, &json!(false)),
                "{when}"
            );
        }
        assert_eq!(restored(&place, &first), before, "{when}");
    });
    assert!(killed > 1, "{killed}");
}
