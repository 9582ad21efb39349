//! When updates may begin here: who comes at another time is told so, and whoever asks is shown the days to come.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppError, Goal, Installation, Result};
use crate::clock;
use crate::plan::{self, Calendar, CalendarAnswer, Closed, Direction, ExceptionRule, Plan, UpgradeStrategy};

/// What the policy says of when updates begin.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyView {
    /// The server upgrades by itself.
    pub auto_upgrade: bool,
    /// Between two looks for something newer.
    #[schema(example = "5m")]
    pub check_interval: String,
    pub upgrade_strategy: UpgradeStrategy,
    /// What becomes of a scheduled update whose time was missed.
    #[schema(value_type = String, pattern = "^(run|skip)$", example = "skip")]
    pub when_missed: &'static str,
    /// By whose clock hours and days are meant.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// Any hour when empty.
    #[schema(example = json!(["02:00-04:00", "22:00-02:00"]))]
    pub allowed_hours: Vec<String>,
    #[schema(example = json!(["friday"]))]
    pub blocked_days: Vec<String>,
    pub exceptions: Vec<ExceptionView>,
    /// Why nothing may begin at all; null where there is no freeze.
    #[schema(required = true)]
    pub freeze: Option<String>,
    pub now: NowView,
    /// The days to come without gaps, each stretch of time with what keeps updates from beginning in it.
    pub calendar: Vec<IntervalView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionView {
    #[schema(example = "2026-12-20..2027-01-06")]
    pub days: String,
    /// Whether updates may begin then.
    pub open: bool,
    pub reason: String,
}

/// Whether an update may begin now, and when that changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct NowView {
    pub open: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "outside the hours of updates (02:00-04:00)")]
    pub reason: Option<String>,
    /// When it opens, or closes; null where that is not within a year.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub changes_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct IntervalView {
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Updates may begin.
    pub open: bool,
    /// By what it is closed: `freeze`, `exception`, `day` or `hours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "hours")]
    pub closed_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "outside the hours of updates (02:00-04:00)")]
    pub reason: Option<String>,
}

/// With the calendar of so many days from now.
pub fn policy(installation: &Installation, days: u32) -> PolicyView {
    let policy = &installation.settings.policy;
    let calendar = policy.calendar();
    let now = clock::now();
    let shown = SignedDuration::from_hours(24 * i64::from(days));
    let end = now.checked_add(shown).unwrap_or(Timestamp::MAX);
    PolicyView {
        auto_upgrade: policy.auto_upgrade,
        check_interval: told(policy.check_interval),
        upgrade_strategy: policy.upgrade_strategy,
        when_missed: policy.when_missed.name(),
        time_zone: zone_name(&calendar),
        allowed_hours: policy.allowed_hours.iter().map(ToString::to_string).collect(),
        blocked_days: policy.blocked_days.iter().map(ToString::to_string).collect(),
        exceptions: policy
            .exceptions
            .iter()
            .map(|one| ExceptionView {
                days: one.days.to_string(),
                open: one.rule == ExceptionRule::Open,
                reason: one.reason.clone(),
            })
            .collect(),
        freeze: policy.freeze.clone(),
        now: now_view(&calendar, now),
        calendar: calendar.intervals(now, end).into_iter().map(interval).collect(),
    }
}

fn now_view(calendar: &Calendar, now: Timestamp) -> NowView {
    match calendar.at(now) {
        CalendarAnswer::Open { until } => NowView {
            open: true,
            reason: None,
            changes_at: until,
        },
        CalendarAnswer::Closed { why, opens } => NowView {
            open: false,
            reason: Some(why.to_string()),
            changes_at: opens,
        },
    }
}

fn interval(interval: plan::Interval) -> IntervalView {
    let closed = interval.closed;
    IntervalView {
        from: interval.from,
        until: interval.until,
        open: closed.is_none(),
        closed_by: closed.as_ref().map(Closed::name),
        reason: closed.map(|closed| closed.to_string()),
    }
}

/// The machine's own has not always a name.
pub(super) fn zone_name(calendar: &Calendar) -> String {
    calendar.zone.iana_name().unwrap_or("the machine's").to_owned()
}

/// As people write it in the settings.
pub(super) fn told(length: std::time::Duration) -> String {
    jiff::fmt::friendly::SpanPrinter::new().unsigned_duration_to_string(&length)
}

/// Refuses what a person has asked for at a time that the calendar keeps closed. A first installation, a repair and every way
/// back are never held back.
pub(super) fn refuse_when_closed(installation: &Installation, goal: &Goal, plan: &Plan, forced: bool) -> Result<()> {
    let is_held = matches!(goal, Goal::Upgrade(..) | Goal::Downgrade(_))
        && matches!(plan.direction(), Direction::Up | Direction::Down);
    if !is_held || forced {
        return Ok(());
    }
    let calendar = installation.settings.policy.calendar();
    match calendar.at(clock::now()) {
        CalendarAnswer::Open { .. } => Ok(()),
        CalendarAnswer::Closed { why, opens } => Err(not_now(&calendar, &why, opens)),
    }
}

fn not_now(calendar: &Calendar, why: &Closed, opens: Option<Timestamp>) -> AppError {
    let (when, later) = match opens {
        Some(at) => (
            format!("they may again at {}", calendar.local(at)),
            ", `--strategy scheduled` (`strategy: \"scheduled\"`) begins then",
        ),
        None => (never(why).to_owned(), ""),
    };
    AppError::Closed {
        message: format!(
            "updates may not begin now: {why}; {when}. `--force` (`force: true`) begins all the same{later}"
        ),
        opens,
    }
}

fn never(why: &Closed) -> &'static str {
    match why {
        Closed::Frozen { .. } => "they may once `policy.freeze` is taken out of config/update.yml",
        _ => "and not within a year: `policy` of config/update.yml leaves no time for them",
    }
}

/// What is to begin at this time is refused where the calendar will be closed by then.
pub(super) fn refuse_when_closed_at(calendar: &Calendar, time: Timestamp) -> Result<()> {
    let Some(why) = calendar.closed(time) else {
        return Ok(());
    };
    let opens = calendar.next_opening(time);
    let when = opens.map_or_else(
        || never(&why).to_owned(),
        |at| format!("they may again at {}", calendar.local(at)),
    );
    Err(AppError::Closed {
        message: format!(
            "updates may not begin at {}: {why}; {when}. `--force` (`force: true`) has it begin all the same",
            calendar.local(time)
        ),
        opens,
    })
}

/// When the calendar opens next, for what is to begin then.
pub(super) fn next_opening(calendar: &Calendar, now: Timestamp) -> Result<Timestamp> {
    match calendar.at(now) {
        CalendarAnswer::Open { .. } => Ok(now),
        CalendarAnswer::Closed { opens: Some(at), .. } => Ok(at),
        CalendarAnswer::Closed { why, opens: None } => Err(AppError::Closed {
            message: format!("there is no time to schedule it for: {why}; {}", never(&why)),
            opens: None,
        }),
    }
}
