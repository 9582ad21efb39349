//! What the threads of a server share: what is under way, what has changed, and whether it carries out orders at all.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::feed::Feed;
use super::guard::BROKE_OFF;
use crate::app::{AppError, Finding, Installation, Result};
use crate::engine::{Control, Owner, ServingLock};
use crate::store::{OrderId, OrderRecord, OrderState, UpdateId};

pub struct Shared {
    pub root: PathBuf,
    pub config: Option<PathBuf>,
    pub current: Mutex<Current>,
    /// Something has ended, was ordered, or is to end.
    pub turn: Condvar,
    /// Held by who lets an order begin, so that two never do at once.
    pub beginning: Mutex<()>,
    pub part: Mutex<Part>,
    /// What broke off last, until something else has gone well.
    broken: Mutex<Option<Finding>>,
    pub feed: Arc<Feed>,
    /// Rows of the audit that were written since their checkpoint was last copied.
    pub to_copy: AtomicU64,
}

/// This server's part among all those over one installation.
pub enum Part {
    /// Another one carries out orders, or it is not known yet.
    StandsBy(Option<Owner>),
    Performs {
        _lock: ServingLock,
    },
}

#[derive(Default)]
pub struct Current {
    /// None while nothing runs.
    pub update: Option<Driven>,
    /// An order that is no update, while it is done.
    pub busy: Option<OrderId>,
    /// What has changed since orders were last looked at.
    pub woken: bool,
    /// The server was told to end: what still begins waits for the next start at once.
    pub ending: bool,
}

pub struct Driven {
    pub control: Arc<Control>,
    pub thread: Option<JoinHandle<()>>,
    pub id: UpdateId,
    /// It has come to its end, and only its end is still being written down: nothing reaches it any more.
    pub is_over: bool,
}

impl Shared {
    pub fn new(root: &Path, config: Option<&Path>, feed: Arc<Feed>) -> Self {
        Self {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            current: Mutex::default(),
            turn: Condvar::new(),
            beginning: Mutex::default(),
            part: Mutex::new(Part::StandsBy(None)),
            broken: Mutex::default(),
            feed,
            to_copy: AtomicU64::new(0),
        }
    }

    /// The installation, opened anew: settings may have changed since.
    pub fn open(&self) -> Result<Installation> {
        Installation::open(&self.root, self.config())
    }

    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    pub fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn part(&self) -> MutexGuard<'_, Part> {
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn performs(&self) -> bool {
        matches!(*self.part(), Part::Performs { .. })
    }

    pub fn wake(&self) {
        self.current().woken = true;
        self.turn.notify_all();
    }

    /// Nothing runs here, and something may begin.
    pub fn is_idle(&self) -> bool {
        let current = self.current();
        current.update.is_none() && current.busy.is_none() && !current.ending
    }

    /// The order that begins next.
    pub fn first_of(open: Vec<OrderRecord>) -> Option<OrderRecord> {
        let is_due = |order: &OrderRecord| order.not_before.is_none() || order.came_due;
        open.into_iter()
            .find(|order| order.state == OrderState::Waiting && is_due(order))
    }

    /// Waits until something has changed, or for so long; whether the server goes on.
    pub fn rest(&self, limit: Duration) -> bool {
        let current = self.current();
        if current.ending {
            return false;
        }
        let (current, _) = self
            .turn
            .wait_timeout(current, limit)
            .unwrap_or_else(PoisonError::into_inner);
        !current.ending
    }

    /// Remembers what broke off, for who asks whether the server is ready.
    pub fn note(&self, ended: std::result::Result<(), &AppError>) {
        let broke = ended.err().filter(|error| error.code().id == BROKE_OFF);
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        *broken = broke.map(Finding::from);
    }

    /// Why not everything is as it should be with this server.
    pub fn complaints(&self) -> Vec<Finding> {
        let mut reasons = Vec::new();
        if let Part::StandsBy(other) = &*self.part() {
            let other = other
                .as_ref()
                .map(|other| format!(" (process {} on {}, since {:.0})", other.pid, other.host, other.since));
            let other = other.unwrap_or_default();
            let told = |who: &str| {
                format!(
                    "another server carries out the orders of this installation{who}; this one takes over when that ends"
                )
            };
            reasons.push(Finding {
                outline: told(""),
                detail: told(&other),
            });
        }
        reasons.extend(self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone());
        if self.feed.is_ending() {
            reasons.push("the server is ending".to_owned().into());
        }
        reasons
    }
}
