//! The publisher's crash sweep: commands that sign are killed at each of their mutating system calls. Each time a client finds a whole
//! repository, old or new, and the same command again ends where an undisturbed one does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::sweep::{MUTATING, Point, numbered};
use crate::world::{Lamp, Publisher, Ran, netlink, run};

/// What a command starts from.
struct Scenario {
    dir: tempfile::TempDir,
    args: Vec<String>,
    /// What the command ends with when all is done already.
    again: &'static [i32],
    /// Whether it does nothing more when it is repeated.
    ends_alike: bool,
}

impl Scenario {
    /// Two releases are out and the package of a third is made; `before` works on it, `args` with `REPO` and `KEYS` is killed.
    fn new(before: impl FnOnce(&Publisher), args: &[&str], again: &'static [i32]) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        }
        .unwrap();
        let publisher = Publisher::new(&dir.path().join("template"));
        for release in [Lamp::A1, Lamp::B1] {
            publisher.publish(&publisher.lamp(&release));
        }
        publisher.pack(&publisher.lamp(&Lamp::R1)).ok();
        fs::create_dir(publisher.dir.join("none")).unwrap();
        before(&publisher);
        let work = dir.path().join("work");
        let at = |name: &str| work.join(name).to_str().unwrap().to_owned();
        let word = |arg: &&str| match *arg {
            "REPO" => at("repo"),
            "KEYS" => at("keys"),
            "PACKAGE" => at("0r1.tar.zst"),
            other => other.to_owned(),
        };
        let args = args.iter().map(word).collect();
        Self {
            dir,
            args,
            again,
            ends_alike: true,
        }
    }

    fn fresh(&self) -> PathBuf {
        let (template, work) = (self.dir.path().join("template"), self.dir.path().join("work"));
        if work.exists() {
            fs::remove_dir_all(&work).unwrap();
        }
        let done = Command::new("cp").arg("-a").args([&template, &work]).status().unwrap();
        assert!(done.success());
        work
    }

    fn traced(&self, more: &[&str]) -> Ran {
        let mut command = Command::new("strace");
        command.arg("-qq").args(more).arg("--").arg(netlink()).args(&self.args);
        Ran::of(&command.output().unwrap())
    }

    fn run(&self) -> Ran {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        run(&args)
    }

    /// The calls of this kind; of those that open, the ones that create.
    fn points(&self, calls: &str) -> Vec<Point> {
        self.fresh();
        let log = self.dir.path().join("calls");
        let trace = format!("trace={calls}");
        self.traced(&["-o", log.to_str().unwrap(), "-e", &trace]).ok();
        let text = fs::read_to_string(log).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("---") && !line.starts_with("+++"));
        let wanted = |line: &str| calls != "openat" || line.contains("O_CREAT");
        let all = numbered(lines).into_iter().filter(|(_, line)| wanted(line));
        all.map(|(point, _)| point).collect()
    }

    fn sweep(&self) {
        self.fresh();
        self.run().ok();
        let undisturbed = state(&self.dir.path().join("work/repo"));
        let mut broke = Vec::new();
        let (mut visited, mut killed) = (0, 0);
        for calls in [MUTATING, "openat"] {
            for (call, number) in self.points(calls) {
                visited += 1;
                let work = self.fresh();
                let (trace, inject) = (
                    format!("trace={call}"),
                    format!("inject={call}:signal=KILL:when={number}"),
                );
                killed += usize::from(self.traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject]).code == -1);
                if let Some(wrong) = self.wrong(&work, &undisturbed) {
                    broke.push(format!("{call} {number}: {wrong}"));
                }
            }
        }
        println!("{}: {visited} points, {} broke", self.args[1], broke.len());
        assert!(killed * 20 > visited * 19, "only {killed} of {visited} were killed");
        assert!(visited > 20, "only {visited} points: does strace work here?");
        assert!(broke.is_empty(), "{}", broke.join("\n"));
    }

    fn wrong(&self, work: &Path, undisturbed: &BTreeMap<String, String>) -> Option<String> {
        let repo = work.join("repo");
        if let Some(wrong) = read(&repo, &work.join("reader")) {
            return Some(format!("readers: {wrong}"));
        }
        let again = self.run();
        if again.code != 0 && !self.again.contains(&again.code) {
            return Some(format!("again: {again}"));
        }
        if let Some(wrong) = read(&repo, &work.join("reader")) {
            return Some(format!("readers at the end: {wrong}"));
        }
        let state = state(&repo);
        if self.ends_alike && state != *undisturbed {
            let names = |state: &BTreeMap<String, String>| state.keys().cloned().collect::<BTreeSet<_>>();
            let (ours, theirs) = (names(&state), names(undisturbed));
            let other: Vec<_> = state
                .iter()
                .filter(|(name, text)| undisturbed.get(*name) != Some(*text))
                .collect();
            return Some(format!(
                "another end: {:?}; {other:?}",
                ours.symmetric_difference(&theirs)
            ));
        }
        None
    }
}

/// Refreshes, and has the whole repository checked.
fn read(repo: &Path, reader: &Path) -> Option<String> {
    let metadata = reader.to_str().unwrap();
    let url = format!("file://{}/metadata", repo.display());
    if !reader.exists() {
        let root = repo.join("root.json");
        run(&["tuf", "--metadata-dir", metadata, "init", root.to_str().unwrap()]).ok();
    }
    let refreshed = run(&["tuf", "--metadata-dir", metadata, "--metadata-url", &url, "refresh"]);
    let verified = run(&["release", "verify", repo.to_str().unwrap()]);
    let failed = [refreshed, verified].into_iter().find(|ran| ran.code != 0)?;
    Some(failed.to_string())
}

/// Every file, of metadata what does not hang on the moment of signing.
fn state(repo: &Path) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    let mut folders = vec![repo.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let name = path.strip_prefix(repo).unwrap().to_str().unwrap().to_owned();
            let text = match serde_json::from_slice::<Value>(&bytes) {
                Ok(mut value) if name.starts_with("metadata/") => {
                    timeless(&mut value);
                    value.to_string()
                }
                _ if name == "repository.lock" => continue,
                _ => netlink::crypt::digest_of(&bytes).to_string(),
            };
            state.insert(name, text);
        }
    }
    state
}

/// Without times, and what is computed from them.
fn timeless(value: &mut Value) {
    let Value::Object(map) = value else { return };
    map.remove("signatures");
    if let Some(Value::Object(signed)) = map.get_mut("signed") {
        signed.remove("expires");
        for meta in signed
            .get_mut("meta")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(|meta| meta.values_mut())
        {
            if let Value::Object(meta) = meta {
                meta.remove("hashes");
                meta.remove("length");
            }
        }
    }
}

#[test]
fn publish_sweep() {
    let args = ["release", "publish", "--repo", "REPO", "--keys", "KEYS", "PACKAGE"];
    Scenario::new(|_| (), &args, &[]).sweep();
}

#[test]
fn yank_sweep() {
    let args = [
        "release", "yank", "0b1", "--reason", "it burns", "--repo", "REPO", "--keys", "KEYS",
    ];
    Scenario::new(|_| (), &args, &[]).sweep();
}

/// Once the draft is published there is nothing to sign any more, which is said (2).
#[test]
fn sign_sweep() {
    let drafted = |publisher: &Publisher| {
        let (repo, none, package) = (
            publisher.text("repo"),
            publisher.text("none"),
            publisher.text("0r1.tar.zst"),
        );
        let ran = run(&["release", "publish", "--repo", &repo, "--keys", &none, &package]).ok();
        assert!(ran.out.contains("drafted"), "{ran}");
    };
    let args = ["release", "sign", "--yes", "--repo", "REPO", "--keys", "KEYS"];
    Scenario::new(drafted, &args, &[2]).sweep();
}

#[test]
fn renew_sweep() {
    let args = [
        "release",
        "renew",
        "root",
        "targets",
        "--expires",
        "root=2y,timestamp=36h",
        "--repo",
        "REPO",
        "--keys",
        "KEYS",
    ];
    let mut scenario = Scenario::new(|_| (), &args, &[]);
    // Each signs once more.
    scenario.ends_alike = false;
    scenario.sweep();
}
