//! The release trees, as `netlink release pack` will read them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netlink::release::ReleaseManifest;

use crate::bench::{Bench, VERSIONS, program};

fn build(out: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build-releases");
    let programs = Path::new(program("0a1")).parent().unwrap();
    Command::new(script).arg(out).arg(programs).output().unwrap()
}

fn files(tree: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(tree).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn listing(tree: &Path) -> Vec<String> {
    let below = |path: &PathBuf| path.strip_prefix(tree).unwrap().display().to_string();
    let mut names: Vec<_> = files(tree).iter().map(below).collect();
    names.sort();
    names
}

#[test]
fn trees_hold_every_migration_up_to_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("trees");
    assert!(build(&out).status.success());
    let always = ["bin/guestbook", "changelog.md", "config/guestbook.toml", "release.toml"];
    let further: [&[&str]; 3] = [
        &["migrations/V1__entries.sql"],
        &[
            "config/migrations/0b1.yml",
            "migrations/V2__word_count.down.sql",
            "migrations/V2__word_count.sql",
        ],
        &[
            "config/migrations/0r1.yml",
            "migrations/V3__authors.down.sql",
            "migrations/V3__authors.sql",
        ],
    ];
    for (i, version) in VERSIONS.iter().enumerate() {
        let mut expected = [&always[..], &further[..=i].concat()].concat();
        expected.sort_unstable();
        assert_eq!(listing(&out.join(version)), expected, "{version}");
    }
}

#[test]
fn a_folder_that_holds_anything_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    assert_eq!(build(folder.path()).status.code(), Some(1));
    assert_eq!(listing(folder.path()), ["mine"]);
}

#[test]
fn manifests_say_what_the_programs_are() {
    let mut released = Vec::new();
    for (version, level) in VERSIONS.into_iter().zip(1..) {
        let path = crate::bench::sources().join(version).join("release.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let manifest: ReleaseManifest = toml_edit::de::from_str(&text).unwrap();
        assert_eq!(manifest.version.to_string(), version);
        let rules = &manifest.rules;
        assert_eq!((rules.schema_level, rules.min_schema_level), (Some(level), None));
        let older = VERSIONS.iter().take_while(|v| **v != version);
        for from in older.map(|v| v.parse().unwrap()) {
            assert!(
                rules.from.iter().any(|range| range.matches(&from)),
                "{version} from {from}"
            );
        }
        released.push(rules.released_at.unwrap());
        let default = default_config(version);
        let variable = &manifest.variables["listen"];
        let value = variable
            .key
            .split('.')
            .try_fold(default.as_item(), |item, key| item.get(key));
        assert_eq!(value.and_then(toml_edit::Item::as_str), Some("127.0.0.1:8700"));
        assert!(Bench::of(version).check(version).status.success());
    }
    assert!(released.is_sorted());
}

fn default_config(version: &str) -> toml_edit::DocumentMut {
    let path = crate::bench::sources().join(version).join("guestbook.toml");
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}
