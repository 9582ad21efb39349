//! Checks against servers that are well, ill, slow or late.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::{Check, Patience, ProbeError, Unhealthy, check_all, resolve};
use crate::clock::{self, Deadline};
use crate::release::CheckSpec;

/// Answers the connections in turn, the last answer again and again; an empty one is silence.
fn serve(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let answer = answers[n.min(answers.len() - 1)].clone();
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                if answer.is_empty() {
                    thread::sleep(Duration::from_secs(5));
                }
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    address
}

fn says(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn check(json: &str, listen: &str) -> Result<Check, ProbeError> {
    let spec: CheckSpec = serde_json::from_str(json).unwrap();
    resolve(
        &spec,
        &BTreeMap::from([
            ("listen".to_owned(), listen.to_owned()),
            ("release".to_owned(), "/".to_owned()),
        ]),
    )
}

fn http(more: &str, listen: &str) -> Check {
    check(&format!(r#"{{"http": "http://{{listen}}/health"{more}}}"#), listen).unwrap()
}

fn once(check: &Check) -> Result<u32, Unhealthy> {
    for_up_to(Duration::ZERO, std::slice::from_ref(check))
}

fn for_up_to(limit: Duration, checks: &[Check]) -> Result<u32, Unhealthy> {
    let patience = Patience {
        deadline: Deadline::after(limit),
        interval: Duration::from_millis(20),
    };
    check_all(checks, &patience, &|| false).map(|healthy| healthy.attempts)
}

#[test]
fn status_and_body_must_both_be_as_expected() {
    let address = serve(vec![says("200 OK", "{\"status\":\"ok\"}")]);
    assert_eq!(once(&http("", &address)), Ok(1));
    assert_eq!(once(&http(r#", "body": "\"ok\"""#, &address)), Ok(1));
    let ill = once(&http(r#", "body": "0b1""#, &address)).unwrap_err();
    assert_eq!(ill.check, format!("GET http://{address}/health"));
    assert_eq!(ill.expected, "status 200 and `0b1` in the body");
    assert_eq!(ill.found, "status 200 with `{\"status\":\"ok\"}`");
    assert_eq!(
        once(&http(r#", "status": 204"#, &address)).unwrap_err().expected,
        "status 204"
    );
}

#[test]
fn braces_in_the_expected_body_are_plain_text() {
    let address = serve(vec![says("200 OK", "{\"status\":\"ok\"}")]);
    assert_eq!(once(&http(r#", "body": "{\"status\":""#, &address)), Ok(1));
}

#[test]
fn a_redirect_is_an_answer_of_its_own() {
    let elsewhere = serve(vec![says("200 OK", "")]);
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let address = serve(vec![moved]);
    assert_eq!(once(&http("", &address)).unwrap_err().found, "status 302 with no body");
    assert_eq!(once(&http(r#", "status": 302"#, &address)), Ok(1));
}

#[test]
fn a_product_that_becomes_healthy_is_waited_for() {
    let ill = says("503 Service Unavailable", "starting");
    let address = serve(vec![ill.clone(), ill, says("200 OK", "")]);
    assert_eq!(for_up_to(Duration::from_secs(20), &[http("", &address)]), Ok(3));
}

#[test]
fn all_must_pass_in_one_round() {
    let well = http("", &serve(vec![says("200 OK", "")]));
    let flapping = http("", &serve(vec![says("200 OK", ""), says("500 No", "")]));
    let late = http("", &serve(vec![says("500 No", ""), says("200 OK", "")]));
    let ill = for_up_to(Duration::from_millis(200), &[well, flapping.clone(), late]).unwrap_err();
    assert_eq!(ill.check, flapping.to_string());
}

#[test]
fn patience_ends_though_the_server_is_silent() {
    let start = clock::monotonic();
    let silent = http("", &serve(vec![String::new()]));
    let found = for_up_to(Duration::from_millis(100), &[silent]).unwrap_err().found;
    assert_eq!(found, "no answer within 1 s");
    assert!(start.elapsed() < Duration::from_millis(4500), "{:?}", start.elapsed());
    let own = http(r#", "timeout": "200ms""#, &serve(vec![String::new()]));
    assert_eq!(once(&own).unwrap_err().found, "no answer within 0.2 s");
}

#[test]
fn nobody_listening_and_a_cut_body_are_found() {
    // No server of a test is ever given this port.
    let found = once(&http("", "127.0.0.1:1")).unwrap_err().found;
    assert!(found.to_lowercase().contains("refused"), "{found}");
    let cut = serve(vec!["HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nwel".into()]);
    let found = once(&http(r#", "body": "well""#, &cut)).unwrap_err().found;
    assert!(found.starts_with("status 200 with `wel` (then "), "{found}");
}

#[test]
fn text_behind_the_first_64_kib_of_a_body_is_not_looked_at() {
    let body = format!("{}ok", "x".repeat(64 << 10));
    let address = serve(vec![says("200 OK", &body)]);
    assert!(once(&http(r#", "body": "ok""#, &address)).is_err());
}

#[test]
fn a_command_is_healthy_when_it_exits_with_0() {
    let well = check(r#"{"command": ["sh", "-c", "test -d {release}"]}"#, "").unwrap();
    assert_eq!(once(&well), Ok(1));
    let ill = check(r#"{"command": ["sh", "-c", "echo queue is full >&2; exit 2"]}"#, "").unwrap();
    let ill = once(&ill).unwrap_err();
    assert_eq!(
        (ill.expected.as_str(), ill.found.as_str()),
        ("exit status: 0", "exit status: 2: queue is full")
    );
    let none = once(&check(r#"{"command": ["/nonexistent/x"]}"#, "").unwrap()).unwrap_err();
    assert!(none.found.contains("cannot start"), "{}", none.found);
}

#[test]
fn what_cannot_be_asked_is_refused_before_it_is() {
    assert!(matches!(
        check(r#"{"http": "http://{port}/"}"#, ""),
        Err(ProbeError::Template(_))
    ));
    assert!(matches!(
        check(r#"{"http": "{listen}/health"}"#, "127.0.0.1:1"),
        Err(ProbeError::Url(_))
    ));
    assert!(matches!(
        check(r#"{"http": "http://h/", "status": 99}"#, ""),
        Err(ProbeError::Status { status: 99, .. })
    ));
    assert!(matches!(check(r#"{"command": []}"#, ""), Err(ProbeError::EmptyCommand)));
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let check = check(r#"{"http": "http://me:secret@127.0.0.1:1/a@b"}"#, "").unwrap();
    let ill = once(&check).unwrap_err();
    assert!(!ill.to_string().contains("secret"), "{ill}");
    assert_eq!(ill.check, "GET http://127.0.0.1:1/a@b");
}
