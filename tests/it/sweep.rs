//! The crash sweep: an update is killed at each of its mutating system calls, or each of them fails; then it is resumed.
//!
//! Each time the product must end in exactly one of two versions, healthy, with data and configuration of that version to the
//! byte, and nothing left lying. The engine runs on the main thread, so strace without `-f` meets its calls alone and in order.
//! That the sweep finds faults is proven with faults seeded on purpose.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::world::{Installation, Lamp, Publisher, Ran, dump, netlink, put};

/// Calls that change what is on disk or what others see. `openat` changes something where it creates.
pub const MUTATING: &str = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,\
                        symlink,symlinkat,link,linkat,ftruncate,truncate,fallocate,chmod,fchmod,fchmodat,?fchmodat2,fchown,\
                        lchown,fchownat,utimensat,copy_file_range,sendfile,syncfs";

/// What an update starts from and what it is asked for.
struct Scenario {
    /// `/dev/shm` where there is one: the sweep looks at order, not at the disk.
    dir: tempfile::TempDir,
    args: Vec<&'static str>,
    old: State,
    new: State,
    /// A scenario whose own sweep visits the calls with which this one begins too.
    begins_like: Option<Box<Scenario>>,
    /// Words of the call from which on it goes as a scenario whose own sweep visits the rest.
    until: Option<&'static str>,
}

/// What an installation is, as far as an update may change it.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
struct State {
    version: String,
    config: (String, u32),
    database: String,
    files: BTreeSet<String>,
}

impl Scenario {
    /// `0a1` installed; `args` is what to run.
    fn new(args: &[&'static str], before: &[&[&str]]) -> Self {
        Self::with(args, before, |_| ())
    }

    /// The same, with more in the repository.
    fn with(args: &[&'static str], before: &[&[&str]], more: impl FnOnce(&Publisher)) -> Self {
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
        drop(work);
        copy(&dir.path().join("work"), &dir.path().join("template"));
        let mut scenario = Self {
            dir,
            args: args.to_vec(),
            old: State::default(),
            new: State::default(),
            begins_like: None,
            until: None,
        };
        let work = scenario.fresh();
        scenario.old = State::of(&work);
        work.run(&scenario.args);
        scenario.new = State::of(&work);
        scenario
    }

    /// The installation as it was before the update, its product running.
    fn fresh(&self) -> Installation {
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
    fn run(&self, work: &Installation, args: &[&str], (calls, injection): (&str, &str), seeded: Option<&str>) -> Ran {
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
    fn calls(&self, which: &str, seeded: Option<&str>) -> Vec<String> {
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
    fn broken(&self, work: &Installation, ran: &Ran) -> Option<String> {
        let by_state = || i32::from(State::of(work).version != self.new.version);
        let mut code = if ran.out.contains("nothing to do") {
            by_state()
        } else {
            ran.code
        };
        // Only an update that says that it is over may be left alone.
        if !matches!(code, 0 | 1) {
            if let Some(wrong) = broken_at_once(work) {
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

    fn differs(&self, work: &Installation, code: i32) -> Option<String> {
        let found = State::of(work);
        let expected = if code == 0 { &self.new } else { &self.old };
        let kept: BTreeSet<String> = self.old.files.union(&self.new.files).cloned().collect();
        let strangers: Vec<&String> = found.files.difference(&kept).collect();
        if !strangers.is_empty() {
            return Some(format!("left lying after exit code {code}: {strangers:?}"));
        }
        let same = |state: &State| (state.version.clone(), state.config.clone(), state.database.clone());
        if same(&found) != same(expected) {
            return Some(format!("exit code {code}, found {found:#?}, expected {expected:#?}"));
        }
        let verified = work.run(&["update", "verify"]);
        if verified.code != 0 {
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
    fn of(work: &Installation) -> Self {
        let config = work.path("config/lamp.toml");
        let link = fs::read_link(work.path("current")).unwrap_or_default();
        Self {
            version: link
                .file_name()
                .map(|name| name.to_str().unwrap().to_owned())
                .unwrap_or_default(),
            config: (
                fs::read_to_string(&config).unwrap_or_default(),
                fs::metadata(&config).map_or(0, |meta| meta.permissions().mode()),
            ),
            database: if work.path("data/lamp.db").exists() {
                dump(&work.path("data/lamp.db"))
            } else {
                String::new()
            },
            files: files(&work.root),
        }
    }
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
            if name.starts_with("backups/updates/backup_") && !name.ends_with(".netlink-part") {
                backups += 1;
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

/// What must hold in every moment, also while the update is cut off.
fn broken_at_once(work: &Installation) -> Option<String> {
    let link = match fs::read_link(work.path("current")) {
        Ok(link) => link,
        Err(e) => return Some(format!("current: {e}")),
    };
    if let Err(e) = netlink::package::Staged::check(&work.root.join(link)) {
        return Some(format!("the active release: {e}"));
    }
    let config = fs::read_to_string(work.path("config/lamp.toml")).unwrap_or_default();
    if let Err(e) = netlink::migrate::config::check("lamp.toml", &config) {
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
fn processes_of(root: &Path) -> Vec<String> {
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

/// What is done to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Kill,
    /// `EIO` for every other call, `ENOSPC` for those between; both for all when `NETLINK_SWEEP=full`.
    Fail,
}

impl Effect {
    fn injections(self, number: usize) -> Vec<String> {
        let full = std::env::var("NETLINK_SWEEP").is_ok_and(|how| how == "full");
        match self {
            Self::Kill => vec![format!("signal=KILL:when={number}")],
            Self::Fail if full => ["EIO", "ENOSPC"]
                .map(|error| format!("error={error}:when={number}"))
                .to_vec(),
            Self::Fail => vec![format!(
                "error={}:when={number}",
                if number.is_multiple_of(2) { "ENOSPC" } else { "EIO" }
            )],
        }
    }
}

/// Every call that can be disturbed, by its number among its kind: the mutating ones and, for kills, the opens that create.
fn points(scenario: &Scenario, effect: Effect) -> Vec<(&'static str, usize)> {
    let mut points = numbers(scenario, MUTATING, |_| true);
    if effect == Effect::Kill {
        points.extend(numbers(scenario, "openat", |line| line.contains("O_CREAT")));
    }
    points
}

/// A few calls more than needed, because the beginnings do not part at exactly one call.
const OVERLAP: usize = 20;

fn numbers(scenario: &Scenario, which: &'static str, wanted: fn(&str) -> bool) -> Vec<(&'static str, usize)> {
    let calls = scenario.calls(which, None);
    let calls: Vec<&String> = calls.iter().filter(|line| !line.starts_with("---")).collect();
    let common = scenario.begins_like.as_ref().map_or(0, |other| {
        let others = other.calls(which, None);
        let others = others.iter().filter(|line| !line.starts_with("---"));
        let same = calls
            .iter()
            .zip(others)
            .take_while(|(a, b)| scenario.shape(a) == other.shape(b));
        same.count().saturating_sub(OVERLAP)
    });
    let end = scenario.until.map_or(calls.len(), |words| {
        let last = calls.iter().position(|line| line.contains(words));
        last.unwrap_or_else(|| panic!("no call has {words}")) + OVERLAP
    });
    let all = calls
        .iter()
        .enumerate()
        .take(end)
        .skip(common)
        .filter(|(_, line)| wanted(line));
    all.map(|(at, _)| (which, at + 1)).collect()
}

impl Scenario {
    /// A call without what differs between two runs: folder, versions, ids, sizes, digests.
    fn shape(&self, call: &str) -> String {
        let call = call.replace(self.dir.path().to_str().unwrap(), "");
        call.chars().filter(|c| !matches!(c, '0'..='9' | 'a'..='f')).collect()
    }
}

/// Disturbs each of these points; prints how many were visited and how many broke. A seeded fault ends it at the first find.
fn sweep(scenario: &Scenario, what: &str, effect: Effect, seeded: Option<&str>) -> usize {
    let (mut visited, mut broke) = (0, Vec::new());
    'points: for (calls, number) in points(scenario, effect) {
        for injection in effect.injections(number) {
            let work = scenario.fresh();
            let ran = scenario.run(&work, &scenario.args, (calls, &injection), seeded);
            visited += 1;
            if let Some(wrong) = scenario.broken(&work, &ran) {
                let kind = if calls == MUTATING { "mutating call" } else { calls };
                broke.push(format!("{kind} {number}, {injection}: {wrong}\nthe update: {ran}"));
            }
            end(work, &mut broke);
            if broke.len() > 4 || (seeded.is_some() && !broke.is_empty()) {
                break 'points;
            }
        }
    }
    println!("{what}: {visited} points visited, {} broke", broke.len());
    assert!(visited > 20, "{what}: only {visited} points: does strace work here?");
    if seeded.is_none() {
        assert!(broke.is_empty(), "{}", broke.join("\n\n"));
    }
    broke.len()
}

/// What was told to end is done with everything, but may still be on its way out of a busy machine.
const ENDING: Duration = Duration::from_secs(10);

fn end(work: Installation, broke: &mut Vec<String>) {
    let root: PathBuf = work.root.clone();
    drop(work);
    let deadline = Instant::now() + ENDING;
    let mut left = processes_of(&root);
    while !left.is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        left = processes_of(&root);
    }
    if !left.is_empty() {
        broke.push(format!("processes are left: {left:?}"));
    }
}

fn upgrade() -> Scenario {
    Scenario::new(&["update", "upgrade", "--to", "0b1", "--yes"], &[])
}

/// The upgrade by a patch, or back to the whole package because the repository has lost the patch.
fn patched(is_there: bool) -> Scenario {
    let mut patched = Scenario::with(&["update", "upgrade", "--to", "0b1", "--yes"], &[], |publisher| {
        publisher.patch("0a1", "0b1").ok();
        let folder = fs::read_dir(publisher.dir.join("repo/targets/lamp/0b1")).unwrap();
        for path in folder.map(|entry| entry.unwrap().path()) {
            if !is_there && path.to_str().unwrap().ends_with(".patch") {
                fs::remove_file(path).unwrap();
            }
        }
    });
    let said = patched.fresh().run(&patched.args).ok().err;
    let way = if is_there {
        "by a patch of"
    } else {
        "of the whole package"
    };
    assert!(said.contains(way), "{said}");
    // Once the release is in its place, nothing remembers how it came.
    patched.until = Some("/releases/0b1");
    patched
}

/// Until its health check it is the upgrade, so only what comes then is visited.
fn failing() -> Scenario {
    let mut failing = Scenario::new(&["update", "upgrade", "--to", "0b2", "--yes"], &[]);
    failing.begins_like = Some(Box::new(upgrade()));
    failing
}

fn rollback() -> Scenario {
    Scenario::new(
        &["update", "rollback", "--yes"],
        &[&["update", "upgrade", "--to", "0b1", "--yes"]],
    )
}

#[test]
fn killed_at_every_call_of_an_upgrade() {
    sweep(&upgrade(), "kill, upgrade", Effect::Kill, None);
}

#[test]
fn killed_at_every_call_of_an_upgrade_by_a_patch() {
    sweep(&patched(true), "kill, upgrade by a patch", Effect::Kill, None);
    sweep(&patched(false), "kill, upgrade without its patch", Effect::Kill, None);
}

#[test]
fn every_call_of_an_upgrade_by_a_patch_fails() {
    sweep(&patched(true), "error, upgrade by a patch", Effect::Fail, None);
}

#[test]
fn killed_at_every_call_of_an_upgrade_that_fails() {
    sweep(&failing(), "kill, failing upgrade", Effect::Kill, None);
}

#[test]
fn killed_at_every_call_of_a_rollback() {
    sweep(&rollback(), "kill, rollback", Effect::Kill, None);
}

#[test]
fn every_call_of_an_upgrade_fails() {
    sweep(&upgrade(), "error, upgrade", Effect::Fail, None);
}

#[test]
fn every_call_of_an_upgrade_that_fails_anyway_fails() {
    sweep(&failing(), "error, failing upgrade", Effect::Fail, None);
}

#[test]
fn every_call_of_a_rollback_fails() {
    sweep(&rollback(), "error, rollback", Effect::Fail, None);
}

#[test]
fn killed_three_times_in_a_row() {
    let mut broke = Vec::new();
    let mut visited = 0;
    for (scenario, salt) in [(upgrade(), 1), (failing(), 2), (rollback(), 3)] {
        let all = points(&scenario, Effect::Fail).len();
        let mut random = salt;
        for _ in 0..20 {
            let work = scenario.fresh();
            let mut numbers = Vec::new();
            let mut ran = None;
            for args in [&scenario.args[..], &["update", "resume"], &["update", "resume"]] {
                random = next(random);
                let number = 1 + random % all;
                numbers.push(number);
                ran = Some(scenario.run(&work, args, (MUTATING, &format!("signal=KILL:when={number}")), None));
                if ran.as_ref().is_some_and(|ran| ran.code != -1) {
                    break;
                }
            }
            visited += 1;
            if let Some(wrong) = ran.and_then(|ran| scenario.broken(&work, &ran)) {
                broke.push(format!("killed at {numbers:?}: {wrong}"));
            }
            end(work, &mut broke);
        }
    }
    println!("three kills in a row: {visited} rows visited, {} broke", broke.len());
    assert!(broke.is_empty(), "{}", broke.join("\n\n"));
}

/// Numerical Recipes' linear congruence: the same rows in every run.
fn next(random: usize) -> usize {
    random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) % (1 << 32)
}

#[test]
fn results_journaled_before_the_work_is_done_are_found() {
    let found = sweep(
        &upgrade(),
        "seeded: result before work",
        Effect::Kill,
        Some("result-before-work"),
    );
    assert!(found > 0, "the sweep did not find a fault that is there");
}

/// Names that a power cut may take away without harm: they are made anew, or only written for people.
const PASSING: [&str; 5] = ["/staging", "/downloads", "/logs", "netlink.db", ".netlink/lock"];

/// Walks through the calls of a run: what was written must be durable before it gets its name, and names before the journal
/// says so. Gives what is not.
fn not_durable(calls: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut contents, mut names) = (BTreeSet::new(), BTreeSet::new());
    let passing = |path: &str| PASSING.iter().any(|part| path.contains(part));
    for line in calls.iter().filter(|line| !line.contains(" = -1 ")) {
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let open = rest
            .split_once('<')
            .and_then(|(_, path)| path.split_once('>'))
            .map(|(path, _)| path.to_owned());
        let quoted: Vec<&str> = rest.split('"').skip(1).step_by(2).collect();
        match (call, open, &quoted[..]) {
            ("write" | "pwrite64" | "ftruncate", Some(path), _) if !passing(&path) && path.starts_with('/') => {
                contents.insert(path);
            }
            ("fsync" | "fdatasync", Some(path), _) => {
                if path.ends_with("netlink.db-wal") {
                    wrong.extend(
                        names
                            .iter()
                            .map(|name| format!("the journal goes on before {name} is durable")),
                    );
                    names.clear();
                }
                contents.remove(&path);
                names.remove(&path);
            }
            ("syncfs", ..) => {
                contents.clear();
                names.clear();
            }
            ("rename" | "renameat" | "renameat2", _, [from, to]) if !passing(to) => {
                if contents.remove(*from) {
                    wrong.push(format!("{to} got its name before its content was durable"));
                }
                names.insert(folder(to));
            }
            ("mkdir" | "symlink", _, [.., made]) if !passing(made) && !made.contains("netlink-part") => {
                names.insert(folder(made));
            }
            _ => {}
        }
    }
    wrong
}

fn folder(path: &str) -> String {
    path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()
}

const DURABILITY: &str = "write,pwrite64,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,mkdir,symlink";

#[test]
fn what_the_journal_says_is_durable_before_it_says_so() {
    for scenario in [upgrade(), failing(), rollback()] {
        let calls = scenario.calls(DURABILITY, None);
        assert!(calls.len() > 200, "{} calls: does strace work here?", calls.len());
        assert_eq!(not_durable(&calls), [""; 0], "{:?}", scenario.args);
    }
}

#[test]
fn an_fsync_that_is_left_out_is_found() {
    let wrong = not_durable(&upgrade().calls(DURABILITY, Some("skip-fsync")));
    assert!(
        wrong.iter().any(|one| one.contains("before its content was durable")),
        "{wrong:?}"
    );
    assert!(wrong.iter().any(|one| one.contains("the journal goes on")), "{wrong:?}");
}
