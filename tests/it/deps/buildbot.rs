//! A product that nobody here wrote and that migrates its own database: two versions of Buildbot with all that they need, from PyPI,
//! go up and back by the commands a person types, and its builds stay.
//!
//! `./test` fetches the wheels once into `target/buildbot`.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use netlink::crypt::digest_of;
use serde_json::{Value, json};

use crate::world::{Installation, Publisher, put, run};

struct Buildbot {
    version: &'static str,
    release: &'static str,
    /// Of its database, as its own migrations number it.
    revision: &'static str,
}

const OLD: Buildbot = Buildbot {
    version: "4.2.1",
    release: "0a1",
    revision: "066",
};

const NEW: Buildbot = Buildbot {
    version: "4.3.0",
    release: "0b1",
    revision: "067",
};

/// What starts it, as its publisher would ship it: the database is brought to this version by Buildbot itself. It has no way down, so
/// a copy is kept of each revision that is left.
const START: &str = r#"
import os, sqlite3, subprocess, sys
import buildbot.db

master, config = sys.argv[1:]
program = os.path.join(os.path.dirname(sys.executable), "buildbot")
database = os.path.join(master, "state.sqlite")
files = os.listdir(os.path.join(os.path.dirname(buildbot.db.__file__), "migrations", "versions"))
own = max(name[:3] for name in files if name[:3].isdigit())

def copy(source, target):
    with sqlite3.connect(source) as a, sqlite3.connect(target) as b:
        a.backup(b)

def revision():
    with sqlite3.connect(database) as db:
        return db.execute("SELECT version_num FROM alembic_version").fetchone()[0]

kept = lambda of: os.path.join(master, f"kept-{of}.sqlite")
if not os.path.exists(os.path.join(master, "buildbot.tac")):
    subprocess.run([program, "create-master", "--relocatable", "--config", config, master], check=True)
found = revision()
if found != own:
    copy(database, kept(found))
if found > own:
    copy(kept(own), database)
subprocess.run([program, "upgrade-master", "--quiet", master], check=True)
os.execv(program, [program, "start", "--nodaemon", master])
"#;

const CONFIG: &str = r#"
import os
from buildbot.plugins import schedulers, steps, util, worker

PORT = os.environ["PORT"]
c = BuildmasterConfig = {
    "title": "Lamps of the operator",
    "titleURL": "http://127.0.0.1/",
    "buildbotURL": f"http://127.0.0.1:{PORT}/",
    "workers": [worker.Worker("nobody", "here")],
    "protocols": {"pb": {"port": "tcp:0:interface=127.0.0.1"}},
    "builders": [util.BuilderConfig(name="lamp", workernames=["nobody"], factory=util.BuildFactory())],
    "schedulers": [schedulers.ForceScheduler(name="force", builderNames=["lamp"])],
    "www": {"port": f"tcp:{PORT}:interface=127.0.0.1"},
    "db": {"db_url": "sqlite:///state.sqlite"},
    "buildbotNetUsageData": None,
}
"#;

impl Buildbot {
    fn wheels(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/buildbot")
            .join(self.version);
        assert!(folder.join("whole").exists(), "./test fetches the wheels of Buildbot");
        folder
    }

    fn publish(&self, publisher: &Publisher, port: u16) {
        let tree = publisher.dir.join("trees").join(self.release);
        let release = self.release;
        let manifest = format!(
            r#"
product = "buildbot"
version = "{release}"
platform = "any"
config = [{{ file = "master.cfg", format = "text" }}]

[run]
command = ["{{release}}/venv/bin/python", "{{release}}/start.py", "{{data}}/master", "{{config}}/master.cfg"]
env = {{ PORT = "{port}" }}
stop_timeout = "30s"

[database]
path = "master/state.sqlite"
migrations = "migrations"

[[health]]
http = "http://127.0.0.1:{port}/api/v2/builders"
body = "lamp"

[[dependencies]]
kind = "pip"
requirements = "requirements.txt"
wheels = "wheels"
"#
        );
        put(&tree.join("release.toml"), &manifest, 0o644);
        put(
            &tree.join("changelog.md"),
            &format!("# {release}\n\n- Buildbot {}\n", self.version),
            0o644,
        );
        put(&tree.join("start.py"), START, 0o644);
        put(&tree.join("config/master.cfg"), CONFIG, 0o644);
        fs::create_dir_all(tree.join("migrations")).unwrap();
        let mut lock = String::new();
        for entry in fs::read_dir(self.wheels()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if let Some((package, version)) = name.strip_suffix(".whl").map(|stem| {
                let mut parts = stem.split('-');
                (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned())
            }) {
                let digest = digest_of(&fs::read(&path).unwrap());
                lock += &format!("{package}=={version} --hash=sha256:{digest}\n");
                put(&tree.join("wheels/x"), "", 0o644);
                fs::copy(&path, tree.join("wheels").join(name)).unwrap();
            }
        }
        fs::remove_file(tree.join("wheels/x")).unwrap();
        put(&tree.join("requirements.txt"), &lock, 0o644);
        publisher.publish(&tree);
    }

    /// The page and the database are those of this version.
    #[track_caller]
    fn assert_running(&self, bot: &Bot) {
        bot.installation.assert_at(self.release);
        let page = get(&bot.url("/"));
        assert!(page.contains(self.version), "{page}");
        assert_eq!(bot.revision("state"), self.revision);
        assert_eq!(bot.builders(), ["lamp"]);
    }
}

struct Bot {
    installation: Installation,
    port: u16,
}

fn get(url: &str) -> String {
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

impl Bot {
    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn listed(&self, what: &str, key: &str) -> Vec<String> {
        let answer: Value = serde_json::from_str(&get(&self.url(&format!("/api/v2/{what}")))).unwrap();
        let all = answer[what].as_array().unwrap().iter();
        all.map(|one| one[key].as_str().unwrap().to_owned()).collect()
    }

    fn builders(&self) -> Vec<String> {
        self.listed("builders", "name")
    }

    /// What was asked to be built, with who asked and why.
    fn builds(&self) -> Vec<String> {
        let mut builds = self.listed("buildsets", "reason");
        builds.sort();
        builds
    }

    fn ask_for_build(&self, reason: &str) {
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "force", "params": {"builderid": "1", "reason": reason}});
        let url = self.url("/api/v2/forceschedulers/force");
        let answer = ureq::post(&url)
            .header("Content-Type", "application/json")
            .send(ask.to_string())
            .unwrap();
        assert_eq!(answer.status(), 200);
    }

    fn database(&self, name: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.installation.path(&format!("data/master/{name}.sqlite"))).unwrap()
    }

    fn revision(&self, name: &str) -> String {
        let select = "SELECT version_num FROM alembic_version";
        self.database(name).query_row(select, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn buildbot_goes_up_with_its_own_migrations_and_back_with_its_builds() {
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    for buildbot in [&OLD, &NEW] {
        buildbot.publish(&publisher, port);
    }
    run(&["release", "verify", &publisher.text("repo")]).ok();
    let bot = Bot {
        installation: Installation {
            root: dir.path().join("bot"),
        },
        port,
    };
    put(
        &bot.installation.path("config/update.yml"),
        "health: {timeout: 3m}\n",
        0o644,
    );
    let (url, metadata) = (publisher.url(), publisher.root_metadata());
    let init = [
        "init",
        "--product",
        "buildbot",
        "--repository",
        &url,
        "--root-metadata",
        &metadata,
    ];
    bot.installation
        .run(&[&init[..], &["--version", OLD.release, "--yes"]].concat())
        .ok();
    OLD.assert_running(&bot);
    bot.ask_for_build("of the old one");
    let old = bot.builds();
    assert!(old.len() == 1 && old[0].contains("of the old one"), "{old:?}");
    let config = bot.installation.text("config/master.cfg");

    let planned = bot
        .installation
        .run(&["update", "upgrade", "--to", NEW.release, "--dry-run"])
        .ok();
    planned.no(
        0,
        &["~ buildbot 4.2.1 -> 4.3.0", "~ buildbot-www 4.2.1 -> 4.3.0", "2 change"],
    );
    bot.installation
        .run(&["update", "upgrade", "--to", NEW.release, "--yes"])
        .ok();
    NEW.assert_running(&bot);
    assert_eq!(bot.builds(), old);
    bot.ask_for_build("of the new one");

    bot.installation.run(&["update", "rollback", "--yes"]).ok();
    OLD.assert_running(&bot);
    assert_eq!(bot.builds(), old);
    assert_eq!(bot.installation.text("config/master.cfg"), config);
    // What the new one was asked is kept beside.
    let select = "SELECT count(*) FROM buildsets WHERE reason LIKE '%of the new one'";
    let kept: u32 = bot
        .database("kept-067")
        .query_row(select, [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 1);
}
