//! `netlink plan` over index files, and what policy and facts of an installation change.

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::world::{Lamp, Ran, put, run};

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

struct Index {
    _dir: tempfile::TempDir,
    path: String,
}

impl Index {
    fn of(index: &Value) -> Self {
        Self::text(&index.to_string())
    }

    fn text(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index.json");
        put(&path, text, 0o644);
        let path = path.to_str().unwrap().to_owned();
        Self { _dir: dir, path }
    }

    fn plan(&self, from: &str, to: &str, more: &[&str]) -> Ran {
        let args = [
            "plan", "--index", &self.path, "--from", from, "--to", to, "--output", "json",
        ];
        run(&[&args[..], more].concat())
    }

    #[track_caller]
    fn path(&self, from: &str, to: &str, more: &[&str]) -> String {
        let answer = self.plan(from, to, more).ok().json();
        let path: Vec<&str> = answer["path"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        path.join(" ")
    }

    /// The rules of the witness.
    #[track_caller]
    fn refused(&self, from: &str, to: &str, more: &[&str]) -> Vec<String> {
        let answer = self.plan(from, to, more).no(2, &["NL0103"]).last();
        assert_eq!(answer["error"]["kind"], "no-path", "{answer:#}");
        assert!(answer["error"]["farthest"].is_string(), "{answer:#}");
        let rules = answer["error"]["witness"].as_array().unwrap().iter();
        rules.map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn the_two_stage_way_of_a_monitoring_server() {
    let plan = |more: &[&str]| {
        let index = data("two-stage.json");
        run(&[
            &[
                "plan", "--index", &index, "--scheme", "dotted", "--from", "2.48.1", "--to", "3.8.1",
            ],
            more,
        ]
        .concat())
        .ok()
    };
    assert_eq!(plan(&[]).out, "2.48.1 -> 2.55.1 (stop) -> 3.8.1\n");
    insta::assert_snapshot!(plan(&["--explain"]).out);
}

#[test]
fn a_shorter_way_is_told_by_the_move_that_it_lacks() {
    let index = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "1"}, {"version": "2", "yanked": true}, {"version": "3", "from": ["=1"]},
        {"version": "4", "from": ["=3"]}, {"version": "5", "from": ["=2", "=4"]}]}));
    let answer = index.plan("1", "5", &[]).ok().json();
    assert_eq!(answer["path"], json!(["1", "3", "4", "5"]));
    let refused = answer["refused"].as_array().unwrap().iter();
    let told: Vec<String> = refused
        .map(|one| format!("{} {} {}", one["from"], one["to"], one["rule"]))
        .collect();
    assert!(told.contains(&r#""1" "2" "yanked""#.to_owned()), "{answer:#}");
}

#[test]
fn a_block_without_a_name_is_taken_by_its_move() {
    let index = Index::of(
        &json!({"scheme": "dotted", "releases": [{"version": "1"}, {"version": "2"}],
        "blocked": [{"from": "1", "to": "2", "when": "unknown"}]}),
    );
    assert_eq!(index.refused("1", "2", &[]), ["risk"]);
    assert_eq!(index.path("1", "2", &["--accept-risk", "=1 -> =2"]), "1 2");
}

#[test]
fn who_is_too_old_for_an_edge_is_told_from_where_it_leads() {
    let index = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "3.11.17"}, {"version": "3.11.20"}, {"version": "3.12.5"}],
        "edges": [{"from": "3.11", "to": "3.12", "min_patch": "3.11.18"}]}));
    let refused = index.plan("3.11.17", "3.12.5", &["--explain"]).ok().json();
    let reason = refused["refused"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "only 3.11.18 and later of its series may go up to 3.12.5");
}

#[test]
fn a_policy_may_end_with_all_that_begin_alike() {
    let index = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "1.9"}, {"version": "2.5.1"}, {"version": "3.0"}]}));
    assert_eq!(index.path("1.9", "2.5.1", &["--max", "2.x.x"]), "1.9 2.5.1");
    let mut refused = index.refused("1.9", "3.0", &["--max", "2.x.x"]);
    refused.dedup();
    assert_eq!(refused, ["policy"]);
    index.plan("1.9", "3.0", &["--max", "2.q"]).no(2, &["NL0101"]);
    index
        .plan("1.9", "3.0", &["--fact", "=5"])
        .no(2, &["the name of a fact"]);
}

#[test]
fn a_protocol_window_is_crossed_release_by_release() {
    let plan = run(&[
        "plan",
        "--index",
        &data("protocol.json"),
        "--from",
        "0r1",
        "--to",
        "0r3",
        "--explain",
    ])
    .ok();
    insta::assert_snapshot!(plan.out);
    let back = run(&[
        "plan",
        "--index",
        &data("protocol.json"),
        "--from",
        "0r3",
        "--to",
        "0r1",
    ])
    .ok();
    assert_eq!(back.out, "0r3 -> 0r2 -> 0r1\n");
}

/// What real products needed, each in a few releases.
#[test]
fn rules_of_the_field() {
    let brokers = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "3.11.4"}, {"version": "3.11.18"}, {"version": "3.11.28"}, {"version": "3.12.0"}, {"version": "3.12.14"}],
        "edges": [{"from": "3.11", "to": "3.12", "min_patch": "3.11.18"}]}));
    assert_eq!(brokers.path("3.11.18", "3.12.14", &[]), "3.11.18 3.12.14");
    assert_eq!(brokers.path("3.11.4", "3.12.14", &[]), "3.11.4 3.11.28 3.12.14");
    let forge = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "17.1.0"}, {"version": "17.3.7", "stop": true}, {"version": "17.5.5", "stop": {"when": "rows > 1000000"}}, {"version": "17.8.1"}],
        "facts": {"rows": 5}}));
    assert_eq!(forge.path("17.1.0", "17.8.1", &[]), "17.1.0 17.3.7 17.8.1");
    assert_eq!(
        forge.path("17.1.0", "17.8.1", &["--fact", "rows=2000000"]),
        "17.1.0 17.3.7 17.5.5 17.8.1"
    );
    let search = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "7.17.10", "released_at": "2023-05-02T00:00:00Z"},
        {"version": "8.0.0", "released_at": "2022-02-10T00:00:00Z"},
        {"version": "8.8.0", "released_at": "2023-05-25T00:00:00Z"}]}));
    assert_eq!(search.refused("7.17.10", "8.0.0", &[]), ["release-date"]);
    assert_eq!(search.path("7.17.10", "8.8.0", &[]), "7.17.10 8.8.0");
    // Uneven ways back: down only from a patch on, and along edges alone.
    let cockroaches = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "3.11.1"}, {"version": "3.11.18"}, {"version": "3.12.1"}, {"version": "3.12.5"}],
        "edges": [{"from": "3.12", "to": "3.11", "min_patch": "3.12.5"}]}));
    assert_eq!(cockroaches.refused("3.12.1", "3.11.1", &[]), ["edge"]);
    assert_eq!(cockroaches.path("3.12.5", "3.11.18", &[]), "3.12.5 3.11.18");
    let documents = Index::of(&json!({"scheme": "dotted", "releases": [
        {"version": "5.0"}, {"version": "6.0", "from": ["5.x"], "requires": ["finalized"]},
        {"version": "7.0", "from": ["6.x"], "requires": ["finalized"], "barrier": true}]}));
    assert_eq!(
        documents.refused("5.0", "6.0", &["--fact", "finalized=false"]),
        ["requires"]
    );
    let gates = documents.plan("5.0", "7.0", &["--fact", "finalized=true"]).ok().json();
    assert_eq!(gates["hops"][1]["gates"], json!(["finalized"]));
    assert_eq!(gates["hops"][1]["reversible"], false);
    assert_eq!(documents.refused("7.0", "6.0", &[]), ["barrier"]);
    assert_eq!(documents.path("6.0", "5.0", &[]), "6.0 5.0");
    let elephants: Vec<Value> = (0..9).map(|n| json!({"version": format!("16.{n}")})).collect();
    assert_eq!(
        Index::of(&json!({"scheme": "dotted", "releases": elephants})).path("16.0", "16.8", &[]),
        "16.0 16.8"
    );
}

#[test]
fn blocks_risks_and_withdrawn_releases() {
    let index = Index::of(&json!({"releases": [
        {"version": "0a1"}, {"version": "0b1"}, {"version": "0r1"}, {"version": "0a2", "yanked": true}, {"version": "0b2", "avoid": "slow"}],
        "blocked": [{"name": "Loss", "from": "=0a1", "to": "=0r1", "reason": "it loses data", "url": "https://x.example/1", "when": ["rows > 10"]}]}));
    assert_eq!(index.path("0a1", "0r1", &["--fact", "rows=3"]), "0a1 0r1");
    assert_eq!(index.path("0a1", "0r1", &["--fact", "rows=30"]), "0a1 0b1 0r1");
    assert_eq!(index.path("0a1", "0r1", &[]), "0a1 0b1 0r1");
    assert_eq!(index.path("0a1", "0r1", &["--accept-risk", "Loss"]), "0a1 0r1");
    let why = index.plan("0a1", "0r1", &[]).ok().json();
    assert!(
        why["refused"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("https://x.example/1"),
        "{why:#}"
    );
    assert_eq!(index.refused("0r1", "0a2", &[]), ["yanked"]);
    assert_eq!(index.path("0a2", "0r1", &[]), "0a2 0r1");
    let avoided = index.plan("0r1", "0b2", &[]).ok().json();
    assert_eq!(avoided["warnings"][0]["code"], "avoid");
    assert_eq!(index.refused("0r1", "0b2", &["--max", "0r1"]), ["policy"]);
}

#[test]
fn a_phased_roll_out_lets_in_who_is_next() {
    let index = Index::of(&json!({"releases": [{"version": "0a1"},
        {"version": "0b1", "rollout": {"start": "2026-01-01T00:00:00Z", "hours": 10}}]}));
    let at = |now: &str, node: &str| index.plan("0a1", "0b1", &["--now", now, "--node", node]).code;
    let in_by = |now: &str| (0..60).filter(|n| at(now, &format!("node{n}")) == 0).count();
    assert_eq!(in_by("2025-12-31T23:59:59Z"), 0);
    assert!((15..45).contains(&in_by("2026-01-01T05:00:00Z")));
    assert_eq!(in_by("2026-01-01T10:00:00Z"), 60);
    let refused = index.refused("0a1", "0b1", &["--now", "2025-12-31T00:00:00Z", "--node", "n"]);
    assert_eq!(refused, ["rollout"]);
}

/// Who is refused can act on what is said.
/// Where the way round a blocked move is taken in one go, it is the blocked move all the same.
#[test]
fn the_way_round_a_block_is_really_gone() {
    let index = |more: serde_json::Value| {
        let mut index = json!({"releases": [{"version": "0a1"}, {"version": "0b1"}, {"version": "0r1"}]});
        index.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Index::of(&index)
    };
    let block = json!({"name": "Rows", "from": "0a1", "to": "0r1", "reason": "loses rows"});
    let judged = json!({"name": "Rows", "from": "0a1", "to": "0r1", "reason": "loses rows", "when": "rows > 9"});
    for (blocked, more) in [(&block, &[][..]), (&judged, &[]), (&judged, &["--fact", "rows=10"])] {
        let index = index(json!({"blocked": [blocked]}));
        let way = index.plan("0a1", "0r1", more).ok().json();
        assert_eq!(way["path"], json!(["0a1", "0b1", "0r1"]), "{way}");
        assert_eq!(way["hops"][0]["runs"], true, "{way}");
    }
    let elsewhere = json!({"name": "Rows", "from": "0b1", "to": "0r1", "reason": "loses rows", "when": "rows > 9"});
    let index = index(json!({"blocked": [elsewhere], "facts": {"rows": 1}}));
    assert_eq!(index.path("0a1", "0r1", &[]), "0a1 0r1");
}

#[test]
fn what_stands_in_the_way_is_what_is_named() {
    let down = Index::of(&json!({"scheme": "dotted", "releases": [{"version": "1"},
        {"version": "2", "barrier": true}, {"version": "3", "reversible": false}, {"version": "4"}]}));
    let said = down
        .plan("4", "1", &[])
        .no(2, &["NL0103", "3 cannot be reversed"])
        .last();
    assert_eq!(said["error"]["farthest"], "3");
    let rules = down.refused("4", "1", &[]);
    assert!(
        rules.contains(&"barrier".into()) && rules.contains(&"irreversible".into()),
        "{rules:?}"
    );

    let stop = Index::of(&json!({"scheme": "dotted", "releases": [{"version": "1"},
        {"version": "2", "stop": {"when": "big"}}, {"version": "3", "from": ["=1"]}]}));
    stop.plan("1", "3", &[]).no(2, &["2 is a stop", "`big`"]);
    assert_eq!(stop.path("1", "3", &["--fact", "big=false"]), "1 3");

    let both = |blocked: [&str; 2]| {
        let block = |name: &str| json!({"name": name, "to": "=0b1", "reason": format!("why {name}")});
        let blocked: Vec<Value> = blocked.into_iter().map(block).collect();
        let index = Index::of(&json!({"releases": [{"version": "0a1"}, {"version": "0b1"}], "blocked": blocked}));
        index.plan("0a1", "0b1", &[]).no(2, &["why A"]).last()["error"]["witness"].clone()
    };
    assert_eq!(both(["A", "B"]), both(["B", "A"]));
    assert_eq!(both(["A", "B"]).as_array().unwrap().len(), 2, "both are told");

    let mut releases = vec![
        json!({"version": "1.0"}),
        json!({"version": "2.0"}),
        json!({"version": "3.0", "from": ["=2.0"]}),
    ];
    releases.extend((1..3000).map(|n| json!({"version": format!("2.1.{n}")})));
    let many = Index::of(&json!({"scheme": "dotted", "releases": releases,
        "blocked": [{"name": "Risk2", "to": "=2.0", "reason": "it is slow", "when": "rows > 5"}]}));
    many.plan("1.0", "3.0", &[]).no(2, &["--accept-risk Risk2"]);
}

/// The way of a component is its own; what is said is where it has to be, and when.
#[test]
fn components_in_the_way_are_told_for_every_hop() {
    let index = Index::of(&json!({"releases": [
        {"version": "0a1"},
        {"version": "0b1", "stop": true, "components": {"db": ">=14, <16"}},
        {"version": "0r1", "stop": true, "components": {"db": ">=14", "cache": ">=2"}},
        {"version": "0a2", "components": {"db": ">=16"}}],
        "facts": {"components": {"db": "13.4", "cache": "2.1"}}}));
    index.plan("0a1", "0a2", &[]).no(
        2,
        &[
            "0a2 runs with db >=16 only, here it is 13.4",
            "bring db from 13.4 to >=14, <16 before 0a1 -> 0b1",
            "db from 13.4 to >=14 before 0b1 -> 0r1 (0b1 itself runs with >=14, <16)",
            "db from 13.4 to >=16 before 0r1 -> 0a2 (0r1 itself runs with >=14)",
        ],
    );
    let told = index.plan("0a1", "0a2", &[]).json();
    let needs: Vec<(&str, &str, bool)> = told["error"]["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|need| {
            let text = |key: &str| need[key].as_str().unwrap();
            (text("to"), text("component"), need["fits"].as_bool().unwrap())
        })
        .collect();
    let expected = [
        ("0b1", "db", false),
        ("0r1", "cache", true),
        ("0r1", "db", false),
        ("0a2", "db", false),
    ];
    assert_eq!(needs, expected);
    // One that fits at first and not later is told before one sets out.
    let later = index.plan("0a1", "0a2", &["--fact", "components.db=15.2"]);
    later.no(
        2,
        &["bring db from 15.2 to >=16 before 0r1 -> 0a2 (0r1 itself runs with >=14)"],
    );
    assert_eq!(
        index.path("0a1", "0r1", &["--fact", "components.db=15.2"]),
        "0a1 0b1 0r1"
    );
    // Where something else stands in the way too, components are not the help.
    let no_more = index.plan("0a1", "0a2", &["--exclude", "=0r1"]);
    assert_eq!(no_more.json()["error"]["components"], json!([]));
}

#[test]
fn what_is_taken_on_trust_is_said() {
    let index = Index::of(
        &json!({"releases": [{"version": "0a1"}, {"version": "0b1", "components": {"db": ">=14"}}],
        "blocked": [{"name": "R1", "to": "=0b1", "reason": "it is slow", "when": "rows > 5"}]}),
    );
    let plan = index
        .plan("0a1", "0b1", &["--accept-risk", "R1", "--accept-risk", "R2"])
        .ok()
        .json();
    let codes: Vec<&str> = plan["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["unknown-component", "accepted-risk", "unknown-risk"],
        "{plan:#}"
    );
    let marked = Index::text(
        "\u{feff}{\"releases\": [{\"version\": \"0a1\"}, {\"version\": \"0b1\"}], \"facts\": {\"rows\": null}}",
    );
    assert_eq!(marked.path("0a1", "0b1", &[]), "0a1 0b1");
}

#[test]
fn indexes_that_cannot_be_meant_are_refused_with_the_place() {
    for (text, said) in [
        ("{", "line 1"),
        (r#"{"releases": [{"version": "0x1"}]}"#, "0x1"),
        (r#"{"releases": [{"version": "0a1", "stops": true}]}"#, "stops"),
        (
            r#"{"releases": [{"version": "0a1"}, {"version": "0a1"}]}"#,
            "0a1 is there twice",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "edges": [["0a1", "0b1"]]}"#,
            "0b1, which is no release",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "edges": [["0a1", "0a1"]]}"#,
            "leads nowhere",
        ),
        (
            r#"{"releases": [{"version": "0a1", "protocol": 1, "min_protocol": 2}]}"#,
            "min_protocol",
        ),
        (
            r#"{"releases": [{"version": "0a1"}, {"version": "0b1", "stop": true}, {"version": "0r1", "from": ["=0a1"]}]}"#,
            "0b1, which is a stop",
        ),
        (r#"{"scheme": "dotted", "releases": []}"#, "dotted"),
        (r#"{"scheme": "roman", "releases": []}"#, "the scheme `roman`"),
        ("[]", "a release index: a table with `releases`"),
        (
            r#"{"releases": [{"version": "0a1"}], "facts": {"rows": [1]}}"#,
            "a fact is a number",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "blocked": [{"from": "0a2", "to": "0a1"}]}"#,
            "the block =0a2 -> =0a1 means =0a2, and there is no such release",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "blocked": [{"to": "*", "when": "rows > 1_000"}]}"#,
            "at byte 7",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "blocked": [{"to": "*", "when": "a == b"}]}"#,
            "texts stand in quotes",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "edges": [["0a1", "0b01"]]}"#,
            "at byte 2",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "edges": [{"from": "0a1", "to": "0b1", "min_pacth": "0a1"}]}"#,
            "min_pacth",
        ),
        (
            r#"{"releases": [{"version": "0a1"}, {"version": "0b1"}], "edges": [{"from": "0a1", "to": "0b1", "min_patch": "0b1"}]}"#,
            "not of the series",
        ),
        (
            r#"{"releases": [{"version": "0a1"}], "blocked": [{"name": "R", "to": "*", "when": ["rows >"]}]}"#,
            "at byte 6",
        ),
        (
            r#"{"releases": [{"version": "0a1", "min_protocol": 4294967295}]}"#,
            "more than a level",
        ),
        (
            r#"{"releases": [{"version": "0a1", "stop": {"when": "rows >"}}]}"#,
            "at byte 6",
        ),
    ] {
        let index = Index::text(text);
        index
            .plan("0a1", "0r1", &["--scheme", "lifecycle"])
            .no(2, &["NL0111", said]);
    }
    let none = Index::of(&json!({"releases": [{"version": "0a1"}]}));
    none.plan("0a1", "9r9", &[]).no(2, &["NL0102", "0a1"]);
    run(&["plan", "--index", "/nowhere.json", "--from", "0a1", "--to", "0b1"]).no(2, &["NL0111", "/nowhere.json"]);
}

#[test]
fn policy_and_facts_of_the_installation_are_heeded() {
    let scene = Scene::new();
    let settings = |text: &str| put(&scene.lamp.path("config/update.yml"), text, 0o644);
    settings("policy: {version_constraints: {max_version: 0b1}}\n");
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "0r1", "--yes"])
        .no(2, &["NL0103", "above 0b1"]);
    let latest = scene.lamp.run(&["update", "check", "--output", "json"]).ok().json();
    assert_eq!(latest["latest_version"], "0b1", "{latest:#}");
    settings("policy: {version_constraints: {exclude_versions: [\"0b*\"]}, channel: release}\n");
    let plan = scene
        .lamp
        .run(&["update", "plan", "--to", "0r1", "--output", "json"])
        .ok()
        .json();
    assert_eq!(plan["plan"]["legs"][0]["hops"][0]["to"], "0r1", "{plan:#}");
    settings("policy: {facts: {rows: [\"false\"]}}\n");
    scene
        .lamp
        .run(&["update", "plan", "--to", "0r1"])
        .no(1, &["NL0112", "rows"]);
    settings("policy: {channel: stable}\n");
    scene.lamp.run(&["update", "plan", "--to", "0r1"]).no(2, &["channel"]);
}

#[test]
fn a_release_to_avoid_is_warned_of_when_it_is_asked_for() {
    let scene = Scene::new();
    let tree = scene.publisher.lamp(&Lamp {
        version: "0b2",
        ..Lamp::R1
    });
    let manifest = std::fs::read_to_string(tree.join("release.toml")).unwrap();
    let manifest = manifest.replace("[rules]\n", "[rules]\navoid = \"it flickers\"\n");
    put(&tree.join("release.toml"), &manifest, 0o644);
    scene.publisher.publish(&tree);
    let plan = scene.lamp.run(&["update", "plan", "--to", "0b2"]).ok().out;
    assert!(plan.contains("to be avoided: it flickers"), "{plan}");
    let latest = scene.lamp.run(&["update", "check", "--output", "json"]).ok().json();
    assert_eq!(latest["latest_version"], "0r1", "{latest:#}");
}

#[test]
fn words_of_an_index_turn_no_writing_around() {
    let index = json!({"scheme": "dotted", "releases": [
        {"version": "1.0", "released_at": "2024-01-01T00:00:00Z"},
        {"version": "1.1", "released_at": "2024-02-01T00:00:00Z", "from": ["1.0"], "avoid": "it \u{202e}srekcilf\u{1b}[31m"},
    ]});
    let index = Index::of(&index);
    let ran = run(&[
        "plan",
        "--index",
        &index.path,
        "--from",
        "1.0",
        "--to",
        "1.1",
        "--explain",
    ]);
    let told = format!("{}{}", ran.out, ran.err);
    assert!(
        told.contains("srekcilf") && !told.contains(['\u{202e}', '\u{1b}']),
        "{told}"
    );
}

#[test]
fn conditional_stops_ask_the_commands_of_the_operator() {
    let scene = Scene::new();
    let more = "";
    let tree = scene.publisher.lamp(&Lamp {
        version: "0a2",
        more,
        ..Lamp::R1
    });
    let manifest = std::fs::read_to_string(tree.join("release.toml")).unwrap();
    let manifest = manifest.replace("[rules]\n", "[rules]\nstop = {when = \"lamps > 10\"}\n");
    put(&tree.join("release.toml"), &manifest, 0o644);
    scene.publisher.publish(&tree);
    scene.publisher.publish(&scene.publisher.lamp(&Lamp {
        version: "0b2",
        ..Lamp::R1
    }));
    let legs = |count: &str| {
        put(
            &scene.lamp.path("config/update.yml"),
            &format!("policy: {{facts: {{lamps: [echo, \"{count}\"]}}}}\n"),
            0o644,
        );
        let plan = scene
            .lamp
            .run(&["update", "plan", "--to", "0b2", "--output", "json"])
            .ok()
            .json();
        plan["plan"]["legs"].as_array().unwrap().len()
    };
    assert_eq!((legs("3"), legs("30")), (1, 2));
}

#[test]
fn without_a_way_all_that_stands_in_it_is_told() {
    let scene = Scene::new();
    let tree = scene.publisher.lamp(&Lamp {
        version: "1r1",
        ..Lamp::R1
    });
    let manifest = std::fs::read_to_string(tree.join("release.toml")).unwrap();
    let manifest = manifest.replace("from = [\"<1r1\"]", "from = [\">=0b2, <1r1\"]");
    put(&tree.join("release.toml"), &manifest, 0o644);
    scene.publisher.publish(&tree);
    let plan = ["update", "plan", "--to", "1r1"];
    let plain = scene.lamp.run(&plan).no(2, &["NL0103", "--explain"]);
    assert!(!plain.err.contains("\n  not "), "{plain}");
    let explained = scene.lamp.run(&[&plan[..], &["--explain"]].concat()).no(2, &["NL0103"]);
    assert!(explained.err.contains("not 0r1 -> 1r1: "), "{explained}");
    assert!(explained.err.contains("(from)"), "{explained}");
    let told = scene
        .lamp
        .run(&[&plan[..], &["--output", "json"]].concat())
        .no(2, &[])
        .json();
    let error = &told["error"];
    assert_eq!(
        (&error["code"], &error["kind"]),
        (&"NL0103".into(), &"no-path".into()),
        "{told:#}"
    );
    assert_eq!(error["farthest"], "0r1", "{told:#}");
    let witness = error["witness"].as_array().unwrap();
    assert!(
        witness.iter().any(|one| one["from"] == "0r1" && one["rule"] == "from"),
        "{told:#}"
    );
}
