//! Many at once, and floods: at the server's own door and at a relay's, nobody keeps others from being answered.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::raw::{self, Line, frame, frames, head, preface, run};
use crate::relay::scene::Scene;
use crate::rest::server::{Begun, Server};
use crate::webrepo::{Way, WebRepo};

/// A server with its own doors, and a relay before its sockets.
struct Doors {
    relay: Begun,
    server: Server,
    scene: Scene,
}

impl Doors {
    /// With more of the section `server`, and of the relay's environment.
    fn with(more: &str, variables: &[(&str, &str)]) -> Self {
        let scene = Scene::with(more);
        let server = Server::start(&scene.installation);
        let mut relay = scene.relay_command("127.0.0.1:0", &["--grpc", "127.0.0.1:0"]);
        relay.envs(variables.iter().copied());
        Self {
            relay: Begun::of(relay),
            server,
            scene,
        }
    }

    /// Where gRPC is spoken, and which process that is.
    fn each(&self) -> [(&str, u32); 2] {
        [
            (self.server.grpc(), self.server.pid()),
            (self.relay.grpc(), self.relay.child.id()),
        ]
    }

    fn token(&self) -> String {
        format!("Bearer {}", self.server.token)
    }

    /// Somebody else is answered.
    #[track_caller]
    fn answers(&self, address: &str) {
        let token = self.token();
        let version = run(async {
            let line = Line::at(address).await;
            let call = line.call("GetVersionInfo", &[("authorization", &token)], &[]).await;
            call.ended().await
        });
        assert_eq!(version.0, "0", "{version:?}");
    }
}

/// `include_heartbeat`
fn with_heartbeat() -> Vec<u8> {
    use netlink::grpc::pb::WatchUpgradeStatusRequest;
    let wanted = WatchUpgradeStatusRequest {
        include_heartbeat: true,
        ..Default::default()
    };
    prost::Message::encode_to_vec(&wanted)
}

#[test]
fn more_watch_than_there_are_threads_and_everybody_is_answered() {
    let doors = Doors::with(", heartbeat: 200ms", &[]);
    let token = doors.token();
    let who = [("authorization", token.as_str())];
    for (address, _) in doors.each() {
        run(async {
            let line = Line::at(address).await;
            let mut watched = Vec::new();
            for _ in 0..200 {
                let (status, _, events) = line
                    .call("WatchUpgradeStatus", &who, &with_heartbeat())
                    .await
                    .begun()
                    .await;
                assert_eq!(status, 200);
                watched.push(events);
            }
            // Each hears that the server is alive.
            for events in &mut watched {
                assert!(raw::bytes(events).await.is_some());
            }
            let version = line.call("GetVersionInfo", &who, &[]).await.ended().await;
            assert_eq!(version.0, "0", "{version:?}");
        });
        doors.answers(address);
    }
}

#[test]
fn looks_that_wait_for_a_slow_repository_keep_nobody_else_waiting() {
    let doors = Doors::with("", &[]);
    let repo = doors.scene.dir.path().join("publisher/repo");
    let repo = WebRepo::of(Path::new(&repo));
    let moved = ["init", "--product", "lamp", "--repository", &repo.url];
    doors.scene.installation.run(&moved).ok();
    repo.set_for(".json", Way::Stall(0));
    let token = doors.token();
    let who = [("authorization", token.as_str())];
    for (address, _) in doors.each() {
        run(async {
            let line = Line::at(address).await;
            let mut looks = Vec::new();
            for _ in 0..100 {
                looks.push(line.call("CheckForUpdates", &who, &[]).await);
            }
            let began = Instant::now();
            // Threads are taken by now, as many as there may be: these come after them.
            for name in ["GetUpgradeStatus", "GetVersionInfo", "GetUpgradeHistory"] {
                let answered = line.call(name, &who, &[]).await.ended().await;
                assert_eq!(answered.0, "0", "{name}: {answered:?}");
            }
            let order = line.call("RollbackUpgrade", &who, &[0x0a, 1, b'x']).await.ended().await;
            assert!(order.0 != "0" && order.1.contains('x'), "{order:?}");
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            for look in &mut looks {
                let early = tokio::time::timeout(Duration::ZERO, look.answer()).await;
                assert!(early.is_err(), "the repository was to be slow");
            }
        });
    }
}

#[test]
fn who_is_silent_is_told_to_connect_anew_and_what_is_under_way_goes_on() {
    let age = [("NETLINK_SERVER_GRPC_CONNECTION", "1s")];
    let doors = Doors::with(", heartbeat: 100ms, grpc_connection: 1s", &age);
    let token = doors.token();
    let who = [("authorization", token.as_str())];
    for (address, _) in doors.each() {
        run(async {
            let (silent, busy) = (Line::at(address).await, Line::at(address).await);
            let (_, _, mut events) = busy
                .call("WatchUpgradeStatus", &who, &with_heartbeat())
                .await
                .begun()
                .await;
            silent.gone.await.unwrap();
            for _ in 0..30 {
                assert!(raw::bytes(&mut events).await.is_some());
            }
            assert!(!busy.gone.is_finished());
            drop(events);
            busy.gone.await.unwrap();
        });
        doors.answers(address);
    }
}

#[test]
fn calls_that_are_taken_back_at_once_end_the_connection() {
    let doors = Doors::with("", &[]);
    for (address, _) in doors.each() {
        let cancel = 8_u32.to_be_bytes();
        let taken_back = |stream| [head(stream), frame(raw::RESET, 0, stream, &cancel)].concat();
        let flood: Vec<u8> = (0..20_000).flat_map(|n| taken_back(2 * n + 1)).collect();
        let came = frames(address, &[preface(), flood].concat(), |_| false);
        let end = came.iter().find(|(kind, _)| *kind == raw::GO_AWAY);
        assert!(
            end.is_some_and(|(_, payload)| payload[4..8] == 11_u32.to_be_bytes()),
            "{end:?}"
        );
        doors.answers(address);
    }
}

#[test]
fn so_many_calls_there_are_over_one_connection_and_no_more() {
    let doors = Doors::with("", &[]);
    for (address, _) in doors.each() {
        let many: Vec<u8> = (0..300).flat_map(|n| head(2 * n + 1)).collect();
        let refused = |came: &[(u8, Vec<u8>)]| {
            let refused = |(kind, payload): &&(u8, Vec<u8>)| *kind == raw::RESET && payload[..] == 7_u32.to_be_bytes();
            came.iter().filter(refused).count()
        };
        let came = frames(address, &[preface(), many].concat(), |came| refused(came) >= 44);
        assert_eq!(refused(&came), 44);
        doors.answers(address);
    }
}

#[test]
fn long_heads_are_refused_also_those_without_an_end() {
    let doors = Doors::with("", &[]);
    for (address, _) in doors.each() {
        let long = "x".repeat(20 << 10);
        let status = run(async {
            let line = Line::at(address).await;
            line.call("GetVersionInfo", &[("x-long", &long)], &[])
                .await
                .begun()
                .await
                .0
        });
        assert_eq!(status, 431);
        let field = raw::fields(&[("x", &"y".repeat(100))]);
        let more = frame(raw::CONTINUATION, 0, 1, &field.repeat(150));
        let endless = [preface(), frame(raw::HEADERS, 0, 1, &field), more.repeat(2000)].concat();
        let came = frames(address, &endless, |_| false);
        assert!(came.iter().all(|(kind, _)| *kind != raw::DATA), "{came:?}");
        doors.answers(address);
    }
}

/// Of the process, in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn who_sends_settings_and_pings_without_end_and_takes_nothing_fills_no_memory() {
    let doors = Doors::with(", slow_reader: 2s", &[]);
    for (address, process) in doors.each() {
        doors.answers(address);
        let before = memory(process);
        for kind in [raw::SETTINGS, raw::PING] {
            let payload: &[u8] = if kind == raw::PING { &[0; 8] } else { &[] };
            let flood = frame(kind, 0, 0, payload).repeat(10_000);
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
            stream.write_all(&preface()).unwrap();
            let mut sent = 0;
            // Until nobody takes any more of it, or the connection is cut.
            let end = loop {
                match stream.write(&flood) {
                    Ok(more) => sent += more,
                    Err(e) => break Some(e.kind()),
                }
                if sent > 100 << 20 {
                    break None;
                }
            };
            let is_stopped = matches!(
                end,
                Some(ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
            );
            assert!(is_stopped, "{sent} bytes were taken, {end:?}");
            let more = memory(process).saturating_sub(before);
            assert!(more < 20 << 10, "{more} KiB more");
            doors.answers(address);
        }
    }
}
