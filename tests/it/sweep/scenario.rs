//! Installations to disturb, and how they are told to be right.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use netlink::crypt::Digest;
use netlink::disk::EntryKind;

use crate::world::{Installation, Lamp, Publisher, Ran, dump, netlink, put};

/// What an update starts from and what it is asked for.
pub(super) struct Scenario {
    /// `/dev/shm` where there is one: the sweep looks at order, not at the disk.
    pub(super) dir: tempfile::TempDir,
    pub(super) args: Vec<&'static str>,
    pub(super) old: State,
    pub(super) new: State,
    pub(super) begins_damaged: bool,
    /// A scenario whose own sweep visits the calls with which this one begins too.
    pub(super) begins_like: Option<Box<Scenario>>,
    /// Words of the call up to which it goes as another scenario.
    pub(super) since: Option<&'static str>,
    /// Words of the call from which on it goes as a scenario whose own sweep visits the rest.
    pub(super) until: Option<&'static str>,
}

/// What an installation is, as far as an update may change it.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) version: String,
    /// Of each file of the active release.
    pub(super) release: Vec<(String, Digest)>,
    pub(super) config: (String, u32),
    pub(super) database: String,
    pub(super) files: BTreeSet<String>,
    /// Files of extensions, in use and aside, and which NetLink has noted as disabled.
    pub(super) extensions: BTreeSet<String>,
}

impl Scenario {
    /// `0a1` installed; `args` is what to run.
    pub(super) fn new(args: &[&'static str], before: &[&[&str]]) -> Self {
        Self::with(args, before, |_| (), |_| ())
    }

    /// The same, with more in the repository, and something done to the installation.
    pub(super) fn with(
        args: &[&'static str],
        before: &[&[&str]],
        more: impl FnOnce(&Publisher),
        spoil: impl FnOnce(&Installation),
    ) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
        let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
        let broken = Lamp {
            version: "0b2",
            schema: 2,
            healthy: false,
            more: "",
        };
        publisher.publish(&publisher.lamp(&broken));
        more(&publisher);
        let work = Installation::of_lamp(&dir.path().join("work"), &publisher, "0a1");
        put(
            &work.path("config/update.yml"),
            "health: {timeout: 150ms, interval: 30ms}\n",
            0o644,
        );
        let edited = work.text("config/lamp.toml").replace("= 5 # of 10", "= 7 # mine");
        put(&work.path("config/lamp.toml"), &edited, 0o640);
        for step in before {
            work.run(step).ok();
        }
        work.stop();
        spoil(&work);
        drop(work);
        copy(&dir.path().join("work"), &dir.path().join("template"));
        let mut scenario = Self {
            dir,
            args: args.to_vec(),
            old: State::default(),
            new: State::default(),
            begins_damaged: false,
            begins_like: None,
            since: None,
            until: None,
        };
        let work = scenario.fresh();
        scenario.old = State::of(&work);
        work.run(&scenario.args);
        scenario.new = State::of(&work);
        scenario
    }

    /// The installation as it was before the update, its product running.
    pub(super) fn fresh(&self) -> Installation {
        let root = self.dir.path().join("work");
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        copy(&self.dir.path().join("template"), &root);
        let work = Installation { root };
        work.run(&["supervise", "--start"]).ok();
        work
    }

    /// Runs a command under strace with an injection, e.g. `error=EIO:when=3`; faults may be seeded on top.
    pub(super) fn run(
        &self,
        work: &Installation,
        args: &[&str],
        (calls, injection): (&str, &str),
        seeded: Option<&str>,
    ) -> Ran {
        let mut command = Command::new("strace");
        let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{injection}"));
        command.args(["-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "--"]);
        command.arg(netlink()).arg("--root").arg(&work.root).args(args);
        command.stdin(std::process::Stdio::null());
        if let Some(fault) = seeded {
            command.env("NETLINK_SEEDED_FAULT", fault);
        }
        Ran::of(&command.output().unwrap())
    }

    /// The calls of an undisturbed run, as strace writes them.
    pub(super) fn calls(&self, which: &str, seeded: Option<&str>) -> Vec<String> {
        let work = self.fresh();
        let log = self.dir.path().join("calls");
        let mut command = Command::new("strace");
        command.args([
            "-qq",
            "-y",
            "-s",
            "0",
            "-o",
            log.to_str().unwrap(),
            "-e",
            &format!("trace={which}"),
            "--",
        ]);
        command.arg(netlink()).arg("--root").arg(&work.root).args(&self.args);
        if let Some(fault) = seeded {
            command.env("NETLINK_SEEDED_FAULT", fault);
        }
        command.output().unwrap();
        fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect()
    }

    /// What is wrong after the update was interrupted, then resumed; none when all is well.
    pub(super) fn broken(&self, work: &Installation, ran: &Ran) -> Option<String> {
        let by_state = || i32::from(State::of(work).release != self.new.release);
        let mut code = if ran.out.contains("nothing to do") {
            by_state()
        } else {
            ran.code
        };
        // Only an update that says that it is over may be left alone.
        if !matches!(code, 0 | 1) {
            if let Some(wrong) = self.broken_at_once(work) {
                return Some(format!("at once: {wrong}"));
            }
            let resumed = work.run(&["update", "resume"]);
            match (resumed.code, resumed.out.contains("nothing to do")) {
                (0, true) => code = by_state(),
                (0 | 1, _) => code = resumed.code,
                _ => return Some(format!("resume: {resumed}")),
            }
        }
        let status = work.run(&["update", "status", "--output", "json"]);
        let unfinished = ["died", "waiting", "running"].iter().any(|state| {
            status.out.contains(&format!("\"state\": \"{state}\"")) && status.json()["update"]["state"] == *state
        });
        if unfinished {
            return Some(format!("unfinished after exit code {code}: {status}"));
        }
        self.differs(work, code)
    }

    pub(super) fn differs(&self, work: &Installation, code: i32) -> Option<String> {
        let found = State::of(work);
        let expected = if code == 0 { &self.new } else { &self.old };
        let kept: BTreeSet<String> = self.old.files.union(&self.new.files).cloned().collect();
        let strangers: Vec<&String> = found.files.difference(&kept).collect();
        if !strangers.is_empty() {
            return Some(format!("left lying after exit code {code}: {strangers:?}"));
        }
        let is_gone = |name: &&String| name.starts_with("releases/") && !found.files.contains(*name);
        let gone: Vec<&String> = expected.files.iter().filter(is_gone).collect();
        if !gone.is_empty() {
            return Some(format!("gone after exit code {code}: {gone:?}"));
        }
        let same = |state: &State| State {
            files: BTreeSet::new(),
            ..state.clone()
        };
        if same(&found) != same(expected) {
            return Some(format!("exit code {code}, found {found:#?}, expected {expected:#?}"));
        }
        let verified = work.run(&["update", "verify"]);
        let damaged = self.begins_damaged && found.release == self.old.release;
        if (verified.code != 0) != damaged {
            return Some(format!("verify: {verified}"));
        }
        let status = work.run(&["update", "status", "--output", "json"]).json();
        let product = &status["product"];
        if product["state"] != "running" || product["version"] != expected.version.as_str() {
            return Some(format!(
                "the product is {product}, expected {} running",
                expected.version
            ));
        }
        (status["maintenance"] != false).then(|| "maintenance is still on".to_owned())
    }
}

impl State {
    pub(super) fn of(work: &Installation) -> Self {
        let config = work.path("config/lamp.toml");
        let link = fs::read_link(work.path("current")).unwrap_or_default();
        Self {
            version: link
                .file_name()
                .map(|name| name.to_str().unwrap().to_owned())
                .unwrap_or_default(),
            release: release(&work.path("current")),
            config: (
                fs::read_to_string(&config).unwrap_or_default(),
                fs::metadata(&config).map_or(0, |meta| meta.permissions().mode()),
            ),
            database: if work.path("data/lamp.db").exists() {
                dump(&work.path("data/lamp.db"))
            } else {
                String::new()
            },
            extensions: extensions(work),
            files: files(&work.root),
        }
    }
}

fn extensions(work: &Installation) -> BTreeSet<String> {
    if !work.path("data/plugins").exists() {
        return BTreeSet::new();
    }
    let all = files(&work.root).into_iter();
    let mut found: BTreeSet<String> = all.filter(|name| name.starts_with("data/plugins")).collect();
    let status = work.run(&["update", "status", "--output", "json"]).json();
    let noted = status["disabled_extensions"].as_array().into_iter().flatten();
    found.extend(noted.map(|one| format!("disabled: {}", one["name"])));
    found
}

/// Every path below the root; those that differ from run to run by name are counted instead.
fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut backups = 0;
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let is_volatile = ["-wal", "-shm"].iter().any(|end| name.ends_with(end)) || name.contains("supervisor");
            let of_backups = name.starts_with("backups/updates/") && !name.ends_with(".netlink-part");
            if of_backups {
                // Folders and files there have names by chance; a failed backup is listed with its reason.
                backups += u32::from(name.ends_with(".snapshot"));
            } else if !is_volatile {
                found.insert(name);
            }
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            }
        }
    }
    found.extend((1..=backups).map(|number| format!("backup number {number}")));
    found
}

/// Every file of a release tree.
fn release(tree: &Path) -> Vec<(String, Digest)> {
    let Ok(entries) = netlink::disk::walk(&tree.canonicalize().unwrap_or_default()) else {
        return Vec::new();
    };
    let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let digest = |path: &Path| netlink::crypt::digest_of(&fs::read(tree.join(path)).unwrap());
    files
        .map(|entry| (entry.path.display().to_string(), digest(&entry.path)))
        .collect()
}

/// What must hold in every moment, also while the update is cut off.
fn broken_at_once(work: &Installation) -> Option<String> {
    let config = fs::read_to_string(work.path("config/lamp.toml")).unwrap_or_default();
    if let Err(e) = netlink::migrate::config::check(netlink::migrate::config::Format::Toml, "lamp.toml", &config) {
        return Some(e.to_string());
    }
    let db = rusqlite::Connection::open(work.path("data/lamp.db")).unwrap();
    let whole: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap_or_else(|e| e.to_string());
    (whole != "ok").then(|| format!("the database: {whole}"))
}

fn copy(from: &Path, to: &Path) {
    assert!(
        Command::new("cp")
            .arg("-a")
            .arg(from)
            .arg(to)
            .status()
            .unwrap()
            .success()
    );
}

/// Processes of an installation: its folder is in their command line, or they work in it.
pub(super) fn processes_of(root: &Path) -> Vec<String> {
    let root = root.to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let line = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        let place = fs::read_link(path.join("cwd")).unwrap_or_default();
        if line.contains(root) || place.starts_with(root) {
            found.push(line.replace('\0', " "));
        }
    }
    found
}

impl Scenario {
    /// The active release is wholly the old one or wholly the new one, and all else can be read.
    pub(super) fn broken_at_once(&self, work: &Installation) -> Option<String> {
        let active = release(&work.path("current"));
        let is_one_of_both = [&self.old.release, &self.new.release].contains(&&active);
        // One that is undone ends where it began; in between another release is there, as it was published.
        let is_whole = || {
            let tree = fs::canonicalize(work.path("current"));
            tree.is_ok_and(|tree| netlink::package::Staged::check(&tree).is_ok())
        };
        if !is_one_of_both && !is_whole() {
            return Some(format!("the active release is {active:?}"));
        }
        broken_at_once(work)
    }

    /// A call without what differs between two runs: folder, versions, ids, sizes, digests.
    pub(super) fn shape(&self, call: &str) -> String {
        let call = call.replace(self.dir.path().to_str().unwrap(), "");
        call.chars().filter(|c| !matches!(c, '0'..='9' | 'a'..='f')).collect()
    }
}
