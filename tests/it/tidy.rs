//! The fences of the house: which room may use which, how long files and functions are, what every file says first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may use besides those that all may (`EVERYWHERE`).
const ARROWS: &[(&str, &[&str])] = &[
    ("version", &[]),
    ("clock", &[]),
    ("named", &[]),
    // Digests are values like versions; what makes them reads nothing but the bytes it is given.
    ("release", &["version", "named", "crypt"]),
    ("component", &["version", "named", "release", "crypt"]),
    ("journal", &["version", "release", "plan"]),
    ("plan", &["version", "named", "release", "crypt"]),
    ("disk", &[]),
    ("crypt", &[]),
    ("git", &[]),
    ("host", &["disk"]),
    ("store", &["disk", "host", "journal", "plan", "version"]),
    ("tuf", &["disk", "crypt", "release", "named", "version"]),
    ("tls", &["disk"]),
    ("fetch", &["disk", "crypt", "host", "named", "tls"]),
    (
        "package",
        &["disk", "crypt", "component", "release", "named", "version"],
    ),
    (
        "backup",
        &["disk", "crypt", "store", "host", "release", "named", "version"],
    ),
    ("migrate", &["disk", "crypt", "host", "store", "release", "version"]),
    ("target", &["disk", "crypt", "host", "version"]),
    ("probe", &["host", "release"]),
    ("notify", &["disk", "crypt", "host", "release"]),
    // The calendar and what it is made of are words of the planner's.
    (
        "settings",
        &["disk", "crypt", "journal", "plan", "release", "named", "version"],
    ),
    ("engine", HANDS_AND_BELOW),
    (
        "publish",
        &[
            "tuf",
            "package",
            "disk",
            "crypt",
            "fetch",
            "host",
            "component",
            "release",
            "named",
            "version",
        ],
    ),
    ("app", ENGINES_AND_BELOW),
    (
        "serving",
        &[
            "app", "backup", "crypt", "engine", "host", "release", "settings", "store", "tls", "version",
        ],
    ),
    ("relay", &["host", "tls"]),
    ("cli", DOORS),
    ("http", DOORS),
    ("grpc", DOORS),
];
const HEADS: &[&str] = &["version", "release", "component", "journal", "plan"];
const HANDS_AND_BELOW: &[&str] = &[
    "tuf", "fetch", "package", "backup", "migrate", "target", "probe", "notify", "settings", "store", "host", "disk",
    "crypt", "plan", "journal", "release", "named", "version",
];
const ENGINES_AND_BELOW: &[&str] = &[
    "git",
    "engine",
    "publish",
    "tuf",
    "fetch",
    "package",
    "backup",
    "migrate",
    "target",
    "tls",
    "probe",
    "notify",
    "settings",
    "store",
    "host",
    "disk",
    "crypt",
    "plan",
    "journal",
    "component",
    "release",
    "named",
    "version",
];
/// Doors call app; from below they take only the words that app's own functions speak.
const DOORS: &[&str] = &[
    "app", "http", "grpc", "backup", "crypt", "engine", "fetch", "host", "journal", "named", "package", "plan",
    "publish", "relay", "release", "serving", "settings", "store", "target", "tls", "version",
];
/// Heads do not ask for the time, hence not there for them.
const EVERYWHERE: &[&str] = &["clock"];
const FILE_LIMIT: usize = 600;
const FUNCTION_LIMIT: usize = 70;

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn rust_files(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    assert!(
        files.len() > 100,
        "only {} files: is this the right folder?",
        files.len()
    );
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root()).unwrap().to_path_buf(), text)
    };
    files.into_iter().map(read).collect()
}

/// `src/plan/path.rs` and `src/clock.rs` belong to `plan` and `clock`; none for `lib.rs` and `main.rs`.
fn room(path: &Path) -> Option<String> {
    let first = path.components().nth(1)?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then(|| name.to_owned())
}

/// Every room named after `crate::` in code; comments are left out.
fn used_rooms(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    let code = code.join("\n");
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            rooms.extend(first_words_of_group(group));
        } else {
            rooms.insert(word(rest));
        }
    }
    rooms
}

/// `a::{b, c}, d}` gives `a` and `d`.
fn first_words_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut words) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                words.push(word(group[start..at].trim()));
                return words;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                words.push(word(group[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    words
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn groups_of_imports_are_read() {
    let text = "use crate::{disk::{self, Lock}, clock};\nuse crate::plan::Plan; // crate::cli\n";
    let expected = ["clock", "disk", "plan"].map(str::to_owned);
    assert_eq!(used_rooms(text), BTreeSet::from(expected));
}

#[test]
fn arrows_go_only_downwards() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(room) = room(&path) else { continue };
        let Some(allowed) = arrows.get(room.as_str()) else {
            wrong.push(format!("{}: the room {room} is not in the table", path.display()));
            continue;
        };
        for used in used_rooms(&text) {
            // Items at the crate's root, e.g. VERSION.
            let is_room = arrows.contains_key(used.as_str());
            let everywhere = EVERYWHERE.contains(&used.as_str()) && !HEADS.contains(&room.as_str());
            if is_room && used != room && !allowed.contains(&used.as_str()) && !everywhere {
                wrong.push(format!("{}: {room} may not use {used}", path.display()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn heads_are_pure() {
    let forbidden = [
        "tokio",
        "std::fs",
        "std::net",
        "rusqlite",
        "actix_web",
        "crate::clock",
        "crate::disk",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if room(&path).is_some_and(|room| HEADS.contains(&room.as_str())) {
            let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
            let found = forbidden.iter().filter(|word| text[..tests].contains(*word));
            wrong.extend(found.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn files_say_what_they_are_for_and_are_short() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{}: does not open with `//!`", path.display()));
        }
        let lines = text.lines().count();
        if lines > FILE_LIMIT {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
        wrong.extend(
            long_functions(&text)
                .into_iter()
                .map(|name| format!("{}: {name}", path.display())),
        );
    }
    assert_eq!(wrong, [""; 0]);
}

/// By rustfmt's layout: from the line with `fn` to the closing brace of the same indent.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut long = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(super) fn ",
            "const fn ",
            "pub const fn ",
        ]
        .iter()
        .any(|start| code.starts_with(start));
        if !is_function || code.ends_with(';') {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[at..].iter().position(|line| *line == end).unwrap_or(0) + 1;
        if length > FUNCTION_LIMIT {
            long.push(format!("{} has {length} lines", code.trim_end_matches('{')));
        }
    }
    long
}

#[test]
fn every_room_has_its_sentence_in_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let silent: Vec<&str> = ARROWS
        .iter()
        .map(|(room, _)| *room)
        .filter(|room| !text.contains(&format!("`{room}`")))
        .collect();
    assert_eq!(silent, [""; 0], "rooms that ARCHITECTURE.md does not name");
}

#[test]
fn codes_are_unique_explained_and_known_wherever_they_are_used() {
    let codes: Vec<&str> = netlink::app::codes::all().map(|code| code.id).collect();
    let unique: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(unique.len(), codes.len());
    for code in netlink::app::codes::all() {
        assert!(code.explanation.len() > 20 && !code.title.is_empty(), "{}", code.id);
    }
    let mut unknown = Vec::new();
    let mut used = BTreeSet::new();
    for (path, text) in sources() {
        for (at, _) in text.match_indices("\"NL") {
            let code = word(&text[at + 1..]);
            if code.len() == 6 && code[2..].bytes().all(|b| b.is_ascii_digit()) {
                if !unique.contains(code.as_str()) {
                    unknown.push(format!("{}: {code}", path.display()));
                }
                if !path.to_str().unwrap().contains("app/codes/") {
                    used.insert(code);
                }
            }
        }
    }
    assert_eq!(unknown, [""; 0]);
    let idle: Vec<&str> = codes
        .into_iter()
        .filter(|code| !used.contains(*code) && *code != "NL0999")
        .collect();
    assert_eq!(idle, [""; 0], "codes that nothing says");
    let documented = fs::read_to_string(root().join("docs/codes.md")).unwrap();
    for code in netlink::app::codes::all() {
        assert!(documented.contains(code.id), "docs/codes.md lacks {}", code.id);
    }
}

/// Each package of a lock file with its versions.
fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    let values = |key: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(key));
        lines
            .map(|value| value.trim_matches(['"', ' ', '=']).to_owned())
            .collect()
    };
    // The first line with a version is that of the file's own format.
    for (name, version) in values("name ").into_iter().zip(values("version ").into_iter().skip(1)) {
        versions.entry(name).or_default().insert(version);
    }
    versions
}

#[test]
fn fuzzing_takes_the_dependencies_that_the_build_has_made() {
    let ours = locked("Cargo.lock");
    let others: Vec<_> = locked("fuzz/Cargo.lock")
        .into_iter()
        .filter(|(name, versions)| ours.get(name).is_some_and(|known| !versions.is_subset(known)))
        .collect();
    assert!(ours.len() > 100 && others.is_empty(), "`fuzz/run lock`: {others:?}");
}

#[test]
fn every_fuzz_target_is_built_and_has_stored_inputs() {
    let built = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let mut targets = Vec::new();
    rust_files(&root().join("fuzz/fuzz_targets"), &mut targets);
    let wrong: Vec<_> = targets
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap())
        .filter(|name| {
            !built.contains(&format!("name = \"{name}\"")) || !root().join("fuzz/corpus").join(name).is_dir()
        })
        .collect();
    assert!(targets.len() > 10 && wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_description_of_the_rest_interface_is_the_served_one() {
    let kept = fs::read_to_string(root().join("openapi.yaml")).unwrap();
    let served = netlink::http::openapi::document().unwrap();
    if std::env::var_os("NETLINK_MAKE").is_some() {
        return fs::write(root().join("openapi.yaml"), served).unwrap();
    }
    let differs = kept
        .lines()
        .zip(served.lines())
        .position(|(kept, served)| kept != served);
    assert!(
        kept == served,
        "`NETLINK_MAKE=1` makes it anew: they part in line {}",
        differs.map_or(kept.lines().count().min(served.lines().count()), |at| at + 1)
    );
}

#[test]
fn the_version_has_its_changelog() {
    let version: netlink::version::Version = netlink::VERSION.parse().unwrap();
    let text = fs::read_to_string(root().join(format!("changelogs/{version}.md"))).unwrap();
    netlink::release::Changelog::parse(&version, &text).unwrap();
}

#[test]
fn whatever_the_description_of_the_rest_interface_refers_to_is_in_it() {
    let text = netlink::http::openapi::document().unwrap();
    let referred = text
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("$ref: "));
    let names: Vec<&str> = referred
        .map(|name| {
            let name = name.trim_matches(['\'', '"']);
            let named = ["schemas", "responses"].map(|kind| name.strip_prefix(&format!("#/components/{kind}/")));
            named.into_iter().flatten().next().unwrap()
        })
        .collect();
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !text.contains(&format!("\n    {name}:\n")))
        .collect();
    assert!(names.len() > 50 && missing.is_empty(), "{missing:?}");
}
