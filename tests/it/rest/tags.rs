//! Every look of the description carries a tag, and is not sent again to who has it.

use serde_json::json;

use super::lamp;
use super::server::{API, Server};

/// New each time, or cheaper than to ask whether they are; docs/server.md says so, too.
const WITHOUT: [&str; 7] = [
    "events",
    "events_of_update",
    "live",
    "metrics",
    "policy",
    "ready",
    "session",
];

#[test]
fn each_look_carries_a_tag_and_is_spared_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    let ordered = server.post(&format!("{API}/backups"), &json!({})).is(202);
    let made = server.wait(ordered.header("location"), |order| order["state"] == "done");
    let known = [
        ("{update_id}", begun.body["update_id"].as_str().unwrap()),
        ("{order_id}", made["order_id"].as_str().unwrap()),
        ("{backup_id}", made["result"]["id"].as_str().unwrap()),
    ];
    let paths = server.description().0["paths"].as_object().unwrap();
    let mut seen = 0;
    for (template, look) in paths
        .iter()
        .filter_map(|(path, address)| Some((path, address.get("get")?)))
    {
        if WITHOUT.contains(&look["operationId"].as_str().unwrap()) {
            continue;
        }
        let path = known
            .iter()
            .fold(template.clone(), |path, (name, id)| path.replace(name, id));
        let path = match template.ends_with("/plan") {
            true => format!("{path}?to=0r1"),
            false => path,
        };
        let first = server.get(&path).is(200);
        let tag = first.header("etag").to_owned();
        assert!(tag.len() > 2, "{path}: {first:#?}");
        let ask = |tag: &str| server.ask("GET", &path, Some(&server.token), &[("if-none-match", tag)], "");
        let again = ask(&tag).is(304);
        assert_eq!(
            (again.header("etag"), again.text.as_str()),
            (tag.as_str(), ""),
            "{path}"
        );
        ask("\"of something else\"").is(200);
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}
