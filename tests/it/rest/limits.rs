//! What a hostile or broken client sends: the right status, nothing changed, and everybody else is served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::lamp;
use super::server::{API, Server};
use crate::world::put;

/// The first line of what comes back for these bytes.
fn sent(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    // The other side may be done before all of it is sent.
    let _ = stream.write_all(bytes);
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).unwrap_or(0);
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

fn post(server: &Server, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {API}/updates/upgrade HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        server.token,
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn broken_requests_get_the_right_status_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let deep = format!("{{\"target_version\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        deep.as_bytes(),
        b"{\"target_version\": \"0\xff\xfe\"}",
        b"{\"target_version\": \"0b1\", \"target_version\": \"0r1\"}",
        b"\xef\xbb\xbf{}",
        b"null",
        b"",
    ] {
        let status = sent(&server, &post(&server, body));
        assert!(
            status.starts_with("HTTP/1.1 400"),
            "{status}: {:?}",
            String::from_utf8_lossy(body)
        );
    }
    let long = vec![b' '; 64 << 10];
    assert!(sent(&server, &post(&server, &[&long[..], b"{}"].concat())).starts_with("HTTP/1.1 413"));
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let status = sent(&server, garbage);
        assert!(status.starts_with("HTTP/1.1 400"), "{status}");
    }
    let header = format!("GET {API}/version HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(!sent(&server, header.as_bytes()).contains(" 200"));
    for trick in [
        "..%2f..%2f..%2fetc%2fpasswd",
        "%00",
        "update_0a1_0b1_20241219_120000%0a",
        "%ff",
    ] {
        let answer = server.get(&format!("{API}/updates/status/{trick}"));
        assert!(matches!(answer.status, 400 | 404), "{trick}: {}", answer.status);
    }
    // Never comes to an end of its headers.
    let slow = format!("GET {API}/version HTTP/1.1\r\nHost: x\r\n");
    assert!(sent(&server, slow.as_bytes()).starts_with("HTTP/1.1 408"));
    server.get(&format!("{API}/version")).is(200);
    let history = server.get(&format!("{API}/updates")).is(200).body;
    assert_eq!(history["updates"].as_array().map(Vec::len), Some(1), "{history:#}");
    installation.assert_at("0a1");
}

/// The framework answers these by itself: there is no request yet that a document could speak of.
#[test]
fn what_is_no_request_gets_a_status_without_a_body() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let long = format!(
        "GET {API}/version HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(200 << 10)
    );
    let slow = format!("GET {API}/version HTTP/1.1\r\nHost: x\r\n");
    for (bytes, status) in [("GET\r\n\r\n", 400), (long.as_str(), 431), (slow.as_str(), 408)] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let _ = stream.write_all(bytes.as_bytes());
        let mut answer = Vec::new();
        // It may be reset behind the answer, for what was not read any more.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "", "{answer}");
    }
}

#[test]
fn a_body_is_an_object_and_no_list_of_what_might_be_in_one() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    let lists = [
        ("POST", "updates/rollback", json!([])),
        ("POST", "updates/rollback", json!([null, true])),
        ("POST", "updates/upgrade", json!(["0r1"])),
        ("POST", "updates/downgrade", json!(["0a1"])),
        ("POST", "tokens", json!(["y", "admin", null])),
        ("PUT", "maintenance", json!([true])),
        ("POST", "backups", json!([true])),
        ("POST", "backups/backup_0b1_20260131_235959/verify", json!([])),
        (
            "POST",
            "backups/backup_0b1_20260131_235959/restore",
            json!([["config"]]),
        ),
        ("POST", "updates/rollback", json!("0a1")),
        ("POST", "updates/rollback", json!(null)),
    ];
    for (method, path, body) in lists {
        let (path, json) = (format!("{API}/{path}"), [("content-type", "application/json")]);
        let refused = server.ask(method, &path, Some(&server.token), &json, &body.to_string());
        let refused = refused.problem(400, "NL0703");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(
            detail.contains("expected a JSON object") && !detail.contains("struct"),
            "{path} {body}: {detail}"
        );
    }
    installation.assert_at("0b1");
    let tokens = server.get(&format!("{API}/tokens")).is(200).body;
    assert_eq!(tokens["tokens"].as_array().map(Vec::len), Some(1), "{tokens:#}");
    let queue = server.get(&format!("{API}/updates/queue")).is(200).body;
    assert_eq!(queue.to_string().matches("order_").count(), 0, "{queue:#}");
    let maintenance = server.get(&format!("{API}/maintenance")).is(200).body;
    assert_eq!(maintenance["enabled"], false, "{maintenance:#}");
}

#[test]
fn ten_thousand_connections_at_once_keep_nobody_from_being_answered() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let sockets = || {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
        let links = fds.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
        links
            .filter(|link| link.to_string_lossy().starts_with("socket:"))
            .count()
    };
    let before = sockets();
    let open = |n: usize| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        // Every other one says nothing at all; the rest never come to the end of their headers.
        if n.is_multiple_of(2) {
            stream
                .write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                .unwrap();
        }
        stream
    };
    let streams: Vec<TcpStream> = (0..10_000).map(open).collect();
    let began = Instant::now();
    server.get(&format!("{API}/version")).is(200);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // They are let go by the server, not by those who hold them.
    let began = Instant::now();
    while sockets() > before + 10 {
        assert!(began.elapsed() < Duration::from_secs(60), "{} sockets", sockets());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(streams);
    server.get(&format!("{API}/version")).is(200);
    installation.assert_at("0a1");
}

#[test]
fn whether_it_is_ready_is_found_out_once_and_anew_when_something_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let ready = |status| server.ask("GET", "/health/ready", None, &[], "").is(status).body;
    let metadata = |expires: &str| {
        let pad = vec!["0"; 1 << 20].join(",");
        let text = format!("{{\"signed\": {{\"expires\": \"{expires}\", \"pad\": [{pad}]}}}}");
        put(&installation.path(".netlink/trust/targets.json"), &text, 0o644);
    };
    metadata("2199-01-01T00:00:00Z");
    ready(200);
    let read = || {
        let io = std::fs::read_to_string(format!("/proc/{}/io", server.pid())).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    let before = read();
    for _ in 0..30 {
        ready(200);
    }
    let bytes = read() - before;
    assert!(bytes < 4 << 20, "{bytes} bytes were read");
    metadata("2001-01-01T00:00:00Z");
    let began = Instant::now();
    while server.ask("GET", "/health/ready", None, &[], "").status == 200 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(ready(503)["reasons"][0].as_str().unwrap().contains("expired"));
}

#[test]
fn the_owner_needs_no_token_at_the_socket_and_what_lies_there_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let socket = dir.path().join("s.sock");
    let settings = format!("server: {{socket: {}}}\n", socket.display());
    put(&installation.path("config/update.yml"), &settings, 0o644);
    put(&socket, "somebody's file", 0o644);
    installation
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .no(1, &["NL0704", "no socket"]);
    std::fs::remove_file(&socket).unwrap();
    let ask = |request: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for _ in 0..2 {
        let server = Server::start(&installation);
        let get = format!("GET {API}/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        assert!(ask(&format!("{get}\r\n")).starts_with("HTTP/1.1 200"));
        let wrong = ask(&format!("{get}Authorization: Bearer nlk_0\r\n\r\n"));
        assert!(wrong.starts_with("HTTP/1.1 401"), "{wrong}");
        // What a server that was killed leaves is no reason not to start.
        server.signal(rustix::process::Signal::KILL);
        assert_eq!(server.ended(), None);
    }
}

#[test]
fn health_metrics_and_the_node_are_there_for_other_programs() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    let ready = server.ask("GET", "/health/ready", None, &[], "").is(200).body;
    assert_eq!(ready, json!({"ready": true, "reasons": [], "warnings": []}));
    let metrics = server.get("/metrics").is(200);
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    for line in [
        "netlink_upgrades_total{strategy=\"immediate\",verb=\"upgrade\",result=\"completed\"} 1",
        "netlink_upgrades_total{strategy=\"immediate\",verb=\"install\",result=\"completed\"} 1",
        "netlink_rollbacks_total 0",
        "netlink_queue_length 0",
        "netlink_version_info{installed=\"0b1\",netlink=\"0a1\"} 1",
        "netlink_step_duration_seconds_count{step=\"switch\"} 2",
    ] {
        assert!(
            metrics.text.lines().any(|found| found == line),
            "{line}: {}",
            metrics.text
        );
    }
    for name in [
        "downtime_seconds_total",
        "download_bytes_total",
        "backup_age_seconds",
        "backup_size_bytes",
        "last_success_timestamp_seconds",
        "metadata_expiry_timestamp_seconds",
    ] {
        let line = metrics
            .text
            .lines()
            .find(|line| line.starts_with(&format!("netlink_{name} ")));
        let value: f64 = line
            .unwrap_or_else(|| panic!("{name}: {}", metrics.text))
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(value > 0.0, "{name} {value}");
    }
    // Counted once.
    assert_eq!(
        server
            .get("/metrics")
            .is(200)
            .text
            .lines()
            .filter(|line| line.contains("install") && line.ends_with(" 1"))
            .count(),
        2
    );
    let cluster = server.get("/cluster/status").is(200).body;
    assert_eq!(
        (&cluster["mode"], &cluster["nodes"][0]["version"]),
        (&json!("single"), &json!("0b1"))
    );
    server.get("/cluster/protocol-version").is(200);

    installation.run(&["supervise", "--stop"]).ok();
    server.ask("GET", "/health/ready", None, &[], "").is(200);
    put(&installation.path("config/update.yml"), "helth: {}\n", 0o644);
    let not = server.ask("GET", "/health/ready", None, &[], "").is(503).body;
    // Strangers are not told what is written in it, nor where it lies.
    let reason = not["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains("[NL0403]") && reason.contains("`netlink update status` says more"),
        "{not:#}"
    );
    let root = installation.root.to_str().unwrap();
    assert!(
        !not.to_string().contains("helth") && !not.to_string().contains(root),
        "{not:#}"
    );
    let not = server.get("/health/ready").is(503).body;
    assert!(not["reasons"][0].as_str().unwrap().contains("helth"), "{not:#}");
    server.ask("GET", "/health/live", None, &[], "").is(204);
}
