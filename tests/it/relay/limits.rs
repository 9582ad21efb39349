//! What a hostile or broken client sends to a relay: refused there, or passed on as what it is, and never as something else.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::scene::{PATIENCE, Scene, to, told, wait_for, watchers};
use crate::rest::events::fill_journal;
use crate::rest::server::API;

#[track_caller]
fn problem(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("application/problem+json"), "{answer}");
    let document: Value = serde_json::from_str(body).unwrap();
    let known = netlink::app::codes::lookup(code);
    assert_eq!(document["code"], code);
    assert_eq!(document["title"], known.title);
    assert_eq!(document["status"], status);
    assert_eq!(document["type"], format!("urn:netlink:problem:{code}"));
}

#[test]
fn long_bodies_and_odd_heads_are_refused_by_the_relay_itself() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let token = scene.token();
    let head = format!(
        "POST {API}/updates/upgrade HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let ask = |bytes: &[u8]| told(to(&relay), bytes);

    let announced = ask(format!("{head}Content-Length: 100000000\r\n\r\n").as_bytes());
    problem(&announced, 413, "NL0703");
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..70 {
        chunked.extend_from_slice(format!("400\r\n{}\r\n", " ".repeat(1024)).as_bytes());
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    problem(&ask(&chunked), 413, "NL0703");
    let broken = ask(format!("{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n").as_bytes());
    assert!(broken.starts_with("HTTP/1.1 400 ") || broken.is_empty(), "{broken}");
    problem(
        &ask(b"CONNECT box:22 HTTP/1.1\r\nHost: box:22\r\nConnection: close\r\n\r\n"),
        405,
        "NL0702",
    );
    problem(&ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), 400, "NL0703");
    problem(
        &ask(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"),
        400,
        "NL0703",
    );
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    ] {
        let answer = ask(garbage);
        assert!(
            answer.starts_with("HTTP/1.1 400 "),
            "{answer}: {}",
            String::from_utf8_lossy(garbage)
        );
    }
    let long = format!(
        "GET /health/live HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(64 << 10)
    );
    assert!(ask(long.as_bytes()).starts_with("HTTP/1.1 431 "));
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    assert!(ask(format!("GET /health/live HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes()).starts_with("HTTP/1.1 431 "));
    server.get(&format!("{API}/version")).is(200);
    scene.installation.assert_at("0a1");
}

#[test]
fn nothing_of_one_request_is_taken_for_another() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    let token = scene.token();
    let hidden = format!(
        "PUT {API}/maintenance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{{\"enabled\":true}}"
    );
    let answers = |bytes: &[u8]| told(to(&relay), bytes).matches("HTTP/1.1 ").count();
    for framing in [
        // Who believes the length sees a body, who believes the coding sees the next request.
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            hidden.len() + 5
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n",
            hidden.len() + 5
        ),
    ] {
        let first = format!("POST {API}/updates/check HTTP/1.1\r\nHost: x\r\n{framing}");
        let ended = format!("{first}GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let all = answers(ended.as_bytes());
        assert!((1..=2).contains(&all), "{all}: {ended}");
    }
    // A length that covers it: it is a body, and nothing else.
    let covered = format!(
        "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    assert_eq!(answers(covered.as_bytes()), 1);
    let state = server.get(&format!("{API}/maintenance")).is(200).body;
    assert_eq!(state["enabled"], false, "{state:#}");
    // Two in a row are two, each answered.
    let two = format!(
        "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n{hidden}GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(answers(two.as_bytes()), 3);
    let state = server.get(&format!("{API}/maintenance")).is(200).body;
    assert_eq!(state["enabled"], true, "{state:#}");
}

#[test]
fn who_says_nothing_or_takes_too_long_is_let_go() {
    let scene = Scene::new();
    let relay = scene.relay();
    let server = scene.server(&relay);
    for bytes in [&b""[..], b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let began = Instant::now();
        let answer = told(to(&relay), bytes);
        assert!(!answer.contains(" 204"), "{answer}");
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
    // A byte now and then does not keep it open.
    let mut slow = to(&relay);
    slow.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let began = Instant::now();
    let mut some = [0; 64];
    loop {
        let sent = slow.write_all(b"G");
        match slow.read(&mut some) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock && sent.is_ok() => {}
            _ => break,
        }
        assert!(began.elapsed() < PATIENCE);
    }
    // A body that does not come is given up by the server.
    let slow = format!(
        "POST {API}/updates/upgrade HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{{",
        server.token
    );
    let answer = told(to(&relay), slow.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.get(&format!("{API}/version")).is(200);
}

#[test]
fn so_many_are_met_at_once_and_the_next_when_one_has_gone() {
    let scene = Scene::new();
    let relay = scene.relay_at("127.0.0.1:0", &["--connections", "2"]);
    let server = scene.server(&relay);
    let idle = [to(&relay), to(&relay)];
    let mut third = to(&relay);
    third
        .write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    third.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut some = [0; 64];
    let early = third.read(&mut some);
    assert_eq!(early.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(idle);
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    let read = third.read(&mut some).unwrap();
    assert!(
        some[..read].starts_with(b"HTTP/1.1 204 "),
        "{:?}",
        String::from_utf8_lossy(&some[..read])
    );
    server.get(&format!("{API}/version")).is(200);
}

#[test]
fn who_takes_nothing_of_what_is_sent_is_cut_off() {
    let scene = Scene::new();
    fill_journal(&scene.installation, 120_000);
    let relay = scene.relay();
    let server = scene.server(&relay);
    let mut slow = to(&relay);
    let ask = format!(
        "GET {API}/updates/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nLast-Event-ID: 0\r\n\r\n",
        server.token
    );
    slow.write_all(ask.as_bytes()).unwrap();
    wait_for(|| watchers(&server) == 1);
    // Others are answered meanwhile.
    server.get(&format!("{API}/version")).is(200);
    wait_for(|| watchers(&server) == 0);
    drop(slow);
    let read = server
        .events(&format!("{API}/updates/events"), Some("0"))
        .take(120_000)
        .count();
    assert_eq!(read, 120_000);
}
