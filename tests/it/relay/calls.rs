//! gRPC through a relay: a stranger's client gets the same as at the server's own door, and either end that goes is told to the other.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::{PATIENCE, Scene, open_to_all, wait_for, watchers};
use crate::rest::authority::Authority;
use crate::rest::events::journal;
use crate::rest::server::{API, Begun, Server};
use crate::rpc::client::{Call, SERVICE};
use crate::rpc::raw::{self, Line, run};
use crate::world::put;

const GRPC: [&str; 2] = ["--grpc", "127.0.0.1:0"];

fn begin(relay: &Begun, how: &[&str], token: &str, name: &str, message: &Value, more: &[&str]) -> Call {
    let (token, message) = (format!("Bearer {token}"), message.to_string());
    let args = ["call", name, &message, "--token", &token];
    Call::begin_as(how, relay.grpc(), &[&args[..], more].concat())
}

/// Without asking reflection first, as the other client does: the number of the status, and what was said.
fn version(address: &str, fields: &[(&str, &str)]) -> (String, String) {
    run(async {
        let line = match address.strip_prefix("unix:") {
            Some(path) => Line::over(tokio::net::UnixStream::connect(path).await.unwrap()).await,
            None => Line::at(address).await,
        };
        // The same whatever it is for.
        let health = line
            .call_at("grpc.health.v1.Health/Check", fields, &[])
            .await
            .ended()
            .await;
        let version = line.call("GetVersionInfo", fields, &[]).await.ended().await;
        assert!(health.0 == "0" || health == version, "{health:?} {version:?}");
        version
    })
}

fn numbers(events: &[Value]) -> Vec<i64> {
    let of_the_journal = events.iter().filter(|event| event["kind"] != "progress");
    let numbers = of_the_journal.map(|event| event["sequence"].as_str().unwrap().parse().unwrap());
    numbers.collect()
}

fn own(path: &std::path::Path) {
    let nobody = netlink::host::User::named("nobody").unwrap();
    std::os::unix::fs::chown(path, Some(nobody.id), None).unwrap();
}

#[test]
fn all_calls_go_through_in_tls_and_the_audit_names_who_is_behind() {
    let scene = Scene::new();
    let ours = Authority::new(&scene.dir.path().join("ours"));
    let clients = Authority::new(&scene.dir.path().join("clients"));
    let (shown, known) = (ours.signs("box", "127.0.0.1"), clients.signs("operator", "desk"));
    own(&shown.key);
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (certificate, key, ca) = (text(&shown.certificate), text(&shown.key), text(&clients.pem));
    let in_tls = ["--certificate", &certificate, "--key", &key, "--client-ca", &ca];
    let relay = scene.relay_at("127.0.0.1:0", &[&GRPC[..], &in_tls].concat());
    let server = Server::behind(
        &scene.installation,
        &relay.base,
        crate::rest::authority::trusting(&ours.pem, Some(&known)),
    );
    let (trusted, pem, own) = (text(&ours.pem), text(&known.certificate), text(&known.key));
    let how = ["--ca", &trusted, "--certificate", &pem, "--key", &own];
    let ask = |name: &str, message: Value| begin(&relay, &how, &server.token, name, &message, &[]).rest();

    assert_eq!(ask("GetVersionInfo", json!({})).ok()["current_version"], "0a1");
    assert_eq!(ask("CheckForUpdates", json!({})).ok()["latest_version"], "0r1");
    assert_eq!(ask("ValidateUpgrade", json!({"to_version": "0b1"})).ok()["valid"], true);
    let wanted = json!({"target_version": "0b1", "idempotency_key": "once"});
    let begun = ask("TriggerUpgrade", wanted.clone()).ok();
    let id = begun["update_id"].as_str().unwrap();
    assert_eq!(ask("TriggerUpgrade", wanted).ok()["update_id"], id);
    let watched = ask("WatchUpgradeStatus", json!({"update_id": id}));
    assert_eq!(watched.end["code"], "OK", "{watched:#?}");
    assert_eq!(numbers(&watched.messages), journal(&scene.installation, id));
    scene.installation.assert_at("0b1");
    let status = ask("GetUpgradeStatus", json!({"update_id": id})).ok();
    let from = "127.0.0.1 (certificate CN=operator)";
    let accepted = status["update"]["accepted_by"].as_str().unwrap();
    assert!(accepted.ends_with(from), "{accepted}");
    let back = ask("RollbackUpgrade", json!({})).ok();
    let back = ask("WatchUpgradeStatus", json!({"update_id": back["update_id"]}));
    assert_eq!(back.messages.last().unwrap()["message"], "completed");
    let history = ask("GetUpgradeHistory", json!({})).ok();
    assert_eq!(history["updates"].as_array().unwrap().len(), 3);
    scene.installation.assert_at("0a1");

    // Statuses come with their details; what is too long is refused on the way.
    ask("TriggerUpgrade", json!({"target_version": "9r9"})).no("NOT_FOUND", "NL0102");
    let long = begin(
        &relay,
        &how,
        &server.token,
        "TriggerUpgrade",
        &json!({}),
        &["--huge", "200000"],
    );
    long.rest().no("RESOURCE_EXHAUSTED", "NL0703");
    begin(&relay, &how, "nlk_0", "GetVersionInfo", &json!({}), &[])
        .rest()
        .no("UNAUTHENTICATED", "NL0701");
    let listed = Call::begin_as(&how, relay.grpc(), &["services"]).rest().ok();
    assert!(listed.as_array().unwrap().contains(&json!(SERVICE)), "{listed:#}");
    let health = Call::begin_as(&how, relay.grpc(), &["health"]).rest().ok();
    assert_eq!(health["status"], "SERVING");
    // Without a certificate nobody comes as far as the server.
    let out = Call::begin_as(&["--ca", &trusted], relay.grpc(), &["health"]).rest();
    assert_eq!(out.end["code"], "UNAVAILABLE", "{out:#?}");

    let rows = scene.installation.run(&["audit", "export"]).ok().out;
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_calls = |row: &Value| row["action"] == "gRPC TriggerUpgrade" && row["origin"] == from;
    assert_eq!(rows.filter(of_calls).count(), 8);
}

#[test]
fn a_watch_is_told_of_life_and_ends_with_whoever_goes() {
    let scene = Scene::with(", heartbeat: 100ms");
    let relay = scene.relay_at("127.0.0.1:0", &GRPC);
    let server = scene.server(&relay);
    let wanted = json!({"include_heartbeat": true});
    let watch = || begin(&relay, &[], &server.token, "WatchUpgradeStatus", &wanted, &[]);
    // The client goes: the server hears of it.
    let mut one = watch();
    for _ in 0..5 {
        assert_eq!(one.next().unwrap()["kind"], "heartbeat");
    }
    assert_eq!(watchers(&server), 1);
    drop(one);
    wait_for(|| watchers(&server) == 0);

    // The server is killed: the client hears of it, and the next call of the same connection goes to the next server.
    let token = format!("Bearer {}", server.token);
    let who = [("authorization", token.as_str())];
    run(async {
        let line = Line::at(relay.grpc()).await;
        let called = line.call("WatchUpgradeStatus", &who, &[]).await;
        let (status, _, mut events) = called.begun().await;
        assert_eq!(status, 200);
        server.signal(Signal::KILL);
        while raw::bytes(&mut events).await.is_some() {}
        let (status, why) = raw::status(&events.trailers().await.unwrap().unwrap());
        assert!(status == "14" && why.contains("ended%20before"), "{status} {why}");
        assert_eq!(server.ended(), None);
        let away = line.call("GetVersionInfo", &who, &[]).await.ended().await;
        assert!(away.0 == "14" && away.1.contains("nothing%20was%20done"), "{away:?}");
        let server = scene.server(&relay);
        let version = line.call("GetVersionInfo", &who, &[]).await.ended().await;
        assert_eq!(version.0, "0", "{version:?}");
        assert!(!line.gone.is_finished());
        // What has failed of one call is said with its code.
        let id = [&[0x0a, 1][..], b"x"].concat();
        let no = line.call("GetUpgradeStatus", &who, &id).await.ended().await;
        assert_eq!(no.0, "5", "{no:?}");
        drop(server);
    });
    let said = relay.log();
    assert!(
        said.contains("does not answer") && said.contains("answers again"),
        "{said}"
    );

    // The relay is told to end: so is whoever watches, at once.
    let server = scene.server(&relay);
    let mut last = begin(&relay, &[], &server.token, "WatchUpgradeStatus", &wanted, &[]);
    last.next().unwrap();
    let began = Instant::now();
    relay.signal(Signal::TERM);
    let ended = last.rest();
    assert_eq!(
        (&ended.end["code"], &ended.end["reason"]),
        (&json!("UNAVAILABLE"), &json!("NL0720"))
    );
    assert_eq!(relay.ended(), Some(0));
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
}

#[test]
fn a_server_that_is_told_to_end_says_so_through_the_relay() {
    let scene = Scene::new();
    let relay = scene.relay_at("127.0.0.1:0", &GRPC);
    let server = scene.server(&relay);
    let mut watch = Call::begin(relay.grpc(), &["health", "--watch", "9"]);
    assert_eq!(watch.next().unwrap()["status"], "SERVING");
    let all = begin(&relay, &[], &server.token, "WatchUpgradeStatus", &json!({}), &[]);
    wait_for(|| watchers(&server) == 1);
    server.signal(Signal::TERM);
    assert_eq!(watch.next().unwrap()["status"], "NOT_SERVING");
    assert_eq!(watch.rest().end["code"], "OK");
    all.rest().no("UNAVAILABLE", "NL0720");
    assert_eq!(server.ended(), Some(0));
    // Nothing is left of its sockets.
    let left = std::fs::read_dir(scene.dir.path()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains(".sock")).count(), 0);
    let (status, why) = version(relay.grpc(), &[]);
    assert!(status == "14" && why.contains("nothing%20was%20done"), "{status} {why}");
}

#[test]
fn the_relay_alone_is_believed_for_whom_it_calls() {
    let scene = Scene::with(", wrong_tokens_per_minute: 3");
    let relay = scene.relay_at("127.0.0.1:0", &GRPC);
    let server = Server::start(&scene.installation);
    let forged = ["--say", "netlink-from=203.0.113.9"];
    let also = ["--say", "netlink-certificate=CN=admin"];
    let turned = json!({"update_id": "x"});

    // Over the network, and as root at the socket, nobody else says it; in no call, whatever it is for.
    let socket = format!("unix:{}.grpc", scene.socket.display());
    let token = format!("Bearer {}", server.token);
    for address in [server.grpc(), &socket] {
        for said in [("netlink-from", "203.0.113.9"), ("netlink-certificate", "CN=admin")] {
            let (status, why) = version(address, &[("authorization", &token), said]);
            assert!(
                status == "3" && why.contains("relay"),
                "{address} {said:?}: {status} {why}"
            );
        }
    }
    let say = [&["call", "GetVersionInfo", "--token", &token], &forged[..]].concat();
    Call::begin(server.grpc(), &say).rest().no("INVALID_ARGUMENT", "NL0751");
    // Root needs no token there.
    assert_eq!(version(&socket, &[]).0, "0");
    assert_eq!(version(server.grpc(), &[]).0, "16");

    // Through the relay what is forged outside is dropped, and the address is the one that it has seen.
    let through = |token: &str| {
        begin(
            &relay,
            &[],
            token,
            "RollbackUpgrade",
            &turned,
            &[&forged[..], &also].concat(),
        )
    };
    through(&server.token).rest().no("NOT_FOUND", "NL0406");
    let rows = scene.installation.run(&["audit", "list"]).ok().out;
    assert!(
        rows.contains("127.0.0.1") && !rows.contains("203.0.113.9") && !rows.contains("CN=admin"),
        "{rows}"
    );
    // Nobody is let in there by who it is.
    Call::begin(relay.grpc(), &["call", "GetVersionInfo"])
        .rest()
        .no("UNAUTHENTICATED", "NL0701");
    // Wrong tokens are counted by the address behind it: REST, gRPC and the relay's calls alike.
    for wrong in ["nlk_00000000_00", "nlk_00000000_01"] {
        through(wrong).rest().no("UNAUTHENTICATED", "NL0701");
    }
    let version = format!("{API}/version");
    server
        .ask("GET", &version, Some("nlk_0"), &[], "")
        .problem(401, "NL0701");
    through("nlk_00000000_02").rest().no("RESOURCE_EXHAUSTED", "NL0714");
    through(&server.token).rest().no("NOT_FOUND", "NL0406");
}

#[test]
fn a_relay_as_somebody_else_calls_in_vain() {
    let scene = Scene::new();
    let relay = scene.relay_at("127.0.0.1:0", &GRPC);
    let text = format!("server: {{socket: '{}', relay_user: daemon}}\n", scene.socket.display());
    put(&scene.installation.path("config/update.yml"), &text, 0o644);
    let server = Begun::of(scene.installation.command(&["serve", "--listen", "off"]));
    let socket = std::path::PathBuf::from(format!("{}.grpc", scene.socket.display()));
    let token = format!("Bearer {}", scene.token());
    let is = |number: &str, said: &str| {
        let (status, why) = version(relay.grpc(), &[("authorization", &token)]);
        assert!(status == number && why.contains(said), "{status} {why}");
    };
    // Its group has nothing to do with the socket.
    is("14", "nothing%20was%20done");
    open_to_all(&socket, 0o666);
    is("3", "relay");
    drop(server);
    // Where gRPC is off, there is none for a relay either.
    let args = ["serve", "--listen", "off", "--grpc", "off"];
    let server = Begun::of(scene.installation.command(&args));
    assert_eq!(server.grpc(), "");
    is("14", "nothing%20was%20done");
}

#[test]
fn what_is_no_call_is_refused_by_the_relay_itself() {
    let scene = Scene::new();
    let relay = scene.relay_at("127.0.0.1:0", &GRPC);
    let mut plain = std::net::TcpStream::connect(relay.grpc()).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(super::scene::told(&mut plain, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
    // Who says nothing is let go.
    let mut silent = std::net::TcpStream::connect(relay.grpc()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(super::scene::told(&mut silent, b"PRI * HTTP/2.0\r\n"), "");
    run(async {
        let line = Line::at(relay.grpc()).await;
        let other = line.call_at("x", &[("content-type", "text/plain")], &[]).await;
        assert_eq!(other.begun().await.0, 415);
    });
    // A port that is taken is said with the option.
    let taken = scene
        .relay_command("127.0.0.1:0", &["--grpc", relay.grpc()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(
        !taken.status.success() && said.contains("NL0704") && said.contains("--grpc"),
        "{said}"
    );
}
