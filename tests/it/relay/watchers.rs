//! As many who watch as the machine lets a process have files, ten thousand at most: each hears that the server lives, and others are
//! answered meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::scene::{PATIENCE, Scene, wait_for, watchers};
use crate::rest::server::{API, Server};

const MOST: u64 = 10_000;
/// KiB of the server for each, in a binary that is not optimized.
const EACH: u64 = 40;

/// How many files this process may have, from now on all that it may.
fn files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    limit.maximum.unwrap_or(MOST * 4)
}

fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Reads until that has come.
fn until(line: &mut TcpStream, expected: &str) {
    let (mut some, mut said) = ([0; 4096], String::new());
    while !said.contains(expected) {
        let read = line.read(&mut some).unwrap();
        assert!(read > 0, "{said}");
        said += &String::from_utf8_lossy(&some[..read]);
    }
}

fn all_watch(server: &Server, address: &str, many: u64) {
    let before = memory(server.pid());
    let ask = format!(
        "GET {API}/updates/events HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer {}\r\n\r\n",
        server.token
    );
    let mut lines: Vec<TcpStream> = (0..many)
        .map(|_| {
            let mut line = TcpStream::connect(address).unwrap();
            line.set_read_timeout(Some(PATIENCE)).unwrap();
            line.write_all(ask.as_bytes()).unwrap();
            until(&mut line, "text/event-stream");
            line
        })
        .collect();
    assert_eq!(u64::from(watchers(server)), many);
    for line in &mut lines {
        until(line, ":\n\n");
    }
    let began = Instant::now();
    server.get(&format!("{API}/version")).is(200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let more = memory(server.pid()).saturating_sub(before);
    assert!(more < EACH * many, "{more} KiB for {many}");
    drop(lines);
    wait_for(|| watchers(server) == 0);
}

#[test]
fn ten_thousand_watch_at_the_server_and_through_a_relay() {
    let scene = Scene::with(", heartbeat: 2s");
    let relay = scene.relay();
    let server = Server::start(&scene.installation);
    // Three quarters of the files are for those who connect; of a relay's, two for each.
    let files = files();
    all_watch(&server, server.address(), MOST.min(files / 2));
    all_watch(&server, &super::scene::address(&relay), MOST.min(files / 2 - 1000));
}
