//! The supervisor: one thread that takes events one by one, and small threads that only bring them.
//!
//! ```text
//!            reconcile, wanted                 died
//!   Idle ---------------------> Running ----------------> BackingOff
//!    ^                          |     ^                      |
//!    |       not wanted         v     |  time is up, or      |
//!    +---- Stopping <-----------+     +--- reconcile --------+
//! ```

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::desired::{self, Desired};
use super::product::{self, Product};
use super::protocol::{Answer, LastStart, Request, State, name_of};
use super::words::{note, with_causes};
use super::{Launch, Status, TargetError, inbox, orphan, places, socket};
use crate::clock::Deadline;
use crate::disk::{self, Lock, LockAttempt};
use crate::{clock, host};

const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// A product that was up this long starts with the first back-off again.
const PROVEN: Duration = Duration::from_secs(60);
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
const LOOK_AT_LOG_EVERY: Duration = Duration::from_secs(1);
const LOOK_AT_GROUP_EVERY: Duration = Duration::from_millis(50);
const LOCK_TIME: Duration = Duration::from_secs(2);
const STATUS_LOG_LINES: usize = 20;

pub enum Event {
    Asked(Request, Sender<Answer>),
    ProductEnded(u32),
    /// SIGTERM or SIGINT to the supervisor itself.
    EndSupervisor,
}

enum Phase {
    Idle,
    Running(Product),
    /// The leader may be reaped while others of its group still end.
    Stopping {
        product: Product,
        reaped: bool,
        kill_at: Instant,
    },
    BackingOff {
        until: Instant,
        last_exit: String,
    },
}

struct Supervisor {
    root: PathBuf,
    events: Sender<Event>,
    wanted: Option<Launch>,
    phase: Phase,
    last_start: Option<LastStart>,
    restarts: u32,
    back_off: Duration,
    /// Ends once nothing runs any more.
    ending: bool,
}

/// Runs what is desired for this installation until told to end.
pub fn supervise(root: &Path) -> Result<(), TargetError> {
    // Fails only for the leader of a group, e.g. one started by hand in a shell: that one stays in its session.
    let _ = rustix::process::setsid();
    disk::create_dir_all(&places::logs(root))?;
    let root = &canonical(root)?;
    let Some(_lock) = only_one(root)? else {
        return Ok(());
    };
    let (events, arriving) = mpsc::channel();
    inbox::catch_signals(&events)?;
    orphan::end_all(root)?;
    // Only now, so that who can connect is answered at once.
    let listener = socket::listen(root)?;
    let mut supervisor = Supervisor::new(root.clone(), events.clone());
    supervisor.reconcile();
    thread::spawn(move || inbox::accept(&listener, &events));
    supervisor.run(&arriving);
    Ok(disk::remove_file(&places::socket(root))?)
}

/// The supervisor's lock. Waits a little: a client that looks whether it is free holds it for a moment. None for whoever waited
/// for another supervisor that was told to end: the product is not to run, and nobody knows that this one is there.
fn only_one(root: &Path) -> Result<Option<Lock>, TargetError> {
    let deadline = Deadline::after(LOCK_TIME);
    let mut waited = false;
    loop {
        match disk::try_lock(&places::lock(root))? {
            LockAttempt::Held(_) if waited && desired::read(root)?.launch().is_none() => return Ok(None),
            LockAttempt::Held(lock) => {
                lock.name_owner(&format!("pid {} on {}", std::process::id(), host::hostname()))?;
                return Ok(Some(lock));
            }
            LockAttempt::Busy(owner) if deadline.has_passed() => {
                let root = root.to_path_buf();
                return Err(TargetError::AlreadySupervised { root, owner });
            }
            LockAttempt::Busy(_) => {
                waited = true;
                thread::sleep(LOOK_AT_GROUP_EVERY);
            }
        }
    }
}

/// The one name of an installation, however it was spelled.
pub fn canonical(root: &Path) -> Result<PathBuf, TargetError> {
    std::fs::canonicalize(root).map_err(|source| TargetError::Socket {
        action: "find",
        path: root.to_path_buf(),
        source,
    })
}

impl Supervisor {
    fn new(root: PathBuf, events: Sender<Event>) -> Self {
        Self {
            root,
            events,
            wanted: None,
            phase: Phase::Idle,
            last_start: None,
            restarts: 0,
            back_off: FIRST_BACK_OFF,
            ending: false,
        }
    }

    fn run(&mut self, arriving: &Receiver<Event>) {
        while !(self.ending && matches!(self.phase, Phase::Idle)) {
            match arriving.recv_timeout(self.next_look()) {
                Ok(Event::Asked(request, reply)) => drop(reply.send(self.answer(request))),
                Ok(Event::ProductEnded(pid)) => self.ended(pid),
                Ok(Event::EndSupervisor) => self.end(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.end(),
            }
            self.look();
        }
    }

    fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::Status => {}
            Request::Shutdown => self.end(),
            Request::Reconcile if self.ending => return Answer::Error("it is about to end".into()),
            Request::Reconcile => self.reconcile(),
        }
        Answer::State(Box::new(State {
            status: self.status(),
            wanted: self.wanted.as_ref().map(name_of),
            last_start: self.last_start.clone(),
        }))
    }

    /// Reads what is desired and takes the first step there.
    fn reconcile(&mut self) {
        let (wanted, within) = match desired::read(&self.root) {
            Ok(Desired::Run(launch)) => (Some(launch), None),
            Ok(Desired::Stopped { within, .. }) => (None, within),
            Err(e) => {
                // Running on is safer than guessing.
                note(&format!("error: {}", with_causes(&e)));
                return;
            }
        };
        let changed = self.wanted != wanted;
        self.wanted = wanted;
        if changed {
            self.last_start = None;
            self.restarts = 0;
        }
        match self.phase {
            Phase::Running(_) if changed => self.begin_stop(within),
            Phase::Running(_) | Phase::Stopping { .. } => {}
            Phase::Idle | Phase::BackingOff { .. } => {
                // Somebody asks: perhaps the cause is gone.
                self.back_off = FIRST_BACK_OFF;
                self.launch();
            }
        }
    }

    /// Starts what is wanted; nothing may be running.
    fn launch(&mut self) {
        self.phase = Phase::Idle;
        let Some(wanted) = self.wanted.as_ref().filter(|_| !self.ending) else {
            return;
        };
        match product::launch(&self.root, wanted, &self.events) {
            Ok(product) => {
                note(&format!(
                    "started {} as process {}",
                    wanted.version, product.running.pid
                ));
                self.last_start = Some(LastStart::Started(product.running.clone()));
                self.phase = Phase::Running(product);
            }
            Err(reason) => {
                note(&format!("error: {} could not be started: {reason}", wanted.version));
                self.last_start = Some(LastStart::Failed(reason.clone()));
                self.wait_a_while(reason);
            }
        }
    }

    fn wait_a_while(&mut self, last_exit: String) {
        let until = clock::monotonic() + self.back_off;
        self.back_off = (self.back_off * 2).min(LONGEST_BACK_OFF);
        self.phase = Phase::BackingOff { until, last_exit };
    }

    fn end(&mut self) {
        self.ending = true;
        match self.phase {
            Phase::Running(_) => self.begin_stop(None),
            Phase::BackingOff { .. } => self.phase = Phase::Idle,
            Phase::Idle | Phase::Stopping { .. } => {}
        }
    }

    fn begin_stop(&mut self, within: Option<Duration>) {
        let Phase::Running(product) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        product.signal(Signal::TERM);
        let kill_at = clock::monotonic() + product.stop_timeout.max(within.unwrap_or_default());
        self.phase = Phase::Stopping {
            product,
            reaped: false,
            kill_at,
        };
    }

    fn ended(&mut self, pid: u32) {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Running(mut product) if product.running.pid == pid => {
                // What it left of its group would hold its port and its files against the next one.
                product.signal(Signal::KILL);
                let last_exit = product.reap();
                note(&format!("process {pid} {last_exit}"));
                if product.uptime() >= PROVEN {
                    self.back_off = FIRST_BACK_OFF;
                }
                self.forget();
                self.wait_a_while(last_exit);
            }
            Phase::Stopping {
                mut product, kill_at, ..
            } if product.running.pid == pid => {
                note(&format!("process {pid} {}, as asked", product.reap()));
                self.phase = Phase::Stopping {
                    product,
                    reaped: true,
                    kill_at,
                };
            }
            other => self.phase = other,
        }
    }

    /// What is due by time alone.
    fn look(&mut self) {
        let now = clock::monotonic();
        match &mut self.phase {
            Phase::Idle | Phase::Running(_) => {}
            Phase::Stopping {
                product,
                reaped,
                kill_at,
            } => {
                let late = now >= *kill_at;
                if late {
                    product.signal(Signal::KILL);
                }
                if *reaped && (late || !host::group_is_alive(product.running.pid)) {
                    self.forget();
                    self.launch();
                }
            }
            Phase::BackingOff { until, .. } if now >= *until => {
                self.restarts += 1;
                self.launch();
            }
            Phase::BackingOff { .. } => {}
        }
        if let Err(e) = disk::rotate_log(&places::product_log(&self.root), LOG_LIMIT) {
            note(&format!("warning: {}", with_causes(&e)));
        }
    }

    fn next_look(&self) -> Duration {
        match &self.phase {
            Phase::Idle | Phase::Running(_) => LOOK_AT_LOG_EVERY,
            Phase::Stopping { .. } => LOOK_AT_GROUP_EVERY,
            Phase::BackingOff { until, .. } => until
                .saturating_duration_since(clock::monotonic())
                .min(LOOK_AT_LOG_EVERY),
        }
    }

    fn forget(&self) {
        if let Err(e) = orphan::forget(&self.root) {
            note(&format!("warning: {}", with_causes(&e)));
        }
    }

    fn status(&self) -> Status {
        match &self.phase {
            Phase::Idle => Status::Stopped,
            Phase::Running(product) => Status::Running {
                version: product.version.clone(),
                pid: product.running.pid,
                since: product.running.since,
                restarts: self.restarts,
            },
            Phase::Stopping { product, .. } => Status::Stopping {
                version: product.version.clone(),
                pid: product.running.pid,
            },
            Phase::BackingOff { until, last_exit } => match &self.wanted {
                None => Status::Stopped,
                Some(launch) => Status::BackingOff {
                    version: launch.version.clone(),
                    restarts: self.restarts,
                    last_exit: last_exit.clone(),
                    next_try: until.saturating_duration_since(clock::monotonic()),
                    log: super::log_tail(&self.root, STATUS_LOG_LINES).unwrap_or_default(),
                },
            },
        }
    }
}
