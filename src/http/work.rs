//! Updates that this process runs, each on a thread of its own; at most one, as the installation's lock has it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::app::{self, Accepted, AppError, Report, Result};
use crate::engine::Control;
use crate::store::UpdateId;

pub struct Work {
    root: PathBuf,
    config: Option<PathBuf>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    /// None while nothing was run yet.
    update: Option<Driven>,
    /// The server was told to end: what still begins waits for the next start at once.
    ending: bool,
}

struct Driven {
    control: Arc<Control>,
    thread: JoinHandle<()>,
    id: UpdateId,
}

impl Work {
    pub fn new(root: &Path, config: Option<&Path>) -> Self {
        Self {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            current: Mutex::default(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Runs an accepted update on a thread of its own; gives the id at once.
    pub fn run(&self, accepted: Accepted) -> Result<UpdateId> {
        let id = accepted.id().clone();
        let control = Arc::new(Control::default());
        let handle = Arc::clone(&control);
        let run = move || match accepted.run(&handle, &mut |_| {}) {
            Ok(report) => report.code().into_iter().for_each(|code| say_of(&report, code)),
            Err(error) => say(&error),
        };
        let mut current = self.current();
        if current.ending {
            control.server_ends();
        }
        let thread = thread::Builder::new().name("update".into()).spawn(run);
        let thread = thread.map_err(|e| AppError::below("NL0704", &e))?;
        let driven = Driven {
            control,
            thread,
            id: id.clone(),
        };
        current.update = Some(driven);
        Ok(id)
    }

    /// Turns the unfinished update back: one that runs here is told so, one that waits is driven back here. None when it has
    /// finished by itself.
    pub fn turn_back(&self, id: &UpdateId, by: &str) -> Result<Option<UpdateId>> {
        if self.tell_to_turn_back(id) {
            return Ok(Some(id.clone()));
        }
        match app::begin_turning_back(self.root(), self.config(), by)? {
            Some(turned) => self.run(turned).map(Some),
            None => Ok(None),
        }
    }

    fn tell_to_turn_back(&self, wanted: &UpdateId) -> bool {
        let current = self.current();
        let driven = current.update.as_ref();
        let told = driven.filter(|driven| !driven.thread.is_finished() && driven.id == *wanted);
        told.inspect(|driven| driven.control.roll_back()).is_some()
    }

    /// Finishes or undoes what an earlier process left. A server that cannot is still of use to find out why.
    pub fn go_on_after_restart(&self) {
        let left = app::left_unfinished(self.root(), self.config());
        let gone_on = left.and_then(|left| left.map_or(Ok(()), |left| self.run(left).map(drop)));
        if let Err(error) = gone_on {
            say(&error);
        }
    }

    /// The process is ending: the step that runs is finished, the rest waits for the next start.
    pub fn end(&self) {
        let driven = {
            let mut current = self.current();
            current.ending = true;
            current.update.take()
        };
        if let Some(driven) = driven {
            driven.control.server_ends();
            let _ = driven.thread.join();
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody waits for the answer any more: the journal has it, and whoever reads the server's log.
fn say(error: &AppError) {
    write(&format!("error: {error} [{}]", error.code().id));
}

fn say_of(report: &Report, code: &str) {
    let why = report.failure.as_ref().map_or("", |failure| failure.message.as_str());
    write(&format!("update {}: {why} [{code}]", report.update_id));
}

fn write(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", line.escape_debug());
}
