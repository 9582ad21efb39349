//! The supervised child: started, watched, ended.

use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, WaitId, WaitIdOptions};

use super::orphan::{self, Left, MARK};
use super::supervisor::Event;
use super::words::{note, with_causes};
use super::{Launch, Running, places};
use crate::host::{self, Group, ProcessIdentity, Spawn};
use crate::version::Version;
use crate::{clock, disk};

const LOG_MODE: u32 = 0o640;

/// A started product that has not been reaped.
#[derive(Debug)]
pub struct Product {
    child: Child,
    pub running: Running,
    pub version: Version,
    pub stop_timeout: Duration,
    began: Instant,
}

/// Starts it and has its end reported as [`Event::ProductEnded`]. The error is text: it becomes part of the status.
pub fn launch(root: &Path, launch: &Launch, events: &Sender<Event>) -> Result<Product, String> {
    let log = disk::open_log(&places::product_log(root), LOG_MODE).map_err(|e| with_causes(&e))?;
    let again = log.try_clone().map_err(|e| with_causes(&e))?;
    let mut env = launch.env.clone();
    env.insert(MARK.to_owned(), root.to_string_lossy().into_owned());
    let spawn = Spawn {
        argv: launch.argv.clone(),
        dir: launch.dir.clone(),
        env,
        stdout: log,
        stderr: again,
        group: Group::Own,
    };
    let child = host::spawn_child(spawn).map_err(|e| with_causes(&e))?;
    let product = Product {
        running: Running {
            pid: child.id(),
            since: clock::now(),
        },
        version: launch.version.clone(),
        stop_timeout: launch.stop_timeout,
        began: clock::monotonic(),
        child,
    };
    if let Some(process) = ProcessIdentity::of(product.running.pid) {
        let left = Left {
            process,
            stop_timeout: launch.stop_timeout,
        };
        if let Err(e) = orphan::remember(root, &left) {
            // It can still be found by its mark, so it may run.
            note(&format!("warning: {}", with_causes(&e)));
        }
    }
    watch(product.running.pid, events.clone());
    Ok(product)
}

impl Product {
    pub fn signal(&self, signal: Signal) {
        host::signal_group(self.running.pid, signal);
    }

    pub fn uptime(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.began)
    }

    /// Takes the exit status of one that has ended.
    pub fn reap(&mut self) -> String {
        match self.child.wait() {
            Ok(status) => describe(status),
            Err(e) => format!("ended, but its exit status is lost: {e}"),
        }
    }
}

/// Waits without reaping: until then its id cannot become another process's, so its group can be signalled safely.
fn watch(pid: u32, events: Sender<Event>) {
    thread::spawn(move || {
        let id = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
        }
        let _ = events.send(Event::ProductEnded(pid));
    });
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}
