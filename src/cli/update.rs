//! `netlink update …`

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::args::{BeginArgs, DowngradeArgs, ExtensionArgs, Global, RiskArgs, UpdateVerb, UpgradeArgs};
use super::events::Show;
use super::open::open;
use super::output::{self, Failed, Result, bold, confirm, exit_of, green, harmless, line, red, result, say, yellow};
use super::{changelog, check, dependencies, plan as plan_text, remote, schedule, schema, status, watch};
use crate::app::{
    self, Consent, DryRun, Fetch, Goal, Order, Outset, Prepared, Ready, Report, ReportStatus, Settled, Wanted, Wish,
};
use crate::engine::Control;
use crate::host;
use crate::plan::{Direction, Plan, Reason, UpgradeStrategy};
use crate::store::UpdateId;
use crate::version::Version;

pub fn run(global: &Global, verb: &UpdateVerb) -> Result<()> {
    match verb {
        UpdateVerb::Check { exit_code } => check::check(global, *exit_code),
        UpdateVerb::Version { detailed } => status::version(global, *detailed),
        UpdateVerb::Status { update_id } => status::status(global, update_id.as_ref()),
        UpdateVerb::Verify => status::verify(global),
        UpdateVerb::History { limit } => status::history(global, *limit),
        UpdateVerb::Why { update_id } => status::why(global, update_id.as_ref()),
        UpdateVerb::Watch { update_id } => watch::watch(global, update_id.as_ref()),
        UpdateVerb::Plan {
            to,
            explain,
            full,
            out,
            bundle,
            risks,
        } => {
            if let Some(wire) = remote::wire(global)? {
                let way = remote::Way::to(&to.to_string()).full(*full).risks(risks);
                let planned = remote::plan(&wire, &way);
                return match planned.inspect_err(|no| explain_failed(no, *explain))? {
                    remote::Planned::Settled(settled) => already(global, &settled, None),
                    remote::Planned::Go(shown) => plan(global, &shown, *explain, out.as_deref()),
                };
            }
            let installation = open(global)?;
            let order = preview_order(&installation, to, *full, &|goal| risks.order(goal, bundle.as_ref()))?;
            match app::preview(&installation, &order).inspect_err(|no| explain_no(no, *explain))? {
                Ready::AlreadyThere(settled) => already(global, &settled, None),
                Ready::Go(view) => {
                    let shown = app::outlook(&installation, view)?;
                    plan(global, &shown, *explain, out.as_deref())
                }
            }
        }
        UpdateVerb::Upgrade(wanted) => upgrade(global, wanted),
        UpdateVerb::Downgrade(wanted) => downgrade(global, wanted),
        UpdateVerb::Cancel { order_id } => schedule::cancel(global, order_id),
        UpdateVerb::Finalize => finalize(global),
        UpdateVerb::Resume => resume(global),
        UpdateVerb::Rollback {
            update_id,
            restore_backup,
            dry_run,
            force,
            extensions,
        } => {
            if let Some(wire) = remote::wire(global)? {
                return remote::rollback(global, &wire, update_id.as_ref(), (*dry_run, *force), extensions);
            }
            let how = How {
                dry_run: *dry_run,
                force: *force,
                consent: Consent::default(),
                strategy: UpgradeStrategy::default(),
                graceful_timeout: None,
            };
            let order = |version| extensions.rollback(version, *restore_backup);
            rollback(global, update_id.as_ref(), &order, how)
        }
        UpdateVerb::ReinstallDeps => dependencies::reinstall(global),
        UpdateVerb::UpgradeDb(wanted) => schema::upgrade_db(global, wanted),
        UpdateVerb::Changelog(wanted) => changelog::of_installation(global, wanted),
    }
}

fn explain_failed(failed: &Failed, explain: bool) {
    if let Failed::App(error) = failed {
        explain_no(error, explain);
    }
}

/// Every move that stands in the way, with its rule.
fn explain_no(error: &app::AppError, explain: bool) {
    let app::AppError::Refused(refusal) = error else { return };
    if let (Reason::NoPath { witness, .. }, true) = (&refusal.reason, explain) {
        for refused in witness {
            say(&format!("  {} {}", red("not"), harmless(&refused.to_string())));
        }
    }
}

/// Up or down, whichever leads there.
fn preview_order(
    installation: &app::Installation,
    to: &Version,
    full: bool,
    order: &dyn Fn(Goal) -> Order,
) -> Result<Order> {
    let down = installation.installed()?.is_some_and(|installed| *to < installed);
    Ok(order(if down {
        Goal::Downgrade(to.clone())
    } else {
        Goal::Upgrade(Wish::To(to.clone()), fetch(full))
    }))
}

impl ExtensionArgs {
    fn rollback(&self, version: Version, restore_backup: bool) -> Order {
        Order {
            restore_backup,
            disable_incompatible: self.disable_incompatible.iter().cloned().collect(),
            ..Goal::Rollback(version).into()
        }
    }
}

impl RiskArgs {
    fn order(&self, goal: Goal, bundle: Option<&PathBuf>) -> Order {
        Order {
            goal,
            accepted_risks: self.accept_risk.iter().cloned().collect(),
            bundle: bundle.cloned(),
            restore_backup: false,
            disable_incompatible: self.extensions.disable_incompatible.iter().cloned().collect(),
            forced: false,
        }
    }
}

fn fetch(full: bool) -> Fetch {
    if full { Fetch::Full } else { Fetch::AsNeeded }
}

fn plan(global: &Global, shown: &DryRun, explain: bool, out: Option<&std::path::Path>) -> Result<()> {
    if let Some(path) = out {
        app::write_plan(&shown.view.plan, path)?;
    }
    result(global, shown, |shown| {
        let told = if explain {
            plan_text::explained(&shown.view)
        } else {
            String::new()
        };
        plan_text::dry_run(shown) + &told
    })
}

/// What the operator has said beforehand.
#[derive(Debug, Clone)]
pub struct How {
    pub dry_run: bool,
    pub force: bool,
    pub consent: Consent,
    pub strategy: UpgradeStrategy,
    /// Seconds that the product has to become quiet, where the policy does not say them.
    pub graceful_timeout: Option<u32>,
}

fn upgrade(global: &Global, wanted: &UpgradeArgs) -> Result<()> {
    if let Some(wire) = remote::wire(global)? {
        return remote::upgrade(global, &wire, wanted);
    }
    let (strategy, time) = beginning(global, &wanted.begin, wanted.dry_run, wanted.force)?;
    let how = How {
        dry_run: wanted.dry_run,
        force: wanted.force,
        consent: Consent {
            breaking: wanted.accept_breaking,
            acknowledged: wanted.acknowledge.iter().cloned().collect(),
        },
        strategy,
        graceful_timeout: wanted.begin.timeout,
    };
    if let Some(file) = &wanted.plan {
        if time.is_some() {
            return Err(schedule::begins_at_once());
        }
        let plan = app::read_plan(file)?;
        let mut show = Show::new(global);
        let config = global.config.as_deref();
        let outset = app::prepare_exactly(&global.root, config, &plan, wanted.force, &mut |event| {
            show.event(event);
        })?;
        return run_prepared(global, outset, how, &mut show);
    }
    let wish = match (&wanted.to, wanted.stable) {
        (Some(to), _) => Wish::To(to.clone()),
        (None, true) => Wish::Stable,
        (None, false) => Wish::Latest,
    };
    let goal = Goal::Upgrade(wish, fetch(wanted.full));
    let order = Order {
        forced: wanted.force,
        ..wanted.risks.order(goal, wanted.bundle.as_ref())
    };
    if time.is_none() {
        return go(global, &order, how);
    }
    schedule::schedule(global, &order, how, |plan, how| Wanted::Upgrade {
        target_version: plan.to().clone(),
        force: how.force,
        accept_warnings: true,
        accept_breaking: how.consent.breaking,
        acknowledge: how.consent.acknowledged,
        full: wanted.full,
        accept_risk: order.accepted_risks.clone(),
        disable_incompatible: order.disable_incompatible.clone(),
        strategy,
        scheduled_time: time,
        graceful_timeout_seconds: wanted.begin.timeout,
    })
}

fn downgrade(global: &Global, wanted: &DowngradeArgs) -> Result<()> {
    if let Some(wire) = remote::wire(global)? {
        return remote::downgrade(global, &wire, wanted);
    }
    let (strategy, time) = beginning(global, &wanted.begin, wanted.dry_run, wanted.force)?;
    let how = How {
        dry_run: wanted.dry_run,
        force: wanted.force,
        consent: Consent::default(),
        strategy,
        graceful_timeout: wanted.begin.timeout,
    };
    let order = Order {
        restore_backup: wanted.restore_backup,
        forced: wanted.force,
        ..wanted.risks.order(Goal::Downgrade(wanted.to.clone()), None)
    };
    if time.is_none() {
        return go(global, &order, how);
    }
    schedule::schedule(global, &order, how, |plan, how| Wanted::Downgrade {
        target_version: plan.to().clone(),
        force: how.force,
        accept_warnings: true,
        accept_risk: order.accepted_risks.clone(),
        disable_incompatible: order.disable_incompatible.clone(),
        strategy,
        scheduled_time: time,
        graceful_timeout_seconds: wanted.begin.timeout,
    })
}

/// What is only shown begins at no time.
fn beginning(
    global: &Global,
    said: &BeginArgs,
    dry_run: bool,
    forced: bool,
) -> Result<(UpgradeStrategy, Option<Timestamp>)> {
    match dry_run {
        true => Ok((UpgradeStrategy::default(), None)),
        false => schedule::beginning(global, said, forced),
    }
}

/// Plans, shows, asks, runs, reports.
pub fn go(global: &Global, order: &Order, how: How) -> Result<()> {
    if how.dry_run {
        let installation = open(global)?;
        return match app::preview(&installation, order)? {
            Ready::AlreadyThere(settled) => already(global, &settled, None),
            Ready::Go(view) => {
                let tried = app::dry_run(&installation, order, view)?;
                result(global, &tried, |tried| {
                    plan_text::dry_run(tried) + "  dry run: nothing was changed"
                })
            }
        };
    }
    let mut show = Show::new(global);
    let outset = app::prepare(&global.root, global.config.as_deref(), order, &mut |event| {
        show.event(event);
    })?;
    run_prepared(global, outset, how, &mut show)
}

pub fn run_prepared(global: &Global, Outset { before, ready }: Outset, how: How, show: &mut Show) -> Result<()> {
    let mut prepared = match ready {
        Ready::AlreadyThere(settled) => return already(global, &settled, before.as_deref()),
        Ready::Go(prepared) => prepared.begun_as(how.strategy, how.graceful_timeout)?,
    };
    if !global.quiet && global.output == super::args::Output::Text {
        say(plan_text::text(prepared.plan()).trim_end());
    }
    let consent = output::consent(how.consent, prepared.plan().notes());
    prepared.is_covered_by(&consent)?;
    settle(global, &mut prepared)?;
    if !how.force && prepared.installation().settings.safety.require_confirmation {
        confirm(global, &question(prepared.plan()))?;
    }
    let control = stop_on_signals()?;
    let accepted = prepared.accept(&who(), &consent)?;
    let report = accepted.run(&control, &mut |event| show.event(event))?;
    finish_after(global, &report, before.as_deref())
}

/// Where the settings say so and somebody is there: each value that the operator and the release have both changed is asked for before
/// anything begins. An answer may bring the next hop's questions.
fn settle(global: &Global, prepared: &mut Prepared) -> Result<()> {
    if global.yes || !output::is_somebody_there() {
        return Ok(());
    }
    loop {
        let questions = prepared.questions()?;
        if questions.is_empty() {
            return Ok(());
        }
        let answers = questions
            .iter()
            .map(|open| Ok((open.name.clone(), output::side(open)?)));
        prepared.answer(answers.collect::<Result<_>>()?);
    }
}

pub fn question(plan: &Plan) -> String {
    match plan.direction() {
        Direction::Schema => format!("Bring the database to the schema of {} now?", plan.to()),
        _ => format!("Go to {} now?", plan.to()),
    }
}

pub fn already(global: &Global, settled: &Settled, before: Option<&Report>) -> Result<()> {
    let Settled { version, passed_over } = settled;
    let mut document = serde_json::json!({"kind": "result", "status": "nothing_to_do", "installed": version});
    if !passed_over.is_empty() {
        document["passed_over"] = serde_json::json!(passed_over);
    }
    if let Some(before) = before {
        document["before"] = serde_json::json!(before);
    }
    if global.output == super::args::Output::Json {
        let _ = line(&document.to_string());
        return Ok(());
    }
    result(global, &document, |_| {
        let notes = passed_over.iter().map(|note| format!("\n  {note}"));
        format!(
            "{version} is installed already; nothing to do{}",
            notes.collect::<String>()
        )
    })
}

fn resume(global: &Global) -> Result<()> {
    if let Some(wire) = remote::wire(global)? {
        return remote::resume(global, &wire);
    }
    let mut show = Show::new(global);
    let control = stop_on_signals()?;
    match app::resume(&global.root, global.config.as_deref(), &control, &mut |event| {
        show.event(event);
    })? {
        Some(report) => finish(global, &report),
        None => nothing_unfinished(global),
    }
}

/// An unfinished update is turned back; otherwise a new update goes to where the last one, or the named one, came from.
fn rollback(global: &Global, id: Option<&UpdateId>, order: &dyn Fn(Version) -> Order, how: How) -> Result<()> {
    let installation = open(global)?;
    let target = app::rollback_target(&installation, id)?;
    drop(installation);
    match target {
        app::RollbackTarget::Unfinished if how.dry_run => would_turn_back(global),
        app::RollbackTarget::Unfinished => {
            let mut show = Show::new(global);
            let control = Control::default();
            let turned = app::turn_back(&global.root, global.config.as_deref(), &control, &mut |event| {
                show.event(event);
            })?;
            match turned {
                // Asked for and done: that the update itself did not complete is what was wanted.
                Some(report) if report.status == ReportStatus::RolledBack && report.differences.is_empty() => {
                    show_report(global, &report)
                }
                Some(report) => finish(global, &report),
                None => Err(Failed::said(
                    "NL0543",
                    "the update has finished by itself meanwhile; see `netlink update status`",
                )),
            }
        }
        app::RollbackTarget::To(version) => go(global, &order(version), how),
    }
}

pub fn would_turn_back(global: &Global) -> Result<()> {
    result(global, &serde_json::json!({"status": "would_turn_back"}), |_| {
        "the unfinished update would be turned back".into()
    })
}

pub fn nothing_unfinished(global: &Global) -> Result<()> {
    let document = serde_json::json!({"kind": "result", "status": "nothing_to_do"});
    result(global, &document, |_| "no update is unfinished; nothing to do".into())
}

fn finalize(global: &Global) -> Result<()> {
    let finalized = app::finalize(&open(global)?)?;
    result(global, &finalized, |finalized| match &finalized.update_id {
        None => "nothing to finalize".into(),
        Some(id) => {
            let removed = finalized
                .removed
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            format!(
                "{id} is final; let go: {}",
                if removed.is_empty() { "nothing" } else { &removed }
            )
        }
    })
}

/// A result, with that of an update that had to be brought to its end before.
#[derive(Serialize)]
struct Results<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Report>,
}

pub fn finish(global: &Global, report: &Report) -> Result<()> {
    finish_after(global, report, None)
}

/// The last line is the result; its exit code comes from the fresh look at the end state.
fn finish_after(global: &Global, report: &Report, before: Option<&Report>) -> Result<()> {
    // The exit code says what came of the update, also where the result cannot be written.
    if show_results(global, &Results { report, before }).is_err() {
        say(&text(report));
    }
    report.code().map_or(Ok(()), |code| Err(Failed::Exit(exit_of(code))))
}

pub fn show_report(global: &Global, report: &Report) -> Result<()> {
    show_results(global, &Results { report, before: None })
}

fn show_results(global: &Global, results: &Results<'_>) -> Result<()> {
    if global.output == super::args::Output::Json {
        let text = serde_json::to_string(results).map_err(|e| app::AppError::below("NL0408", &e))?;
        let _ = line(&text);
        return Ok(());
    }
    result(global, results, |results| text(results.report))
}

fn text(report: &Report) -> String {
    let installed = report
        .installed
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let took = format!("{:.1} s", report.seconds);
    let why = report
        .failure
        .as_ref()
        .map(|failure| format!("{} [{}]", harmless(&failure.message), failure.code))
        .unwrap_or_default();
    let mut out = match report.status {
        ReportStatus::Completed if report.schema_level.is_some() => {
            let level = report.schema_level.unwrap_or_default();
            format!("{} the database is at schema level {level} ({took})", green("done:"))
        }
        ReportStatus::Completed => format!("{} {} is installed ({took})", green("done:"), bold(&installed)),
        ReportStatus::RolledBack if why.is_empty() => {
            format!("{} {installed} is in place ({took})", yellow("turned back:"))
        }
        ReportStatus::RolledBack => format!(
            "{} {why}\nEverything was put back: {} is in place ({took}). `netlink update why` tells more.",
            red("failed and rolled back:"),
            bold(&installed)
        ),
        ReportStatus::Paused => {
            format!(
                "{} `netlink update resume` goes on, `netlink update rollback` goes back",
                yellow("paused:")
            )
        }
        ReportStatus::UndoFailed => format!(
            "{} {why}\n`netlink update status` says in what state each thing is; mend the cause, then `netlink update resume`.",
            red("failed and not rolled back:")
        ),
        ReportStatus::CleanUpFailed => format!(
            "{} {installed} is installed and healthy, but tidying up failed: {why}\nMend the cause, then `netlink update resume`.",
            red("not finished:")
        ),
    };
    if let Some(dir) = &report.set_aside {
        let note = format!(
            "what was written to the database since then is kept in {}",
            dir.display()
        );
        out += &format!("\n{} {note}", yellow("set aside:"));
    }
    for difference in &report.differences {
        out += &format!("\n{} {}", red("differs:"), harmless(difference));
    }
    out
}

/// Ctrl-C or SIGTERM once: the step finishes and the update pauses; Ctrl-C twice: it is rolled back.
fn stop_on_signals() -> Result<Arc<Control>> {
    let control = Arc::new(Control::default());
    let handle = Arc::clone(&control);
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])
        .map_err(|e| app::AppError::below("NL0408", &e))?;
    let listen = move || {
        for _ in signals.forever() {
            let first = handle.is_quiet();
            handle.ask_once_more();
            output::say(if first {
                "pausing after this step; once more to roll back"
            } else {
                "rolling back after this step"
            });
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(listen)
        .map_err(|e| app::AppError::below("NL0408", &e))?;
    Ok(control)
}

/// Who asks, for the history.
pub fn who() -> String {
    format!("uid {} on {}", host::user_id(), host::hostname())
}
