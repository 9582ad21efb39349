//! Looking: version, status, verify, history, why.

use std::fmt::Write;

use super::args::Global;
use super::asked::asked;
use super::open::open;
use super::output::{Failed, Result, bold, dim, exit_of, green, harmless, red, result, yellow};
use crate::app::{self, Running, StatusView, UpdateView, VerifyView, VersionView};
use crate::journal::{Outcome, PauseReason};
use crate::plan::StepKind;
use crate::store::{OrderState, UpdateId, Verb};
use crate::version::Version;

pub(super) fn or_nothing(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

pub fn version(global: &Global, detailed: bool) -> Result<()> {
    let view = asked(global)?.version()?;
    result(global, &view, |view| version_text(view, detailed))
}

fn version_text(view: &VersionView, detailed: bool) -> String {
    let mut out = format!("{} {}", view.product, or_nothing(view.current_version.as_ref()));
    if let Some(channel) = view.channel {
        let _ = write!(out, " ({channel})");
    }
    if detailed {
        let kept = view.kept.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let _ = write!(out, "\nroot        {}", view.root.display());
        let _ = write!(out, "\nrepository  {}", view.repository.as_deref().unwrap_or("none"));
        let _ = write!(
            out,
            "\nkept        {}",
            if kept.is_empty() { "no other release" } else { &kept }
        );
        let updated = view.last_updated.map_or("never".to_owned(), |at| format!("{at:.0}"));
        let _ = write!(out, "\nupdated     {updated}\nnetlink     {}", view.netlink);
    }
    out
}

pub fn status(global: &Global, id: Option<&UpdateId>) -> Result<()> {
    let view = asked(global)?.status(id)?;
    result(global, &view, status_text)
}

fn status_text(view: &StatusView) -> String {
    let mut out = format!("installed    {}\n", or_nothing(view.current_version.as_ref()));
    let _ = writeln!(out, "product      {}", view.product);
    if view.maintenance {
        let _ = writeln!(out, "maintenance  {}", yellow("on"));
    }
    if !view.migrations_left.is_empty() {
        let left = harmless(&view.migrations_left.join(", "));
        let _ = writeln!(out, "background   {left} (`netlink schema migrate` runs what is left)");
    }
    for one in &view.disabled_extensions {
        let version = one
            .version
            .as_ref()
            .map(|version| format!(" {version}"))
            .unwrap_or_default();
        let told = format!("{}{version} ({}), since {}", one.name, one.because, one.by);
        let _ = writeln!(out, "disabled     {}", harmless(&told));
    }
    for order in &view.queue {
        let word = match (order.state, order.position) {
            (OrderState::Running, _) => "running",
            (_, None) => "scheduled",
            (_, Some(_)) => "waiting",
        };
        let why = order.reason.as_deref().map(|why| format!(": {}", harmless(why)));
        let why = why.unwrap_or_default();
        let _ = writeln!(out, "{word:<12} {}{why} ({})", order.order.told(), order.order_id);
    }
    for order in &view.refused {
        let problem = order.problem.as_ref();
        let (why, code) = problem.map_or(("", ""), |problem| (&*problem.detail, &*problem.code));
        let what = order.order.told();
        let _ = writeln!(out, "{}      {what}: {} [{code}]", yellow("refused"), harmless(why));
    }
    if let Some(left) = &view.left_beside {
        let _ = writeln!(out, "left over    {} (the next update drops it)", harmless(left));
    }
    match &view.update {
        None => out += "update       none yet",
        Some(update) => out += &update_text(update),
    }
    out
}

fn update_text(update: &UpdateView) -> String {
    let mut out = format!("update       {} {}\n", update.update_id, state(update));
    let finished = matches!(update.running, Running::Finished { .. });
    for step in update.steps.iter().filter(|step| !finished || step.state != "pending") {
        let _ = writeln!(out, "  {:<15} {:<6} {}", step.step, step.release, harmless(&step.state));
    }
    if let Some(failure) = &update.failure {
        let step = update.failed_step.map_or("?", StepKind::name);
        let _ = writeln!(
            out,
            "{} {step}: {}; `netlink update why` tells more",
            red("failed"),
            harmless(&failure.message)
        );
    }
    out
}

fn state(update: &UpdateView) -> String {
    match &update.running {
        Running::Running { owner } => {
            let who = owner
                .as_ref()
                .map(|o| format!(" (process {}, heartbeat {:.0})", o.pid, o.heartbeat))
                .unwrap_or_default();
            format!("{}{who}", bold("running"))
        }
        Running::Died => format!(
            "{}: the process that worked on it is gone; run `netlink update resume`",
            red("died")
        ),
        Running::Waiting {
            reason: PauseReason::Asked,
        } => {
            format!(
                "{}: it was paused; `netlink update resume` or `netlink update rollback`",
                yellow("waiting")
            )
        }
        Running::Waiting {
            reason: PauseReason::ServerEnded,
        } => format!(
            "{}: the server ended meanwhile and goes on when it starts again; so does `netlink update resume`",
            yellow("waiting")
        ),
        Running::Waiting {
            reason: PauseReason::UndoFailed,
        } => {
            format!(
                "{}: a step could not be undone; mend the cause, then `netlink update resume`",
                red("waiting")
            )
        }
        Running::Waiting {
            reason: PauseReason::CleanUpFailed,
        } => {
            format!(
                "{}: tidying up failed; mend the cause, then `netlink update resume`",
                yellow("waiting")
            )
        }
        Running::Finished {
            outcome: Outcome::Completed,
        } => green("completed"),
        Running::Finished {
            outcome: Outcome::RolledBack,
        } => yellow("rolled back"),
    }
}

pub fn verify(global: &Global) -> Result<()> {
    let view = app::verify(&open(global)?)?;
    result(global, &view, verify_text)?;
    if view.ok {
        Ok(())
    } else {
        Err(Failed::Exit(exit_of("NL0409")))
    }
}

fn verify_text(view: &VerifyView) -> String {
    if view.ok {
        return format!(
            "{}: {} is what the publisher signed",
            green("ok"),
            or_nothing(view.version.as_ref())
        );
    }
    let lists = [
        ("changed", &view.changed),
        ("missing", &view.missing),
        ("extra", &view.extra),
        ("differs", &view.differences),
    ];
    let lines = lists
        .iter()
        .flat_map(|(what, list)| list.iter().map(move |text| format!("{} {}", red(what), harmless(text))));
    let mut lines: Vec<String> = lines.collect();
    let is_whole = view.changed.is_empty() && view.missing.is_empty() && view.extra.is_empty();
    if let Some(version) = view.version.as_ref().filter(|_| !is_whole) {
        lines.push(format!("`netlink update upgrade --to {version} --full` repairs it"));
    }
    lines.join("\n")
}

pub fn history(global: &Global, limit: u32) -> Result<()> {
    let updates = asked(global)?.history(limit)?;
    result(global, &updates, |updates| {
        let line = |update: &UpdateView| {
            let from = or_nothing(update.from.as_ref());
            let way = match update.verb {
                Verb::UpgradeDb => format!("schema of {}", update.to),
                _ => format!("{from} -> {}", update.to),
            };
            format!(
                "{:.0}  {:<10} {way:<14} {}  {}",
                update.accepted_at,
                update.verb.name(),
                state(update),
                dim(update.update_id.as_str())
            )
        };
        if updates.is_empty() {
            "no update yet".into()
        } else {
            updates.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    })
}

pub fn why(global: &Global, id: Option<&UpdateId>) -> Result<()> {
    let update = asked(global)?.why(id)?;
    result(global, &update, |update| {
        let mut out = format!("{} {}\n", update.update_id, state(update));
        match (&update.failure, &update.aborted_by) {
            (Some(failure), _) => {
                let _ = writeln!(out, "step      {}", update.failed_step.map_or("?", StepKind::name));
                let _ = writeln!(out, "failed    {} [{}]", harmless(&failure.message), failure.code);
                if let (Some(expected), Some(found)) = (&failure.expected, &failure.found) {
                    let _ = writeln!(out, "expected  {}\nfound     {}", harmless(expected), harmless(found));
                }
                for line in &failure.log {
                    let _ = writeln!(out, "  | {}", harmless(line));
                }
            }
            (None, Some(by)) => {
                let _ = writeln!(out, "turned back by {by}");
            }
            (None, None) => out += "nothing failed",
        }
        out
    })
}
