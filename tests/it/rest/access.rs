//! Tokens and roles: every address lets in whom its description says, and nobody else.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use crate::world::{Installation, put};

/// A token of this role, made by the command line.
fn token(installation: &Installation, role: &str) -> (String, String) {
    let create = ["token", "create", "--name", role, "--role", role, "--output", "json"];
    let made = installation.run(&create).ok().json();
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    (text("token"), text("prefix"))
}

/// An address with something in the place of each parameter.
fn filled(template: &str) -> String {
    template
        .split('/')
        .map(|part| if part.starts_with('{') { "x" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn every_address_asks_for_the_role_that_it_is_described_with() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {changes_per_minute: 0, wrong_tokens_per_minute: 0}\n",
        0o644,
    );
    let server = Server::start(&installation);
    let (viewer, _) = token(&installation, "viewer");
    let (operator, _) = token(&installation, "operator");
    let json_body = [("content-type", "application/json")];
    let mut asked = 0;
    for (template, operations) in server.description().0["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let (method, path) = (method.to_uppercase(), filled(template));
            let body = if method == "GET" { "" } else { "{" };
            let ask = |token: Option<&str>| server.ask(&method, &path, token, &json_body, body);
            if operation["security"] == json!([{}]) {
                continue;
            }
            let role = operation["security"][0]["token"][0].as_str().unwrap_or_default();
            ask(None).problem(401, "NL0701");
            ask(Some("nlk_00000000_00")).problem(401, "NL0701");
            let too_low: &[&str] = match role {
                "viewer" => &[],
                "operator" => &[&viewer],
                "admin" => &[&viewer, &operator],
                other => panic!("{method} {path} asks for the role `{other}`"),
            };
            for token in too_low {
                let refused = ask(Some(token)).problem(403, "NL0713");
                assert_eq!(
                    refused.header("www-authenticate"),
                    "Bearer error=\"insufficient_scope\""
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 5, "{asked}");
    installation.assert_at("0a1");
}

#[test]
fn tokens_are_made_shown_once_listed_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let wanted = json!({"name": "dashboard", "role": "viewer", "expires_in": "90d"});
    let tokens = format!("{API}/tokens");
    let made = server.post(&tokens, &wanted).is(201);
    let text = made.body["token"].as_str().unwrap().to_owned();
    let prefix = made.body["prefix"].as_str().unwrap().to_owned();
    assert!(text.starts_with(&prefix) && text.len() > 64 + prefix.len(), "{made:#?}");
    let version = format!("{API}/version");
    server.ask("GET", &version, Some(&text), &[], "").is(200);

    let of = |listed: &Value| {
        let all = listed["tokens"].as_array().unwrap();
        all.iter().find(|token| token["prefix"] == *prefix).unwrap().clone()
    };
    // Its use is written down behind the request's back.
    server.wait(&tokens, |listed| of(listed)["last_used_at"].is_string());
    let listed = server.get(&tokens).is(200);
    assert!(!listed.text.contains(&text));
    let token = of(&listed.body);
    assert_eq!(
        (&token["name"], &token["role"]),
        (&json!("dashboard"), &json!("viewer"))
    );
    assert!(
        token["last_used_at"].is_string() && token["expires_at"].is_string(),
        "{token:#}"
    );
    assert_eq!(token["revoked_at"], Value::Null);
    for file in ["netlink.db", "netlink.db-wal"] {
        let bytes = std::fs::read(installation.path(&format!(".netlink/{file}"))).unwrap_or_default();
        let found = bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!found, "the token is in {file}");
    }

    // By another process, while the server runs.
    let shown = installation.run(&["token", "list"]).ok().out;
    assert!(shown.contains(&prefix) && !shown.contains(&text), "{shown}");
    installation.run(&["token", "revoke", &prefix]).ok();
    let refused = server.ask("GET", &version, Some(&text), &[], "").problem(401, "NL0701");
    assert!(refused.body["detail"].as_str().unwrap().contains("revoked"));
    server
        .ask("DELETE", &format!("{tokens}/{prefix}"), Some(&server.token), &[], "")
        .is(200);
    server
        .ask(
            "DELETE",
            &format!("{tokens}/nlk_00000000"),
            Some(&server.token),
            &[],
            "",
        )
        .problem(404, "NL0712");
    installation
        .run(&["token", "revoke", "nlk_00000000"])
        .no(2, &["NL0712", "token list"]);

    for wrong in [
        json!({"name": "", "role": "viewer"}),
        json!({"name": "x", "role": "viewer", "expires_in": "0s"}),
        json!({"name": "x", "role": "viewer", "expires_in": "soon"}),
    ] {
        server.post(&tokens, &wrong).problem(422, "NL0711");
    }
    server
        .post(&tokens, &json!({"name": "x", "role": "god"}))
        .problem(400, "NL0703");
}

#[test]
fn a_token_whose_time_is_over_lets_nobody_in() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let (text, prefix) = token(&installation, "admin");
    let version = format!("{API}/version");
    server.ask("GET", &version, Some(&text), &[], "").is(200);
    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let past = "UPDATE tokens SET expires_at = '2020-01-01T00:00:00Z' WHERE prefix = ?1";
    assert_eq!(db.execute(past, [&prefix]).unwrap(), 1);
    let refused = server.ask("GET", &version, Some(&text), &[], "").problem(401, "NL0701");
    assert!(refused.body["detail"].as_str().unwrap().contains("expired"));
}

#[test]
fn who_guesses_is_told_to_wait_and_who_knows_is_let_in_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let version = format!("{API}/version");
    let guess = |n: u32| server.ask("GET", &version, Some(&format!("nlk_{n:08}_{n:064}")), &[], "");
    for n in 0..10 {
        guess(n).problem(401, "NL0701");
    }
    let slow = guess(10).problem(429, "NL0714");
    let wait: u64 = slow.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    server.get(&version).is(200);
}

#[test]
fn changes_come_no_faster_than_the_settings_allow() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {changes_per_minute: 2}\n",
        0o644,
    );
    let server = Server::start(&installation);
    server.upgrade("0a1").is(200);
    server.upgrade("0a1").is(200);
    let refused = server.upgrade("0b1").problem(429, "NL0714");
    assert_ne!(refused.header("retry-after"), "");
    server.get(&format!("{API}/version")).is(200);
    installation.assert_at("0a1");
}

#[test]
fn the_token_of_an_earlier_netlink_still_lets_in() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let old = "0123456789abcdef".repeat(4);
    put(&installation.path(".netlink/token"), &format!("{old}\n"), 0o600);
    let server = Server::start(&installation);
    assert_eq!(server.token, old);
    let listed = server.get(&format!("{API}/tokens")).is(200).body;
    assert_eq!(listed["tokens"][0]["role"], "admin", "{listed:#}");
}
