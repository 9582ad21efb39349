//! Taking new files up while a server runs: it looks every few seconds, and at once when SIGHUP says so.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Looked, ServerTls};

/// How late new files may be noticed without a SIGHUP.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks in a thread of its own until the process ends; `say` is told what came of it, `warn` what an administrator should see to. Where
/// nothing is in TLS a reload changes nothing, and ends nothing.
pub fn follow(tls: Option<Arc<ServerTls>>, say: fn(&str), warn: fn(&str)) -> io::Result<()> {
    let told = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&told))?;
    let Some(tls) = tls else { return Ok(()) };
    let look = move || {
        loop {
            let was_told = wait(&told);
            match tls.look(was_told) {
                Looked::AsBefore => {}
                Looked::TakenUp => say("the TLS certificate was read anew and holds from now on"),
                Looked::Broken(why) => warn(&kept(&why)),
            }
        }
    };
    thread::Builder::new().name("certificates".into()).spawn(look).map(drop)
}

/// How it is said that files are not taken up.
pub fn kept(why: &str) -> String {
    format!("the TLS certificate stays as it was: {why}")
}

/// Until it is time, or told; whether it was told.
fn wait(told: &AtomicBool) -> bool {
    const PART: Duration = Duration::from_millis(100);
    let mut left = LOOK_EVERY;
    while !left.is_zero() {
        if told.swap(false, Ordering::SeqCst) {
            return true;
        }
        thread::sleep(PART);
        left = left.saturating_sub(PART);
    }
    false
}
