//! Upgrades over bad lines and bad servers: what arrived is continued, what is wrong is refused, and nothing is left behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::webrepo::{Proxy, Tls, Way, WebRepo, from};
use crate::world::{Installation, Lamp, Publisher, Ran, put};

const MIB: usize = 1 << 20;

/// Short enough for tests, long enough for a busy machine.
const QUICK: &str = "download:\n  retry_count: 2\n  retry_pause: 10ms\n  connect_timeout: 5s\n  idle_timeout: 2s\n";

/// `lamp` at `0a1`, with a `0b1` of three MiB on a web server.
struct Line {
    // First, so that it is stopped while its folder is still there.
    lamp: Installation,
    repo: WebRepo,
    publisher: Publisher,
    dir: tempfile::TempDir,
}

impl Line {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = published(dir.path());
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        let repo = WebRepo::of(Path::new(&publisher.text("repo")));
        let line = Self {
            dir,
            publisher,
            lamp,
            repo,
        };
        line.settings(QUICK);
        line.moves_to(&line.repo.url);
        line
    }

    fn settings(&self, text: &str) {
        put(&self.lamp.path("config/update.yml"), text, 0o644);
    }

    fn moves_to(&self, url: &str) {
        self.lamp.run(&["init", "--product", "lamp", "--repository", url]).ok();
    }

    fn upgrade(&self) -> Ran {
        self.upgrade_with(&[])
    }

    fn upgrade_with(&self, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
        Ran::of(&command.envs(variables.iter().copied()).output().unwrap())
    }

    fn downloads(&self) -> Vec<String> {
        let names = fs::read_dir(self.lamp.path(".netlink/downloads")).into_iter().flatten();
        let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[track_caller]
    fn wait_for_a_part(&self) {
        let limit = Instant::now() + Duration::from_secs(60);
        while !self.downloads().iter().any(|name| name.ends_with(".resume")) {
            assert!(Instant::now() < limit, "nothing arrives: {:?}", self.downloads());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn assert_untouched(&self) {
        self.lamp.assert_at("0a1");
        assert_eq!(self.downloads(), [""; 0]);
        assert!(!self.lamp.path("releases/0b1").exists());
        assert!(!self.lamp.path(".netlink/staging").exists());
    }

    #[track_caller]
    fn assert_upgraded(&self) {
        self.lamp.assert_at("0b1");
        assert_eq!(self.downloads(), [""; 0]);
    }
}

fn published(dir: &Path) -> Publisher {
    let publisher = Publisher::new(&dir.join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let tree = publisher.lamp(&Lamp::B1);
    // Nothing that could be pressed together.
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    });
    fs::write(tree.join("noise"), noise.take(3 * MIB).collect::<Vec<u8>>()).unwrap();
    publisher.publish(&tree);
    publisher
}

#[test]
fn a_line_that_breaks_is_continued_where_it_broke() {
    let line = Line::new();
    line.repo.set(Way::CutOnce(2 * MIB));
    line.upgrade().ok();
    let asked = line.repo.asked_for_packages();
    assert_eq!(asked.iter().map(|head| from(head)).collect::<Vec<_>>(), [0, 2 * MIB]);
    assert!(asked[1].contains("\r\nif-range: \""), "{}", asked[1]);
    line.assert_upgraded();
}

#[test]
fn a_netlink_that_was_killed_goes_on_with_what_had_arrived() {
    let line = Line::new();
    line.repo.set(Way::Stall(2 * MIB));
    line.settings("download:\n  idle_timeout: 60s\n");
    let mut command = line.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    line.wait_for_a_part();
    child.kill().unwrap();
    child.wait().unwrap();
    line.repo.set(Way::Honest);
    line.lamp.run(&["update", "resume"]).ok();
    let asked = line.repo.asked_for_packages();
    assert_eq!((asked.len(), from(&asked[0])), (2, 0));
    assert!((MIB..=2 * MIB).contains(&from(&asked[1])), "{}", asked[1]);
    line.assert_upgraded();
}

#[test]
fn what_a_failed_update_got_is_kept_for_the_next_one_and_not_for_ever() {
    let line = Line::new();
    line.repo.set(Way::Stall(2 * MIB));
    line.upgrade()
        .no(1, &["NL0305", "nothing arrived for 2 s", "/targets/"]);
    line.lamp.assert_at("0a1");
    assert_eq!(line.downloads().len(), 2, "{:?}", line.downloads());
    line.repo.asked();
    line.repo.set(Way::Status("503 Service Unavailable"));
    line.settings(&format!("{QUICK}  keep_partial_days: 0\n"));
    line.upgrade().no(1, &["503"]);
    let asked = line.repo.asked_for_packages();
    assert!(asked.iter().all(|head| from(head) >= MIB), "{asked:?}");
    line.assert_untouched();
    line.repo.set(Way::Honest);
    line.upgrade().ok();
    line.assert_upgraded();
}

#[test]
fn a_server_that_does_not_give_ranges_gives_the_whole() {
    for way in [Way::NoRange, Way::NotSatisfiable] {
        let line = Line::new();
        line.repo.set(Way::Stall(2 * MIB));
        line.upgrade().no(1, &["NL0305"]);
        line.repo.asked();
        line.repo.set(way);
        line.upgrade().ok();
        assert!(from(&line.repo.asked_for_packages()[0]) >= MIB);
        line.assert_upgraded();
    }
}

#[test]
fn what_a_bad_server_gives_is_refused_and_a_good_mirror_asked() {
    let line = Line::new();
    for (way, said) in [
        (Way::Status("404 Not Found"), "does not exist"),
        (Way::Status("500 Oh"), "status 500"),
        (Way::Shorter, "the publisher signed"),
        (Way::Longer, "the publisher signed"),
        (Way::Truncated, "broke off"),
        (Way::Endless, "longer than"),
        (Way::Forged, "has SHA-256"),
        (Way::Drip, "bytes a second for"),
        (Way::Redirect(String::new()), "redirects more than"),
        (Way::Redirect("gopher://127.0.0.1".into()), "cannot get"),
    ] {
        line.repo.set(way);
        line.upgrade().no(1, &["NL0305", said]);
        line.assert_untouched();
    }
    let mirror = WebRepo::of(Path::new(&line.publisher.text("repo")));
    line.repo.set(Way::Forged);
    line.settings(&format!("{QUICK}repository:\n  mirrors: [\"{}\"]\n", mirror.url));
    line.upgrade().ok();
    assert_eq!(mirror.asked_for_packages().len(), 1);
    line.assert_upgraded();
}

/// A portal that asks to log in, a domain that was sold, a copy that nobody renews any more.
#[test]
fn metadata_that_is_wrong_at_one_place_is_had_from_a_mirror() {
    let line = Line::new();
    let mirrors = format!("{QUICK}repository:\n  mirrors: [\"{}\"]\n", line.publisher.url());
    let old = line.dir.path().join("old");
    let mut copy = std::process::Command::new("cp");
    let copied = copy
        .arg("-a")
        .args([Path::new(&line.publisher.text("repo")), &old])
        .status();
    assert!(copied.unwrap().success());
    line.repo.set_for("timestamp.json", Way::Forged);
    line.lamp.run(&["update", "check"]).no(1, &["NL0203"]);
    line.settings(&mirrors);
    line.lamp.run(&["update", "check"]).ok();
    line.repo.set_for("timestamp.json", Way::Status("404 Not Found"));
    line.lamp.run(&["update", "check"]).ok();
    line.publisher.timestamp_at(jiff::Timestamp::now());
    line.lamp.run(&["update", "check"]).ok();
    let stale = WebRepo::of(&old);
    line.moves_to(&stale.url);
    line.settings(QUICK);
    line.lamp.run(&["update", "check"]).no(1, &["NL0203", "set back"]);
    line.settings(&mirrors);
    line.upgrade().ok();
    line.assert_upgraded();
}

#[test]
fn a_repository_that_is_gone_is_had_from_its_mirror() {
    let line = Line::new();
    line.moves_to("http://127.0.0.1:9");
    line.lamp
        .run(&["update", "check"])
        .no(1, &["NL0202", "http://127.0.0.1:9"]);
    line.settings(&format!(
        "{QUICK}repository:\n  mirrors: [\"{}\"]\n",
        line.publisher.url()
    ));
    line.upgrade().ok();
    line.assert_upgraded();
    line.settings("repository:\n  mirrors: [\"ftp://host\"]\n");
    line.lamp
        .run(&["update", "check"])
        .no(2, &["NL0403", "repository.mirrors", "ftp://host"]);
}

#[test]
fn tls_is_trusted_as_the_machine_trusts_and_never_left() {
    let line = Line::new();
    let tls = Tls::new(line.dir.path());
    let repo = Path::new(&line.publisher.text("repo")).to_path_buf();
    let secure = WebRepo::with_tls(&repo, &tls);
    line.moves_to(&secure.url);
    line.upgrade().no(1, &["NL0202", &secure.url, "certificate"]);
    line.assert_untouched();
    let trusting = [("SSL_CERT_FILE", tls.file.to_str().unwrap())];
    secure.set(Way::Redirect(line.repo.url.clone()));
    line.repo.asked();
    line.upgrade_with(&trusting)
        .no(1, &["NL0305", "redirects away from https"]);
    assert_eq!(line.repo.asked(), [""; 0], "nothing was asked in the clear");
    line.assert_untouched();
    secure.set(Way::Honest);
    line.upgrade_with(&trusting).ok();
    line.assert_upgraded();
}

#[test]
fn proxies_of_the_environment_are_used_as_they_say() {
    let line = Line::new();
    let proxy = Proxy::start();
    let check = |variables: &[(&str, &str)]| {
        let mut command = line.lamp.command(&["update", "check"]);
        Ran::of(&command.envs(variables.iter().copied()).output().unwrap())
    };
    check(&[("HTTP_PROXY", &proxy.url)]).ok();
    let server = line.repo.url.trim_start_matches("http://");
    let asked = proxy.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|line| line.contains(server)),
        "{asked:?}"
    );
    check(&[("HTTPS_PROXY", &proxy.url)]).ok();
    check(&[("HTTP_PROXY", &proxy.url), ("NO_PROXY", "localhost,127.0.0.1")]).ok();
    assert_eq!(proxy.asked(), [""; 0]);
    check(&[("http_proxy", "http://me:secret@127.0.0.1:9")]).no(1, &["NL0202"]);
}

#[test]
fn an_object_store_is_asked_with_signed_urls_that_nobody_sees() {
    let line = Line::new();
    line.moves_to("s3://bucket");
    let keys = [
        ("AWS_ENDPOINT", line.repo.url.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "mykey"),
        ("AWS_SECRET_ACCESS_KEY", "mysecret"),
    ];
    line.repo.set(Way::Status("403 Forbidden"));
    let ran = line
        .upgrade_with(&keys)
        .no(1, &["NL0305", "s3://bucket/targets/", "403"]);
    let said = format!("{}{}", ran.out, ran.err).to_lowercase();
    assert!(!said.contains("x-amz") && !said.contains("mysecret"), "{said}");
    line.assert_untouched();
    line.repo.asked();
    line.repo.set(Way::CutOnce(2 * MIB));
    line.upgrade_with(&keys).ok();
    let asked = line.repo.asked();
    assert!(
        asked
            .iter()
            .all(|head| head.contains("x-amz-signature=") && head.contains("get /bucket/")),
        "{asked:?}"
    );
    assert_eq!(asked.iter().filter(|head| from(head) == 2 * MIB).count(), 1);
    line.assert_upgraded();
}

#[test]
fn a_disk_that_fills_up_while_bytes_arrive() {
    let line = Line::new();
    let folder = line.publisher.dir.join("repo/targets/lamp/0b1");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    let package = files.into_iter().find(|name| name.ends_with(".tar.zst")).unwrap();
    let digest = package.split('.').next().unwrap();
    let part = line
        .lamp
        .path(&format!(".netlink/downloads/{digest}.tar.zst.netlink-part"));
    let upgrade = line.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o", "/dev/null", "-P"]).arg(&part);
    strace.args(["-e", "trace=write", "-e", "inject=write:error=ENOSPC:when=20+"]);
    strace.arg(upgrade.get_program()).args(upgrade.get_args());
    let ran = Ran::of(&strace.stdin(Stdio::null()).output().unwrap());
    ran.no(1, &["NL0301", "netlink-part"]);
    line.lamp.assert_at("0a1");
    line.upgrade().ok();
    line.assert_upgraded();
}

#[test]
fn progress_tells_how_fast_and_how_long() {
    let line = Line::new();
    line.repo.set(Way::Slow);
    let mut command = line
        .lamp
        .command(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"]);
    let ran = Ran::of(&command.output().unwrap()).ok();
    let of_download = |event: &serde_json::Value| event["kind"] == "progress" && event["step"] == "download";
    let mut events = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let last = events
        .rfind(of_download)
        .unwrap_or_else(|| panic!("no progress: {ran}"));
    assert_eq!(last["progress"]["unit"], "bytes");
    assert!(last["progress"]["per_second"].as_u64().unwrap() > 10_000, "{last}");
    assert!(last["progress"]["seconds_left"].as_u64().unwrap() < 100, "{last}");
}

#[test]
fn whoever_interrupts_does_not_wait_for_the_rest_and_goes_on_with_it_later() {
    let line = Line::new();
    line.repo.set(Way::Slow);
    let mut command = line.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    line.wait_for_a_part();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    Ran::of(&child.wait_with_output().unwrap()).no(3, &["paused", "resume"]);
    line.lamp.run(&["update", "resume"]).ok();
    let asked = line.repo.asked_for_packages();
    assert!(asked.len() == 2 && from(&asked[1]) >= MIB, "{asked:?}");
    line.assert_upgraded();
}

#[test]
fn changelogs_that_come_a_few_at_once_tell_the_same_as_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    for version in ["0r2", "0r3", "0r4"] {
        publisher.publish(&publisher.lamp(&Lamp { version, ..Lamp::R1 }));
    }
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let changes = || lamp.run(&["update", "changelog", "--until", "0r4", "--pre", "--format", "json"]);
    let one_by_one = changes().ok().out;
    let repo = WebRepo::of(Path::new(&publisher.text("repo")));
    lamp.run(&["init", "--product", "lamp", "--repository", &repo.url]).ok();
    repo.asked();
    assert_eq!(changes().ok().out, one_by_one);
    let asked = repo.asked();
    assert_eq!(
        asked.iter().filter(|head| head.contains("changelog")).count(),
        6,
        "{asked:?}"
    );

    for version in ["0b1", "0r1"] {
        let folder = Path::new(&publisher.text("repo")).join("targets/lamp").join(version);
        let mut files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let changelog = files.find(|file| file.to_str().unwrap().contains("changelog")).unwrap();
        fs::write(changelog, format!("# {version}\n\n- forged\n")).unwrap();
    }
    let ran = changes().no(1, &["NL0203", "0b1"]);
    assert!(!ran.err.contains("0r1"), "{ran}");
}
