//! The same operations in YAML, JSON and files of lines.

use crate::migrate::config::inverse::around_changes;
use crate::migrate::config::*;

fn ops(yaml: &str) -> Vec<Op> {
    serde_saphyr::from_str_with_options(yaml, files::yaml_options()).unwrap()
}

#[track_caller]
fn migrated(format: Format, text: &str, yaml: &str) -> String {
    let Applied { text: now, inverse, .. } = apply(format, text, &ops(yaml)).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(invert(&now, &inverse).unwrap(), text, "taken back untouched");
    assert_eq!(around_changes(&now, &inverse).unwrap(), text, "taken back by its edits");
    let json = serde_json::to_string(&inverse).unwrap();
    assert_eq!(serde_json::from_str::<Inverse>(&json).unwrap(), inverse);
    now
}

#[track_caller]
fn refused(format: Format, text: &str, yaml: &str) -> String {
    apply(format, text, &ops(yaml)).unwrap_err().to_string()
}

const YAML: &str = "# My server.\nserver:\n  # where\n  listen: 0.0.0.0:80  # public\n  tls:   false\n\nlog: {level: info, file: x.log}\nplugins:\n- one  # first\n- two\n";

#[test]
fn yaml_is_edited_in_place() {
    let now = migrated(
        Format::Yaml,
        YAML,
        "[{rename: {from: server.listen, to: server.address}}, {change: {key: server.tls, from: [false], to: true}}, \
         {set_default: {key: server.limits.rate, value: 10, comment: A second.}}, {append: {key: plugins, item: three}}, \
         {rename: {from: log.level, to: log.verbosity}}, {set_default: {key: log.max, value: 5}}]",
    );
    let expected = "# My server.\nserver:\n  # where\n  address: 0.0.0.0:80  # public\n  tls:   true\n  limits:\n    # A second.\n    rate: 10\n\nlog: {verbosity: info, file: x.log, max: 5}\nplugins:\n- one  # first\n- two\n- three\n";
    assert_eq!(now, expected);
}

#[test]
fn yaml_moves_take_comments_and_indentation_along() {
    let text = "a:\n    # the list\n    b:\n        - x\n        - y # last\n    c: |\n        text\n          more\nd:\n    e: 1\n";
    let now = migrated(
        Format::Yaml,
        text,
        "[{rename: {from: a.b, to: b}}, {rename: {from: a.c, to: d.f.c}}]",
    );
    assert_eq!(
        now,
        "d:\n    e: 1\n    f:\n        c: |\n            text\n              more\n# the list\nb:\n    - x\n    - y # last\n"
    );
    let deep = migrated(
        Format::Yaml,
        "a: {b: 1, c: 2}\nd: 3\n",
        "[{rename: {from: a.b, to: b}}, {rename: {from: d, to: a.d}}]",
    );
    assert_eq!(deep, "a: {c: 2, d: 3}\nb: 1\n");
}

#[test]
fn yaml_tables_that_are_left_empty_go_unless_comments_are_at_them() {
    assert_eq!(
        migrated(Format::Yaml, "a:\n  b: 1\nc: 2\n", "[{delete: {key: a.b}}]"),
        "c: 2\n"
    );
    assert_eq!(
        migrated(
            Format::Yaml,
            "# keep\na: # and this\n  b: 1\nc: 2\n",
            "[{rename: {from: a.b, to: b}}]"
        ),
        "# keep\na: {} # and this\nc: 2\nb: 1\n"
    );
    let named = "server:\n  # port: 80\nlog: 1\n";
    assert_eq!(
        migrated(Format::Yaml, named, "[{set_default: {key: server.host, value: x}}]"),
        "server:\n  host: x\n  # port: 80\nlog: 1\n"
    );
}

#[test]
fn yaml_that_comes_through_aliases_is_left_alone() {
    let text = "base: &base\n  port: 1\n  host: x\none:\n  <<: *base\n  name: a\ntwo: *base\n";
    for key in ["one.port", "two.host"] {
        assert!(refused(Format::Yaml, text, &format!("[{{delete: {{key: {key}}}}}]")).contains("alias or a merge key"));
    }
    assert!(!refused(Format::Yaml, text, "[{delete: {key: base}}]").is_empty());
    assert!(refused(Format::Yaml, text, "[{set_default: {key: two.z, value: 1}}]").contains("alias"));
    assert_eq!(
        migrated(Format::Yaml, text, "[{change: {key: one.name, from: [a], to: b}}]"),
        text.replace("name: a", "name: b")
    );
    assert!(refused(Format::Yaml, "a: 1\n---\nb: 2\n", "[{delete: {key: a}}]").contains("document"));
}

#[test]
fn what_is_written_into_yaml_is_read_back_as_it_was_meant() {
    let now = migrated(
        Format::Yaml,
        "",
        "[{set_default: {key: a, value: yes}}, {set_default: {key: b, value: '12'}}, {set_default: {key: c, value: 'x: # y'}}, \
         {set_default: {key: d, value: [1, 2.0, null, {e: 'no'}]}}, {set_default: {key: \"'8'\", value: true}}]",
    );
    assert_eq!(
        now,
        "a: \"yes\"\nb: \"12\"\nc: \"x: # y\"\nd: [1, 2.0, null, {e: \"no\"}]\n\"8\": true\n"
    );
}

#[test]
fn json_is_edited_in_place() {
    let text = "{\n  // where\n  \"listen\": \"x\", // public\n  \"log\": { \"level\": 1 },\n  \"list\": [\n    1, // one\n    2\n  ]\n}\n";
    let now = migrated(
        Format::Jsonc,
        text,
        "[{rename: {from: listen, to: server.listen}}, {set_default: {key: log.file, value: y}}, {append: {key: list, item: 3}}, \
         {set_default: {key: new, value: {a: 1}, comment: Brand new.}}]",
    );
    let expected = "{\n  \"log\": { \"level\": 1, \"file\": \"y\" },\n  \"list\": [\n    1, // one\n    2,\n    3\n  ],\n  \"server\": {\n    // where\n    \"listen\": \"x\" // public\n  },\n  // Brand new.\n  \"new\": { \"a\": 1 }\n}\n";
    assert_eq!(now, expected);
    let plain = migrated(
        Format::Json,
        "{\"a\":1,\"b\":{}}",
        "[{set_default: {key: b.c, value: 2, comment: x}}, {delete: {key: a}}]",
    );
    assert_eq!(plain, "{\"b\":{\n  \"c\":2\n}}");
    assert_eq!(
        migrated(Format::Json, "{\"a\": null, \"b\": 1}\n", "[{delete: {key: a}}]"),
        "{\"b\": 1}\n"
    );
}

#[test]
fn json_lists_lose_and_gain_items_where_they_stand() {
    let text = "{\n\t\"list\": [\n\t\t\"a\",\n\t\t\"b\",\n\t],\n}\n";
    assert_eq!(
        migrated(
            Format::Json,
            text,
            "[{remove_item: {key: list, item: b}}, {append: {key: list, item: c}}]"
        ),
        "{\n\t\"list\": [\n\t\t\"a\",\n\t\t\"c\",\n\t],\n}\n"
    );
    assert_eq!(
        migrated(Format::Json, "{\"l\": [1, 2]}", "[{remove_item: {key: l, item: 1}}]"),
        "{\"l\": [2]}"
    );
}

#[test]
fn files_of_lines_are_edited_in_place() {
    let ini = "; mine\n[server]\n; where\nlisten = 0.0.0.0:80\n\n[log]\nlevel = info\n";
    let now = migrated(
        Format::Ini,
        ini,
        "[{rename: {from: server.listen, to: server.address}}, {rename: {from: log.level, to: logging.level}}, \
         {set_default: {key: server.workers, value: 4, comment: New.}}]",
    );
    assert_eq!(
        now,
        "; mine\n[server]\n; where\naddress = 0.0.0.0:80\n; New.\nworkers = 4\n\n[log]\n\n[logging]\nlevel = info\n"
    );
    let env = "# secret\nexport TOKEN='a b' # keep\nPORT=80\n";
    assert_eq!(
        migrated(
            Format::Env,
            env,
            "[{rename: {from: TOKEN, to: API_TOKEN}}, {change: {key: PORT, from: [80], to: 8080}}, {set_default: {key: NAME, value: it is}}]"
        ),
        "# secret\nexport API_TOKEN='a b' # keep\nPORT=8080\nNAME='it is'\n"
    );
    let properties = "! mine\nserver.port = 80\nlong = a\\\n  b\n";
    assert_eq!(
        migrated(
            Format::Properties,
            properties,
            "[{rename: {from: server.port, to: http.port}}, {delete: {key: long}}]"
        ),
        "! mine\nhttp.port = 80\n"
    );
    let unit = "[Service]\nExecStartPre=/bin/a\nExecStartPre=/bin/b\nRestart=no\n";
    assert_eq!(
        migrated(
            Format::Systemd,
            unit,
            "[{change: {key: Service.Restart, from: ['no'], to: always}}]"
        ),
        unit.replace("Restart=no", "Restart=always")
    );
    assert!(refused(Format::Systemd, unit, "[{delete: {key: Service.ExecStartPre}}]").contains("more than once"));
    assert!(refused(Format::Ini, ini, "[{set_default: {key: a.b.c, value: 1}}]").contains("no tables inside"));
    assert!(refused(Format::Env, "A='x\n", "[{delete: {key: A}}]").contains("line 1"));
}

#[test]
fn patterns_move_all_that_fits() {
    let text = "servers:\n  a: {port: 1, name: x}\n  b: {port: 2}\n";
    let now = migrated(Format::Yaml, text, "[{move: {from: servers.*.port, to: ports.$1}}]");
    assert_eq!(now, "servers:\n  a: {name: x}\n  b: {}\nports:\n  a: 1\n  b: 2\n");
    let toml = migrated(
        Format::Toml,
        "[x.a]\np = 1\n[x.b]\np = 2\n",
        "[{move: {from: x.*.p, to: y.$1}}]",
    );
    assert_eq!(toml, "[y]\na = 1\nb = 2\n");
}

#[test]
fn transforms_change_values_where_they_stand() {
    for (format, text, expected) in [
        (Format::Toml, "# t\nt = 90 # s\n", "# t\nt = 90000 # s\n"),
        (Format::Yaml, "# t\nt: 90 # s\n", "# t\nt: 90000 # s\n"),
        (Format::Jsonc, "{\"t\": 90 /* s */}", "{\"t\": 90000 /* s */}"),
        (Format::Ini, "t=90\n", "t=90000\n"),
    ] {
        let now = migrated(
            format,
            text,
            "[{transform: {key: t, with: [{duration: {from: s, to: ms}}]}}]",
        );
        assert_eq!(now, expected);
    }
    let split = migrated(
        Format::Yaml,
        "hosts: a, b # two\n",
        "[{transform: {key: hosts, with: [{split: ','}]}}]",
    );
    assert_eq!(split, "hosts: [a, b] # two\n");
    assert!(refused(Format::Ini, "t=a,b\n", "[{transform: {key: t, with: [{split: ','}]}}]").contains("neither lists"));
}

#[test]
fn what_is_deleted_can_stay_as_a_comment() {
    let op = "[{delete: {key: b, keep_comment: true}}]";
    for (format, text, expected) in [
        (
            Format::Toml,
            "a = 1\nb = [\n  2,\n]\nc = 3\n",
            "a = 1\n# b = [\n#   2,\n# ]\nc = 3\n",
        ),
        (Format::Yaml, "a: 1\nb:\n  - 2\nc: 3\n", "a: 1\n# b:\n#   - 2\nc: 3\n"),
        (Format::Ini, "a=1\nb=2\n", "a=1\n# b=2\n"),
        (
            Format::Jsonc,
            "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
            "{\n  \"a\": 1\n  // \"b\": 2\n}\n",
        ),
    ] {
        assert_eq!(migrated(format, text, op), expected);
    }
}

#[test]
fn lists_are_taken_back_around_what_the_user_did_to_them() {
    for (format, text, edit, expected) in [
        (
            Format::Yaml,
            "l:\n  - a\n  - b\n",
            ("  - c\n", "  - c\n  - mine\n"),
            "l:\n  - a\n  - b\n  - mine\n",
        ),
        (
            Format::Toml,
            "l = [\"a\", \"b\"]\n",
            ("\"c\"]", "\"c\", \"mine\"]"),
            "l = [\"a\", \"b\", \"mine\"]\n",
        ),
        (
            Format::Json,
            "{\"l\": [\"a\", \"b\"]}",
            ("\"c\"]", "\"c\", \"mine\"]"),
            "{\"l\": [\"a\", \"b\", \"mine\"]}",
        ),
    ] {
        let applied = apply(format, text, &ops("[{append: {key: l, item: c}}]")).unwrap();
        let edited = applied.text.replace(edit.0, edit.1);
        assert_ne!(edited, applied.text);
        assert_eq!(invert(&edited, &applied.inverse).unwrap(), expected);
    }
}

#[test]
fn removed_values_come_back_after_other_edits() {
    let text = "a: 1\n# the key\nsecret: \"x\" # mine\nz: 3\n";
    let applied = apply(
        Format::Yaml,
        text,
        &ops("[{delete: {key: secret}}, {rename: {from: z, to: w}}]"),
    )
    .unwrap();
    let edited = applied.text.replace("a: 1", "a: 2 # changed").replace("w: 3", "w: 4");
    assert_eq!(
        invert(&edited, &applied.inverse).unwrap(),
        "a: 2 # changed\nz: 4\n# the key\nsecret: \"x\" # mine\n"
    );
    let far = "a: 1\n\nm: 0\n\n\nsecret: x\n\n\nz: 3\n";
    let applied = apply(Format::Yaml, far, &ops("[{delete: {key: secret}}]")).unwrap();
    let edited = applied.text.replace("a: 1", "a: 2");
    assert_eq!(
        invert(&edited, &applied.inverse).unwrap(),
        far.replace("a: 1", "a: 2"),
        "to the byte"
    );
}

#[test]
fn notes_and_requirements_change_nothing() {
    let yaml = "[{note: {text: Read the manual.}}, {note: {text: no, if: nothing}}, {require: {key: mode, one_of: [a, b], message: choose}}]";
    let applied = apply(Format::Yaml, "mode: a\n", &ops(yaml)).unwrap();
    assert_eq!(
        (applied.text.as_str(), applied.notes),
        ("mode: a\n", vec!["Read the manual.".to_owned()])
    );
    let error = refused(Format::Yaml, "mode: hunter2\n", yaml);
    assert!(
        error.contains("`mode`") && error.contains("choose") && !error.contains("hunter2"),
        "{error}"
    );
    let absent = "[{require: {key: old, absent: true, message: remove it}}]";
    assert!(refused(Format::Ini, "old=1\n", absent).contains("remove it"));
    assert!(refused(Format::Text, "x\n", "[{delete: {key: a}}]").contains("`delete`"));
}

#[test]
fn marks_ends_of_lines_and_last_lines_stay() {
    let rename = "[{rename: {from: a, to: b}}, {set_default: {key: m, value: 1}}]";
    assert_eq!(
        migrated(Format::Yaml, "\u{feff}a: 1\r\nc: 2", rename),
        "\u{feff}b: 1\r\nc: 2\r\nm: 1"
    );
    assert_eq!(
        migrated(Format::Ini, "\u{feff}a=1\r\nc=2", rename),
        "\u{feff}b=1\r\nc=2\r\nm=1"
    );
    assert_eq!(
        migrated(Format::Json, "\u{feff}{\"a\": 1}", rename),
        "\u{feff}{\"b\": 1, \"m\": 1}"
    );
}

#[test]
fn errors_name_line_and_column() {
    for (format, text, place) in [
        (Format::Yaml, "a: 1\nb: [\n", "line"),
        (Format::Json, "{\n  \"a\": 1 2\n}", "line 2, column"),
        (Format::Systemd, "[A]\nb\n", "line 2, column"),
        (Format::Yaml, "- a\n- b\n", "no keys"),
        (Format::Json, "{\"a\": 1, \"a\": 2}", "twice"),
    ] {
        let error = check(format, "the file", text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains("the file"), "{error}");
    }
}

#[test]
fn a_table_goes_back_to_a_name_that_was_used_again_meanwhile() {
    for (format, text) in [
        (Format::Yaml, "e: # of e\n  a: 0\n"),
        (Format::Jsonc, "{\n  \"e\": { \"a\": 0 }\n}\n"),
        (Format::Toml, "[e]\na = 0\n"),
    ] {
        migrated(
            format,
            text,
            "[{rename: {from: e, to: f}}, {set_default: {key: e.a, value: 0, comment: new}}]",
        );
    }
}

#[test]
fn large_files_are_migrated() {
    let yaml: String = (0..3_000)
        .map(|at| format!("# of {at}\nkey{at}:\n  port: {at} # here\n"))
        .collect();
    let entries: Vec<String> = (0..3_000)
        .map(|at| format!("  // of {at}\n  \"key{at}\": {{ \"port\": {at} }}"))
        .collect();
    let json = format!("{{\n{}\n}}\n", entries.join(",\n"));
    let toml: String = (0..1_000)
        .map(|at| format!("# of {at}\n[key{at}]\nport = {at} # here\n"))
        .collect();
    for (format, text) in [(Format::Yaml, yaml), (Format::Jsonc, json), (Format::Toml, toml)] {
        let now = migrated(
            format,
            &text,
            "[{rename: {from: key400.port, to: key401.other}}, {delete: {key: key300}}]",
        );
        assert!(!now.contains("of 300\n"));
    }
}
