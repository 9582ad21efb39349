//! Either process ends, is killed, starts again; the other goes on, and nothing that was ordered is lost.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::{PATIENCE, Scene, address, to, wait_for};
use crate::rest::events::journal;
use crate::rest::server::API;
use crate::rest::steering::{FOR_EVER, wait_until_there};
use crate::world::put;

#[test]
fn while_the_server_is_away_the_relay_says_when_to_come_again() {
    let scene = Scene::new();
    let relay = scene.relay();
    let away = |base: &str| {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE));
        let mut answer = config
            .build()
            .new_agent()
            .get(format!("{base}/health/live"))
            .call()
            .unwrap();
        let head = answer.headers().clone();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), head, text)
    };
    // Before it was ever there.
    let (status, head, text) = away(&relay.base);
    assert_eq!((status, head["retry-after"].to_str().unwrap()), (503, "5"), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["code"], "NL0750");
    assert_eq!(document["title"], netlink::app::codes::lookup("NL0750").title);

    let server = scene.server(&relay);
    server.ask("GET", "/health/live", None, &[], "").is(204);
    let mut events = server.events(&format!("{API}/updates/events"), None);
    server.signal(Signal::KILL);
    let killed = server.ended();
    assert_eq!(killed, None);
    // A line of live events ends with the server.
    while events.line().is_some() {}
    assert_eq!(away(&relay.base).0, 503);

    let server = scene.server(&relay);
    server.get(&format!("{API}/version")).is(200);
    assert!(
        relay.log().contains("does not answer") && relay.log().contains("answers again"),
        "{}",
        relay.log()
    );
    assert_eq!(relay.log().matches("does not answer").count(), 2, "{}", relay.log());
}

#[test]
fn of_what_the_server_did_not_answer_it_is_said_that_it_is_not_known() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let mut asked = to(&relay);
    let head = format!(
        "PUT {API}/maintenance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: 17\r\n\r\n{{",
        server.token
    );
    asked.write_all(head.as_bytes()).unwrap();
    // It has come: its row in the audit is written before it is read to its end.
    wait_for(|| scene.installation.run(&["audit", "list"]).ok().out.contains("PUT /api"));
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    let mut answer = String::new();
    asked.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5"),
        "{answer}"
    );
    let known = netlink::app::codes::lookup("NL0754");
    assert!(
        answer.contains("\"NL0754\"") && answer.contains(known.title),
        "{answer}"
    );
}

#[test]
fn the_command_line_waits_through_a_restart_of_the_server() {
    let scene = Scene::new();
    scene.hold_upgrades();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let file = scene.installation.path(".netlink/token");
    let asked = ["--server", server.base(), "--token-file", file.to_str().unwrap()];
    let args = ["update", "upgrade", "--to", "0b1", "--yes"];
    let mut command = crate::world::command(&[&asked[..], &args].concat());
    let mut following = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(following.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    wait_until_there(&scene.installation, "releases/0b1");
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    assert!(said.any(|line| line.contains("waiting for it")));
    let _server = scene.server(&relay);
    fs::write(scene.installation.path("lit"), "").unwrap();
    assert!(said.any(|line| line.contains("is back")));
    assert_eq!(said.last().as_deref().filter(|line| line.contains("error")), None);
    assert!(following.wait().unwrap().success());
    scene.installation.assert_at("0b1");
}

#[test]
fn a_relay_that_is_killed_loses_nothing_that_was_ordered() {
    let scene = Scene::new();
    scene.hold_upgrades();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let begun = server.upgrade("0b1").is(202);
    let id = begun.body["update_id"].as_str().unwrap().to_owned();
    let path = format!("{API}/updates/{id}/events");
    let mut events = server.events(&path, None);
    let mut seen = vec![events.next().unwrap()];
    server.wait_for_step(begun.header("location"), "health");
    let place = address(&relay);
    relay.signal(Signal::KILL);
    assert_eq!(relay.ended(), None);
    seen.extend(events);
    let last = seen.last().unwrap()["seq"].to_string();

    let relay = scene.relay_at(&place, &[]);
    fs::write(scene.installation.path("lit"), "").unwrap();
    seen.extend(server.events(&path, Some(&last)));
    let numbers: Vec<i64> = seen.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, journal(&scene.installation, &id));
    server.wait_for(begun.header("location"), "completed");
    assert_eq!(
        server.get(&format!("{API}/updates")).is(200).body["updates"][0]["update_id"],
        json!(id)
    );
    drop(relay);
}

#[test]
fn a_relay_that_is_told_to_end_lets_go_of_live_events_and_answers_what_is_under_way() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let mut events = server.events(&format!("{API}/updates/events"), None);
    // It is being asked, and says the rest a little later.
    let mut under_way = to(&relay);
    let head = format!(
        "PUT {API}/maintenance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{{",
        server.token
    );
    under_way.write_all(head.as_bytes()).unwrap();
    wait_for(|| connections_to(&scene) >= 2);
    let began = Instant::now();
    relay.signal(Signal::TERM);
    while events.line().is_some() {}
    wait_for(|| std::net::TcpStream::connect(address(&relay)).is_err());
    under_way.write_all(b"\"enabled\":false}").unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(relay.ended(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}

/// Of the socket, as the system counts them: those that are connected.
fn connections_to(scene: &Scene) -> usize {
    let all = fs::read_to_string("/proc/net/unix").unwrap();
    let place = scene.socket.to_str().unwrap();
    // Its own line is that of the listener.
    all.lines()
        .filter(|line| line.ends_with(place))
        .count()
        .saturating_sub(1)
}

impl Scene {
    /// Upgrades to `0b1` wait until the file `lit` is there.
    fn hold_upgrades(&self) {
        let settings = self.installation.text("config/update.yml");
        put(
            &self.installation.path("config/update.yml"),
            &format!("{settings}{FOR_EVER}"),
            0o644,
        );
    }
}

#[test]
fn two_relays_may_be_in_front_of_one_server_and_a_reload_ends_none_of_them() {
    let scene = Scene::new();
    let (one, other) = (scene.relay(), scene.relay());
    let server = scene.server(&one);
    drop(one);
    // In the clear there is nothing to reload, and nothing ends by it.
    other.signal(Signal::HUP);
    server.signal(Signal::HUP);
    let agent = ureq::Agent::new_with_defaults();
    assert_eq!(
        agent
            .get(format!("{}/health/live", other.base))
            .call()
            .unwrap()
            .status(),
        204
    );
}
