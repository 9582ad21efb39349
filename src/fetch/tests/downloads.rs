//! Downloads: cut, continued, changed under way, too long, wrong.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::server::{Answer, Server, answer, with_length, without_length};
use super::{QUICK, sources};
use crate::crypt::digest_of;
use crate::fetch::{Expected, FetchError, download};

pub(super) const MIB: usize = 1 << 20;

/// Bytes that differ from place to place and from seed to seed.
pub(super) fn content(seed: u32) -> Vec<u8> {
    (0..3 * MIB as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8)
        .collect()
}

struct Case {
    dir: tempfile::TempDir,
    server: Server,
    wanted: Vec<u8>,
}

impl Case {
    fn new(script: Vec<Answer>) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            server: Server::start(script),
            wanted: content(1),
        }
    }

    fn to(&self) -> PathBuf {
        self.dir.path().join("package")
    }

    fn get(&self) -> Result<(), FetchError> {
        let expected = Expected {
            length: self.wanted.len() as u64,
            sha256: digest_of(&self.wanted),
        };
        let repository = sources(QUICK, &[&self.server.address]);
        download(
            &repository,
            "targets/package",
            &expected,
            &self.to(),
            &mut |done, total| {
                assert!(done <= total);
                ControlFlow::Continue(())
            },
        )
    }

    /// As an earlier run that was killed left it, with more than was written down.
    fn with_left_over(self, bytes: &[u8], validator: Option<&str>) -> Self {
        fs::write(self.dir.path().join("package.netlink-part"), [bytes, b"more"].concat()).unwrap();
        let origin = validator.map(|validator| {
            let url = format!("{}/targets/package", self.server.address);
            serde_json::json!({"url": url, "validator": validator})
        });
        let kept = serde_json::json!({
            "length": self.wanted.len(), "sha256": digest_of(&self.wanted),
            "arrived": bytes.len(), "prefix": digest_of(bytes), "origin": origin,
        });
        fs::write(self.dir.path().join("package.resume"), kept.to_string()).unwrap();
        self
    }

    /// The right file is there, nothing else is, and this is what the server was asked.
    fn arrived(&self) -> Vec<String> {
        self.get().unwrap();
        assert!(fs::read(self.to()).unwrap() == self.wanted);
        assert_eq!(self.left(), ["package"]);
        self.server.asked()
    }

    fn left(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(super) fn rest_of(content: &[u8], from: usize, headers: &str) -> Answer {
    let range = format!(
        "Content-Range: bytes {from}-{}/{}\r\n{headers}",
        content.len() - 1,
        content.len()
    );
    answer("206 Partial Content", &range, &content[from..])
}

#[test]
fn a_cut_download_goes_on_where_it_was() {
    let whole = content(1);
    let case = Case::new(vec![
        with_length("200 OK", "ETag: \"v1\"\r\n", whole.len(), &whole[..2 * MIB]),
        rest_of(&whole, 2 * MIB, ""),
    ]);
    let asked = case.arrived();
    assert_eq!(asked.len(), 2);
    assert!(!asked[0].contains("range:"));
    assert!(
        asked[1].contains(&format!("range: bytes={}-\r\n", 2 * MIB)),
        "{}",
        asked[1]
    );
    assert!(asked[1].contains("if-range: \"v1\"\r\n"), "{}", asked[1]);
    case.get().unwrap();
    assert_eq!(case.server.asked().len(), 2, "what is there is not fetched again");
}

#[test]
fn a_small_or_overlong_part_is_fetched_anew() {
    let whole = content(1);
    for left_over in [vec![0; MIB - 1], vec![0; whole.len() + 1]] {
        let case = Case::new(vec![answer("200 OK", "", &whole)]).with_left_over(&left_over, Some("\"v1\""));
        assert!(!case.arrived()[0].contains("range:"));
    }
}

#[test]
fn a_server_without_ranges_gives_the_whole_and_is_asked_once() {
    let whole = content(1);
    let case = Case::new(vec![answer("200 OK", "", &whole)]).with_left_over(&whole[..MIB], None);
    assert_eq!(case.arrived().len(), 1);
}

#[test]
fn a_range_that_does_not_fit_is_not_taken() {
    let whole = content(1);
    for odd in [rest_of(&whole, MIB, ""), answer("416 Range Not Satisfiable", "", b"")] {
        let case = Case::new(vec![odd, answer("200 OK", "", &whole)]).with_left_over(&whole[..2 * MIB], None);
        let asked = case.arrived();
        assert_eq!(asked.len(), 2);
        assert!(!asked[1].contains("range:"), "{}", asked[1]);
    }
}

#[test]
fn a_file_that_changed_meanwhile_comes_whole() {
    let whole = content(1);
    let new = answer("200 OK", "ETag: \"v2\"\r\n", &whole);
    let case = Case::new(vec![new]).with_left_over(&content(2)[..MIB], Some("\"v1\""));
    assert!(case.arrived()[0].contains("if-range: \"v1\""));
}

#[test]
fn a_part_of_another_file_is_found_and_the_whole_fetched() {
    let whole = content(1);
    let script = || vec![rest_of(&whole, MIB, ""), answer("200 OK", "", &whole)];
    assert_eq!(
        Case::new(script())
            .with_left_over(&content(2)[..MIB], None)
            .arrived()
            .len(),
        2
    );
    let complete = Case::new(vec![answer("200 OK", "", &whole)]).with_left_over(&content(2), None);
    assert_eq!(complete.arrived().len(), 1);
}

#[test]
fn a_complete_part_needs_no_server() {
    let whole = content(1);
    let case = Case::new(vec![answer("500 No", "", b"")]).with_left_over(&whole, None);
    assert_eq!(case.arrived().len(), 0);
}

#[test]
fn a_weak_tag_is_not_continued_by() {
    let whole = content(1);
    let headers = "ETag: W/\"v1\"\r\nLast-Modified: Sat, 01 Aug 2026 00:00:00 GMT\r\n";
    let case = Case::new(vec![
        with_length("200 OK", headers, whole.len(), &whole[..2 * MIB]),
        rest_of(&whole, 2 * MIB, ""),
    ]);
    assert!(case.arrived()[1].contains("if-range: sat, 01 aug 2026"));
}

#[test]
fn wrong_bytes_leave_nothing_and_are_not_asked_for_again() {
    let case = Case::new(vec![answer("200 OK", "", &content(2))]);
    let error = case.get().unwrap_err();
    assert!(matches!(error, FetchError::Digest { .. }), "{error}");
    assert_eq!((case.left().len(), case.server.asked().len()), (0, 1));
}

#[test]
fn a_wrong_length_stops_at_once() {
    let mut long = content(1);
    long.push(0);
    let announced = Case::new(vec![with_length("200 OK", "", long.len(), b"")]);
    assert!(matches!(announced.get(), Err(FetchError::Length { .. })));
    assert_eq!((announced.left().len(), announced.server.asked().len()), (0, 1));
    let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let endless = Case::new(vec![Answer::ThenSilence([&head[..], &long].concat())]);
    assert!(matches!(endless.get(), Err(FetchError::TooLong { .. })));
    assert_eq!((endless.left().len(), endless.server.asked().len()), (0, 1));
}

#[test]
fn less_than_signed_is_a_cut_and_the_part_is_kept() {
    let whole = content(1);
    let case = Case::new(vec![without_length("", &whole[..2 * MIB]), answer("503 No", "", b"")]);
    let error = case.get().unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 503, .. }), "{error}");
    assert_eq!(
        case.server.asked().len(),
        1 + 3,
        "a try that brought much does not count"
    );
    assert_eq!(
        fs::metadata(case.dir.path().join("package.netlink-part"))
            .unwrap()
            .len(),
        2 * MIB as u64
    );
    assert_eq!(case.left(), ["package.netlink-part", "package.resume"]);
}

#[test]
fn a_cut_before_it_is_worth_continuing_leaves_nothing() {
    let whole = content(1);
    let case = Case::new(vec![without_length("", &whole[..MIB - 1])]);
    assert!(matches!(case.get(), Err(FetchError::Cut { .. })));
    assert_eq!((case.left().len(), case.server.asked().len()), (0, 3));
}

#[test]
fn a_line_that_breaks_again_and_again_brings_the_file_as_long_as_each_try_brings_some() {
    let whole = content(1);
    let piece = |from: usize| {
        let headers = format!("Content-Range: bytes {from}-{}/{}\r\n", whole.len() - 1, whole.len());
        with_length(
            "206 Partial Content",
            &headers,
            whole.len() - from,
            &whole[from..from + MIB / 2],
        )
    };
    let mut script = vec![with_length("200 OK", "", whole.len(), &whole[..MIB])];
    script.extend((2..6).map(|half| piece(half * MIB / 2)));
    let case = Case::new(script);
    assert_eq!(
        case.arrived().len(),
        5,
        "more than the three tries of one that brings nothing"
    );
}

#[test]
fn a_part_that_nobody_vouches_for_is_fetched_anew() {
    let whole = content(1);
    let begun = || Case::new(vec![answer("200 OK", "", &whole)]).with_left_over(&whole[..2 * MIB], Some("\"v1\""));
    let anew = |case: Case| assert!(!case.arrived()[0].contains("range:"));
    let case = begun();
    fs::remove_file(case.dir.path().join("package.resume")).unwrap();
    anew(case);
    let case = begun();
    fs::write(case.dir.path().join("package.netlink-part"), &content(2)[..2 * MIB]).unwrap();
    anew(case);
    let case = begun();
    fs::write(case.dir.path().join("package.resume"), "{}").unwrap();
    anew(case);
}

#[test]
fn a_disk_without_room_is_found_before_the_server_is_asked() {
    let mut case = Case::new(vec![answer("200 OK", "", b"")]);
    case.wanted = b"wanted".to_vec();
    let expected = Expected {
        length: 1 << 60,
        sha256: digest_of(b""),
    };
    let repository = sources(QUICK, &[&case.server.address, &case.server.address]);
    let mut on = |_, _| ControlFlow::Continue(());
    let error = download(&repository, "package", &expected, &case.to(), &mut on).unwrap_err();
    assert!(matches!(error, FetchError::NoRoom { .. }), "{error}");
    assert_eq!((case.left().len(), case.server.asked().len()), (0, 0));
}

#[test]
fn whoever_wants_it_to_stop_finds_the_part_kept() {
    let whole = content(1);
    let case = Case::new(vec![answer("200 OK", "", &whole), rest_of(&whole, 2 * MIB, "")]);
    let expected = Expected {
        length: whole.len() as u64,
        sha256: digest_of(&whole),
    };
    let repository = sources(QUICK, &[&case.server.address]);
    let mut until = |done, _| match done < 2 * MIB as u64 {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let error = download(&repository, "targets/package", &expected, &case.to(), &mut until).unwrap_err();
    assert!(error.is_stopped(), "{error}");
    assert_eq!(case.left(), ["package.netlink-part", "package.resume"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let case = Case::new(vec![answer("404 Not Found", "", b"")]);
    let error = case.get().unwrap_err().to_string();
    assert!(error.contains("/targets/package does not exist"), "{error}");
}
