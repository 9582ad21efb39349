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
    current: Mutex<Option<Current>>,
}

struct Current {
    control: Arc<Control>,
    thread: JoinHandle<()>,
}

impl Work {
    pub fn new(root: &Path, config: Option<&Path>) -> Self {
        Self {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            current: Mutex::new(None),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Runs an accepted update; gives the id at once.
    pub fn run(&self, accepted: Accepted) -> Result<UpdateId> {
        let id = accepted.id().clone();
        self.spawn(move |_, control| accepted.run(control, &mut |_| {}).map(Some))?;
        Ok(id)
    }

    /// Turns the unfinished update back: one that runs here is told so, one that waits is driven back here.
    pub fn turn_back(&self) -> Result<()> {
        if let Some(current) = self.current().as_ref().filter(|current| !current.thread.is_finished()) {
            current.control.roll_back();
            return Ok(());
        }
        self.spawn(|place, control| app::turn_back(&place.0, place.1.as_deref(), control, &mut |_| {}))
    }

    /// Finishes or undoes what an earlier process left.
    pub fn go_on_after_restart(&self) {
        let began = self.spawn(|place, control| app::go_on_after_restart(&place.0, place.1.as_deref(), control));
        if let Err(error) = began {
            note(&error);
        }
    }

    /// The process is ending: the step that runs is finished, the rest waits for the next start.
    pub fn end(&self) {
        if let Some(current) = self.current().take() {
            current.control.server_ends();
            let _ = current.thread.join();
        }
    }

    fn spawn(
        &self,
        work: impl FnOnce(&(PathBuf, Option<PathBuf>), &Arc<Control>) -> Result<Option<Report>> + Send + 'static,
    ) -> Result<()> {
        let mut current = self.current();
        let control = Arc::new(Control::default());
        let (handle, place) = (Arc::clone(&control), (self.root.clone(), self.config.clone()));
        let run = move || {
            if let Err(error) = work(&place, &handle) {
                note(&error);
            }
        };
        let thread = thread::Builder::new().name("update".into()).spawn(run);
        let thread = thread.map_err(|e| AppError::below("NL0704", &e))?;
        *current = Some(Current { control, thread });
        Ok(())
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody waits for the answer any more: the journal has it, and whoever reads the server's log.
fn note(error: &AppError) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "error: {error} [{}]", error.code().id);
}
