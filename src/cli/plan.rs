//! A plan so that a person sees at a glance what happens, what it costs, and what cannot be undone.

use std::fmt::Write;

use super::output::{bold, bytes, dim, harmless, red, seconds, yellow};
use crate::plan::{Direction, Phase, Plan, RefusedHop, Source, Step, StepKind};

pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let from = plan.from().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let verb = match plan.direction() {
        Direction::Install => "Install",
        Direction::Up => "Upgrade",
        Direction::Down => "Downgrade",
    };
    let _ = writeln!(
        out,
        "{} {} {from} -> {}",
        bold(verb),
        plan.product(),
        bold(&plan.to().to_string())
    );
    let _ = writeln!(out, "  path      {}", path(plan));
    let cost = plan.cost();
    let download = if cost.download_bytes == 0 {
        "nothing to download".into()
    } else {
        bytes(cost.download_bytes)
    };
    let _ = writeln!(out, "  download  {download}; {} of room needed", bytes(cost.disk_bytes));
    let stopped = if plan.direction() == Direction::Install {
        String::new()
    } else {
        format!(", stopped for {}", seconds(cost.downtime_seconds))
    };
    let _ = writeln!(out, "  time      about {}{stopped}", seconds(cost.seconds));
    for leg in plan.legs() {
        if let Some(moved) = leg.schema {
            let from = moved.from.map_or("none".to_owned(), |level| level.to_string());
            let _ = writeln!(
                out,
                "  schema    level {from} -> {} {}",
                moved.to,
                dim(&format!("({})", leg.to))
            );
        }
    }
    for phase in [Phase::Pre, Phase::Update, Phase::Post] {
        let _ = writeln!(out, "  {:<9} {}", phase_name(phase), steps(plan, phase));
    }
    let notes = plan.notes();
    for (title, told) in [
        (red("breaking"), &notes.breaking),
        (yellow("to do   "), &notes.actions),
        (yellow("security"), &notes.security),
    ] {
        for note in told {
            let text = note.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "  {title} {} {}", dim(&note.version.to_string()), harmless(&text));
        }
    }
    for warning in plan.warnings() {
        let _ = writeln!(out, "  {} {}", yellow("warning"), harmless(&warning.message));
    }
    for what in plan.irreversible() {
        let _ = writeln!(out, "  {} {}", red("no undo "), harmless(what));
    }
    if plan.irreversible().is_empty() && plan.direction() != Direction::Install {
        let _ = writeln!(out, "  way back  `netlink update rollback`");
    }
    out
}

pub fn refused(hops: &[RefusedHop]) -> String {
    hops.iter().fold(String::new(), |out, hop| {
        format!("{out}  not {}\n", harmless(&hop.to_string()))
    })
}

fn path(plan: &Plan) -> String {
    let mut out = plan.from().map(ToString::to_string).unwrap_or_default();
    for hop in plan.hops() {
        let stop = if hop.stop { " (stop)" } else { "" };
        let _ = write!(out, "{}{}{stop}", if out.is_empty() { "" } else { " -> " }, hop.to);
    }
    out
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Pre => "before",
        Phase::Update => "update",
        Phase::Post => "after",
    }
}

fn steps(plan: &Plan, phase: Phase) -> String {
    let named = |step: &&Step| step.kind.phase() == phase;
    let name = |step: &Step| {
        let leg = &plan.legs()[step.leg];
        match (step.kind, &leg.source) {
            (StepKind::Download, Source::Package(package)) => {
                format!("download {} ({})", leg.to, bytes(package.target.length))
            }
            (StepKind::Stage | StepKind::Switch, _) => format!("{} {}", step.kind, leg.to),
            (kind, _) => kind.to_string(),
        }
    };
    plan.steps()
        .iter()
        .filter(named)
        .map(name)
        .collect::<Vec<_>>()
        .join(" · ")
}
