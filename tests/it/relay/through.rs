//! What goes through: all of REST, the page, live events, in the clear and in TLS.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use serde_json::{Value, json};
use ureq::tls::TlsConfig;

use super::scene::{Scene, to, told, wait_for, watchers};
use crate::rest::authority::{Authority, trusting};
use crate::rest::events::journal;
use crate::rest::server::{API, Server};
use crate::rest::strangers::is_as_described;
use crate::world::{self, put};

/// Status, fields and body of an answer, without those that tell one connection or moment from another.
fn heard(answer: &str) -> (String, Vec<String>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let own = [
        "date:",
        "connection:",
        "transfer-encoding:",
        "content-length:",
        "x-request-id:",
        "etag:",
    ];
    let fields = lines.map(str::to_lowercase);
    let mut fields: Vec<String> = fields
        .filter(|line| !own.iter().any(|name| line.starts_with(name)))
        .collect();
    fields.sort();
    (status, fields, body.to_owned())
}

#[test]
fn what_the_server_answers_at_its_socket_it_answers_through_a_relay() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let token = scene.token();
    let mut seen = 0;
    for path in [
        "/",
        "/reference",
        "/openapi.yaml",
        "/health/live",
        "/health/ready",
        "/cluster/status",
        "/cluster/protocol-version",
        "/nowhere",
        "/api/v1/system/version",
        "/api/v1/system/updates",
        "/api/v1/system/updates?limit=0",
        "/api/v1/system/updates/check",
        "/api/v1/system/updates/status/update_x",
        "/api/v1/system/updates/queue",
        "/api/v1/system/orders",
        "/api/v1/system/policy",
        "/api/v1/system/backups",
        "/api/v1/system/maintenance",
        "/api/v1/system/session",
    ] {
        for method in ["GET", "HEAD", "DELETE"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: box\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nX-Request-Id: one\r\n\r\n"
            );
            let through = told(to(&relay), request.as_bytes());
            let direct = told(UnixStream::connect(&scene.socket).unwrap(), request.as_bytes());
            let (through, direct) = (heard(&through), heard(&direct));
            assert_eq!((&through.0, &through.1), (&direct.0, &direct.1), "{method} {path}");
            // Times of the moment and names of their own apart, which only some of them have.
            let moment = ["/health/ready", "/api/v1/system/policy", "/cluster/status"];
            if !moment.contains(&path) {
                assert_eq!(through.2, direct.2, "{method} {path}");
            }
            seen += usize::from(!direct.2.is_empty());
        }
    }
    assert!(seen > 10, "{seen}");
    // Held against the description, as every answer that this client gets.
    let version = server.get(&format!("{API}/version")).is(200);
    let tag = version.header("etag").to_owned();
    assert!(!tag.is_empty());
    let again = [("if-none-match", tag.as_str())];
    let again = server.ask("GET", &format!("{API}/version"), Some(&token), &again, "");
    again.is(304);
    let page = server.fetch("/", &[]).is(200);
    assert!(
        page.header("content-security-policy").contains("default-src"),
        "{page:#?}"
    );
    server
        .ask("GET", &format!("{API}/version"), None, &[], "")
        .problem(401, "NL0701");
}

#[test]
fn an_upgrade_is_ordered_watched_and_taken_back() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let begun = server.post_once(
        &format!("{API}/updates/upgrade"),
        "night-42",
        &json!({"target_version": "0b1"}),
    );
    let begun = begun.is(202);
    let id = begun.body["update_id"].as_str().unwrap().to_owned();
    let again = server.post_once(
        &format!("{API}/updates/upgrade"),
        "night-42",
        &json!({"target_version": "0b1"}),
    );
    assert_eq!(again.is(202).body["update_id"], id.as_str());
    let path = format!("{API}/updates/{id}/events");
    let seen: Vec<Value> = server.events(&path, None).collect();
    let numbers =
        |events: &[Value]| -> Vec<i64> { events.iter().map(|event| event["seq"].as_i64().unwrap()).collect() };
    assert_eq!(numbers(&seen), journal(&scene.installation, &id));
    let half = numbers(&seen)[seen.len() / 2];
    let rest: Vec<Value> = server.events(&path, Some(&half.to_string())).collect();
    assert_eq!(rest, seen[seen.len() / 2 + 1..]);
    let last = numbers(&seen).last().unwrap().to_string();
    let all = [("last-event-id", last.as_str())];
    server.ask("GET", &path, Some(&server.token), &all, "").is(204);
    server.wait_for(begun.header("location"), "completed");
    scene.installation.assert_at("0b1");
    let back = server.rollback(&json!({})).is(202);
    server.wait_for(back.header("location"), "completed");
    scene.installation.assert_at("0a1");
}

#[test]
fn the_command_line_asks_through_a_relay_as_it_asks_a_server() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let file = scene.installation.path(".netlink/token");
    let asked = ["--server", server.base(), "--token-file", file.to_str().unwrap()];
    let ask = |args: &[&str]| world::run(&[&asked[..], args].concat());
    let upgraded = ask(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    assert!(upgraded.out.contains("0b1"), "{upgraded}");
    scene.installation.assert_at("0b1");
    assert_eq!(
        ask(&["update", "version"]).ok().out,
        scene.installation.run(&["update", "version"]).ok().out
    );
    ask(&["backup", "create"]).ok();
    let rows = scene.installation.run(&["audit", "list"]).ok().out;
    assert!(
        rows.lines().filter(|row| row.contains("127.0.0.1")).count() >= 4,
        "{rows}"
    );
    scene.installation.run(&["audit", "verify"]).ok();
}

#[test]
fn schemathesis_finds_nothing_wrong_through_a_relay() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    // One that cannot revoke itself on the way.
    let wanted = json!({"name": "schemathesis", "role": "operator"});
    let made = server.post(&format!("{API}/tokens"), &wanted).is(201);
    is_as_described(&server, made.body["token"].as_str().unwrap(), scene.dir.path());
    scene.installation.run(&["audit", "verify"]).ok();
}

#[test]
fn live_events_come_at_once_and_end_with_whoever_watches() {
    let scene = Scene::with(", heartbeat: 100ms");
    let relay = scene.relay();
    let server = scene.server(&relay);
    let mut line = to(&relay);
    let ask = format!(
        "GET {API}/updates/events HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer {}\r\n\r\n",
        server.token
    );
    line.write_all(ask.as_bytes()).unwrap();
    let mut some = [0; 4096];
    let mut said = String::new();
    // Signs of life, one by one: nothing on the way waits for more.
    while said.matches(":\n\n").count() < 3 {
        let read = line.read(&mut some).unwrap();
        assert!(read > 0, "{said}");
        said += &String::from_utf8_lossy(&some[..read]);
    }
    assert!(said.contains("text/event-stream"), "{said}");
    assert_eq!(watchers(&server), 1);
    drop(line);
    wait_for(|| watchers(&server) == 0);
}

#[test]
fn in_tls_with_certificates_of_clients_and_new_files_while_it_runs() {
    let scene = Scene::new();
    let ours = Authority::new(&scene.dir.path().join("ours"));
    let clients = Authority::new(&scene.dir.path().join("clients"));
    let others = Authority::new(&scene.dir.path().join("others"));
    let (shown, known) = (ours.signs("box", "127.0.0.1"), clients.signs("operator", "desk"));
    let stranger = others.signs("stranger", "desk");
    let nobody = netlink::host::User::named("nobody").unwrap();
    let own = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(nobody.id), None).unwrap();
    own(&shown.key);
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (certificate, key, ca) = (text(&shown.certificate), text(&shown.key), text(&clients.pem));
    let args = ["--certificate", &certificate, "--key", &key, "--client-ca", &ca];
    let relay = scene.relay_at("127.0.0.1:0", &args);
    assert!(relay.base.starts_with("https://"), "{}", relay.base);
    let server = Server::behind(&scene.installation, &relay.base, trusting(&ours.pem, Some(&known)));

    let session = server
        .ask("POST", &format!("{API}/session"), Some(&server.token), &[], "")
        .is(201);
    let cookie = session.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    // On loopback nobody is told to come back in TLS alone.
    assert_eq!(session.header("strict-transport-security"), "");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    server
        .ask(
            "PUT",
            &format!("{API}/maintenance"),
            None,
            &[page[0], page[1], ("content-type", "application/json")],
            "{\"enabled\":true}",
        )
        .is(200);
    let rows = scene.installation.run(&["audit", "list"]).ok().out;
    assert!(rows.contains("127.0.0.1 (certificate CN=operator"), "{rows}");

    let reached = |tls: TlsConfig| {
        let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
        agent.get(format!("{}/health/live", relay.base)).call().is_ok()
    };
    assert!(reached(trusting(&ours.pem, Some(&known))));
    assert!(!reached(trusting(&ours.pem, None)));
    assert!(!reached(trusting(&ours.pem, Some(&stranger))));
    assert!(!reached(trusting(&others.pem, Some(&known))));

    // From another authority, in the same files.
    let next = others.signs("next", "127.0.0.1");
    own(&next.key);
    fs::rename(&next.certificate, &shown.certificate).unwrap();
    fs::rename(&next.key, &shown.key).unwrap();
    relay.signal(Signal::HUP);
    wait_for(|| reached(trusting(&others.pem, Some(&known))));
    put(&shown.certificate, "", 0o644);
    relay.signal(Signal::HUP);
    wait_for(|| relay.log().contains("stays as it was"));
    assert!(reached(trusting(&others.pem, Some(&known))));
}
