//! The courier brings notices to their receivers, beside whatever else this process does: each receiver on a thread of its own, so that
//! a slow one holds up nobody. A lock for each receiver keeps two processes from sending the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::installation::absolute;
use super::super::{AppError, Installation, Result};
use super::receiver::{NotTaken, Receiver};
use crate::clock::{self, Deadline};
use crate::crypt;
use crate::disk::{self, LockAttempt};
use crate::engine::Layout;
use crate::notify::Patience;
use crate::settings::Notifications;
use crate::store::{NoticeRecord, Store};

/// Other processes write notices too, so it is looked for them.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// At the end of a command, for what it has just written.
const LOOK_AT_END_EVERY: Duration = Duration::from_millis(20);

/// Brings notices until it is told to end, or dropped.
#[derive(Debug)]
pub struct Courier {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    config: Option<PathBuf>,
    /// A line of the log.
    say: fn(&str),
    current: Mutex<Current>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Current {
    ending: bool,
    /// Receivers to whom a thread of ours is bringing something.
    busy: BTreeSet<String>,
    /// What was said last: the same is not said again.
    said: String,
}

impl Courier {
    pub fn start(root: &Path, config: Option<&Path>, say: fn(&str)) -> Result<Self> {
        let shared = Arc::new(Shared {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            say,
            current: Mutex::default(),
            changed: Condvar::new(),
        });
        let mine = Arc::clone(&shared);
        let begun = thread::Builder::new()
            .name("courier".into())
            .spawn(move || mine.go_around());
        begun.map_err(|e| AppError::below("NL0741", &e))?;
        Ok(Self { shared })
    }

    /// The courier for a command, where anybody is to be told.
    pub fn beside(root: &Path, config: Option<&Path>, say: fn(&str)) -> Result<Option<Self>> {
        let Ok(installation) = Installation::open(root, config) else {
            // The command itself says why not, or makes one.
            return Ok(None);
        };
        match installation.store.subscribers().all.is_empty() {
            true => Ok(None),
            false => Self::start(root, config, say).map(Some),
        }
    }

    /// Waits, at most so long, until everything that is due has been tried, and ends.
    pub fn end(self, patience: Duration) {
        let deadline = Deadline::after(patience);
        while !deadline.has_passed() && self.shared.go_once().is_ok() && self.shared.is_at_work().unwrap_or(false) {
            thread::sleep(LOOK_AT_END_EVERY.min(deadline.left()));
        }
    }
}

impl Drop for Courier {
    /// What is under way is not waited for: it has a limit, and is done again by the next courier if need be.
    fn drop(&mut self) {
        self.shared.current().ending = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_around(self: &Arc<Self>) {
        while self.rest() {
            if let Err(error) = self.go_once() {
                self.say_once(format!("notices: {error} [{}]", error.code().id));
            }
        }
    }

    /// Whether it goes on.
    fn rest(&self) -> bool {
        let current = self.current();
        if current.ending {
            return false;
        }
        let waited = self.changed.wait_timeout(current, LOOK_EVERY);
        !waited.unwrap_or_else(PoisonError::into_inner).0.ending
    }

    fn say_once(&self, line: String) {
        let mut current = self.current();
        if current.said != line {
            (self.say)(&line);
            current.said = line;
        }
    }

    fn open(&self) -> Result<Installation> {
        Installation::open(&self.root, self.config.as_deref())
    }

    /// Sends somebody to each receiver for whom something is due.
    fn go_once(self: &Arc<Self>) -> Result<()> {
        // Mostly there is nothing, which is seen without the settings.
        let layout = Layout::new(absolute(&self.root)?);
        let waited_for = Store::open_to_read(&layout.store())?.receivers_waited_for()?;
        if waited_for.is_empty() {
            return Ok(());
        }
        let installation = self.open()?;
        let store = &installation.store;
        for name in waited_for {
            let settings = &installation.settings.notifications;
            if Receiver::find(&installation, &name).is_none() {
                give_up_old(store, &name, settings)?;
            } else if store.due_notice(&name, clock::now(), settings.longest_pause)?.is_some() {
                self.send(&name);
            }
        }
        Ok(())
    }

    fn send(self: &Arc<Self>, name: &str) {
        let mut current = self.current();
        if current.ending || !current.busy.insert(name.to_owned()) {
            return;
        }
        drop(current);
        let (mine, to) = (Arc::clone(self), name.to_owned());
        let begun = thread::Builder::new().name("notice".into()).spawn(move || {
            let _busy = Busy(&mine, &to);
            if let Err(error) = mine.bring(&to) {
                mine.say_once(format!("notices to {to}: {error} [{}]", error.code().id));
            }
        });
        if begun.is_err() {
            self.current().busy.remove(name);
        }
    }

    /// One notice after the other, until nothing is due, or one does not arrive.
    fn bring(&self, name: &str) -> Result<()> {
        let installation = self.open()?;
        let lock = installation.layout.notices_lock(name);
        disk::create_dir_of(&lock)?;
        let LockAttempt::Held(_lock) = disk::try_lock(&lock)? else {
            // Somebody else is at it.
            return Ok(());
        };
        let Some(receiver) = Receiver::find(&installation, name) else {
            return Ok(());
        };
        let (store, settings) = (&installation.store, &installation.settings.notifications);
        while !self.current().ending {
            let Some(notice) = store.due_notice(name, clock::now(), settings.longest_pause)? else {
                return Ok(());
            };
            match receiver.give(&installation, &notice) {
                Ok(()) => store.notice_was_delivered(&notice, clock::now())?,
                Err(not_taken) => {
                    return self.try_later(store, settings, &notice, &not_taken);
                }
            }
        }
        Ok(())
    }

    fn try_later(&self, store: &Store, settings: &Notifications, notice: &NoticeRecord, why: &NotTaken) -> Result<()> {
        let now = clock::now();
        let patience = Patience {
            first: settings.retry_pause,
            longest: settings.longest_pause,
            whole: settings.retry_for,
        };
        let [chance] = crypt::random::<1>();
        let chance = f64::from(chance) / 255.0;
        let tries = notice.tries.saturating_add(1);
        let pause = patience.pause(tries, age(notice, now), why.asked, chance);
        let (receiver, id, kind, problem) = (&notice.receiver, &notice.id, &notice.kind, &why.problem);
        match pause.filter(|_| !why.is_final) {
            Some(pause) => {
                let next = now.saturating_add(SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX));
                store.notice_failed(notice, problem, next.unwrap_or(Timestamp::MAX))?;
                self.say_once(format!("notice to {receiver}: {problem}; it is tried again"));
            }
            None => {
                store.notice_died(notice, problem, now)?;
                self.say_once(format!(
                    "notice to {receiver}: {kind} is given up: {problem}; `netlink notify retry {id}` tries it again [NL0741]"
                ));
            }
        }
        Ok(())
    }

    /// Somebody is bringing something, or has something to bring.
    fn is_at_work(&self) -> Result<bool> {
        if !self.current().busy.is_empty() {
            return Ok(true);
        }
        let installation = self.open()?;
        let (store, settings) = (&installation.store, &installation.settings.notifications);
        for name in store.receivers_waited_for()? {
            let is_known = Receiver::find(&installation, &name).is_some();
            if is_known && store.due_notice(&name, clock::now(), settings.longest_pause)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Somebody is on the way to this receiver until it is dropped: also one who breaks off must not be waited for.
struct Busy<'a>(&'a Shared, &'a str);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.current().busy.remove(self.1);
    }
}

fn age(notice: &NoticeRecord, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(notice.made_at)).unwrap_or_default()
}

/// A receiver that these settings do not name may be of others, for a while.
fn give_up_old(store: &Store, name: &str, settings: &Notifications) -> Result<()> {
    let now = clock::now();
    let oldest = store.due_notice(name, now, settings.longest_pause)?;
    if oldest.is_some_and(|oldest| age(&oldest, now) > settings.retry_for) {
        store.forget_receiver(name, "the settings name no such receiver", now)?;
    }
    Ok(())
}
