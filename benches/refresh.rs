//! What it costs to ask a repository of 10,000 targets for updates: requests, and processor time of the whole command. Targets: one round
//! of requests (no file twice), under 100 ms.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use netlink::crypt::{SigningKey, digest_of};
use netlink::release::{Platform, ReleaseRules, TargetCustom, TargetRef};
use netlink::tuf::{Editor, Lifetimes, Signatories, Standing};
use netlink::version::{Scheme, Version};

const RELEASES: usize = 3334;
const ROUNDS: usize = 9;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let repo = dir.path().join("repo");
    let key = SigningKey::generate();
    let versions = made(&repo, &key);
    let site = Site::of(&repo);
    let root = dir.path().join("lamp");
    let (text, url) = (root.to_str().unwrap().to_owned(), site.url.as_str());
    let first_root = repo.join("metadata/1.root.json");
    let init = [
        "init",
        "--product",
        "lamp",
        "--repository",
        url,
        "--root-metadata",
        first_root.to_str().unwrap(),
    ];
    run(&[&["--root", &text], &init[..]].concat());
    site.asked();
    println!(
        "{:<38} {:>9} {:>6} {:>9} {:>9}",
        "update check", "requests", "twice", "cpu ms", "wall ms"
    );
    let trust = root.join(".netlink/trust");
    let kept = dir.path().join("kept");
    copy(&trust, &kept);
    let report = |what: &str, before: &dyn Fn()| {
        let mut times = Vec::new();
        let (mut requests, mut twice) = (0, 0);
        for _ in 0..ROUNDS {
            before();
            site.asked();
            times.push(timed(&["--root", &text, "update", "check"]));
            let mut asked = site.asked();
            requests = asked.len();
            asked.sort();
            asked.dedup();
            twice = requests - asked.len();
        }
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (cpu, wall) = times[ROUNDS / 2];
        println!("{what:<38} {requests:>9} {twice:>6} {cpu:>9.1} {wall:>9.1}");
    };
    report("never asked before", &|| {
        fs::remove_dir_all(&trust).unwrap();
        copy(&kept, &trust);
    });
    report("nothing new", &|| {});
    let next = std::cell::Cell::new(versions);
    report("one release more", &|| {
        let (_, version) = add(&repo, &key, next.get());
        next.set(version);
    });
    println!("(targets: {})", 3 * RELEASES);
}

/// A repository with three targets for each release; how many releases there are.
fn made(repo: &Path, key: &SigningKey) -> usize {
    let one = || key.public().into();
    let signatories = Signatories {
        root: one(),
        targets: one(),
        snapshot: one(),
        timestamp: one(),
    };
    let now = jiff::Timestamp::now();
    let mut editor = Editor::create(&signatories, Lifetimes::default(), now).unwrap();
    let mut version: Version = "0a1".parse().unwrap();
    for _ in 0..RELEASES {
        targets(&mut editor, &version);
        version = version.next().unwrap();
    }
    write(&mut editor, repo, key);
    RELEASES
}

fn add(repo: &Path, key: &SigningKey, releases: usize) -> (usize, usize) {
    let mut editor = Editor::open(&repo.join("metadata"), None).unwrap();
    let mut version: Version = "0a1".parse().unwrap();
    for _ in 0..releases {
        version = version.next().unwrap();
    }
    targets(&mut editor, &version);
    write(&mut editor, repo, key);
    (releases, releases + 1)
}

fn write(editor: &mut Editor, repo: &Path, key: &SigningKey) {
    let standing = editor.sign(std::slice::from_ref(key), jiff::Timestamp::now()).unwrap();
    assert_eq!(standing, Standing::Ready);
    editor.write(&repo.join("metadata"), &repo.join("draft.json")).unwrap();
}

fn targets(editor: &mut Editor, version: &Version) {
    let product = || "lamp".parse().unwrap();
    let rules = Box::new(ReleaseRules::default());
    for platform in ["linux-x86_64", "linux-aarch64"] {
        let custom = TargetCustom::Package {
            product: product(),
            version: version.clone(),
            platform: platform.parse::<Platform>().unwrap(),
            rules: rules.clone(),
            unpacked: 300_000_000,
        };
        editor
            .add_target(&target(format!("lamp/{version}/{platform}.tar.zst")), &custom)
            .unwrap();
    }
    let custom = TargetCustom::Changelog {
        product: product(),
        version: version.clone(),
    };
    editor
        .add_target(&target(format!("lamp/{version}/changelog.md")), &custom)
        .unwrap();
}

fn target(name: String) -> TargetRef {
    TargetRef {
        length: 90_000_000,
        sha256: digest_of(name.as_bytes()),
        name,
    }
}

fn run(args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_netlink")).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Milliseconds of processor and of wall time.
fn timed(args: &[&str]) -> (f64, f64) {
    let script = "TIMEFORMAT='%U %S %R'; time \"$@\" >/dev/null";
    let output = Command::new("bash")
        .args(["-c", script, "bash", env!("CARGO_BIN_EXE_netlink")])
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let last = said.lines().last().unwrap();
    let numbers: Vec<f64> = last.split(' ').map(|n| n.parse().unwrap()).collect();
    ((numbers[0] + numbers[1]) * 1000.0, numbers[2] * 1000.0)
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(done.success());
}

/// Gives the files of a folder, and keeps what it was asked for.
struct Site {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn of(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, folder) = (Arc::clone(&asked), folder.to_path_buf());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, folder) = (Arc::clone(&log), folder.clone());
                thread::spawn(move || serve(&stream.unwrap(), &folder, &log));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// As long as the client asks on.
fn serve(stream: &TcpStream, folder: &Path, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
        let Some(path) = head.split(' ').nth(1) else { return };
        log.lock().unwrap().push(path.to_owned());
        let file: PathBuf = folder.join(path.trim_start_matches('/'));
        let (status, body) = match fs::read(file) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", Vec::new()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut stream = stream;
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body))
            .is_err()
        {
            return;
        }
    }
}
