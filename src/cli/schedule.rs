//! Updates that begin by the clock: ordered here, carried out by `netlink serve`.

use jiff::Timestamp;
use serde_json::json;

use super::args::{BeginArgs, Global, Output};
use super::open::open;
use super::output::{self, Failed, Result, confirm, result, say};
use super::plan::{self as plan_text, Sense};
use super::remote;
use super::update::{How, already, question, who};
use crate::app::{self, Begin, Installation, Order, OrderView, Ready, Scheduled, Wanted};
use crate::plan::{Plan, UpgradeStrategy};
use crate::store::OrderId;

/// How an update begins; with a time when that is not at once.
pub fn beginning(global: &Global, said: &BeginArgs, forced: bool) -> Result<(UpgradeStrategy, Option<Timestamp>)> {
    let installation = open(global)?;
    let at = said
        .at
        .as_deref()
        .map(|text| app::time_of(&installation, text))
        .transpose()?;
    let begin = Begin {
        strategy: said.strategy.map(UpgradeStrategy::from),
        at,
        graceful_timeout: said.timeout,
    };
    Ok(app::beginning(&installation, begin, forced)?)
}

/// Plans as if it were now, shows, asks, and leaves the order for its time. `wanted` makes it of the plan; who has said yes to that
/// has said it to its warnings, too, as for an update that begins at once.
pub fn schedule(global: &Global, order: &Order, how: How, wanted: impl FnOnce(&Plan, How) -> Wanted) -> Result<()> {
    if order.bundle.is_some() || order.restore_backup {
        return Err(begins_at_once());
    }
    let installation = open(global)?;
    let plan = match app::preview(&installation, order)? {
        Ready::AlreadyThere(settled) => return already(global, &settled, None),
        Ready::Go(view) => view.plan,
    };
    if !global.quiet && global.output == Output::Text {
        say(plan_text::text(&plan, Sense::of(&order.goal)).trim_end());
    }
    let force = how.force;
    let consent = output::consent(how.consent, plan.notes());
    let wanted = wanted(&plan, How { consent, ..how });
    if !force && installation.settings.safety.require_confirmation {
        confirm(global, &at_its_time(&installation, &plan, &wanted))?;
    }
    match app::schedule(&installation, wanted, &who())? {
        Scheduled::Settled(settled) => result(global, &settled, |_| "nothing to do".into()),
        Scheduled::Order(order) => {
            let document = json!({"kind": "result", "status": "scheduled", "order": order});
            result(global, &document, |_| told(&installation, &order))
        }
    }
}

/// What is asked for does not wait.
pub fn begins_at_once() -> Failed {
    let message =
        "`--bundle`, `--plan` and `--restore-backup` go with an update that begins at once, not with a scheduled one";
    Failed::said("NL0110", message)
}

fn at_its_time(installation: &Installation, plan: &Plan, wanted: &Wanted) -> String {
    let question = question(plan);
    match wanted.scheduled_time() {
        Some(time) => question.replace(" now?", &format!(" at {}?", app::local_time(installation, time))),
        None => question,
    }
}

fn told(installation: &Installation, order: &OrderView) -> String {
    let OrderView { order_id, order, .. } = order;
    let at = order.scheduled_time().map(|time| app::local_time(installation, time));
    format!(
        "scheduled: {} at {}, as {order_id}\n`netlink serve` carries it out; `netlink update cancel {order_id}` takes it back",
        order.told(),
        at.unwrap_or_default()
    )
}

pub fn cancel(global: &Global, id: &OrderId) -> Result<()> {
    let view = match remote::wire(global)? {
        Some(wire) => remote::cancel(&wire, id)?,
        None => app::cancel_waiting_update(&open(global)?, id)?,
    };
    result(global, &view, |view| {
        format!("cancelled: {} ({})", view.order.told(), view.order_id)
    })
}
