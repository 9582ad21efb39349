//! The crash sweep: an update is killed at each of its mutating system calls, or each of them fails; then it is resumed.
//!
//! Each time the product must end in exactly one of two versions, healthy, with data and configuration of that version to the
//! byte, and nothing left lying. The engine runs on the main thread, so strace without `-f` meets its calls alone and in order.
//! That the sweep finds faults is proven with faults seeded on purpose.

mod cases;
mod dependencies;
mod durable;
mod extensions;
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use scenario::{Scenario, processes_of};

use crate::world::Installation;

/// Calls that change what is on disk or what others see. `openat` changes something where it creates.
pub const MUTATING: &str = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,\
                        symlink,symlinkat,link,linkat,ftruncate,truncate,fallocate,chmod,fchmod,fchmodat,?fchmodat2,fchown,\
                        lchown,fchownat,utimensat,copy_file_range,sendfile,syncfs";

/// What is done to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Kill,
    /// `EIO` for every other call, `ENOSPC` for those between; both for all when `NETLINK_SWEEP=full`.
    Fail,
}

impl Effect {
    fn injections(self, number: usize) -> Vec<String> {
        match self {
            Self::Kill => vec![format!("signal=KILL:when={number}")],
            Self::Fail if is_full() => ["EIO", "ENOSPC"]
                .map(|error| format!("error={error}:when={number}"))
                .to_vec(),
            Self::Fail => vec![format!(
                "error={}:when={number}",
                if number.is_multiple_of(2) { "ENOSPC" } else { "EIO" }
            )],
        }
    }
}

/// A call that can be disturbed: its name, and its number among those of the same name, which is how strace counts.
pub type Point = (String, usize);

/// The mutating calls and, for kills, the opens that create.
fn points(scenario: &Scenario, effect: Effect) -> Vec<Point> {
    let mut points = visited(scenario, MUTATING, |_| true);
    if effect == Effect::Kill {
        points.extend(visited(scenario, "openat", |line| line.contains("O_CREAT")));
    }
    points
}

/// The calls that name one of these paths, and those beside them.
fn calls_around(scenario: &Scenario, paths: &[&str]) -> Vec<Point> {
    let calls = scenario.calls(MUTATING, None);
    let calls = calls.iter().map(String::as_str).filter(|line| !line.starts_with("---"));
    let all = numbered(calls);
    let touches = |(_, line): &(Point, &str)| paths.iter().any(|path| line.contains(path));
    let touching = (0..all.len()).filter(|at| touches(&all[*at]));
    let last = all.len().saturating_sub(1);
    let around: BTreeSet<usize> = touching
        .flat_map(|at| at.saturating_sub(3)..=(at + 3).min(last))
        .collect();
    around.into_iter().map(|at| all[at].0.clone()).collect()
}

/// A few calls more than needed, because the beginnings do not part at exactly one call.
const OVERLAP: usize = 20;

fn visited(scenario: &Scenario, which: &str, wanted: fn(&str) -> bool) -> Vec<Point> {
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
    let position = |words: &str| calls.iter().position(|line| line.contains(words));
    let since = scenario.since.map_or(0, |words| {
        position(words).unwrap_or(calls.len()).saturating_sub(OVERLAP)
    });
    let until = scenario.until.and_then(position);
    let end = until.map_or(calls.len(), |last| last + OVERLAP);
    let all = numbered(calls.iter().map(|line| line.as_str())).into_iter();
    let all = all.take(end).skip(common.max(since)).filter(|(_, line)| wanted(line));
    all.map(|(point, _)| point).collect()
}

/// Lines of a trace as points.
pub fn numbered<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(Point, &'a str)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let point = |line: &'a str| {
        let name = line.split_once('(').map_or("", |(name, _)| name);
        let count = counts.entry(name).or_default();
        *count += 1;
        ((name.to_owned(), *count), line)
    };
    lines.map(point).collect()
}

/// Disturbs each of these points; prints how many were visited and how many broke. A seeded fault ends it at the first find.
fn sweep(scenario: &Scenario, what: &str, effect: Effect, seeded: Option<&str>) -> usize {
    let all = points(scenario, effect);
    assert!(
        all.len() > 20,
        "{what}: only {} points: does strace work here?",
        all.len()
    );
    let chosen: Vec<Point> = if is_full() || seeded.is_some() {
        all
    } else {
        all.into_iter().skip(what.len() % STRIDE).step_by(STRIDE).collect()
    };
    sweep_at(&chosen, scenario, what, effect, seeded)
}

/// Every so many points are visited, unless `NETLINK_SWEEP=full` wants all and both kinds of errors.
const STRIDE: usize = 3;

fn is_full() -> bool {
    std::env::var("NETLINK_SWEEP").is_ok_and(|how| how == "full")
}

/// The same for tests that go from one point to the next until nothing is met any more.
pub fn stride(thin: usize) -> usize {
    if is_full() { 1 } else { thin }
}

fn sweep_at(points: &[Point], scenario: &Scenario, what: &str, effect: Effect, seeded: Option<&str>) -> usize {
    let (mut visited, mut killed, mut broke) = (0, 0, Vec::new());
    'points: for (call, number) in points {
        for injection in effect.injections(*number) {
            let work = scenario.fresh();
            let ran = scenario.run(&work, &scenario.args, (call, &injection), seeded);
            visited += 1;
            killed += usize::from(ran.code == -1);
            if let Some(wrong) = scenario.broken(&work, &ran) {
                broke.push(format!("{call} {number}, {injection}: {wrong}\nthe update: {ran}"));
            }
            end(work, &mut broke);
            if broke.len() > 4 || (seeded.is_some() && !broke.is_empty()) {
                break 'points;
            }
        }
    }
    println!("{what}: {visited} points visited, {} broke", broke.len());
    if seeded.is_none() && effect == Effect::Kill {
        assert!(
            killed * 20 > visited * 19,
            "{what}: only {killed} of {visited} were killed"
        );
    }
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
