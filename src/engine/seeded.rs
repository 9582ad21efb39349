//! A fault seeded on purpose, so that the crash sweep can prove that it would find it. Compiled out of every ordinary build.

use std::path::Path;
use std::thread;
use std::time::Duration;

/// Results are journaled before the work is done.
pub fn result_before_work() -> bool {
    is("result-before-work")
}

/// The process dies when an order that is no update is done, before that is written down.
pub fn dies_when_done() {
    if is("dies-when-done") {
        std::process::abort();
    }
}

/// An order that is no update takes as long as there is no file `go`.
pub fn rests_until_told(root: &Path) {
    while is("rests-when-taken") && !root.join("go").exists() {
        thread::sleep(Duration::from_millis(10));
    }
}

/// Letting go of old backups for an order is broken.
#[allow(clippy::panic)]
pub fn breaks_off(what: &str) {
    if is("breaks-off") && what.contains("prune") {
        panic!("seeded");
    }
}

#[cfg(feature = "seeded-faults")]
#[allow(clippy::disallowed_methods)]
fn is(fault: &str) -> bool {
    std::env::var_os("NETLINK_SEEDED_FAULT").is_some_and(|seeded| seeded == fault)
}

#[cfg(not(feature = "seeded-faults"))]
const fn is(_: &str) -> bool {
    false
}
