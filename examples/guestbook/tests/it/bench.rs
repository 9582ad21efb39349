//! A folder with a database and a configuration, and a program running on them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

pub const VERSIONS: [&str; 3] = ["0a1", "0b1", "0r1"];
const LIMIT: Duration = Duration::from_secs(20);

pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("releases")
}

pub fn program(version: &str) -> &'static str {
    match version {
        "0a1" => env!("CARGO_BIN_EXE_guestbook-0a1"),
        "0b1" => env!("CARGO_BIN_EXE_guestbook-0b1"),
        "0r1" => env!("CARGO_BIN_EXE_guestbook-0r1"),
        other => panic!("{other} is not made here"),
    }
}

pub struct Bench {
    folder: TempDir,
}

impl Bench {
    /// A database on which no migration ran, and no configuration.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { folder };
        let history = "CREATE TABLE refinery_schema_history
            (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))";
        bench.sql().execute_batch(history).unwrap();
        bench
    }

    /// Schema and configuration of `version`, on a free port.
    pub fn of(version: &str) -> Self {
        let bench = Self::bare();
        let level = VERSIONS.iter().position(|v| *v == version).unwrap() + 1;
        (1..=level).for_each(|level| bench.up(level));
        bench.configure(version);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn sql(&self) -> Connection {
        Connection::open(self.path("guestbook.db")).unwrap()
    }

    pub fn up(&self, level: usize) {
        let mut sql = self.sql();
        let change = sql.transaction().unwrap();
        change.execute_batch(&migration(level, false)).unwrap();
        let row = "INSERT INTO refinery_schema_history VALUES (?, '', '2026-01-01T00:00:00Z', '0')";
        change.execute(row, [level as i64]).unwrap();
        change.commit().unwrap();
    }

    pub fn down(&self, level: usize) {
        let mut sql = self.sql();
        let change = sql.transaction().unwrap();
        change.execute_batch(&migration(level, true)).unwrap();
        let row = "DELETE FROM refinery_schema_history WHERE version = ?";
        change.execute(row, [level as i64]).unwrap();
        change.commit().unwrap();
    }

    pub fn configure(&self, version: &str) {
        let default = std::fs::read_to_string(sources().join(version).join("guestbook.toml")).unwrap();
        self.configure_with(&default.replace("127.0.0.1:8700", "127.0.0.1:0"));
    }

    pub fn configure_with(&self, text: &str) {
        std::fs::write(self.path("guestbook.toml"), text).unwrap();
    }

    pub fn check(&self, version: &str) -> Output {
        self.command(version).arg("--check").output().unwrap()
    }

    pub fn start(&self, version: &str) -> Running {
        let mut child = self.command(version).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "{version} ended: {seen}");
            if let Some((_, address)) = line.trim().split_once("listens on http://") {
                break address.to_owned();
            }
            seen += &line;
        };
        Running { child, address }
    }

    fn command(&self, version: &str) -> Command {
        let mut command = Command::new(program(version));
        command.arg("--config").arg(self.path("guestbook.toml"));
        command.arg("--database").arg(self.path("guestbook.db"));
        command
    }
}

fn migration(level: usize, down: bool) -> String {
    let start = format!("V{level}__");
    let mut found = std::fs::read_dir(sources().join("migrations"))
        .unwrap()
        .filter_map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            (name.starts_with(&start) && name.ends_with(".down.sql") == down).then_some(name)
        });
    let name = found.next().unwrap();
    std::fs::read_to_string(sources().join("migrations").join(name)).unwrap()
}

pub struct Running {
    child: Child,
    address: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Running {
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "application/json", "")
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, "application/json", body)
    }

    pub fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let mut stream = self.connect().unwrap();
        stream
            .write_all(head(method, path, kind, body.len()).as_bytes())
            .unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        read_answer(stream)
    }

    pub fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("still running after {LIMIT:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn head(method: &str, path: &str, kind: &str, length: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: guestbook\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )
}

pub fn read_answer(mut stream: TcpStream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        body: body.to_owned(),
    }
}
