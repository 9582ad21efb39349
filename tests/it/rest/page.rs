//! The page: its files and their headers, its sessions, and a browser that uses all of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use super::lamp;
use super::server::{API, Answer, Server};
use crate::world::{Installation, Lamp, Publisher, put};

const SESSION: &str = "/api/v1/system/session";

/// Logs in with this token; the cookie to send from now on.
fn log_in(server: &Server, token: &str) -> String {
    let begun = server.ask("POST", SESSION, Some(token), &[], "").is(201);
    let cookie = begun.header("set-cookie").to_owned();
    for word in ["; Path=/", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "not over TLS: {cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (name, text) = cookie.split_once('=').unwrap();
    assert!(name.starts_with("netlink_session_") && text.len() == 64, "{cookie}");
    assert!(!begun.text.contains(text), "{begun:#?}");
    cookie
}

fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    server.ask(method, path, None, headers, body)
}

fn made(installation: &Installation, role: &str) -> (String, String) {
    let create = ["token", "create", "--name", role, "--role", role, "--output", "json"];
    let made = installation.run(&create).ok().json();
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    (text("token"), text("prefix"))
}

#[test]
fn two_servers_of_one_host_do_not_take_each_others_session() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let one = Installation::of_lamp(&dir.path().join("one"), &publisher, "0a1");
    let two = Installation::of_lamp(&dir.path().join("two"), &publisher, "0a1");
    let (one, two) = (Server::start(&one), Server::start(&two));
    let cookies = format!("{}; {}", log_in(&one, &one.token), log_in(&two, &two.token));
    // A browser sends what it has for the host to either.
    let with = [("cookie", cookies.as_str()), ("sec-fetch-site", "same-origin")];
    for server in [&one, &two] {
        let seen = ask(server, "GET", SESSION, &with, "").is(200).body;
        let who = seen["who"].as_str().unwrap();
        assert!(server.token.starts_with(who.split(' ').next().unwrap()), "{who}");
    }
}

#[test]
fn a_token_is_exchanged_for_a_session_that_lets_in_as_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    ask(&server, "GET", SESSION, &[], "").is(204);
    ask(&server, "POST", SESSION, &[], "").problem(401, "NL0701");
    server
        .ask("POST", SESSION, Some("nlk_00000000_00"), &[], "")
        .problem(401, "NL0701");

    let (token, prefix) = made(&installation, "viewer");
    let cookie = log_in(&server, &token);
    let with = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let seen = ask(&server, "GET", SESSION, &with, "").is(200).body;
    assert_eq!(seen, json!({"who": format!("{prefix} (viewer)"), "role": "viewer"}));
    ask(&server, "GET", &format!("{API}/version"), &with, "").is(200);
    ask(&server, "POST", &format!("{API}/updates/upgrade"), &with, "{}").problem(403, "NL0713");
    // A session makes no other one: its life would have no end.
    ask(&server, "POST", SESSION, &with, "").problem(400, "NL0703");

    // The text is kept nowhere.
    for file in ["netlink.db", "netlink.db-wal"] {
        let bytes = std::fs::read(installation.path(&format!(".netlink/{file}"))).unwrap_or_default();
        let text = cookie.split_once('=').unwrap().1.as_bytes();
        assert!(
            !bytes.windows(text.len()).any(|part| part == text),
            "the session is in {file}"
        );
    }
    let audit = server.get(&format!("{API}/audit?limit=1000")).is(200).text;
    assert!(
        audit.contains("POST /api/v1/system/session") && !audit.contains(cookie.split_once('=').unwrap().1),
        "{audit}"
    );
    assert!(audit.contains(&prefix), "{audit}");

    // It outlives the server; at another port it would be another's.
    let address = server.address().to_owned();
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    let server = Server::start_at(&installation, &address);
    ask(&server, "GET", &format!("{API}/version"), &with, "").is(200);

    let ended = ask(&server, "DELETE", SESSION, &with, "").is(204);
    assert!(ended.header("set-cookie").contains("Max-Age=0"), "{ended:#?}");
    ask(&server, "GET", &format!("{API}/version"), &with, "").problem(401, "NL0701");
    ask(&server, "GET", SESSION, &with, "").is(204);
    server
        .ask("GET", &format!("{API}/version"), Some(&token), &[], "")
        .is(200);
}

#[test]
fn a_session_ends_with_its_token_and_when_nobody_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let version = format!("{API}/version");
    let (token, prefix) = made(&installation, "operator");
    let cookie = log_in(&server, &token);
    let with = [("cookie", cookie.as_str())];
    ask(&server, "GET", &version, &with, "").is(200);
    installation.run(&["token", "revoke", &prefix]).ok();
    let refused = ask(&server, "GET", &version, &with, "").problem(401, "NL0701");
    assert!(
        refused.body["detail"].as_str().unwrap().contains("revoked"),
        "{refused:#?}"
    );

    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    for (column, time) in [
        ("last_used_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "2020-01-01T00:00:00Z"),
    ] {
        let cookie = log_in(&server, &server.token);
        let with = [("cookie", cookie.as_str())];
        ask(&server, "GET", &version, &with, "").is(200);
        db.execute(&format!("UPDATE sessions SET {column} = ?1"), [time])
            .unwrap();
        let refused = ask(&server, "GET", &version, &with, "").problem(401, "NL0701");
        assert!(
            refused.body["detail"].as_str().unwrap().contains("ended"),
            "{refused:#?}"
        );
    }
    // The next one takes those away.
    log_in(&server, &server.token);
    let left: i64 = db
        .query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1, "only the new one");
}

#[test]
fn what_another_page_makes_a_browser_send_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let cookie = log_in(&server, &server.token);
    let ours = format!("http://{}", server.address());
    let switch = |more: &[(&str, &str)]| {
        let mut headers = vec![("cookie", cookie.as_str()), ("content-type", "application/json")];
        headers.extend_from_slice(more);
        ask(
            &server,
            "PUT",
            &format!("{API}/maintenance"),
            &headers,
            "{\"enabled\": true}",
        )
    };
    for foreign in [
        &[][..],
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", ours.as_str())][..],
        &[("origin", "http://evil.example")][..],
        &[("origin", "null")][..],
    ] {
        switch(foreign).problem(403, "NL0731");
    }
    assert_eq!(server.get(&format!("{API}/maintenance")).is(200).body["enabled"], false);
    let elsewhere = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")];
    ask(&server, "GET", &format!("{API}/version"), &elsewhere, "").problem(403, "NL0731");
    switch(&[("sec-fetch-site", "same-origin")]).is(200);
    switch(&[("origin", ours.as_str())]).is(200);
}

#[test]
fn the_files_of_the_page_come_with_a_policy_and_are_not_sent_twice() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/reference", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/views/overview.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
        ("/page/openapi.json", "application/json"),
    ] {
        let sent = server.fetch(path, &[]).is(200);
        assert_eq!(sent.header("content-type"), kind, "{path}");
        let policy = sent.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(sent.header("x-content-type-options"), "nosniff");
        let tag = sent.header("etag").to_owned();
        let again = server.fetch(path, &[("if-none-match", &tag)]).is(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", tag.as_str()));
    }
    for path in [
        "/page/",
        "/page/nothing.js",
        "/page/../mod.rs",
        "/page/mod.rs",
        "/page/views/%2e%2e/main.js",
    ] {
        server.fetch(path, &[]).problem(404, "NL0702");
    }
    ask(&server, "POST", "/", &[], "").problem(405, "NL0702");
}

/// A lamp whose `0b1` may not be skipped, breaks something, and is healthy only once there is a file `lit`.
fn told_lamp(dir: &Path) -> Installation {
    let publisher = Publisher::new(&dir.join("publisher"));
    for (release, changelog) in [
        (
            Lamp::A1,
            "## Added\n\n- A lamp with a switch in the **hall** and one in the cellar\n",
        ),
        (
            Lamp::B1,
            "## Breaking\n\n- `bright` in `lamp.toml` is now `brightness`; NetLink renames it, scripts of your own have to follow\n\n\
             ## Added\n\n- Switches know how long their names are\n- A shade, white unless you say otherwise\n\n\
             ## Fixed\n\n- The lamp no longer hums at brightness 3\n",
        ),
        (
            Lamp::R1,
            "## Security\n\n- The switch in the cellar asks who is there\n\n## Added\n\n- Rooms: every switch belongs to one\n\n\
             ## Changed\n\n- Starting takes half as long\n",
        ),
    ] {
        let tree = publisher.lamp(&release);
        if release.version == "0b1" {
            let manifest = std::fs::read_to_string(tree.join("release.toml")).unwrap();
            put(
                &tree.join("release.toml"),
                &manifest.replace("[rules]\n", "[rules]\nstop = true\n"),
                0o644,
            );
        }
        put(
            &tree.join("changelog.md"),
            &format!("# {}\n\n{changelog}", release.version),
            0o644,
        );
        publisher.publish(&tree);
    }
    let installation = Installation::of_lamp(&dir.join("lamp"), &publisher, "0a1");
    let settings = "health: {timeout: 600s, interval: 50ms, checks: [{command: [sh, -c, \
                    'test {release} != {root}/releases/0b1 || test -e {root}/lit']}]}\n";
    put(&installation.path("config/update.yml"), settings, 0o644);
    installation
}

/// `NETLINK_SCREENSHOTS=docs/screenshots` keeps the pictures for the documents.
#[test]
fn a_browser_schedules_upgrades_watches_loses_the_server_rolls_back_and_restores() {
    let dir = tempfile::Builder::new().prefix("demo-").tempdir().unwrap();
    let installation = told_lamp(dir.path());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pictures = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page");
    let mut browse = Command::new(here.join("target/python/bin/python"));
    browse.arg(here.join("tests/data/page/browse.py"));
    browse.env("PYTHONDONTWRITEBYTECODE", "1");
    browse.arg("--netlink").arg(crate::world::netlink());
    browse.arg("--root").arg(&installation.root);
    browse.arg("--pictures").arg(&pictures);
    if let Some(kept) = std::env::var_os("NETLINK_SCREENSHOTS") {
        browse.arg("--keep").arg(here.join(kept));
    }
    let ran = browse.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("all views were used"), "{said}");
    installation.assert_at("0a1");
    installation.run(&["audit", "verify"]).ok();
}
