//! The supervisor as a process of its own: started, killed, started again; never two products, never one left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use netlink::target::{self, Launch, Running, Status, TargetError};

const LIMIT: Duration = Duration::from_secs(20);

/// An installation whose processes end with the test.
struct Place {
    dir: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        Self::below("inst")
    }

    fn below(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(name);
        // By its state the command knows an installation.
        fs::create_dir_all(root.join(".netlink")).unwrap();
        fs::write(root.join(".netlink/netlink.db"), "").unwrap();
        Self { dir, root }
    }

    /// A product that notes its process id in `pids` and then runs `script`.
    fn launch(&self, version: &str, script: &str) -> Launch {
        let script = format!("echo $$ >> {}; {script}", self.pids_file().display());
        Launch {
            version: version.parse().unwrap(),
            argv: ["sh", "-c", &script].map(String::from).to_vec(),
            env: [("MARKED".to_owned(), version.to_owned())].into(),
            dir: self.root.clone(),
            stop_timeout: Duration::from_millis(500),
        }
    }

    fn start(&self, launch: &Launch) -> Result<Running, TargetError> {
        target::start_by(&netlink(), &self.root, launch, LIMIT)
    }

    fn pids_file(&self) -> PathBuf {
        self.dir.path().join("pids")
    }

    /// Every product process that was ever started here.
    fn pids(&self) -> Vec<u32> {
        let noted = fs::read_to_string(self.pids_file()).unwrap_or_default();
        noted.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn alive(&self) -> Vec<u32> {
        self.pids().into_iter().filter(|pid| runs(*pid)).collect()
    }

    fn supervisor(&self) -> u32 {
        let owner = fs::read_to_string(self.root.join(".netlink/supervisor.lock")).unwrap();
        owner.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn kill_supervisor(&self) {
        let pid = self.supervisor();
        signal(pid, "KILL");
        wait_for("the supervisor to be gone", || !runs(pid));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = target::shutdown(&self.root, LIMIT);
    }
}

fn netlink() -> PathBuf {
    env!("CARGO_BIN_EXE_netlink").into()
}

/// A zombie does not run.
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.trim_start().starts_with('Z'))
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .status();
    assert!(sent.unwrap().success());
}

#[track_caller]
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn supervise_in_foreground(root: &Path) -> Child {
    Command::new(netlink())
        .args(["supervise", "--root"])
        .arg(root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn start_and_stop_can_be_repeated_and_leave_nothing() {
    let place = Place::new();
    assert_eq!(target::status(&place.root).unwrap(), Status::NoSupervisor);
    assert!(!target::stop(&place.root, LIMIT).unwrap().was_running);
    let launch = place.launch("0a1", "echo hello $MARKED; exec sleep 1000");
    let first = place.start(&launch).unwrap();
    assert_eq!(place.start(&launch).unwrap(), first);
    wait_for("the greeting", || {
        target::log_tail(&place.root, 5).unwrap() == ["hello 0a1"]
    });
    let Status::Running { version, pid, .. } = target::status(&place.root).unwrap() else {
        panic!("not running")
    };
    assert_eq!((version.to_string().as_str(), pid), ("0a1", first.pid));
    assert!(target::stop(&place.root, LIMIT).unwrap().was_running);
    assert!(!target::stop(&place.root, LIMIT).unwrap().was_running);
    assert_eq!(place.alive(), [0u32; 0]);
    let supervisor = place.supervisor();
    target::shutdown(&place.root, LIMIT).unwrap();
    assert!(!runs(supervisor));
    assert_eq!(target::status(&place.root).unwrap(), Status::NoSupervisor);
}

#[test]
fn another_launch_replaces_the_running_one() {
    let place = Place::new();
    let old = place.start(&place.launch("0a1", "exec sleep 1000")).unwrap();
    let new = place.start(&place.launch("0b1", "exec sleep 1000")).unwrap();
    assert_ne!(old.pid, new.pid);
    wait_for("the new one alone", || place.alive() == [new.pid]);
}

#[test]
fn one_that_ignores_sigterm_is_killed_with_its_children() {
    let place = Place::new();
    let child = place.dir.path().join("child");
    let script = format!(
        "trap '' TERM; sleep 1000 & echo $! > {}; while :; do wait; done",
        child.display()
    );
    place.start(&place.launch("0a1", &script)).unwrap();
    wait_for("its child", || {
        fs::read_to_string(&child).is_ok_and(|text| text.ends_with('\n'))
    });
    target::stop(&place.root, LIMIT).unwrap();
    assert_eq!(place.alive(), [0u32; 0]);
    let child = fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    wait_for("the end of the child", || !runs(child));
}

#[test]
fn one_that_dies_is_started_again_and_later_each_time() {
    let place = Place::new();
    place.start(&place.launch("0a1", "echo broken >&2; exit 7")).unwrap();
    let mut waits = Vec::new();
    wait_for("a restart", || {
        if let Status::BackingOff {
            restarts,
            last_exit,
            next_try,
            log,
            ..
        } = target::status(&place.root).unwrap()
        {
            assert_eq!(last_exit, "exited with code 7");
            assert_eq!(log.last().map(String::as_str), Some("broken"));
            waits.push((restarts, next_try));
        }
        waits.iter().any(|(restarts, _)| *restarts == 1)
    });
    assert!(
        waits
            .iter()
            .all(|(restarts, wait)| *wait <= Duration::from_millis(500 << restarts)),
        "{waits:?}"
    );
    assert!(
        waits
            .iter()
            .any(|(restarts, wait)| *restarts == 1 && *wait > Duration::from_millis(500)),
        "{waits:?}"
    );
    target::stop(&place.root, LIMIT).unwrap();
    let before = place.pids().len();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(place.pids().len(), before, "started again after it was stopped");
}

#[test]
fn a_killed_supervisor_is_followed_by_one_with_exactly_one_product() {
    let place = Place::new();
    let launch = place.launch("0a1", "exec sleep 1000");
    let orphan = place.start(&launch).unwrap();
    // Twice: found by the file that names it, then, without the file, by its mark.
    place.kill_supervisor();
    assert!(runs(orphan.pid), "the end of a supervisor must not end the product");
    let second = place.start(&launch).unwrap();
    assert_ne!(second.pid, orphan.pid);
    wait_for("one product", || place.alive() == [second.pid]);
    place.kill_supervisor();
    fs::remove_file(place.root.join(".netlink/product.json")).unwrap();
    let third = place.start(&launch).unwrap();
    wait_for("one product", || place.alive() == [third.pid]);
    place.kill_supervisor();
    assert!(target::stop(&place.root, LIMIT).unwrap().was_running);
    assert_eq!(place.alive(), [0u32; 0]);
}

#[test]
fn after_a_reboot_runs_what_was_desired() {
    let place = Place::new();
    let launch = place.launch("0a1", "exec sleep 1000");
    place.start(&launch).unwrap();
    let supervisor = place.supervisor();
    signal(supervisor, "TERM");
    wait_for("the supervisor to end", || !runs(supervisor));
    assert_eq!(
        place.alive(),
        [0u32; 0],
        "SIGTERM to the supervisor ends the product too"
    );
    let mut again = supervise_in_foreground(&place.root);
    wait_for("the product", || place.alive().len() == 1);
    target::stop(&place.root, LIMIT).unwrap();
    signal(again.id(), "TERM");
    again.wait().unwrap();
    let mut stopped = supervise_in_foreground(&place.root);
    wait_for("its answer", || target::status(&place.root).unwrap() == Status::Stopped);
    assert_eq!(place.alive(), [0u32; 0]);
    assert!(
        !supervise_in_foreground(&place.root).wait().unwrap().success(),
        "a second supervisor"
    );
    signal(stopped.id(), "TERM");
    assert!(stopped.wait().unwrap().success());
}

#[test]
fn a_supervisor_that_waited_for_another_does_not_outlive_its_end() {
    let place = Place::new();
    place.start(&place.launch("0a1", "exec sleep 1000")).unwrap();
    let mut second = supervise_in_foreground(&place.root);
    let leads_a_session = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.split_whitespace().nth(5) == Some(pid.to_string().as_str())
    };
    wait_for("the second one to begin", || leads_a_session(second.id()));
    std::thread::sleep(Duration::from_millis(300));
    target::shutdown(&place.root, LIMIT).unwrap();
    wait_for("the second one to end", || second.try_wait().unwrap().is_some());
    assert!(second.wait().unwrap().success());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let place = Place::new();
    let mut launch = place.launch("0a1", "");
    launch.argv = vec!["/nonexistent/guestbook".into()];
    let error = place.start(&launch).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, TargetError::NotStarted { .. }), "{text}");
    assert!(
        text.contains("0a1") && text.contains("/nonexistent/guestbook") && text.contains("No such file"),
        "{text}"
    );
}

#[test]
fn a_long_path_works_and_the_socket_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::below(&"long/".repeat(60));
    place.start(&place.launch("0a1", "exec sleep 1000")).unwrap();
    let socket = place.root.join(".netlink/supervisor.sock");
    assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn nonsense_on_the_socket_is_answered_and_harmless() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    let place = Place::new();
    let running = place.start(&place.launch("0a1", "exec sleep 1000")).unwrap();
    let ask = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(place.root.join(".netlink/supervisor.sock")).unwrap();
        let _ = stream.write_all(bytes);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(ask(b"{\"ask\":\"explode\"}\n").contains("not understood"));
    ask(&vec![b'x'; 1 << 20]);
    let silent = UnixStream::connect(place.root.join(".netlink/supervisor.sock")).unwrap();
    assert!(matches!(target::status(&place.root).unwrap(), Status::Running { pid, .. } if pid == running.pid));
    drop(silent);
}
