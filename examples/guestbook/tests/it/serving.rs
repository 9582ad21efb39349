//! What visitors, programs and operators get over HTTP.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench::{Bench, VERSIONS, head, read_answer};

fn parse(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"))
}

#[test]
fn entries_come_back_newest_first_in_every_edition() {
    for (version, words) in VERSIONS.into_iter().zip([None, Some([3, 1]), Some([3, 1])]) {
        let running = Bench::of(version);
        let running = running.start(version);
        for message in ["one", "it is two"] {
            let answer = running.post("/entries", &json!({"author": "Ann", "message": message}).to_string());
            assert_eq!((answer.status, &parse(&answer.body)["message"]), (201, &json!(message)));
        }
        let entries = parse(&running.get("/entries").body);
        let field = |name: &str| [&entries[0][name], &entries[1][name]].map(Value::clone);
        assert_eq!(field("message"), ["it is two", "one"].map(Value::from));
        assert_eq!(field("author"), ["Ann", "Ann"].map(Value::from));
        assert_eq!(
            field("words"),
            words.map_or([Value::Null, Value::Null], |words| words.map(Value::from))
        );
        let schema = VERSIONS.iter().position(|v| *v == version).unwrap() + 1;
        let health = format!("{{\"status\":\"ok\",\"version\":\"{version}\",\"schema\":{schema}}}");
        assert_eq!(running.get("/health").body, health);
        assert_eq!(parse(&running.get("/version").body), json!({"version": version}));
    }
}

#[test]
fn bad_requests_get_an_error_in_json() {
    let bench = Bench::of("0r1");
    let running = bench.start("0r1");
    let entry = |author: &str, message: &str| json!({"author": author, "message": message}).to_string();
    let cases = [
        (entry("", "x"), 400, "author"),
        (entry(&"a".repeat(81), "x"), 400, "at most 80"),
        (entry("a", &"ä".repeat(501)), 400, "at most 500"),
        (entry("a", " \n"), 400, "message"),
        (entry("a", "\u{7}"), 400, "control"),
        ("{".into(), 400, ""),
        (json!({"author": "a"}).to_string(), 400, "message"),
        (entry("a", &"a".repeat(200_000)), 413, ""),
    ];
    for (body, status, word) in cases {
        let answer = running.post("/entries", &body);
        let error = parse(&answer.body)["error"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{error}");
        assert!(error.contains(word), "{error}");
    }
    assert_eq!(running.get("/nowhere").status, 404);
    assert_eq!(running.ask("DELETE", "/entries", "", "").status, 405);
    assert_eq!(running.get("/entries").body, "[]");
    let longest = running.post("/entries", &entry(&"é".repeat(80), &"ä".repeat(500)));
    assert_eq!(longest.status, 201);
}

#[test]
fn the_page_takes_a_form_and_gives_it_back_when_it_is_wrong() {
    let bench = Bench::of("0b1");
    let running = bench.start("0b1");
    let form = |body: &str| running.ask("POST", "/", "application/x-www-form-urlencoded", body);
    assert_eq!(form("author=Ann&message=a+%3Cb%3E%0D%0Ac").status, 303);
    let refused = form("author=+&message=keep+this");
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("keep this") && refused.body.contains("role=\"alert\""));
    let page = running.get("/");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("a &#60;b&#62;\nc") && !page.body.contains("keep this"));
}

#[test]
fn health_fails_when_the_database_cannot_be_read_or_was_migrated_behind_its_back() {
    let bench = Bench::of("0b1");
    let running = bench.start("0b1");
    bench.up(3);
    let answer = running.get("/health");
    assert_eq!(
        (answer.status, &parse(&answer.body)["status"]),
        (503, &json!("failing"))
    );
    bench.down(3);
    assert_eq!(running.get("/health").status, 200);
    bench.sql().execute("DROP TABLE entries", []).unwrap();
    assert_eq!(running.get("/health").status, 503);
    assert_eq!(running.get("/entries").status, 503);
}

/// One file is the whole database once the program ended, and a request that was being sent is not lost.
#[test]
fn sigterm_refuses_new_connections_and_answers_the_request_in_flight() {
    let bench = Bench::of("0r1");
    let mut running = bench.start("0r1");
    let body = json!({"author": "Ann", "message": "slowly"}).to_string();
    let (early, late) = body.split_at(10);
    let mut slow = running.connect().unwrap();
    let head = head("POST", "/entries", "application/json", body.len());
    slow.write_all((head + early).as_bytes()).unwrap();
    // The other workers answer meanwhile, so that the slow request is known to have been taken up.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(running.get("/health").status, 200);

    running.terminate();
    let told = Instant::now();
    while running.connect().is_ok() {
        assert!(
            told.elapsed() < Duration::from_secs(3),
            "new connections are still taken"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    slow.write_all(late.as_bytes()).unwrap();
    let answer = read_answer(slow);
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert!(running.end().success());
    assert!(told.elapsed() < Duration::from_secs(5), "drained, yet waited on");
    assert!(!bench.path("guestbook.db-wal").exists());
    let count: i64 = bench
        .sql()
        .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let bench = Bench::of("0a1");
    let mut running = bench.start("0a1");
    let mut idle = running.connect().unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: guestbook\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    running.terminate();
    let told = Instant::now();
    assert!(running.end().success());
    assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
}
