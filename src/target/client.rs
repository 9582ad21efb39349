//! What the rest of NetLink asks of the supervisor. Every call can be repeated.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::desired::{self, Desired};
use super::protocol::{LastStart, Request, State, name_of};
use super::supervisor::canonical;
use super::{Launch, Running, Status, Stopped, TargetError, orphan, places, socket};
use crate::clock::Deadline;
use crate::crypt::Digest;
use crate::disk::{self, LockAttempt};
use crate::host::{self, Group, Spawn};

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A log's end is read out of so many bytes at most.
const TAIL_LIMIT: u64 = 256 * 1024;
const LOG_MODE: u32 = 0o640;

/// Has the product run as `launch` says, and waits until its process was started. Whether it is healthy is not asked here.
pub fn start(root: &Path, launch: &Launch, limit: Duration) -> Result<Running, TargetError> {
    start_by(&own_program()?, root, launch, limit)
}

/// As [`start`], for programs that are not `netlink` themselves: `program supervise --root R` is the supervisor.
pub fn start_by(program: &Path, root: &Path, launch: &Launch, limit: Duration) -> Result<Running, TargetError> {
    let deadline = Deadline::after(limit);
    disk::create_dir_all(&places::logs(root))?;
    let root = &canonical(root)?;
    desired::write(root, &Desired::Run(launch.clone()))?;
    let mut state = reconcile_with_supervisor(program, root, deadline, limit)?;
    let wanted = name_of(launch);
    loop {
        if let Some(running) = outcome(&state, wanted, launch)? {
            return Ok(running);
        }
        if deadline.has_passed() {
            return Err(TargetError::TimedOut {
                wanted: "running",
                limit,
                found: state.status.to_string(),
            });
        }
        thread::sleep(LOOK_EVERY);
        state = match socket::ask(root, Request::Status)? {
            Some(state) => state,
            // It was killed meanwhile.
            None => reconcile_with_supervisor(program, root, deadline, limit)?,
        };
    }
}

/// Ends the product and sees to it that nothing starts it again. Nothing to end is success.
pub fn stop(root: &Path, limit: Duration) -> Result<Stopped, TargetError> {
    stop_within(root, None, limit)
}

/// The same; the product is killed only after `longest`, where that is more than its launch says.
pub fn stop_within(root: &Path, longest: Option<Duration>, limit: Duration) -> Result<Stopped, TargetError> {
    let deadline = Deadline::after(limit);
    disk::create_dir_all(&places::own_folder(root))?;
    let root = &canonical(root)?;
    if desired::read(root).map_or(true, |desired| desired.launch().is_some()) {
        desired::write(root, &Desired::stopped_within(longest))?;
    }
    let mut was_running = false;
    let mut request = Request::Reconcile;
    loop {
        let found = match socket::ask(root, request) {
            Ok(Some(State {
                status: Status::Stopped,
                ..
            })) => return Ok(Stopped { was_running }),
            Ok(Some(state)) => {
                was_running |= matches!(state.status, Status::Running { .. } | Status::Stopping { .. });
                request = Request::Status;
                state.status.to_string()
            }
            Ok(None) => match end_left_over(root)? {
                Some(ended) => {
                    return Ok(Stopped {
                        was_running: was_running || ended,
                    });
                }
                None => "with a supervisor that starts or ends".to_owned(),
            },
            // It is ending: what we asked for is desired already, so waiting is enough.
            Err(TargetError::Refused { says, .. }) => says,
            Err(other) => return Err(other),
        };
        if deadline.has_passed() {
            return Err(TargetError::TimedOut {
                wanted: "stopped",
                limit,
                found,
            });
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Whether the product is meant to run, also where nobody sees to it: after a reboot, or when its supervisor was killed.
pub fn is_desired(root: &Path) -> Result<bool, TargetError> {
    Ok(desired::read(root)?.launch().is_some())
}

/// Nothing can start the product as long as this is held.
#[must_use = "the product can be started again once this is dropped"]
pub struct HeldStill {
    _lock: disk::Lock,
}

/// Ends what runs of a product that is meant to be stopped, its supervisor too, and keeps it from being started. The product
/// must be meant to be stopped.
pub fn hold_still(root: &Path, limit: Duration) -> Result<HeldStill, TargetError> {
    let deadline = Deadline::after(limit);
    shutdown(root, limit)?;
    loop {
        if let LockAttempt::Held(lock) = disk::try_lock(&places::lock(root))? {
            orphan::end_all(root)?;
            return Ok(HeldStill { _lock: lock });
        }
        if deadline.has_passed() {
            return Err(TargetError::TimedOut {
                wanted: "without a supervisor",
                limit,
                found: "with one that something else starts".into(),
            });
        }
        thread::sleep(LOOK_EVERY);
    }
}

pub fn status(root: &Path) -> Result<Status, TargetError> {
    Ok(socket::ask(root, Request::Status)?.map_or(Status::NoSupervisor, |state| state.status))
}

/// Ends the product and its supervisor, for the removal of an installation.
pub fn shutdown(root: &Path, limit: Duration) -> Result<(), TargetError> {
    let deadline = Deadline::after(limit);
    stop(root, limit)?;
    let root = &canonical(root)?;
    loop {
        if socket::ask(root, Request::Shutdown)?.is_none() && end_left_over(root)?.is_some() {
            return Ok(());
        }
        if deadline.has_passed() {
            return Err(TargetError::TimedOut {
                wanted: "without a supervisor",
                limit,
                found: "with one that still ends".into(),
            });
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The last lines that the product printed.
pub fn log_tail(root: &Path, lines: usize) -> Result<Vec<String>, TargetError> {
    Ok(disk::log_tail(&places::product_log(root), lines, TAIL_LIMIT)?)
}

/// Running, failed, or not known yet.
fn outcome(state: &State, wanted: Digest, launch: &Launch) -> Result<Option<Running>, TargetError> {
    if state.wanted != Some(wanted) {
        return Ok(None);
    }
    match &state.last_start {
        // Also when it died since: that is for a health check to find.
        Some(LastStart::Started(running)) => Ok(Some(running.clone())),
        Some(LastStart::Failed(reason)) => Err(TargetError::NotStarted {
            version: launch.version.clone(),
            reason: reason.clone(),
        }),
        None => Ok(None),
    }
}

/// Asks the supervisor to go to what is desired, starting it where there is none.
fn reconcile_with_supervisor(
    program: &Path,
    root: &Path,
    deadline: Deadline,
    limit: Duration,
) -> Result<State, TargetError> {
    let mut spawned = false;
    loop {
        match socket::ask(root, Request::Reconcile) {
            Ok(Some(state)) => return Ok(state),
            Ok(None) if !spawned && nobody_supervises(root)? => {
                spawn_supervisor(program, root)?;
                spawned = true;
            }
            // Starting, or ending: then its lock comes free and we start another.
            Ok(None) | Err(TargetError::Refused { .. }) => {}
            Err(other) => return Err(other),
        }
        if deadline.has_passed() {
            let last = disk::log_tail(&places::supervisor_log(root), 1, TAIL_LIMIT)?;
            return Err(TargetError::NoAnswer {
                root: root.to_path_buf(),
                limit,
                last: last.into_iter().next().unwrap_or_else(|| "none".into()),
            });
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn nobody_supervises(root: &Path) -> Result<bool, TargetError> {
    Ok(matches!(disk::try_lock(&places::lock(root))?, LockAttempt::Held(_)))
}

fn spawn_supervisor(program: &Path, root: &Path) -> Result<(), TargetError> {
    disk::rotate_log(&places::supervisor_log(root), 1024 * 1024)?;
    let log = disk::open_log(&places::supervisor_log(root), LOG_MODE)?;
    let again = log.try_clone().map_err(TargetError::NoProgram)?;
    let argv = [
        program.as_os_str(),
        "supervise".as_ref(),
        "--root".as_ref(),
        root.as_os_str(),
    ]
    .map(|word| word.to_string_lossy().into_owned());
    let mut child = host::spawn_child(Spawn {
        argv: argv.to_vec(),
        dir: root.to_path_buf(),
        env: std::collections::BTreeMap::new(),
        stdout: log,
        stderr: again,
        // It makes a session of its own, which the leader of a group could not.
        group: Group::Inherited,
    })
    .map_err(TargetError::Spawn)?;
    // It outlives us; but should it end before, it must not stay a zombie of ours.
    thread::spawn(move || drop(child.wait()));
    Ok(())
}

/// Without a supervisor: ends a product that one left. None when a supervisor is there after all.
fn end_left_over(root: &Path) -> Result<Option<bool>, TargetError> {
    match disk::try_lock(&places::lock(root))? {
        LockAttempt::Busy(_) => Ok(None),
        LockAttempt::Held(_lock) => Ok(Some(orphan::end_all(root)?)),
    }
}

/// Our own program, also after an update of it has replaced its file.
fn own_program() -> Result<PathBuf, TargetError> {
    let program = std::env::current_exe().map_err(TargetError::NoProgram)?;
    Ok(if program.exists() {
        program
    } else {
        PathBuf::from("/proc/self/exe")
    })
}
