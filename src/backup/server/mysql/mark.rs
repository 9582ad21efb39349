//! A lock of the server by which the sessions of one run are known to the next: when NetLink is killed with its tools, the server goes on
//! with the statement that it was given last, which must not come to pass beside those of the next run.

use std::time::Duration;

use super::super::{Result, Server, ServerError};
use super::Kit;
use crate::clock::Deadline;

/// For a session to end that was told to.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Seconds in which the session before, of the same run, has surely let go of it.
const HAND_OVER: u32 = 10;

#[derive(Debug)]
pub struct Mark(String);

impl Mark {
    /// Of the run that makes `new`. Ends the session that a run before has left at work, and waits until it is gone.
    pub fn alone(server: &Server, kit: &Kit, new: &str) -> Result<Self> {
        let mark = Self(new.replace("netlink_", "netlink at work on "));
        let deadline = Deadline::after(PATIENCE);
        while let Some(session) = mark.holder(server, kit)? {
            if deadline.has_passed() {
                return Err(ServerError::StillAtWork {
                    database: server.login.database.clone(),
                });
            }
            // It may have ended by itself meanwhile.
            let _ = kit.ask(server, &format!("KILL {session};\n"));
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(mark)
    }

    fn holder(&self, server: &Server, kit: &Kit) -> Result<Option<u64>> {
        let held = kit.ask(server, &format!("SELECT IS_USED_LOCK('{}');\n", self.0))?;
        Ok(held.trim().parse().ok())
    }

    /// For the first `SET` of each session that changes something.
    pub fn claim(&self) -> String {
        format!(", @netlink = GET_LOCK('{}', {HAND_OVER})", self.0)
    }
}
