//! What tests stand on: a publisher with keys and a repository, small products, installations, and the real binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub fn netlink() -> PathBuf {
    env!("CARGO_BIN_EXE_netlink").into()
}

/// How a command ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// Ended with this exit code, and said each of these.
    #[track_caller]
    pub fn no(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self}");
        for words in said {
            assert!(
                self.err.contains(words) || self.out.contains(words),
                "`{words}` is not in: {self}"
            );
        }
        self
    }

    /// The last line of standard output, as JSON.
    #[track_caller]
    pub fn last(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self}"))
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.out, self.err
        )
    }
}

/// Runs the binary with nothing of our environment that it would heed.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(netlink());
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NETLINK_")) {
        command.env_remove(name);
    }
    command
}

pub fn run(args: &[&str]) -> Ran {
    Ran::of(&command(args).output().unwrap())
}

/// A publisher's folder: keys, a repository, and sources of releases of `lamp`.
pub struct Publisher {
    pub dir: PathBuf,
}

impl Publisher {
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let publisher = Self { dir: dir.to_path_buf() };
        let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
        run(&[
            "release",
            "init",
            &repo,
            "--keys",
            &keys,
            "--no-passphrase",
            "--single-key",
        ])
        .ok();
        publisher
    }

    pub fn text(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.text("repo"))
    }

    pub fn root_metadata(&self) -> String {
        self.text("repo/root.json")
    }

    /// Signs the short-lived roles as if it were this time.
    pub fn timestamp_at(&self, now: jiff::Timestamp) {
        let keys = netlink::publish::Keys {
            dirs: vec![self.dir.join("keys")],
            passphrase: None,
        };
        netlink::publish::timestamp(&self.dir.join("repo"), &keys, now).unwrap();
    }

    pub fn pack(&self, tree: &Path) -> Ran {
        let name = tree.file_name().unwrap().to_str().unwrap();
        let out = self.text(&format!("{name}.tar.zst"));
        run(&[
            "release",
            "pack",
            tree.to_str().unwrap(),
            "--platform",
            "any",
            "--out",
            &out,
        ])
    }

    /// Packs and publishes a tree; its changelog lies beside the manifest.
    #[track_caller]
    pub fn publish(&self, tree: &Path) {
        self.try_publish(tree).ok();
    }

    #[track_caller]
    pub fn try_publish(&self, tree: &Path) -> Ran {
        self.pack(tree).ok();
        let name = tree.file_name().unwrap().to_str().unwrap();
        let package = self.text(&format!("{name}.tar.zst"));
        let (repo, keys) = (self.text("repo"), self.text("keys"));
        let changelog = tree.join("changelog.md");
        let publish = ["release", "publish", "--repo", &repo, "--keys", &keys, &package];
        let ran = run(&[&publish[..], &["--changelog", changelog.to_str().unwrap()]].concat());
        fs::remove_file(package).unwrap();
        ran
    }

    /// Publishes the patch between two releases, however little it saves.
    pub fn patch(&self, from: &str, to: &str) -> Ran {
        let (repo, keys) = (self.text("repo"), self.text("keys"));
        let patch = ["release", "patch", "--repo", &repo, "--keys", &keys];
        run(&[&patch[..], &["--from", from, "--to", to, "--at-most", "100"]].concat())
    }

    /// The tree of a release of `lamp`, to be changed by a test before it is published.
    pub fn lamp(&self, release: &Lamp) -> PathBuf {
        let tree = self.dir.join("trees").join(release.version);
        release.write(&tree);
        tree
    }

    /// `0a1`, `0b1`, `0r1` of `lamp`, published.
    pub fn with_lamps(dir: &Path) -> Self {
        let publisher = Self::new(dir);
        for release in [Lamp::A1, Lamp::B1, Lamp::R1] {
            publisher.publish(&publisher.lamp(&release));
        }
        publisher
    }
}

/// A release of `lamp`, a product that is a shell script: it sleeps, and its health is whether a word is in its tree.
#[derive(Clone, Copy)]
pub struct Lamp {
    pub version: &'static str,
    pub schema: u32,
    pub healthy: bool,
    /// Lines put at the end of its manifest.
    pub more: &'static str,
}

impl Lamp {
    pub const A1: Self = Self {
        version: "0a1",
        schema: 1,
        healthy: true,
        more: "",
    };
    pub const B1: Self = Self {
        version: "0b1",
        schema: 2,
        healthy: true,
        more: "",
    };
    pub const R1: Self = Self {
        version: "0r1",
        schema: 3,
        healthy: true,
        more: "",
    };

    /// The key of the brightness in this release's configuration.
    fn key(&self) -> &'static str {
        if self.schema == 1 { "bright" } else { "brightness" }
    }

    fn write(&self, tree: &Path) {
        let Self {
            version,
            schema,
            healthy,
            more,
        } = self;
        let manifest = format!(
            "product = \"lamp\"\nversion = \"{version}\"\nplatform = \"any\"\nconfig = [\"lamp.toml\"]\n\n\
             [rules]\nfrom = [\"<{version}\"]\nschema_level = {schema}\n\n\
             [run]\ncommand = [\"{{release}}/bin/lamp\", \"{{brightness}}\"]\nstop_timeout = \"2s\"\n\n\
             [variables.brightness]\nfile = \"lamp.toml\"\nkey = \"{key}\"\n\n\
             [[health]]\ncommand = [\"grep\", \"-q\", \"fine\", \"{{release}}/state\"]\n\n\
             [database]\npath = \"lamp.db\"\nmigrations = \"migrations\"\n{more}",
            key = self.key(),
        );
        put(&tree.join("release.toml"), &manifest, 0o644);
        put(
            &tree.join("changelog.md"),
            &format!("# {version}\n\n## Added\n\n- Light number {schema}\n"),
            0o644,
        );
        put(
            &tree.join("bin/lamp"),
            "#!/bin/sh\necho \"lamp at $1\"\nexec sleep 100000\n",
            0o755,
        );
        put(&tree.join("state"), if *healthy { "fine\n" } else { "broken\n" }, 0o644);
        let config = format!(
            "# The lamp.\n{} = 5 # of 10\n\n[shade]\ncolour = \"white\"\n",
            self.key()
        );
        put(&tree.join("config/lamp.toml"), &config, 0o644);
        for (name, sql, down) in MIGRATIONS.iter().take(*schema as usize) {
            put(&tree.join(format!("migrations/{name}.sql")), sql, 0o644);
            put(&tree.join(format!("migrations/{name}.down.sql")), down, 0o644);
        }
        if *schema > 1 {
            let rename = "lamp.toml:\n  - rename: {from: bright, to: brightness}\n";
            put(&tree.join("config/migrations/0b1.yml"), rename, 0o644);
        }
    }
}

const MIGRATIONS: [(&str, &str, &str); 3] = [
    (
        "V1__switches",
        "CREATE TABLE switches (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n\
         INSERT INTO switches (name) VALUES ('hall'), ('cellar');\n",
        "DROP TABLE switches;\n",
    ),
    (
        "V2__length",
        "ALTER TABLE switches ADD COLUMN length INTEGER;\nUPDATE switches SET length = length(name);\n",
        "ALTER TABLE switches DROP COLUMN length;\n",
    ),
    (
        "V3__rooms",
        "CREATE TABLE rooms (id INTEGER PRIMARY KEY, switch INTEGER NOT NULL REFERENCES switches (id));\n\
         INSERT INTO rooms (switch) SELECT id FROM switches;\n",
        "DROP TABLE rooms;\n",
    ),
];

pub fn put(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// An installation whose product and supervisor end with the test.
pub struct Installation {
    pub root: PathBuf,
}

impl Installation {
    /// `version` of `lamp` installed from the publisher, running.
    #[track_caller]
    pub fn of_lamp(root: &Path, publisher: &Publisher, version: &str) -> Self {
        let installation = Self {
            root: root.to_path_buf(),
        };
        let (url, metadata) = (publisher.url(), publisher.root_metadata());
        let init = [
            "init",
            "--product",
            "lamp",
            "--repository",
            &url,
            "--root-metadata",
            &metadata,
        ];
        installation
            .run(&[&init[..], &["--version", version, "--yes"]].concat())
            .ok();
        installation
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&["--root", self.root.to_str().unwrap()]);
        command.args(args);
        // Many servers at once: none of them has the port that is its own by default.
        if args.first() == Some(&"serve") {
            command.env("NETLINK_SERVER_GRPC", "127.0.0.1:0");
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command(args).output().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The version that is in place: link, record and `version.json` agree, and it is the one that runs.
    #[track_caller]
    pub fn assert_at(&self, version: &str) {
        let link = fs::read_link(self.path("current")).unwrap();
        assert_eq!(link, Path::new("releases").join(version));
        let file: Value = serde_json::from_str(&self.text("version.json")).unwrap();
        assert_eq!(file["current_version"], version);
        let status = self.run(&["update", "status", "--output", "json"]).ok().json();
        assert_eq!(status["current_version"], version, "{status:#}");
        assert_eq!(status["product"]["state"], "running", "{status:#}");
        assert_eq!(status["product"]["version"], version, "{status:#}");
        assert_eq!(status["maintenance"], false, "{status:#}");
        self.run(&["update", "verify"]).ok();
    }

    /// All that the product's database holds, but for when its migrations ran.
    pub fn database(&self) -> String {
        dump(&self.path("data/lamp.db"))
    }

    pub fn stop(&self) {
        self.run(&["supervise", "--stop"]).ok();
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let stopped = self.run(&["supervise", "--stop"]);
        if !std::thread::panicking() {
            stopped.ok();
        }
    }
}

/// Schema and rows of an SQLite database as text.
pub fn dump(path: &Path) -> String {
    let db = rusqlite::Connection::open(path).unwrap();
    let mut text = String::new();
    let tables: Vec<(String, String)> = {
        let mut rows = db
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for (name, sql) in tables {
        text.push_str(&format!("{sql}\n"));
        let mut rows = db.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1")).unwrap();
        let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
        let mut found = rows.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            for (at, column) in columns.iter().enumerate().filter(|(_, column)| *column != "applied_on") {
                let value: rusqlite::types::Value = row.get(at).unwrap();
                text.push_str(&format!("{column}={value:?} "));
            }
            text.push('\n');
        }
    }
    text
}
