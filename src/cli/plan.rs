//! A plan so that a person sees at a glance what happens, what it costs, and what cannot be undone.

use std::fmt::Write;

use super::dependencies::changes_text;
use super::output::{bold, bytes, dim, green, harmless, red, seconds, yellow};
use super::schema::trial_text;
use crate::app::{ConfigChange, DryRun, PlanView};
use crate::plan::{Direction, Leg, Phase, Plan, SchemaMove, Step, StepKind};
use crate::release::changelog::Level;

pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let from = plan.from().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let verb = match plan.direction() {
        Direction::Install => "Install",
        Direction::Up => "Upgrade",
        Direction::Down => "Downgrade",
        Direction::Repair => "Repair",
        Direction::Schema => "Migrate the database of",
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
        let _ = writeln!(out, "  {:<9} {}", "strategy", strategy(leg));
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
    out += &notes_text(plan);
    out += &extensions_text(plan);
    for warning in plan.warnings() {
        let _ = writeln!(out, "  {} {}", yellow("warning  "), harmless(&warning.message));
    }
    for what in plan.irreversible() {
        let _ = writeln!(out, "  {} {}", red("no undo  "), harmless(what));
    }
    if let Some(command) = way_back(plan).filter(|_| plan.irreversible().is_empty()) {
        let _ = writeln!(out, "  way back  `{command}`");
    }
    out
}

/// Of a way down it is the same whether that was a rollback, which another one does not take back.
fn way_back(plan: &Plan) -> Option<String> {
    match (plan.direction(), plan.from()) {
        (Direction::Up, _) => Some("netlink update rollback".to_owned()),
        (Direction::Down, Some(from)) => Some(format!("netlink update upgrade --to {from}")),
        _ => None,
    }
}

fn extensions_text(plan: &Plan) -> String {
    let mut out = String::new();
    let mut tell = |title: &str, told: &dyn std::fmt::Display| {
        let _ = writeln!(out, "  {title} {}", harmless(&told.to_string()));
    };
    for changes in plan.legs().iter().map(|leg| &leg.extensions) {
        changes.disabled.iter().for_each(|one| tell(&yellow("disable  "), one));
        changes.enabled.iter().for_each(|one| tell(&green("enable   "), one));
    }
    plan.incompatible().iter().for_each(|one| tell(&red("refused  "), one));
    out
}

/// A plan with what came of trying it.
pub fn dry_run(tried: &DryRun) -> String {
    let mut out = text(&tried.view.plan)
        + &config(tried.config.as_deref())
        + &changes_text(tried.dependencies.as_deref().unwrap_or_default());
    for trial in &tried.schema {
        let _ = write!(out, "  {:<9} {}\n{}", "schema of", trial.version, trial_text(trial));
    }
    for said in &tried.unconfined {
        let _ = writeln!(out, "  {:<9} {}", "note", harmless(said));
    }
    out
}

/// What becomes of configuration files: what there is to say of each, then its diff.
fn config(changes: Option<&[ConfigChange]>) -> String {
    let Some(changes) = changes else {
        return "  config    the new release is not on this disk yet; `update upgrade --dry-run` fetches it and shows what changes\n".into();
    };
    let mut out = String::new();
    for change in changes {
        let _ = writeln!(out, "  {:<9} {}", "config", harmless(change.file.as_str()));
        for note in &change.notes {
            let _ = writeln!(out, "            {}", harmless(note));
        }
        if let Some(refused) = &change.refused {
            let _ = writeln!(out, "            {} {}", red("refused"), harmless(refused));
        }
        for line in change.diff.lines() {
            let line = harmless(line);
            let _ = match line.chars().next() {
                Some('+') => writeln!(out, "    {}", green(&line)),
                Some('-') => writeln!(out, "    {}", red(&line)),
                _ => writeln!(out, "    {line}"),
            };
        }
    }
    out
}

/// So many lines of what a way down loses; a changelog has the rest.
const SHOWN_LOST: usize = 12;

fn notes_text(plan: &Plan) -> String {
    let notes = plan.notes();
    let mut out = String::new();
    let mut tell = |title: &str, told: &dyn std::fmt::Display, more: &str| {
        let _ = writeln!(out, "  {title} {}{more}", harmless(&told.to_string()));
    };
    if let Some(urgency) = notes.urgency {
        tell("urgency  ", &urgency, "");
    }
    if let Some(end) = notes.end_of_life {
        tell("cared for", &format!("until {end}"), "");
    }
    for note in &notes.breaking {
        tell(&red("breaking "), note, "");
    }
    for note in &notes.concerns {
        let title = match note.level {
            Level::Blocking => red("blocking "),
            Level::Warning => yellow("note     "),
        };
        let unsure = note.undecided.as_ref().map(|when| format!("; concerns you if {when}"));
        let more = format!(" (id {}{})", note.id, unsure.unwrap_or_default());
        tell(&title, note, &dim(&harmless(&more)));
    }
    for (title, told) in [("to do    ", &notes.actions), ("security ", &notes.security)] {
        for note in told {
            tell(&yellow(title), note, "");
        }
    }
    for note in notes.lost.iter().take(SHOWN_LOST) {
        tell(&yellow("you lose "), note, "");
    }
    if let (Some(more @ 1..), Some(from)) = (notes.lost.len().checked_sub(SHOWN_LOST), plan.from()) {
        let all = format!("netlink update changelog --since {from} --until {}", plan.to());
        tell("         ", &format!("and {more} more: `{all}`"), "");
    }
    out
}

/// Why each hop of the way is made, and what would have been shorter.
pub fn explained(PlanView { plan, explanation }: &PlanView) -> String {
    let mut out = String::new();
    for (hop, because) in plan.hops().zip(&explanation.because) {
        let from = hop.from.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "  {from} -> {}: {}", hop.to, harmless(because));
    }
    for refused in &explanation.refused {
        let _ = writeln!(out, "  {} {}", red("not"), harmless(&refused.to_string()));
    }
    out
}

fn path(plan: &Plan) -> String {
    if plan.direction() == Direction::Schema {
        let levels = |moved: SchemaMove| {
            let from = moved
                .from
                .map_or("no schema".to_owned(), |level| format!("schema level {level}"));
            format!("{from} -> schema level {}", moved.to)
        };
        let moved = plan.legs().iter().find_map(|leg| leg.schema);
        return format!(
            "the database alone, {} ({})",
            moved.map(levels).unwrap_or_default(),
            plan.to()
        );
    }
    let mut out = plan.from().map(ToString::to_string).unwrap_or_default();
    for hop in plan.hops() {
        let stop = if hop.stop { " (stop)" } else { "" };
        let _ = write!(out, "{}{}{stop}", if out.is_empty() { "" } else { " -> " }, hop.to);
    }
    out
}

/// How the release comes here, and which releases are passed in the same go.
fn strategy(leg: &Leg) -> String {
    let passed: Vec<String> = leg
        .hops
        .iter()
        .rev()
        .skip(1)
        .rev()
        .map(|hop| hop.to.to_string())
        .collect();
    let in_one_go = match passed.as_slice() {
        [] => String::new(),
        passed => format!(", with {} in one go", passed.join(", ")),
    };
    format!(
        "{} {} ({}){in_one_go}",
        leg.to,
        bold(leg.strategy.name()),
        leg.strategy.reason()
    )
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
        match (step.kind, leg.strategy.fetched()) {
            (StepKind::Download, Some(target)) => {
                format!("download {} ({})", leg.to, bytes(target.length))
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
