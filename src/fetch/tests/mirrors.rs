//! A repository with mirrors: asked in order, each for what the one before did not give.

use std::fs;
use std::ops::ControlFlow;
use std::time::Duration;

use super::downloads::{MIB, content, rest_of};
use super::server::{Answer, Server, answer, with_length};
use super::{QUICK, sources};
use crate::crypt::digest_of;
use crate::fetch::{Expected, FetchError, Limits, Sources, download, forget, read_small};

const IMPATIENT: Limits = Limits { tries: 1, ..QUICK };

/// A port that no server of a test is ever given.
fn nobody() -> String {
    "http://127.0.0.1:1".into()
}

fn get(repository: &Sources, wanted: &[u8]) -> (Result<(), FetchError>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let expected = Expected {
        length: wanted.len() as u64,
        sha256: digest_of(wanted),
    };
    let mut on = |_, _| ControlFlow::Continue(());
    let got = download(repository, "package", &expected, &dir.path().join("package"), &mut on);
    let names = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    (got, names)
}

#[test]
fn whatever_is_wrong_with_one_place_the_next_is_asked() {
    let whole = content(1);
    for bad in [
        answer("404 Not Found", "", b""),
        answer("403 Forbidden", "", b""),
        answer("500 No", "", b""),
        answer("200 OK", "", &content(2)),
        with_length("200 OK", "", 5, b"wrong"),
        Answer::Raw(b"nonsense\r\n\r\n".to_vec()),
        Answer::Raw(Vec::new()),
    ] {
        let (bad, good) = (
            Server::start(vec![bad]),
            Server::start(vec![answer("200 OK", "", &whole)]),
        );
        let (got, names) = get(&sources(IMPATIENT, &[&bad.address, &good.address]), &whole);
        got.unwrap();
        assert_eq!((names, good.asked().len()), (vec!["package".to_owned()], 1));
    }
}

#[test]
fn a_busy_server_is_given_the_time_that_it_asks_for_and_not_more() {
    let whole = content(1);
    let busy = |seconds: &str| answer("503 Busy", &format!("Retry-After: {seconds}\r\n"), b"");
    let soon = Server::start(vec![busy("1"), answer("200 OK", "", &whole)]);
    let begun = crate::clock::monotonic();
    get(&sources(QUICK, &[&soon.address]), &whole).0.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let (late, mirror) = (
        Server::start(vec![busy("3600")]),
        Server::start(vec![answer("200 OK", "", &whole)]),
    );
    get(&sources(QUICK, &[&late.address, &mirror.address]), &whole)
        .0
        .unwrap();
    assert_eq!((late.asked().len(), mirror.asked().len()), (1, 1));
}

#[test]
fn what_one_place_gave_is_continued_at_the_next_without_its_tag() {
    let whole = content(1);
    let first = Server::start(vec![with_length(
        "200 OK",
        "ETag: \"a\"\r\n",
        whole.len(),
        &whole[..2 * MIB],
    )]);
    let mirror = Server::start(vec![rest_of(&whole, 2 * MIB, "ETag: \"b\"\r\n")]);
    let (got, _) = get(&sources(IMPATIENT, &[&first.address, &mirror.address]), &whole);
    got.unwrap();
    let asked = mirror.asked();
    assert!(asked[0].contains(&format!("range: bytes={}-", 2 * MIB)), "{asked:?}");
    assert!(
        !asked[0].contains("if-range"),
        "a tag is worth nothing elsewhere: {asked:?}"
    );
}

#[test]
fn the_place_that_answered_is_asked_first_from_then_on() {
    let (nobody, mirror) = (nobody(), Server::start(vec![answer("200 OK", "", b"ok")]));
    let ill = Server::start(vec![answer("503 No", "", b"")]);
    let repository = sources(IMPATIENT, &[&nobody, &ill.address, &mirror.address]);
    for _ in 0..3 {
        assert_eq!(read_small(&repository, "metadata/x", 9).unwrap().unwrap(), b"ok");
    }
    assert_eq!((ill.asked().len(), mirror.asked().len()), (1, 3));
}

#[test]
fn when_no_place_has_it_all_are_named() {
    let (nobody, ill) = (nobody(), Server::start(vec![answer("503 No", "", b"")]));
    let error = read_small(&sources(IMPATIENT, &[&nobody, &ill.address]), "x", 9).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&nobody) && text.contains(&ill.address) && text.contains("503"),
        "{text}"
    );
}

#[test]
fn downloads_that_nobody_goes_on_with_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let downloads = dir.path().join("downloads");
    let put = |name: &str| {
        fs::create_dir_all(&downloads).unwrap();
        fs::write(downloads.join(name), name).unwrap();
    };
    for name in [
        "a.netlink-part",
        "a.resume",
        "b.netlink-part",
        "c.resume",
        "d",
        "a.resume.netlink-part",
    ] {
        put(name);
    }
    forget(&downloads, Duration::from_secs(3600)).unwrap();
    let mut left: Vec<_> = fs::read_dir(&downloads)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["a.netlink-part", "a.resume"]);
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3601);
    let record = fs::File::options()
        .write(true)
        .open(downloads.join("a.resume"))
        .unwrap();
    record.set_modified(hour_ago).unwrap();
    forget(&downloads, Duration::from_secs(3600)).unwrap();
    assert!(!downloads.exists());
    put("a.netlink-part");
    put("a.resume");
    forget(&downloads, Duration::ZERO).unwrap();
    assert!(!downloads.exists());
    forget(&downloads, Duration::ZERO).unwrap();
}
