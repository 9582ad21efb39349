//! Versions of a stack's components that go together, asked of the command line.

use std::path::Path;

use serde_json::{Value, json};

use crate::world::{Ran, put, run};

/// `web` in lifecycle versions, `db` and `cache` in dotted ones, `queue` not here.
fn stack(dir: &Path) -> String {
    let write = |name: &str, value: &Value| put(&dir.join(name), &value.to_string(), 0o644);
    write(
        "indexes/web.json",
        &json!({"releases": [
            {"version": "0a1", "components": {"db": "<16"}},
            {"version": "0b1", "components": {"db": ">=15"}},
            {"version": "0r1", "components": {"db": ">=16", "queue": "^3.8"}, "from": [">=0b1"]},
            {"version": "0a2", "components": {"db": ">=17"}},
        ]}),
    );
    write(
        "indexes/db.json",
        &json!({"scheme": "dotted", "facts": {"components": {"web": "9.9"}}, "releases": [
            {"version": "14.9"}, {"version": "15.2"}, {"version": "16.0", "stop": true}, {"version": "16.1"}]}),
    );
    write(
        "indexes/cache.json",
        &json!({"scheme": "dotted", "releases": [
            {"version": "7.0", "components": {"db": "<16.1", "mail": "*"}}, {"version": "7.2"}]}),
    );
    write(
        "indexes/queue.json",
        &json!({"scheme": "dotted", "releases": [{"version": "3.7"}, {"version": "3.8.1"}, {"version": "3.9.0", "yanked": true}]}),
    );
    write(
        "stack.json",
        &json!({"components": {
            "web": {"index": "indexes/web.json", "installed": "0a1"},
            "db": {"index": "indexes/db.json", "installed": "14.9"},
            "cache": {"index": "indexes/cache.json", "installed": "7.0"},
            "queue": {"index": "indexes/queue.json"}}}),
    );
    dir.join("stack.json").to_str().unwrap().to_owned()
}

fn plan(file: &str, more: &[&str]) -> Ran {
    run(&[&["plan", "--stack", file][..], more].concat())
}

/// `component: to over path` of all that change.
fn changes(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let placed = json["components"].as_array().unwrap().iter();
    let changed = placed.filter(|one| !["stays", "not-needed"].contains(&one["change"].as_str().unwrap()));
    let words = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    changed
        .map(|one| {
            format!(
                "{} {}: {}",
                one["component"].as_str().unwrap(),
                words(&one["path"]).join(">"),
                words(&one["because"]).join("; ")
            )
        })
        .collect()
}

#[test]
fn what_is_wished_for_brings_along_what_it_needs_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = stack(dir.path());
    let asked = |more: &[&str]| changes(&plan(&file, &[more, &["--output", "json"]].concat()).ok());
    assert_eq!(asked(&[]), [""; 0]);
    assert_eq!(
        asked(&["--component", "web", "--to", "0b1"]),
        ["db 14.9>15.2: web 0b1 needs db >=15", "web 0a1>0b1: it is wished for"]
    );
    // One up is enough for the database, so that the cache stays; the queue comes, in a version that is offered.
    assert_eq!(
        asked(&["--component", "web", "--to", "0r1"]),
        [
            "db 14.9>16.0: web 0r1 needs db >=16",
            "queue 3.8.1: web 0r1 needs queue ^3.8",
            "web 0a1>0b1>0r1: it is wished for",
        ]
    );
    assert_eq!(
        asked(&["--component", "db"]),
        [
            "cache 7.0>7.2: cache 7.0 needs db <16.1",
            "db 14.9>16.0>16.1: it is wished for",
            "web 0a1>0b1: web 0a1 needs db <16",
        ]
    );
    let newest = plan(&file, &["--component", "web"]).ok();
    newest.no(
        0,
        &[
            "web    0a1 -> 0b1 -> 0r1  (it is wished for)",
            "passed over web 0a2:",
            "web 0a2 needs db >=17, which there is none of",
            "warning: cache 7.0 needs mail *, and the stack's file has no mail",
            "cache  7.0 stays",
        ],
    );
    assert_eq!(asked(&["--all"]).len(), 4);
}

#[test]
fn where_nothing_fits_it_says_which_demands_stand_against_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let file = stack(dir.path());
    let wished = ["--component", "web", "--to", "0a2"];
    let no = plan(&file, &[&wished[..], &["--output", "json"]].concat());
    assert_eq!(no.code, 2, "{no}");
    let error = &no.json()["error"];
    assert_eq!(
        (&error["code"], &error["kind"]),
        (&json!("NL0124"), &json!("no-fit")),
        "{no}"
    );
    assert_eq!(
        error["explanation"],
        json!([
            "Because web 0a2 needs db >=17, which there is none of and web 0a2 is wished for, no versions fit together."
        ])
    );
    plan(&file, &wished).no(2, &["NL0124", "web 0a2 needs db >=17"]);
    // A way that is not permitted is a reason, too.
    let web = json!({"releases": [{"version": "0a1"}, {"version": "0b1", "from": [">=0a9"]}]});
    put(&dir.path().join("indexes/web.json"), &web.to_string(), 0o644);
    plan(&file, &["--component", "web", "--to", "0b1"]).no(
        2,
        &["web 0b1 cannot be taken: there is no permitted way from 0a1 to 0b1"],
    );
}

#[test]
fn what_is_wrong_with_the_question_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = stack(dir.path());
    for (more, code, said) in [
        (&["--component", "wiki"][..], "NL0102", "it has cache, db, queue, web"),
        (
            &["--component", "web", "--to", "9r9"],
            "NL0102",
            "component web has no release 9r9",
        ),
        (&["--component", "web", "--to", "x"], "NL0101", "component web"),
        (
            &["--component", "web", "--component", "db", "--to", "0b1"],
            "NL0110",
            "one `--component`",
        ),
    ] {
        plan(&file, more).no(2, &[code, said]);
    }
    for more in [
        &["--all", "--component", "web"][..],
        &["--from", "0a1"],
        &["--index", "x"],
    ] {
        assert_eq!(plan(&file, more).code, 2);
    }
    assert_eq!(run(&["plan", "--index", &file, "--from", "0a1"]).code, 2);
    assert_eq!(
        run(&[
            "plan",
            "--component",
            "web",
            "--index",
            &file,
            "--from",
            "0a1",
            "--to",
            "0b1"
        ])
        .code,
        2
    );
    put(&dir.path().join("indexes/db.json"), "{\"releases\": 1}", 0o644);
    plan(&file, &[]).no(2, &["NL0111", "component db"]);
    put(&dir.path().join("stack.json"), "{\"parts\": {}}", 0o644);
    plan(&file, &[]).no(2, &["NL0111", "parts"]);
}
