//! Going up, down and back at a server: its plan is shown and asked about here, then it carries out what was agreed to.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::follow::follow;
use super::wire::Wire;
use crate::app::{self, AppError, Consent, DryRun, OrderView, Report, ReportStatus, Settled, UpdateView};
use crate::cli::args::{BeginArgs, DowngradeArgs, ExtensionArgs, Global, Output, RiskArgs, UpgradeArgs};
use crate::cli::output::{self, Failed, Result, confirm, exit_of, harmless, line, result, say};
use crate::cli::plan::{self as plan_text, Sense};
use crate::cli::update::{already, finish, nothing_unfinished, question, show_report, would_turn_back};
use crate::fetch::remote::{Answered, Method};
use crate::plan::{Plan, UpgradeStrategy};
use crate::store::{OrderId, UpdateId};
use crate::version::Version;

/// Trying all of it on copies takes as long as it takes there.
const TRIAL: Duration = Duration::from_secs(4 * 60 * 60);

/// What a plan is asked for.
#[derive(Default)]
pub struct Way {
    pub query: Vec<(&'static str, String)>,
}

impl Way {
    pub fn to(to: &str) -> Self {
        Self {
            query: vec![("to", to.to_owned())],
        }
    }

    fn with(mut self, name: &'static str, value: Option<String>) -> Self {
        self.query.extend(value.map(|value| (name, value)));
        self
    }

    pub fn full(self, full: bool) -> Self {
        self.with("full", full.then(|| "true".to_owned()))
    }

    pub fn risks(self, risks: &RiskArgs) -> Self {
        let named = |names: Vec<String>| (!names.is_empty()).then(|| names.join(","));
        let disabled = risks.extensions.disable_incompatible.iter().map(ToString::to_string);
        self.with("accept_risk", named(risks.accept_risk.clone()))
            .with("disable_incompatible", named(disabled.collect()))
    }
}

/// What planning came to.
pub enum Planned {
    Settled(Settled),
    Go(Box<DryRun>),
}

#[derive(Deserialize)]
struct Nothing {
    installed: Version,
    #[serde(default)]
    passed_over: Vec<String>,
}

impl From<Nothing> for Settled {
    fn from(nothing: Nothing) -> Self {
        Self {
            version: nothing.installed,
            passed_over: nothing.passed_over,
        }
    }
}

/// A plan with what can be told of it by looking, as `update plan` shows it.
pub fn plan(wire: &Wire, way: &Way) -> Result<Planned> {
    let query: Vec<(&str, &str)> = way.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    planned(wire, &wire.answer("/updates/plan", &query)?)
}

fn planned(wire: &Wire, answered: &Answered) -> Result<Planned> {
    let told: Value = wire.read(answered)?;
    match told.get("plan") {
        Some(_) => wire.read(answered).map(Planned::Go),
        None => wire
            .read::<Nothing>(answered)
            .map(|nothing| Planned::Settled(nothing.into())),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Upgrade,
    Downgrade,
    Rollback,
}

impl Verb {
    fn path(self) -> &'static str {
        match self {
            Self::Upgrade => "/updates/upgrade",
            Self::Downgrade => "/updates/downgrade",
            Self::Rollback => "/updates/rollback",
        }
    }

    fn sense(self) -> Sense {
        match self {
            Self::Rollback => Sense::Rollback,
            Self::Upgrade | Self::Downgrade => Sense::Onward,
        }
    }
}

/// What is asked of the server, besides what the plan says.
struct Wish<'a> {
    verb: Verb,
    body: Value,
    dry_run: bool,
    force: bool,
    consent: Consent,
    begin: Option<&'a BeginArgs>,
}

pub fn upgrade(global: &Global, wire: &Wire, wanted: &UpgradeArgs) -> Result<()> {
    let to = match (&wanted.to, wanted.stable) {
        (Some(to), _) => to.to_string(),
        (None, true) => "stable".to_owned(),
        (None, false) => "latest".to_owned(),
    };
    let way = Way::to(&to)
        .with("verb", Some("upgrade".to_owned()))
        .full(wanted.full)
        .risks(&wanted.risks);
    let wish = Wish {
        verb: Verb::Upgrade,
        body: with_risks(json!({"full": wanted.full}), &wanted.risks),
        dry_run: wanted.dry_run,
        force: wanted.force,
        consent: Consent {
            breaking: wanted.accept_breaking,
            acknowledged: wanted.acknowledge.iter().cloned().collect(),
        },
        begin: Some(&wanted.begin),
    };
    go(global, wire, &way, wish)
}

pub fn downgrade(global: &Global, wire: &Wire, wanted: &DowngradeArgs) -> Result<()> {
    let way = Way::to(&wanted.to.to_string())
        .with("verb", Some("downgrade".to_owned()))
        .risks(&wanted.risks);
    let wish = Wish {
        verb: Verb::Downgrade,
        body: with_risks(json!({}), &wanted.risks),
        dry_run: wanted.dry_run,
        force: wanted.force,
        consent: Consent::default(),
        begin: Some(&wanted.begin),
    };
    go(global, wire, &way, wish)
}

fn with_risks(mut body: Value, risks: &RiskArgs) -> Value {
    body["accept_risk"] = json!(risks.accept_risk.iter().collect::<BTreeSet<_>>());
    with_extensions(body, &risks.extensions)
}

fn with_extensions(mut body: Value, extensions: &ExtensionArgs) -> Value {
    body["disable_incompatible"] = json!(extensions.disable_incompatible.iter().collect::<BTreeSet<_>>());
    body
}

/// An unfinished update is turned back; otherwise a new update goes to where the last one, or the named one, came from.
pub fn rollback(
    global: &Global,
    wire: &Wire,
    id: Option<&UpdateId>,
    (dry_run, force): (bool, bool),
    extensions: &ExtensionArgs,
) -> Result<()> {
    let last = wire.status(None)?.update;
    let unfinished = last.filter(|update| update.finished_at.is_none());
    if let Some(update) = unfinished.filter(|update| id.is_none_or(|id| *id == update.update_id)) {
        if dry_run {
            return would_turn_back(global);
        }
        return turn_back(global, wire, &update);
    }
    let way = Way::to(&id.map_or_else(|| "back".to_owned(), ToString::to_string));
    let body = id.map_or_else(|| json!({}), |id| json!({"update_id": id}));
    let wish = Wish {
        verb: Verb::Rollback,
        body: with_extensions(body, extensions),
        dry_run,
        force,
        consent: Consent::default(),
        begin: None,
    };
    let named = extensions
        .disable_incompatible
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let way = way.with("disable_incompatible", (!named.is_empty()).then(|| named.join(",")));
    go(global, wire, &way, wish)
}

fn turn_back(global: &Global, wire: &Wire, update: &UpdateView) -> Result<()> {
    let body = json!({"update_id": update.update_id});
    wire.order(Verb::Rollback.path(), &body, None)?;
    let report = follow(global, wire, &update.update_id, update.seq)?;
    // Asked for and done: that the update itself did not complete is what was wanted.
    match report.status == ReportStatus::RolledBack && report.differences.is_empty() {
        true => show_report(global, &report),
        false => finish(global, &report),
    }
}

pub fn resume(global: &Global, wire: &Wire) -> Result<()> {
    let last = wire.status(None)?.update;
    let Some(update) = last.filter(|update| update.finished_at.is_none()) else {
        return nothing_unfinished(global);
    };
    let id = &update.update_id;
    wire.send(Method::POST, &format!("/updates/{id}/resume"), &json!({}))?;
    finish(global, &follow(global, wire, id, update.seq)?)
}

/// From its beginning to its end.
pub fn watch(global: &Global, wire: &Wire, id: Option<&UpdateId>) -> Result<Report> {
    let update = wire.status(id)?.update.ok_or(AppError::NoUpdateYet)?;
    follow(global, wire, &update.update_id, 0)
}

pub fn cancel(wire: &Wire, id: &OrderId) -> Result<OrderView> {
    wire.change(Method::POST, &format!("/orders/{id}/cancel"), &Value::Null)
}

/// Plans, shows, asks, has it done, reports.
fn go(global: &Global, wire: &Wire, way: &Way, wish: Wish<'_>) -> Result<()> {
    let at = wish.begin.map(time).transpose()?.flatten();
    let shown = match plan(wire, way)? {
        Planned::Settled(settled) => return already(global, &settled, None),
        Planned::Go(shown) => shown,
    };
    let plan = &shown.view.plan;
    let mut body = wish.body;
    if wish.verb != Verb::Rollback {
        body["target_version"] = json!(plan.to());
    }
    body["force"] = wish.force.into();
    if wish.dry_run {
        body["dry_run"] = true.into();
        return dry_run(global, wire, wish.verb, &body);
    }
    if !global.quiet && global.output == Output::Text {
        say(plan_text::text(plan, wish.verb.sense()).trim_end());
    }
    let consent = output::consent(wish.consent, plan.notes());
    app::is_covered(plan, &consent)?;
    if !wish.force {
        confirm(global, &asked(plan, at))?;
    }
    // Whoever goes on has seen them, above.
    body["accept_warnings"] = true.into();
    if wish.verb == Verb::Upgrade {
        body["accept_breaking"] = consent.breaking.into();
        body["acknowledge"] = json!(consent.acknowledged);
    }
    if let Some(begin) = wish.begin {
        if let Some(strategy) = begin.strategy {
            body["strategy"] = json!(UpgradeStrategy::from(strategy));
        }
        if let Some(at) = at {
            body["scheduled_time"] = json!(at);
        }
        if let Some(seconds) = begin.timeout {
            body["graceful_timeout_seconds"] = json!(seconds);
        }
    }
    let answered = wire.order(wish.verb.path(), &body, None)?;
    begun(global, wire, &answered)
}

fn asked(plan: &Plan, at: Option<Timestamp>) -> String {
    match at {
        Some(at) => question(plan).replace(" now?", &format!(" at {at:.0}?")),
        None => question(plan),
    }
}

/// By whose clock another time would be is for the server to say.
fn time(begin: &BeginArgs) -> Result<Option<Timestamp>> {
    let parse = |text: &String| {
        text.parse().map_err(|_| {
            let message = format!("`--at {text}`: a server takes a time with its offset, e.g. `2026-12-01T02:00:00Z`");
            Failed::said("NL0122", message)
        })
    };
    begin.at.as_ref().map(parse).transpose()
}

fn dry_run(global: &Global, wire: &Wire, verb: Verb, body: &Value) -> Result<()> {
    match planned(wire, &wire.order(verb.path(), body, Some(TRIAL))?)? {
        Planned::Settled(settled) => already(global, &settled, None),
        Planned::Go(tried) => result(global, &*tried, |tried| {
            plan_text::dry_run(tried, verb.sense()) + "  dry run: nothing was changed"
        }),
    }
}

/// It runs, it waits, or there was nothing to do.
fn begun(global: &Global, wire: &Wire, answered: &Answered) -> Result<()> {
    let told: Value = wire.read(answered)?;
    if told.get("update_id").is_some() && told.get("order_id").is_none() {
        let update: UpdateView = wire.read(answered)?;
        return finish(global, &follow(global, wire, &update.update_id, 0)?);
    }
    if told.get("order_id").is_none() {
        let nothing: Nothing = wire.read(answered)?;
        return already(global, &nothing.into(), None);
    }
    let order: OrderView = wire.read(answered)?;
    match order.scheduled_time {
        Some(time) => scheduled(global, wire, &order, time),
        None => queued(global, wire, &order),
    }
}

#[derive(Deserialize)]
struct Policy {
    time_zone: String,
}

fn scheduled(global: &Global, wire: &Wire, order: &OrderView, time: Timestamp) -> Result<()> {
    let Policy { time_zone } = wire.look("/policy", &[])?;
    let zone = TimeZone::get(&time_zone).unwrap_or(TimeZone::UTC);
    let at = time.to_zoned(zone).strftime("%Y-%m-%d %H:%M %:z").to_string();
    let document = json!({"kind": "result", "status": "scheduled", "order": order});
    result(global, &document, |_| {
        let id = &order.order_id;
        format!(
            "scheduled: {} at {at}, as {id}\n`netlink serve` carries it out; `netlink update cancel {id}` takes it back",
            order.order.told()
        )
    })
}

/// Somebody else is at work: it begins when its turn comes, and nobody waits for that here.
fn queued(global: &Global, wire: &Wire, order: &OrderView) -> Result<()> {
    let document = json!({"kind": "result", "status": "queued", "order": order});
    let id = &order.order_id;
    let told = || {
        let (what, server) = (order.order.told(), wire.shown());
        let why = harmless(order.reason.as_deref().unwrap_or_default());
        format!(
            "queued: {what}, as {id}: {why}\n`netlink --server {server} update status` shows how it stands; `… update cancel {id}` takes it back"
        )
    };
    if global.output == Output::Json {
        let _ = line(&document.to_string());
    } else {
        result(global, &document, |_| told())?;
    }
    Err(Failed::Exit(exit_of("NL0402")))
}
