//! Commands of an installation that outlived the NetLink that had started them.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::{group_is_alive, group_leaders_marked, signal_group};
use crate::clock::Deadline;

/// In the environment of every command of a release and every hook; its value is the installation's folder.
const MARK: &str = "RUN_BY_NETLINK_FOR";
const KILL_TIME: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What the environment of a command begins with.
pub fn command_mark(root: &Path) -> BTreeMap<String, String> {
    BTreeMap::from([(MARK.to_owned(), root.display().to_string())])
}

/// Kills the commands that were started for this installation with all of their groups, and waits until they are gone. Only the
/// holder of the installation's lock may: nobody else then has a command running.
pub fn end_commands(root: &Path) {
    let leaders = group_leaders_marked(MARK, &root.display().to_string());
    for leader in &leaders {
        signal_group(leader.pid, Signal::KILL);
    }
    let deadline = Deadline::after(KILL_TIME);
    while leaders.iter().any(|leader| group_is_alive(leader.pid)) && !deadline.has_passed() {
        thread::sleep(LOOK_EVERY);
    }
}
