//! The reference of `release.toml` and the types that read it have the same keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use netlink::release::{
    AptSpec, CargoSpec, CheckSpec, CommandSpec, ConfigSpec, DatabaseSpec, ExtensionsSpec, NpmSpec, ProvidedSpec,
    PythonSpec, ReleaseManifest, ReleaseRules, Rollout, RunSpec, Variable, VersionPlace,
};
use serde::de::DeserializeOwned;

fn reference() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/release-toml.md")).unwrap()
}

/// All keys of a type, which it names when it meets one that it does not know.
fn keys_of<T: DeserializeOwned>() -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>("{\"no such key\": 1}") else {
        panic!("it takes a key that it does not know");
    };
    let said = error.to_string();
    let (_, expected) = said.split_once("expected ").unwrap_or_else(|| panic!("{said}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The keys of each table of the reference, by its heading.
fn documented(text: &str) -> BTreeMap<&str, BTreeSet<String>> {
    let mut all: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut heading = "";
    for line in text.lines() {
        heading = line.strip_prefix("## ").unwrap_or(heading);
        // Rows with a type and a default; others explain values.
        if line.starts_with("| `") && line.matches(" |").count() >= 4 {
            let key = line.split('`').nth(1).unwrap();
            assert!(
                all.entry(heading).or_default().insert(key.to_owned()),
                "{key} is there twice"
            );
        }
    }
    all
}

#[test]
fn the_reference_has_every_key_and_no_other() {
    let text = reference();
    let expected = BTreeMap::from([
        ("At the top", keys_of::<ReleaseManifest>()),
        ("`[rules]`", keys_of::<ReleaseRules>()),
        ("`[rules.rollout]`", keys_of::<Rollout>()),
        ("`[run]`", keys_of::<RunSpec>()),
        ("`[variables.NAME]`", keys_of::<Variable>()),
        ("`[[health]]`", keys_of::<CheckSpec>()),
        ("`[test]`, `[config_check]`", keys_of::<CommandSpec>()),
        ("Of kind `pip` or `uv`", keys_of::<PythonSpec>()),
        ("Of kind `npm`", keys_of::<NpmSpec>()),
        ("Of kind `cargo`", keys_of::<CargoSpec>()),
        ("Of kind `command`", keys_of::<ProvidedSpec>()),
        ("Of kind `apt`", keys_of::<AptSpec>()),
        ("`[[extensions]]`", keys_of::<ExtensionsSpec>()),
        ("`version` of `[[extensions]]`", keys_of::<VersionPlace>()),
        ("`[database]`", keys_of::<DatabaseSpec>()),
        ("`[[config]]`", keys_of::<ConfigSpec>()),
    ]);
    assert!(expected.values().all(|keys| keys.len() >= 2), "{expected:?}");
    assert_eq!(documented(&text), expected);
}

#[test]
fn its_examples_are_release_descriptions_and_show_every_key() {
    let text = reference();
    let examples: Vec<&str> = text
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 3);
    for example in &examples {
        let read: Result<ReleaseManifest, _> = toml_edit::de::from_str(example);
        assert!(read.is_ok(), "{read:?}");
    }
    let shown = examples.concat();
    let keys = documented(&text).into_values().flatten().filter(|key| key != "files");
    for key in keys {
        let is_shown = shown.contains(&format!("{key} =")) || shown.contains(&format!("[{key}"));
        assert!(is_shown || shown.contains(&format!(".{key}]")), "no example has {key}");
    }
}

/// Found by trying: what is derived takes the fields of a table from a list as well, in the order of the code.
#[test]
fn a_list_in_place_of_a_table_is_refused_with_its_line() {
    use crate::world::{Lamp, Publisher};
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let tree = publisher.lamp(&Lamp::A1);
    let told = tree.join("release.toml");
    let whole = fs::read_to_string(&told).unwrap();
    for (table, list) in [
        (
            "[variables.brightness]\nfile = \"lamp.toml\"\nkey = \"bright\"\n",
            "variables.brightness = [\"lamp.toml\", \"bright\"]\n",
        ),
        (
            "[[health]]\ncommand = [\"grep\", \"-q\", \"fine\", \"{release}/state\"]\n",
            "health = [[[\"true\"]]]\n",
        ),
    ] {
        let without = whole.replace(table, "");
        assert_ne!(without, whole);
        fs::write(&told, format!("{list}{without}")).unwrap();
        publisher.pack(&tree).no(2, &["NL0501", "1:", "by their names"]);
    }
    fs::write(&told, whole).unwrap();
    publisher.pack(&tree).ok();
}
