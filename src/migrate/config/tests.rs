//! What a user may have written, migrated and taken back.
#![allow(clippy::disallowed_methods)]

use proptest::prelude::*;

use super::*;

fn ops(yaml: &str) -> Vec<Op> {
    serde_saphyr::from_str(yaml).unwrap()
}

#[track_caller]
fn migrated(text: &str, yaml: &str) -> String {
    let (now, inverse) = apply(text, &ops(yaml)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(invert(&now, &inverse).unwrap(), text, "taken back untouched");
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
    let expected = "[server]\n# Address and port that visitors come to.\nlisten = \"0.0.0.0:80\" # public\n\n\
                    [site]\n# Shown at the top of the page.\ntitle = \"Ours\"\n\n[limits]\nmax_length = 70 # short\n";
    assert!(r1.ends_with(expected), "{r1}");
    assert_eq!(invert(&r1, &to_b1).unwrap(), b1);
    assert_eq!(invert(&b1, &to_a1).unwrap(), text);
    let edited = r1.replace("\"Ours\"", "\"Theirs\"");
    let back = invert(&invert(&edited, &to_b1).unwrap(), &to_a1).unwrap();
    assert!(!back.contains('['), "no emptied table stays: {back}");
    for line in [
        "# My guestbook.\n",
        "title = \"Theirs\"\n",
        "listen = \"0.0.0.0:80\" # public\n",
        "max_message = 70 # short\n",
    ] {
        assert!(back.contains(line), "{line} in {back}");
    }
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let refused = |text: &str, yaml: &str| apply(text, &ops(yaml)).unwrap_err().to_string();
    assert!(refused("a = 1\nb = 2\n", "[{rename: {from: a, to: b}}]").contains("`b` already exists"));
    assert!(refused("a = 1\n", "[{rename: {from: a, to: a.b}}]").contains("inside the other"));
    assert!(refused("a = 1\n", "[{set_default: {key: a.b, value: 1}}]").contains("`a` is not a table"));
    assert!(refused("a = {x = 1}\nb = 1\n", "[{rename: {from: b, to: a.b}}]").contains("inline table"));
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

fn a_file() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "[a-d] = [0-9]{1,3}( # [a-z]{1,5})?".prop_map(|line| line),
        "[a-d]\\.[x-z] = \"[a-z ]{0,5}\"",
        "\\[[e-h]\\]",
        "# [a-z ]{0,8}",
        Just(String::new()),
    ];
    proptest::collection::vec(line, 0..14).prop_map(|lines| lines.join("\n") + "\n")
}

fn an_op() -> impl Strategy<Value = String> {
    let key = "[a-h](\\.[a-z])?";
    prop_oneof![
        (key, key).prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        (key, 0..9).prop_map(|(key, value)| format!("set_default: {{key: {key}, value: {value}, comment: new}}")),
        key.prop_map(|key| format!("delete: {{key: {key}}}")),
        (key, 0..9).prop_map(|(key, value)| format!("change: {{key: {key}, from: [1, 2, 3], to: {value}}}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever is done is taken back to the byte; and around a change of the user's, to the same meaning with that change.
    #[test]
    fn up_and_down_gives_the_same(text in a_file(), wanted in proptest::collection::vec(an_op(), 1..5)) {
        if check("x", &text).is_err() {
            return Ok(());
        }
        let list: String = wanted.iter().map(|op| format!("- {op}\n")).collect();
        let Ok((now, inverse)) = apply(&text, &ops(&list)) else { return Ok(()) };
        prop_assert!(check("x", &now).is_ok());
        prop_assert_eq!(invert(&now, &inverse).unwrap(), text.clone());
        let marked = format!("{now}\n# mine\n");
        if let Ok(back) = invert(&marked, &inverse) {
            prop_assert_eq!(Data::of_text(&back).unwrap().pruned(), Data::of_text(&text).unwrap().pruned(), "{}", back);
            prop_assert!(back.contains("# mine"));
        }
    }
}
