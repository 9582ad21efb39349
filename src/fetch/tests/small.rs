//! Small files over the web.

use std::time::Duration;

use super::server::{Answer, Server, answer, with_length, without_length};
use super::{QUICK, sources};
use crate::clock;
use crate::fetch::{FetchError, Limits, read_named, read_small};

fn get(server: &Server, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    get_within(QUICK, server, limit)
}

fn get_within(limits: Limits, server: &Server, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    read_small(&sources(limits, &[&server.address]), "metadata/timestamp.json", limit)
}

#[test]
fn a_file_comes_whole_and_one_that_is_not_there_is_none() {
    let server = Server::start(vec![answer("200 OK", "", b"{}"), answer("404 Not Found", "", b"gone")]);
    assert_eq!(get(&server, 2).unwrap().unwrap(), b"{}");
    assert_eq!(get(&server, 2).unwrap(), None);
    assert!(server.asked()[0].starts_with("get /metadata/timestamp.json http/1.1"));
}

#[test]
fn a_byte_over_the_limit_is_an_error_announced_or_not() {
    for script in [answer("200 OK", "", b"123"), without_length("", b"123")] {
        let server = Server::start(vec![script]);
        assert!(matches!(get(&server, 2), Err(FetchError::TooLong { limit: 2, .. })));
        assert_eq!(get(&server, 3).unwrap().unwrap(), b"123");
    }
}

#[test]
fn a_server_that_recovers_is_asked_again_and_one_that_does_not_thrice() {
    let ill = answer("503 Service Unavailable", "", b"");
    let server = Server::start(vec![
        ill.clone(),
        with_length("200 OK", "", 9, b"cut"),
        answer("200 OK", "", b"ok"),
    ]);
    assert_eq!(get(&server, 9).unwrap().unwrap(), b"ok");
    let server = Server::start(vec![ill]);
    assert!(matches!(get(&server, 9), Err(FetchError::Status { status: 503, .. })));
    assert_eq!(server.asked().len(), 3);
    let server = Server::start(vec![answer("403 Forbidden", "", b"")]);
    assert!(matches!(get(&server, 9), Err(FetchError::Status { status: 403, .. })));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_name_of_others_is_one_part_and_who_may_not_see_it_is_told_that_it_is_not_there() {
    let server = Server::start(vec![
        answer("200 OK", "", b"ok"),
        answer("403 Forbidden", "", b""),
        answer("404 Not Found", "", b""),
        answer("401 Unauthorized", "", b""),
    ]);
    let sources = sources(QUICK, &[&server.address]);
    let get = || read_named(&sources, "metadata", "1.../a.json", 9);
    assert_eq!(get().unwrap().unwrap(), b"ok");
    assert!(server.asked()[0].starts_with("get /metadata/1...%2fa.json "));
    assert_eq!(get().unwrap(), None);
    assert_eq!(get().unwrap(), None);
    assert!(matches!(get(), Err(FetchError::Status { status: 401, .. })));
}

#[test]
fn redirects_are_followed_but_not_forever() {
    let server = Server::start(vec![
        answer("302 Found", "Location: /elsewhere\r\n", b""),
        answer("200 OK", "", b"ok"),
    ]);
    assert_eq!(get(&server, 9).unwrap().unwrap(), b"ok");
    assert!(server.asked()[1].starts_with("get /elsewhere "));
    let server = Server::start(vec![answer("302 Found", "Location: /again\r\n", b"")]);
    assert!(matches!(get(&server, 9), Err(FetchError::Redirects { .. })));
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn silence_and_drips_end_at_their_limits() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    let server = Server::start(vec![Answer::ThenSilence(head.clone())]);
    let impatient = Limits {
        idle: Duration::from_millis(300),
        ..QUICK
    };
    let error = get_within(impatient, &server, 100_000).unwrap_err();
    assert!(
        matches!(&error, FetchError::Cut { reason, .. } if reason.contains("0.3 s")),
        "{error}"
    );
    assert_eq!(server.asked().len(), 3);

    let server = Server::start(vec![Answer::Drip(head, Duration::from_millis(20))]);
    let short = Limits {
        whole: Duration::from_millis(700),
        ..QUICK
    };
    let start = clock::monotonic();
    let error = get_within(short, &server, 100_000).unwrap_err();
    assert!(matches!(error, FetchError::TimedOut { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn nobody_there_is_named_with_the_address() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.local_addr().unwrap());
    drop(server);
    let error = read_small(&sources(QUICK, &[&address]), "a", 9).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&format!("{address}/a")), "{error}");
}

#[test]
fn a_connection_that_ends_before_the_answer_is_made_again() {
    let server = Server::start(vec![Answer::Raw(Vec::new()), answer("200 OK", "", b"ok")]);
    assert_eq!(get(&server, 9).unwrap().unwrap(), b"ok");
}

#[test]
fn a_server_that_does_not_speak_tls_is_asked_once() {
    let server = Server::start(vec![answer("200 OK", "", b"ok")]);
    let https = server.address.replace("http:", "https:");
    let error = read_small(&sources(QUICK, &[&https]), "a", 9).unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error}");
    assert!(server.asked().len() <= 1, "{:?}", server.asked());
}

#[test]
fn a_steady_drip_below_the_lowest_speed_is_given_up() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    let server = Server::start(vec![Answer::Drip(head, Duration::from_millis(20))]);
    let limits = Limits {
        idle: Duration::from_millis(300),
        lowest_speed: 1000,
        tries: 1,
        ..QUICK
    };
    let error = get_within(limits, &server, 100_000).unwrap_err();
    assert!(
        matches!(&error, FetchError::Cut { reason, .. } if reason.contains("1000 bytes a second")),
        "{error}"
    );
    let patient = Limits {
        lowest_speed: 0,
        whole: Duration::from_secs(1),
        ..limits
    };
    let error = get_within(patient, &server, 100_000).unwrap_err();
    assert!(matches!(error, FetchError::TimedOut { .. }), "{error}");
}

#[test]
fn a_head_that_drips_is_given_up() {
    let server = Server::start(vec![Answer::Drip(
        b"HTTP/1.1 200 OK\r\nX: ".to_vec(),
        Duration::from_millis(20),
    )]);
    let limits = Limits {
        idle: Duration::from_millis(300),
        tries: 1,
        ..QUICK
    };
    let error = get_within(limits, &server, 9).unwrap_err();
    assert!(
        matches!(&error, FetchError::Cut { reason, .. } if reason.contains("no answer within 0.3 s")),
        "{error}"
    );
}
