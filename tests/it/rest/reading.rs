//! What is only looked at: pages, plans, changelogs, maintenance, and tags that spare an answer.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};

#[test]
fn a_plan_the_changelog_and_maintenance_are_there_to_look_at() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let plan = server.get(&format!("{API}/updates/plan?to=0r1")).is(200).body;
    assert_eq!(
        (&plan["plan"]["from"], &plan["plan"]["to"]),
        (&json!("0a1"), &json!("0r1"))
    );
    assert_eq!(
        server.get(&format!("{API}/updates/plan?to=0a1")).is(200).body["status"],
        "nothing_to_do"
    );
    server.get(&format!("{API}/updates/plan?to=9r9")).problem(404, "NL0102");
    for wrong in ["", "?to=0b1&fast=1", "?to=0b1&full=maybe"] {
        server.get(&format!("{API}/updates/plan{wrong}")).problem(400, "NL0703");
    }

    let changelog = |query: &str, accept: &str| {
        let path = format!("{API}/changelog{query}");
        server.ask("GET", &path, Some(&server.token), &[("accept", accept)], "")
    };
    let json_text = changelog("?since=0a1", "*/*").is(200);
    assert_eq!(json_text.header("content-type"), "application/json");
    assert_eq!(json_text.body["way"], "up", "{:#}", json_text.body);
    let markdown = changelog("?version=0b1", "text/html;q=0.5, text/markdown").is(200);
    assert!(markdown.text.contains("Light number 2"), "{}", markdown.text);
    let html = changelog("", "text/html, application/json;q=0.9").is(200);
    assert!(html.text.starts_with("<article"), "{}", html.text);
    changelog("", "image/png").problem(406, "NL0703");
    for (query, left) in [
        ("version=0b1&since=0a1", 1),
        ("version=0b1&since=0b1", 0),
        ("version=0b1&until=0a1", 0),
    ] {
        let told = changelog(&format!("?{query}"), "*/*").is(200).body;
        assert_eq!(
            told["releases"].as_array().map(Vec::len),
            Some(left),
            "{query}: {told:#}"
        );
    }
    changelog("?version=x", "*/*").problem(422, "NL0101");

    let maintenance = format!("{API}/maintenance");
    let off = server.get(&maintenance).is(200);
    assert_eq!(off.body, json!({"enabled": false}));
    let put = |body: Value, seen: &str| {
        let headers = [("content-type", "application/json"), ("if-match", seen)];
        server.ask("PUT", &maintenance, Some(&server.token), &headers, &body.to_string())
    };
    let on = put(json!({"enabled": true}), off.header("etag")).is(200);
    assert_eq!(on.body["enabled"], true);
    put(json!({"enabled": false}), off.header("etag")).problem(412, "NL0703");
    put(json!({"enabled": false}), on.header("etag")).is(200);
    put(json!({"enabled": 1}), "*").problem(400, "NL0703");
    installation.assert_at("0a1");
}

#[test]
fn history_comes_in_pages_and_what_is_known_is_not_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    for to in ["0b1", "0r1"] {
        installation.run(&["update", "upgrade", "--to", to, "--yes"]).ok();
    }
    let server = Server::start(&installation);
    let first = server.get(&format!("{API}/updates?limit=2")).is(200);
    assert_eq!(first.body["updates"][0]["to"], "0r1");
    let next = first.body["next"].as_str().unwrap();
    let place = format!("{API}/updates?limit=2&cursor={next}");
    assert_eq!(first.header("link"), format!("<{place}>; rel=\"next\""));
    let last = server.get(&place).is(200);
    assert_eq!(last.body["updates"].as_array().map(Vec::len), Some(1));
    assert_eq!((&last.body["next"], last.header("link")), (&Value::Null, ""));
    for (wrong, said) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "`limit` takes a whole number"),
        ("cursor=x", "cursor"),
        ("page=2", "there is no parameter `page` here, but `cursor`, `limit`"),
    ] {
        let refused = server.get(&format!("{API}/updates?{wrong}")).problem(400, "NL0703");
        assert!(refused.body["detail"].as_str().unwrap().contains(said), "{refused:#?}");
    }

    let id = first.body["updates"][0]["update_id"].as_str().unwrap();
    for path in [
        "/version",
        "/updates",
        "/backups",
        "/orders",
        "/maintenance",
        &format!("/updates/status/{id}"),
    ] {
        let path = format!("{API}{path}");
        let seen = server.get(&path).is(200);
        let tag = seen.header("etag").to_owned();
        let known = [("if-none-match", tag.as_str())];
        let again = server.ask("GET", &path, Some(&server.token), &known, "").is(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", tag.as_str()));
        let other = [("if-none-match", "\"other\"")];
        server.ask("GET", &path, Some(&server.token), &other, "").is(200);
    }
}

#[test]
fn an_update_says_until_when_the_release_before_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let done = server.wait_for(begun.header("location"), "completed");
    let time = |key: &str| done[key].as_str().unwrap().parse::<Timestamp>().unwrap();
    let soak = time("finalizes_at").duration_since(time("finished_at"));
    assert_eq!(soak, SignedDuration::from_hours(24), "{done:#}");
    let updates = server.get(&format!("{API}/updates")).is(200).body["updates"].clone();
    assert_eq!(updates[1]["verb"], "install", "{updates:#}");
    assert_eq!(
        updates[1]["finalizes_at"],
        Value::Null,
        "nothing was there before: {updates:#}"
    );

    installation.run(&["update", "finalize"]).ok();
    let finalized = server.get(begun.header("location")).is(200).body;
    assert!(finalized["finalized_at"].is_string(), "{finalized:#}");
    assert_eq!(finalized["finalizes_at"], Value::Null, "{finalized:#}");
}
