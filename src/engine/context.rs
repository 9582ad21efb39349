//! What every step is given, and how those outside watch and steer a running update.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::{Layout, StepError};
use crate::clock;
use crate::fetch::Sources;
use crate::journal::PauseReason;
use crate::notify;
use crate::plan::{Direction, Leg, Plan, Step};
use crate::release::HookPoint;
use crate::settings::Settings;
use crate::store::{Store, UpdateId};
use crate::version::Version;

/// How far a step is; may be dropped on the way to a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub step: crate::plan::StepId,
    pub done: u64,
    pub total: u64,
    pub unit: &'static str,
}

pub struct Context<'a> {
    pub layout: &'a Layout,
    pub store: &'a Store,
    pub settings: &'a Settings,
    pub plan: &'a Plan,
    pub id: &'a UpdateId,
    /// None when everything that the plan needs is on disk.
    pub repository: Option<&'a Sources>,
    pub progress: &'a (dyn Fn(Progress) + Sync),
    pub control: &'a Control,
}

impl Context<'_> {
    pub fn leg(&self, step: &Step) -> Result<&Leg, StepError> {
        let missing = || StepError::new("NL0322", format!("the plan of {} has no leg {}", self.id, step.leg));
        self.plan.legs().get(step.leg).ok_or_else(missing)
    }

    /// The release that is to run at the end of this step's leg.
    pub fn runs_then(&self, step: &Step) -> Result<&Version, StepError> {
        match (self.plan.direction(), self.plan.from()) {
            (Direction::Schema, Some(installed)) => Ok(installed),
            _ => Ok(&self.leg(step)?.to),
        }
    }

    pub fn report(&self, step: &Step, done: u64, total: u64, unit: &'static str) {
        (self.progress)(Progress {
            step: step.id,
            done,
            total,
            unit,
        });
    }
}

const GO_ON: u8 = 0;
const PAUSE: u8 = 1;
const SERVER_ENDS: u8 = 2;
const ROLL_BACK: u8 = 3;

/// Whoever asks twice does so within this time; a pause waits for it, so that it is never taken for the first half of a way back.
const SECOND_THOUGHT: Duration = Duration::from_millis(400);

/// What those outside want of a running update; looked at between steps, and in steps that only wait. A later wish never takes back a stronger one.
#[derive(Debug, Default)]
pub struct Control {
    wish: AtomicU8,
    asked: OnceLock<Instant>,
}

impl Control {
    /// Asked once: the step finishes and the update pauses. Asked twice: it is rolled back.
    pub fn ask_once_more(&self) {
        self.asked.get_or_init(clock::monotonic);
        let more = |asked: u8| Some(if asked == GO_ON { PAUSE } else { ROLL_BACK });
        let _ = self.wish.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
    }

    pub fn server_ends(&self) {
        self.wish.fetch_max(SERVER_ENDS, Ordering::SeqCst);
    }

    pub fn roll_back(&self) {
        self.wish.store(ROLL_BACK, Ordering::SeqCst);
    }

    /// Waits until somebody who has just asked for a pause would have asked for more.
    pub fn settle(&self) {
        while let Some(asked) = self.asked.get().filter(|_| self.wish.load(Ordering::SeqCst) == PAUSE) {
            match SECOND_THOUGHT.checked_sub(asked.elapsed()) {
                Some(left) => std::thread::sleep(left.min(Duration::from_millis(10))),
                None => return,
            }
        }
    }

    pub fn wants_pause(&self) -> Option<PauseReason> {
        match self.wish.load(Ordering::SeqCst) {
            PAUSE => Some(PauseReason::Asked),
            SERVER_ENDS => Some(PauseReason::ServerEnded),
            _ => None,
        }
    }

    pub fn wants_rollback(&self) -> bool {
        self.wish.load(Ordering::SeqCst) == ROLL_BACK
    }

    pub fn is_quiet(&self) -> bool {
        self.wish.load(Ordering::SeqCst) == GO_ON
    }
}

/// A hook that runs longer than this is killed and counts as failed.
const HOOK_LIMIT: std::time::Duration = std::time::Duration::from_secs(600);

impl Context<'_> {
    /// The command that the settings name for this point, if any.
    pub fn hook(&self, point: HookPoint) -> Option<&[String]> {
        self.settings.hooks.get(&point).map(Vec::as_slice)
    }

    pub fn hook_limit(&self) -> std::time::Duration {
        HOOK_LIMIT
    }

    /// What a hook reads on its standard input.
    pub fn hook_payload(&self) -> serde_json::Value {
        serde_json::json!({
            "update_id": self.id.as_str(),
            "product": self.plan.product(),
            "from": self.plan.from(),
            "to": self.plan.to(),
            "direction": self.plan.direction(),
            "root": self.layout.root(),
        })
    }

    /// Runs the hooks of one point; one that fails is a failed step.
    pub fn run_hooks(&self, point: HookPoint) -> Result<(), StepError> {
        let payload = self.hook_payload();
        let bounds = self.layout.bounds_of_hook(point);
        let ran = notify::run(
            self.layout.root(),
            point,
            self.hook(point),
            &payload,
            HOOK_LIMIT,
            &bounds,
        );
        ran.map(drop).map_err(|e| StepError::because("NL0309", &e))
    }
}
