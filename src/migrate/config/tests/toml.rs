//! What a user may have written, migrated and taken back.
#![allow(clippy::disallowed_methods)]

use crate::migrate::config::inverse::around_changes;
use crate::migrate::config::*;

fn ops(yaml: &str) -> Vec<Op> {
    serde_saphyr::from_str_with_options(yaml, files::yaml_options()).unwrap()
}

fn apply(text: &str, ops: &[Op]) -> Result<(String, Inverse), ConfigError> {
    crate::migrate::config::apply(Format::Toml, text, ops).map(|applied| (applied.text, applied.inverse))
}

fn check(file: &str, text: &str) -> Result<(), ConfigError> {
    crate::migrate::config::check(Format::Toml, file, text)
}

fn value_at(text: &str, key: &str) -> Result<Option<String>, ConfigError> {
    crate::migrate::config::value_at(Format::Toml, text, key)
}

#[track_caller]
fn migrated(text: &str, yaml: &str) -> String {
    let (now, inverse) = apply(text, &ops(yaml)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(invert(&now, &inverse).unwrap(), text, "taken back untouched");
    assert_eq!(around_changes(&now, &inverse).unwrap(), text, "taken back step by step");
    let json = serde_json::to_string(&inverse).unwrap();
    assert_eq!(serde_json::from_str::<Inverse>(&json).unwrap(), inverse);
    now
}

#[test]
fn a_rename_keeps_comments_place_and_value() {
    let text = "# File\n\n# about a\na = 1 # one\nb = 2\n";
    assert_eq!(
        migrated(text, "[{rename: {from: a, to: z}}]"),
        "# File\n\n# about a\nz = 1 # one\nb = 2\n"
    );
    assert_eq!(migrated(text, "[{rename: {from: x, to: z}}]"), text);
    let crlf = "a = 1\r\n[t]\r\nx = 2\r\n";
    assert_eq!(
        migrated(crlf, "[{rename: {from: a, to: t.a}}]"),
        "[t]\r\nx = 2\r\na = 1\r\n"
    );
}

#[test]
fn a_byte_order_mark_stays_in_front() {
    let text = "\u{feff}[a]\nx = 1\n";
    let now = migrated(text, "[{set_default: {key: b, value: 0}}]");
    assert_eq!(now, "\u{feff}b = 0\n\n[a]\nx = 1\n");
}

#[test]
fn a_move_into_a_new_table_takes_the_comments_along() {
    let text = "# File\n\n# about a\na = 1 # one\n\nb = [\n  2, # two\n]\n";
    let yaml = "[{rename: {from: a, to: t.a}}, {rename: {from: b, to: t.b}}]";
    assert_eq!(
        migrated(text, yaml),
        "# File\n\n[t]\n# about a\na = 1 # one\nb = [\n  2, # two\n]\n"
    );
}

#[test]
fn tables_are_renamed_with_all_their_headers() {
    let text = "[a]\nx = 1\n# sub\n[a.b]\ny = 2\n[[a.c]]\nz = 3\n[d]\na.k = 1\n";
    let now = migrated(text, "[{rename: {from: a, to: q}}]");
    assert_eq!(now, "[q]\nx = 1\n# sub\n[q.b]\ny = 2\n[[q.c]]\nz = 3\n[d]\na.k = 1\n");
    let now = migrated(text, "[{rename: {from: a.b, to: d.b}}]");
    assert_eq!(value_at(&now, "d.b.y").unwrap().as_deref(), Some("2"));
}

#[test]
fn defaults_changes_and_deletions_respect_what_the_user_wrote() {
    let text = "mode = \"slow\"\nkeep = 1\n\n[log]\nlevel = 3\n";
    let yaml = "[{set_default: {key: keep, value: 9}}, {set_default: {key: log.file, value: x.log, comment: New.}}, \
                {change: {key: mode, from: [slow, old], to: fast}}, {change: {key: log.level, from: [1], to: 2}}, \
                {delete: {key: keep}}]";
    let now = migrated(text, yaml);
    assert_eq!(now, "mode = \"fast\"\n\n[log]\nlevel = 3\n# New.\nfile = \"x.log\"\n");
    let (_, inverse) = apply(text, &ops(yaml)).unwrap();
    let edited = now
        .replace("\"fast\"", "\"faster\"")
        .replace("level = 3", "level = 4 # mine");
    let back = invert(&edited, &inverse).unwrap();
    assert_eq!(back, "mode = \"faster\"\nkeep = 1\n\n[log]\nlevel = 4 # mine\n");
}

#[test]
fn a_deleted_table_comes_back_whole() {
    let text = "a = 1\n\n# old\n[gone]\nx = 1\n[gone.too]\ny = 2\n\n[stays]\nz = 3\n";
    let now = migrated(text, "[{delete: {key: gone}}]");
    assert_eq!(now, "a = 1\n\n[stays]\nz = 3\n");
    let (_, inverse) = apply(text, &ops("[{delete: {key: gone}}]")).unwrap();
    let back = invert(&format!("{now}w = 4\n"), &inverse).unwrap();
    assert_eq!(value_at(&back, "gone.too.y").unwrap().as_deref(), Some("2"));
    assert_eq!(value_at(&back, "stays.w").unwrap().as_deref(), Some("4"));
}

#[test]
fn the_sample_product_goes_up_and_down_with_a_user_s_file() {
    let text = "# My guestbook.\n\n# Address and port that visitors come to.\nlisten = \"0.0.0.0:80\" # public\n\n\
                # Shown at the top of the page.\ntitle = \"Ours\"\nmax_message = 70 # short\n";
    let read = |version: &str| {
        let path = format!(
            "{}/examples/guestbook/releases/config-migrations/{version}.yml",
            env!("CARGO_MANIFEST_DIR")
        );
        let files: std::collections::BTreeMap<String, Vec<Op>> =
            serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        files["guestbook.toml"].clone()
    };
    let (b1, to_a1) = apply(text, &read("0b1")).unwrap();
    let (r1, to_b1) = apply(&b1, &read("0r1")).unwrap();
    let expected = "# My guestbook.\n\n[server]\n# Address and port that visitors come to.\nlisten = \"0.0.0.0:80\" # public\n\n\
                    [site]\n# Shown at the top of the page.\ntitle = \"Ours\"\n\n[limits]\nmax_length = 70 # short\n";
    assert_eq!(r1, expected);
    assert_eq!(invert(&r1, &to_b1).unwrap(), b1);
    assert_eq!(invert(&b1, &to_a1).unwrap(), text);
    let down = |r1: &str| invert(&invert(r1, &to_b1).unwrap(), &to_a1).unwrap();
    let edit = |text: &str| text.replace("\"Ours\"", "\"Theirs\" # new");
    assert_eq!(
        down(&edit(&r1)),
        edit(text),
        "only the user's change differs, to the byte"
    );
    let without_a_key = down(&r1.replace("max_length = 70 # short\n", ""));
    assert_eq!(
        without_a_key,
        text.replace("max_message = 70 # short\n", ""),
        "no emptied table stays"
    );
    let with_a_key = down(&r1.replace("[limits]\n", "[limits]\nmine = 1\n"));
    assert!(with_a_key.ends_with("\n[limits]\nmine = 1\n"), "{with_a_key}");
    assert!(with_a_key.starts_with(text), "{with_a_key}");
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let refused = |text: &str, yaml: &str| apply(text, &ops(yaml)).unwrap_err().to_string();
    assert!(refused("a = 1\nb = 2\n", "[{rename: {from: a, to: b}}]").contains("`b` already exists"));
    assert!(refused("a = 1\n", "[{rename: {from: a, to: a.b}}]").contains("inside the other"));
    assert!(refused("a = 1\n", "[{set_default: {key: a.b, value: 1}}]").contains("`a` is not a table"));
    assert!(refused("a = {x = 1}\n# why\nb = 1\n", "[{rename: {from: b, to: a.b}}]").contains("inline table"));
    assert!(refused("a = {b.x = 1}\n", "[{delete: {key: a.b}}]").contains("inline table"));
    assert!(refused("a = = 1\n", "[{delete: {key: a}}]").contains("line 1, column"));
    assert!(
        check("x.toml", "a = 1\nb = \n")
            .unwrap_err()
            .to_string()
            .starts_with("x.toml is not valid TOML: line 2")
    );
}

#[test]
fn values_are_read_as_text() {
    let text = "a = 5\n[b]\nc = \"x\"\n";
    assert_eq!(value_at(text, "a").unwrap().as_deref(), Some("5"));
    assert_eq!(value_at(text, "b.c").unwrap().as_deref(), Some("x"));
    assert_eq!(value_at(text, "b.d").unwrap(), None);
    assert!(value_at(text, "b").is_err());
}

#[test]
fn tables_that_moves_leave_empty_go_and_their_comments_stay() {
    let text = "a = 1\n\n# The server.\n[server] # main\nlisten = 1\n# port = 2\n\n[site]\ntitle = 2\nmine = 3\n";
    let yaml = "[{rename: {from: server.listen, to: listen}}, {rename: {from: site.title, to: title}}]";
    assert_eq!(
        migrated(text, yaml),
        "a = 1\nlisten = 1\ntitle = 2\n\n# The server.\n# main\n# port = 2\n\n[site]\nmine = 3\n"
    );
    let nested = "[a]\n[a.b]\nx = 1\n[c]\n";
    assert_eq!(migrated(nested, "[{rename: {from: a.b.x, to: c.x}}]"), "[c]\nx = 1\n");
    let deleted = migrated("[a]\nx = 1\n", "[{delete: {key: a.x}}]");
    assert_eq!(deleted, "[a]\n", "a deletion says itself what it deletes");
}

#[test]
fn a_deletion_takes_its_own_comments_only() {
    let text =
        "# File\n\n# of x\nx = 1 # too\n\n# of gone\n[gone]\ny = 1\n# z = 2\n\n# --- next ---\n\n[next]\ngone.w = 1\n";
    assert_eq!(
        migrated(text, "[{delete: {key: x}}, {delete: {key: gone}}]"),
        "# File\n\n# --- next ---\n\n[next]\ngone.w = 1\n"
    );
    let dotted = "a.x = 1\nb = 2\na.y = 3 # y\n[c]\n[a.z]\nw = 4\n";
    assert_eq!(migrated(dotted, "[{delete: {key: a}}]"), "b = 2\n[c]\n");
}

#[test]
fn tables_on_one_line_take_part() {
    let text = "server = { listen = \"x\", port = 1 } # one\nlog = 2\n";
    let yaml = "[{rename: {from: server.listen, to: listen}}, {set_default: {key: server.tls, value: true, comment: New.}}, \
                {rename: {from: log, to: server.log}}, {rename: {from: server.port, to: server.number}}]";
    let (now, inverse) = apply(text, &ops(yaml)).unwrap();
    assert_eq!(
        now,
        "server = { number = 1, tls = true, log = 2 } # one\nlisten = \"x\"\n"
    );
    assert_eq!(
        invert(&now.replace("\"x\"", "\"y\""), &inverse).unwrap(),
        "server = { port = 1, listen = \"y\" } # one\nlog = 2\n"
    );
    let emptied = apply("s = { a = 1 }\nb = 2\n", &ops("[{rename: {from: s.a, to: a}}]")).unwrap();
    assert_eq!(emptied.0, "b = 2\na = 1\n");
}

#[test]
fn the_last_line_and_the_ends_of_lines_stay_as_they_are() {
    let moves = "[{rename: {from: a, to: t.a}}, {set_default: {key: n, value: 1}}]";
    assert_eq!(migrated("a = 1\nb = 2", moves), "b = 2\nn = 1\n\n[t]\na = 1");
    assert_eq!(migrated("a = 1\r\nb = 2", moves), "b = 2\r\nn = 1\r\n\r\n[t]\r\na = 1");
    assert_eq!(migrated("a = 1", "[{rename: {from: x, to: y}}]"), "a = 1");
    assert_eq!(migrated("", "[{set_default: {key: t.a, value: 1}}]"), "[t]\na = 1\n");
    let marked = "\u{feff}a = 1\nb = 2\n";
    assert_eq!(
        migrated(marked, "[{rename: {from: a, to: t.a}}]"),
        "\u{feff}b = 2\n\n[t]\na = 1\n"
    );
}

#[test]
fn a_comment_that_was_there_first_is_not_taken_for_the_new_key_s() {
    assert_eq!(
        migrated("# File\n", "[{set_default: {key: a, value: 1}}]"),
        "# File\n\na = 1\n"
    );
    assert_eq!(migrated("[x]\nb = 1\n", "[{rename: {from: x.b, to: b}}]"), "b = 1\n\n");
}

/// toml_edit's own editing fails at these: it drops comments on keys, moves tables about, and rewrites quotes and numbers.
#[test]
fn what_tree_editing_would_lose_stays() {
    let text = "'quoted key' = 0x1F # hex\n\"a.b\"=1_000\n\n[z]\nlit = 'C:\\x'\n\n[a]\nlong = \"\"\"\n# not a comment\n[not.a.table]\n\"\"\"\n";
    let yaml = "[{rename: {from: \"'quoted key'\", to: z.q}}, {rename: {from: '\"a.b\"', to: a.\"c.d\"}}]";
    assert_eq!(
        migrated(text, yaml),
        "[z]\nlit = 'C:\\x'\nq = 0x1F # hex\n\n[a]\nlong = \"\"\"\n# not a comment\n[not.a.table]\n\"\"\"\n\"c.d\"=1_000\n"
    );
}

#[test]
fn a_change_knows_its_old_values_however_they_are_written() {
    let yaml = "[{change: {key: n, from: [1000], to: 2000}}, {change: {key: s, from: [a], to: b}}, \
                {change: {key: f, from: [1], to: 2}}]";
    let text = "n = 1_000 # many\ns = 'a'\nf = 1.0\n";
    assert_eq!(migrated(text, yaml), "n = 2000 # many\ns = \"b\"\nf = 1.0\n");
}

#[test]
fn what_the_user_changed_after_a_change_or_a_default_is_kept() {
    let (now, inverse) = apply(
        "mode = 1\n",
        &ops("[{change: {key: mode, from: [1], to: 2}}, {set_default: {key: t.new, value: 3}}]"),
    )
    .unwrap();
    assert_eq!(now, "mode = 2\n\n[t]\nnew = 3\n");
    assert_eq!(
        invert("mode = 2\n\n[t]\nnew = 4\n", &inverse).unwrap(),
        "mode = 1\n\n[t]\nnew = 4\n"
    );
    assert_eq!(invert("mode = 5\n\n[t]\nnew = 3\n", &inverse).unwrap(), "mode = 5\n");
    assert_eq!(
        invert("mode = 2 # mine\n[t]\n", &inverse).unwrap(),
        "mode = 1 # mine\n",
        "the user removed it"
    );
    let broken = invert("mode = \n", &inverse).unwrap_err().to_string();
    assert!(broken.contains("line 1, column"), "{broken}");
}

#[test]
fn words_of_yaml_stay_words() {
    let now = migrated(
        "",
        "[{set_default: {key: a, value: yes}}, {set_default: {key: b, value: true}}]",
    );
    assert_eq!(now, "a = \"yes\"\nb = true\n");
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[test]
fn migrations_come_in_the_order_of_versions() {
    let one = "g.toml:\n  - delete: {key: a}\n";
    let dir = folder(&[
        ("0r1.yml", one),
        ("0a2.yml", one),
        ("0b1.yml", "# nothing\n"),
        ("0a1.yml", one),
    ]);
    let all = Migrations::load(dir.path()).unwrap();
    let between = |from: &str, to: &str| {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        all.between(&from, &to)
            .map(|m| m.version.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(between("0a1", "0a2"), ["0b1", "0r1", "0a2"]);
    assert!(between("0a2", "0a1").is_empty());
    let first = all
        .between(&"0a1".parse().unwrap(), &"0r1".parse().unwrap())
        .last()
        .unwrap();
    assert_eq!(first.ops_for(&"g.toml".parse().unwrap()).unwrap().len(), 1);
    assert!(first.ops_for(&"other.toml".parse().unwrap()).is_none());
    assert!(
        Migrations::load(&dir.path().join("none"))
            .unwrap()
            .between(&"0a1".parse().unwrap(), &"9r9".parse().unwrap())
            .next()
            .is_none()
    );
}

#[test]
fn a_migration_file_that_is_wrong_names_itself_and_the_place() {
    let refused = |name: &str, text: &str| {
        Migrations::load(folder(&[(name, text)]).path())
            .unwrap_err()
            .to_string()
    };
    assert!(refused("notes.txt", "").contains("notes.txt is not named <version>.yml"));
    assert!(refused("latest.yml", "").contains("latest.yml is not named <version>.yml"));
    let unknown = refused("0b1.yml", "g.toml:\n  - rename: {from: a, too: b}\n");
    assert!(
        unknown.contains("0b1.yml") && unknown.contains("line 2") && unknown.contains("too"),
        "{unknown}"
    );
    let gap = refused("0b1.yml", "g.ini: [{move: {from: a.*, to: b.$2}}]\n");
    assert!(gap.contains("g.ini") && gap.contains("no `*`"), "{gap}");
    assert!(refused("0b1.yml", "../g.toml: []\n").contains("0b1.yml"));
    let twice = refused("0b1.yml", "g.toml: []\ng.toml: []\n");
    assert!(twice.contains("duplicate"), "{twice}");
}
