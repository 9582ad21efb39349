//! Whoever has started a server is told how it stands, where that one wants to know.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::host::{Manager, Stands};
use crate::serving::say;
use crate::settings;

pub struct Starter {
    manager: Option<Arc<Manager>>,
    /// To be told so often that this process is alive.
    every: Option<Duration>,
}

impl Starter {
    /// Also one that cannot be reached keeps no server from starting.
    pub fn find() -> Self {
        let wants = settings::starter();
        let manager = wants.as_ref().and_then(|wants| match Manager::at(&wants.socket) {
            Ok(manager) => Some(Arc::new(manager)),
            Err(error) => {
                say(&format!(
                    "note: whoever has started this cannot be told how it stands: {error}"
                ));
                None
            }
        });
        // Twice within the time after which it would be taken for hung.
        let every = wants.and_then(|wants| wants.watchdog).map(|limit| limit / 2);
        Self { manager, every }
    }

    pub fn tell(&self, stands: Stands) {
        if let Some(manager) = &self.manager {
            manager.tell(stands);
        }
    }

    /// What tells, and how often.
    pub fn beat(&self) -> Option<(Duration, impl Fn() + Send + 'static)> {
        let (manager, every) = (self.manager.clone()?, self.every?);
        Some((every, move || manager.tell(Stands::Alive)))
    }

    /// Tells that this process is alive, after each look that comes back.
    pub fn keep_telling(&self, look: impl Fn() + Send + 'static) {
        let Some((every, beat)) = self.beat() else { return };
        let tell = move || {
            loop {
                look();
                beat();
                thread::sleep(every);
            }
        };
        if let Err(error) = thread::Builder::new().name("alive".into()).spawn(tell) {
            say(&format!(
                "whoever has started this is not told that it is alive: {error}"
            ));
        }
    }
}
