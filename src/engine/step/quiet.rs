//! A graceful update lets the product come to rest before it is stopped: it is asked until it is quiet, or given longer to end.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Deadline;
use crate::engine::{Context, StepError};
use crate::host;
use crate::plan::UpgradeStrategy;

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long a wait goes without a look at whoever wants the update to pause or to go back.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Even when little time is left, an answer gets this long to come.
const SHORTEST: Duration = Duration::from_secs(1);

/// What the product may take to end by itself once it is told to; none where its release alone says so.
pub fn longest_stop(cx: &Context<'_>) -> Option<Duration> {
    let by_itself = is_graceful(cx) && cx.settings.policy.quiet.is_empty();
    by_itself.then(|| limit(cx))
}

/// What this update was given, else the policy.
fn limit(cx: &Context<'_>) -> Duration {
    let given = cx.plan.graceful_timeout();
    given.unwrap_or(cx.settings.policy.graceful_timeout)
}

/// Waits until the operator's command says that the product is quiet, at most as long as they grant. Says how it went; none
/// where nothing is waited for.
pub fn wait(cx: &Context<'_>) -> Result<Option<String>, StepError> {
    let policy = &cx.settings.policy;
    if !is_graceful(cx) || policy.quiet.is_empty() {
        return Ok(None);
    }
    let deadline = Deadline::after(limit(cx));
    loop {
        let last = deadline.has_passed();
        let found = match ask(cx, deadline) {
            Ok(()) => return Ok(Some("quiet".into())),
            Err(found) => found,
        };
        if last {
            let limit = limit(cx).as_secs_f64();
            return Ok(Some(format!("not quiet within {limit} s ({found})")));
        }
        let pause = Deadline::after(ASK_EVERY.min(deadline.left()));
        while !pause.has_passed() {
            if !cx.control.is_quiet() {
                return Err(
                    StepError::new("NL0310", "left off while waiting for the product to be quiet").interrupted(),
                );
            }
            std::thread::sleep(pause.left().min(LOOK_EVERY));
        }
    }
}

fn is_graceful(cx: &Context<'_>) -> bool {
    cx.plan.begun() == UpgradeStrategy::Graceful
}

fn ask(cx: &Context<'_>, deadline: Deadline) -> Result<(), String> {
    let run = host::Run {
        argv: cx.settings.policy.quiet.clone(),
        dir: cx.layout.root().to_path_buf(),
        env: BTreeMap::new(),
        stdin: Vec::new(),
        limit: deadline.left().max(SHORTEST),
    };
    match run.run() {
        Ok(finished) if finished.status.success() => Ok(()),
        Ok(finished) => Err(finished.status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
