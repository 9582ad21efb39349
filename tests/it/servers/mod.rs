//! Real database servers, each in a folder of its own and ended with the test, and a product whose database is on one.

mod dumping;
mod encrypted;
mod going_wrong;
mod migrating;
mod restoring;
mod updating;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;

use crate::world::{Installation, Publisher, Ran, put};

/// Of `nobody`, as whom servers run that refuse root.
const NOBODY: u32 = 65534;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgresql,
    Mariadb,
}

use Engine::{Mariadb, Postgresql};

/// Names and a password with every character that some quoting stumbles over.
pub const USER: &str = "o'dd \"user";
pub const PASSWORD: &str = "p@ss:w/rd%41#\"'\\ {x}ü";
const DATABASE: &str = "lämp \"x'y`z=?&-- 1";
/// mariadb-dump asks for the events of another database when the name has a quote.
const DATABASE_WITHOUT_QUOTES: &str = "lämp x`y z=?&-- 1";

/// A running server of its own.
pub struct DatabaseServer {
    pub engine: Engine,
    child: Child,
    pub dir: tempfile::TempDir,
    port: u16,
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn is_root() -> bool {
    geteuid().is_root()
}

/// A command that does not run as root.
fn as_nobody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(program);
    command
}

/// The newest PostgreSQL that is installed.
fn postgresql(program: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("bin/postgres").exists())
        .collect();
    versions.sort();
    versions.pop().expect("./test installs it").join("bin").join(program)
}

impl DatabaseServer {
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, false)
    }

    /// One that answers over the network in TLS alone.
    pub fn encrypted(engine: Engine) -> Self {
        Self::start_with(engine, true)
    }

    /// Of an encrypted one, for `localhost`.
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("certificate.pem")
    }

    fn start_with(engine: Engine, is_encrypted: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["data", "sock", "tmp"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let (data, sock) = (dir.path().join("data"), dir.path().join("sock"));
        let port = free_port();
        let mut made = match engine {
            Postgresql => {
                let mut command = as_nobody(&postgresql("initdb"));
                put(&dir.path().join("password"), "boss\n", 0o644);
                command
                    .arg("-D")
                    .arg(&data)
                    .args(["--no-sync", "--auth=scram-sha-256", "-U", "boss", "-E", "UTF8"]);
                command.arg("--pwfile").arg(dir.path().join("password"));
                command
            }
            Mariadb => {
                let mut command = as_nobody("mariadb-install-db".as_ref());
                command.args([
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                ]);
                command.arg("--datadir").arg(&data);
                command
            }
        };
        // MariaDB removes the temporary tables that it finds there when it starts, also those of another server that is at work.
        let tmp = dir.path().join("tmp");
        let made = Ran::of(&made.env("TMPDIR", &tmp).output().unwrap());
        assert_eq!(made.code, 0, "{made}");
        let mut run = match engine {
            Postgresql => {
                let mut command = as_nobody(&postgresql("postgres"));
                command.arg("-D").arg(&data).arg("-k").arg(&sock);
                command.args([
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "fsync=off",
                    "-p",
                    &port.to_string(),
                ]);
                command
            }
            Mariadb => {
                let mut command = as_nobody(Path::new("/usr/sbin/mariadbd"));
                command
                    .arg("--no-defaults")
                    .arg(format!("--datadir={}", data.display()));
                command.arg(format!("--socket={}", sock.join("my.sock").display()));
                command.arg(format!("--pid-file={}", sock.join("my.pid").display()));
                command.args([
                    &format!("--port={port}"),
                    "--bind-address=127.0.0.1",
                    "--innodb-buffer-pool-size=32M",
                ]);
                command
            }
        };
        if is_encrypted {
            encrypt(engine, dir.path(), &mut run);
        }
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let child = run
            .env("TMPDIR", &tmp)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self {
            engine,
            child,
            dir,
            port,
        };
        server.wait_until_it_answers();
        server.make_user_and_database();
        server
    }

    fn wait_until_it_answers(&mut self) {
        let began = Instant::now();
        loop {
            let asked = self.try_sql(None, "SELECT 1;");
            if asked.code == 0 {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap();
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "{asked}\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn make_user_and_database(&self) {
        let (user, database, password) = (self.name(USER), self.name(self.database()), self.text(PASSWORD));
        self.sql(
            None,
            &match self.engine {
                Postgresql => format!(
                    "CREATE ROLE {user} LOGIN CREATEDB PASSWORD {password};\nCREATE DATABASE {database} OWNER {user};\n"
                ),
                Mariadb => {
                    let (u, pattern) = (self.text(USER), database.replace('_', "\\_"));
                    let users = ["localhost", "'127.0.0.1'"].map(|host| {
                        format!(
                            "CREATE USER {u}@{host} IDENTIFIED BY {password};\nGRANT ALL ON {pattern}.* TO {u}@{host};\n\
                             GRANT ALL ON `netlink\\_%`.* TO {u}@{host};\n"
                        )
                    });
                    format!("CREATE DATABASE {database};\n{}", users.concat())
                }
            },
        );
    }

    /// The product's own.
    pub fn database(&self) -> &'static str {
        match self.engine {
            Postgresql => DATABASE,
            Mariadb => DATABASE_WITHOUT_QUOTES,
        }
    }

    pub fn name(&self, name: &str) -> String {
        match self.engine {
            Postgresql => format!("\"{}\"", name.replace('"', "\"\"")),
            Mariadb => format!("`{}`", name.replace('`', "``")),
        }
    }

    pub fn text(&self, text: &str) -> String {
        let text = text.replace('\'', "''");
        match self.engine {
            Postgresql => format!("'{text}'"),
            Mariadb => format!("'{}'", text.replace('\\', "\\\\")),
        }
    }

    pub fn socket(&self) -> PathBuf {
        match self.engine {
            Postgresql => self.dir.path().join("sock"),
            Mariadb => self.dir.path().join("sock/my.sock"),
        }
    }

    /// The server's own client, as its administrator.
    pub fn client(&self, database: Option<&str>) -> Command {
        match self.engine {
            Postgresql => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
                command
                    .env("PGHOST", self.socket())
                    .env("PGPORT", self.port.to_string());
                command
                    .env("PGUSER", "boss")
                    .env("PGPASSWORD", "boss")
                    .env("PGDATABASE", database.unwrap_or("postgres"));
                command
            }
            Mariadb => {
                let mut command = Command::new("mariadb");
                command.arg("--no-defaults").arg("-S").arg(self.socket());
                command.args([
                    "-u",
                    "root",
                    "-N",
                    "--batch",
                    "--raw",
                    "--default-character-set=utf8mb4",
                    "--",
                ]);
                command.args(database);
                command
            }
        }
    }

    pub fn try_sql(&self, database: Option<&str>, sql: &str) -> Ran {
        let mut command = self.client(database);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end before it has read all.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), sql.as_bytes());
        Ran::of(&child.wait_with_output().unwrap())
    }

    #[track_caller]
    pub fn sql(&self, database: Option<&str>, sql: &str) -> String {
        let ran = self.try_sql(database, sql);
        assert_eq!(ran.code, 0, "{sql}\n{ran}");
        ran.out.trim().to_owned()
    }

    /// In the product's own database.
    #[track_caller]
    pub fn own(&self, sql: &str) -> String {
        self.sql(Some(self.database()), sql)
    }

    /// A session of the product's user, which has said something and waits.
    pub fn session(&self) -> Child {
        let mut client = self.client(Some(self.database()));
        if self.engine == Postgresql {
            client.env("PGUSER", USER).env("PGPASSWORD", PASSWORD);
        }
        let client = client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = client.spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"SELECT 1;\n").unwrap();
        if self.engine == Postgresql {
            let mut said = [0];
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        }
        child
    }

    /// Databases that a restore or a drill made.
    pub fn left_beside(&self) -> String {
        self.sql(
            None,
            match self.engine {
                Postgresql => "SELECT datname FROM pg_database WHERE datname LIKE 'netlink%';",
                Mariadb => "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'netlink%';",
            },
        )
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Lets the server of this folder refuse whoever does not encrypt.
fn encrypt(engine: Engine, dir: &Path, run: &mut Command) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
    put(&certificate, &made.cert.pem(), 0o644);
    put(&key, &made.signing_key.serialize_pem(), 0o600);
    if is_root() {
        chown(&key, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let (certificate, key) = (certificate.display(), key.display());
    match engine {
        Postgresql => {
            let access = dir.join("access");
            put(
                &access,
                "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
                0o644,
            );
            for setting in [
                "ssl=on".to_owned(),
                format!("ssl_cert_file={certificate}"),
                format!("ssl_key_file={key}"),
                format!("hba_file={}", access.display()),
            ] {
                run.args(["-c", &setting]);
            }
        }
        Mariadb => {
            run.arg(format!("--ssl-cert={certificate}"))
                .arg(format!("--ssl-key={key}"))
                .arg("--require-secure-transport=ON");
        }
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            let ended = self.child.try_wait();
            eprintln!("the server ({ended:?}) said:\n{log}");
        }
        let pid = Pid::from_child(&self.child);
        let how = match self.engine {
            // Its children go with it.
            Postgresql => Signal::QUIT,
            Mariadb => Signal::KILL,
        };
        let _ = kill_process(pid, how);
        let began = Instant::now();
        while began.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An installation of `lamp` whose database is on a server.
pub struct Served {
    // First, so that it is stopped while its folder is still there.
    pub lamp: Installation,
    pub publisher: Publisher,
    pub dir: tempfile::TempDir,
    pub server: DatabaseServer,
}

impl Served {
    pub fn new(engine: Engine) -> Self {
        Self::with_row_of(engine, 1 << 20)
    }

    /// With one row of so many bytes.
    pub fn with_row_of(engine: Engine, bytes: usize) -> Self {
        let server = DatabaseServer::start(engine);
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        for version in ["0a1", "0b1"] {
            publisher.publish(&release(&publisher, &server, version));
        }
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        let served = Self {
            lamp,
            publisher,
            dir,
            server,
        };
        served.fill(bytes);
        served
    }

    /// What `everything` looks at.
    fn fill(&self, bytes: usize) {
        let own = match self.server.engine {
            Postgresql => format!("SET ROLE {};\n{POSTGRESQL}", self.server.name(USER)),
            Mariadb => MARIADB.replace("DEFINER", &format!("DEFINER={}@localhost", self.server.text(USER))),
        };
        self.server.own(&own.replace("PIECES", &(bytes / 16).to_string()));
    }

    /// Rows, keys, views, sequences and routines, as text.
    pub fn everything(&self) -> String {
        self.server.own(match self.server.engine {
            Postgresql => POSTGRESQL_ALL,
            Mariadb => MARIADB_ALL,
        })
    }

    /// Loses and changes something of each kind.
    pub fn damage(&self) {
        let damage = match self.server.engine {
            Postgresql => {
                "DROP VIEW rich; DROP FUNCTION twice; DELETE FROM a WHERE id > 3; DROP INDEX b_n; DROP TABLE blobs;\n\
                 SELECT setval('tickets', 99999); CREATE TABLE later (n int); INSERT INTO later VALUES (1);"
            }
            Mariadb => {
                "DROP VIEW rich; DROP FUNCTION twice; DROP TRIGGER noted; DROP EVENT tidy; DELETE FROM a WHERE id > 3;\n\
                 DROP INDEX b_n ON b; DROP TABLE blobs; DO SETVAL(tickets, 99999); CREATE TABLE later (n int); INSERT INTO later VALUES (1);\n\
                 CREATE DEFINER TRIGGER late BEFORE INSERT ON later FOR EACH ROW SET NEW.n = 7;"
            }
        };
        let definer = format!("DEFINER={}@localhost", self.server.text(USER));
        self.server.own(&damage.replace("DEFINER", &definer));
    }

    pub fn backup(&self) -> Ran {
        self.lamp.run(&["backup", "create", "--output", "json"])
    }

    /// The id of a backup that was made now.
    #[track_caller]
    pub fn made(&self) -> String {
        self.backup().ok().json()["id"].as_str().unwrap().to_owned()
    }

    pub fn restore(&self, id: &str) -> Ran {
        self.lamp.run(&["backup", "restore", id, "--yes", "--output", "json"])
    }

    pub fn settings(&self, backup: &str) {
        let text = format!("update_system: {{backup: {{{backup}}}}}\n");
        put(&self.lamp.path("config/update.yml"), &text, 0o644);
    }

    /// Lets one of the tools be a script, in which `$real` is the tool itself; the others are as they are.
    pub fn wrap(&self, tool: &str, script: &str) {
        let folder = self.dir.path().join("tools");
        let _ = fs::remove_dir_all(&folder);
        let tools: &[&str] = match self.server.engine {
            Postgresql => &["pg_dump", "pg_restore", "psql"],
            Mariadb => &["mariadb-dump", "mariadb"],
        };
        for name in tools {
            let real = match self.server.engine {
                Postgresql => postgresql(name),
                Mariadb => Path::new("/usr/bin").join(name),
            };
            let body = if *name == tool { script } else { "exec $real \"$@\"" };
            let text = format!(
                "#!/bin/bash\nreal={}\n[ \"$1\" = --version ] && [ -z \"$shown\" ] && exec $real --version\n{body}\n",
                real.display()
            );
            put(&folder.join(name), &text, 0o755);
        }
        self.settings(&format!("server_tools: \"{}\"", folder.display()));
    }

    pub fn dump_tool(&self) -> &'static str {
        match self.server.engine {
            Postgresql => "pg_dump",
            Mariadb => "mariadb-dump",
        }
    }

    pub fn restore_tool(&self) -> &'static str {
        match self.server.engine {
            Postgresql => "pg_restore",
            Mariadb => "mariadb",
        }
    }

    pub fn dump_path(&self) -> &'static str {
        match self.server.engine {
            Postgresql => "databases/postgresql.dump",
            Mariadb => "databases/mysql.sql",
        }
    }

    /// The newest in the list.
    pub fn newest(&self) -> Value {
        self.lamp.run(&["backup", "list", "--output", "json"]).ok().json()[0].clone()
    }
}

/// The tree of a release.
fn release(publisher: &Publisher, server: &DatabaseServer, version: &str) -> PathBuf {
    let tree = publisher.dir.join("trees").join(version);
    let (kind, place) = match server.engine {
        Postgresql => ("postgresql", "{db_host}:{db_port}/{db_name}"),
        Mariadb => ("mariadb", "localhost/{db_name}?socket={db_host}"),
    };
    let mut manifest = format!(
        "product = \"lamp\"\nversion = \"{version}\"\nplatform = \"any\"\nconfig = [\"lamp.toml\"]\n\n\
         [rules]\nfrom = [\"<{version}\"]\n\n[run]\ncommand = [\"{{release}}/bin/lamp\"]\nstop_timeout = \"2s\"\n\n\
         [[health]]\ncommand = [\"true\"]\n\n\
         [database]\nkind = \"{kind}\"\nurl = \"{scheme}://{{db_user}}:{{db_password}}@{place}\"\n",
        scheme = if kind == "mariadb" { "mysql" } else { kind },
    );
    for name in ["user", "password", "host", "port", "name"] {
        manifest += &format!("\n[variables.db_{name}]\nfile = \"lamp.toml\"\nkey = \"db.{name}\"\n");
    }
    put(&tree.join("release.toml"), &manifest, 0o644);
    put(
        &tree.join("changelog.md"),
        &format!("# {version}\n\n## Added\n\n- Light\n"),
        0o644,
    );
    put(&tree.join("bin/lamp"), "#!/bin/sh\nexec sleep 100000\n", 0o755);
    put(&tree.join("config/lamp.toml"), &config(server, PASSWORD), 0o644);
    tree
}

/// The product's configuration, which says where its database is.
pub fn config(server: &DatabaseServer, password: &str) -> String {
    config_at(server, server.socket().to_str().unwrap(), password)
}

/// The same by another way to the server.
pub fn config_at(server: &DatabaseServer, host: &str, password: &str) -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap();
    format!(
        "[db]\nuser = {}\npassword = {}\nhost = {}\nport = {}\nname = {}\n",
        text(USER),
        text(password),
        text(host),
        server.port,
        text(server.database())
    )
}

const POSTGRESQL: &str = "
CREATE TABLE a (id serial PRIMARY KEY, n bigint NOT NULL CHECK (n > -1000000));
CREATE TABLE b (id serial PRIMARY KEY, a int REFERENCES a (id) ON DELETE SET NULL, n bigint NOT NULL, \"Wörd's\" text);
CREATE INDEX b_n ON b (n);
INSERT INTO a (n) SELECT 100 FROM generate_series(1, 50);
INSERT INTO b (a, n, \"Wörd's\") SELECT 1 + i % 50, 100, E'li\\ne ''quoted'' \\\\ ' || i FROM generate_series(1, 50) i;
CREATE SEQUENCE tickets START 41;
SELECT nextval('tickets');
CREATE VIEW rich AS SELECT a.id, a.n + b.n AS n FROM a JOIN b ON b.a = a.id WHERE a.n >= 0;
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS 'SELECT 2 * x';
CREATE TABLE blobs (id int PRIMARY KEY, b bytea);
INSERT INTO blobs SELECT 1, decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, PIECES) i;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path TO public, \"$user\"', current_database());
EXECUTE format('ALTER DATABASE %I SET work_mem TO ''5MB''', current_database());
EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
EXECUTE format('COMMENT ON DATABASE %I IS ''of the lamp''', current_database()); END $$;
";
const POSTGRESQL_ALL: &str = "
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT sum(n) FROM a) + (SELECT sum(n) FROM b);
SELECT md5(string_agg(\"Wörd's\", '|' ORDER BY id)) FROM b;
SELECT count(*) > 0 FROM rich;
SELECT twice(21);
SELECT length(b), md5(b) FROM blobs;
SELECT last_value, is_called FROM tickets;
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1;
SELECT conname, contype FROM pg_constraint WHERE conrelid IN ('a'::regclass, 'b'::regclass) ORDER BY 1;
SELECT count(*) FROM pg_tables WHERE schemaname = 'public';
SELECT pg_get_userbyid(datdba), encoding, datcollate, datacl, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database();
SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database();
";
const MARIADB: &str = "
CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, n bigint NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE b (id int AUTO_INCREMENT PRIMARY KEY, a int, n bigint NOT NULL, `Wörd's \\``x` text, twofold bigint AS (n * 2) PERSISTENT,
  CONSTRAINT of_a FOREIGN KEY (a) REFERENCES a (id) ON DELETE SET NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX b_n ON b (n);
INSERT INTO a (n) SELECT 100 FROM seq_1_to_50;
INSERT INTO b (a, n, `Wörd's \\``x`) SELECT seq, 100, CONCAT('li\\ne ''quoted'' \\\\ ü);(', seq) FROM seq_1_to_50;
CREATE TABLE log (n int);
CREATE TABLE `-- empty` (n int);
CREATE SEQUENCE tickets START WITH 41;
SELECT NEXTVAL(tickets);
CREATE TABLE blobs (id int PRIMARY KEY, b longblob, c char(3) CHARACTER SET latin1);
SET SESSION group_concat_max_len = 20000000;
INSERT INTO blobs SELECT 1, GROUP_CONCAT(UNHEX(MD5(seq)) SEPARATOR ''), 'äöü' FROM seq_1_to_PIECES;
DELIMITER //
CREATE DEFINER FUNCTION twice(x int) RETURNS int DETERMINISTIC
BEGIN
RETURN 2 * x;
END//
CREATE DEFINER PROCEDURE fill_log() BEGIN
INSERT INTO `log` VALUES (1),(2),(3);
END//
CREATE DEFINER TRIGGER noted AFTER DELETE ON b FOR EACH ROW BEGIN
INSERT INTO `log` VALUES (OLD.id);
END//
CREATE DEFINER EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE n = -1//
DELIMITER ;
CREATE DEFINER VIEW rich AS SELECT a.id, twice(a.n + b.n) AS n FROM a JOIN b ON b.a = a.id WHERE a.n >= 0;
";
const MARIADB_ALL: &str = "
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT sum(n) FROM a) + (SELECT sum(n) FROM b), (SELECT sum(twofold) = 2 * sum(n) FROM b);
SET SESSION group_concat_max_len = 1000000;
SELECT MD5(GROUP_CONCAT(`Wörd's \\``x` ORDER BY id)) FROM b;
SELECT count(*) > 0 FROM rich;
SELECT twice(21);
SELECT LENGTH(b), MD5(b), HEX(c) FROM blobs;
SELECT next_not_cached_value > 41 AND next_not_cached_value < 90000 FROM tickets;
SHOW CREATE TABLE b;
SHOW CREATE VIEW rich;
SELECT routine_name, definer, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1;
SELECT trigger_name, definer, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1;
SELECT event_name, definer, status FROM information_schema.events WHERE event_schema = DATABASE();
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1;
SELECT constraint_name, referenced_table_name, unique_constraint_schema = DATABASE() FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE();
";
