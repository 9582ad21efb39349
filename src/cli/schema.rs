//! `netlink update upgrade-db` and `netlink schema …`

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{Global, Output, SchemaVerb, UpgradeDbArgs};
use super::events::Show;
use super::open::open;
use super::output::{Failed, Result, bold, dim, green, harmless, line, red, result, say, yellow};
use super::plan::{self as plan_text, Sense};
use super::update::{How, run_prepared};
use crate::app::{
    self, BackgroundProgress, BackgroundReport, Consent, FileView, Order, Outset, Ready, SchemaDiff, SchemaDryRun,
    SchemaTrial, WayBack,
};
use crate::plan::UpgradeStrategy;
use crate::version::Version;

pub fn run(global: &Global, verb: &SchemaVerb) -> Result<()> {
    match verb {
        SchemaVerb::Diff => diff(global),
        SchemaVerb::Migrate => migrate(global),
    }
}

pub fn upgrade_db(global: &Global, wanted: &UpgradeDbArgs) -> Result<()> {
    let order: Order = app::schema_goal(&open(global)?, wanted.to.as_ref())?.into();
    if wanted.dry_run {
        return match app::try_schema(&global.root, global.config.as_deref(), &order)? {
            Ready::AlreadyThere(settled) => already(global, &settled.version),
            Ready::Go(tried) => result(global, &tried, tried_text),
        };
    }
    let mut show = Show::new(global);
    let Outset { before, ready } = app::prepare_waiting(
        &global.root,
        global.config.as_deref(),
        &order,
        wanted.wait.0,
        &mut |event| {
            show.event(event);
        },
    )?;
    match ready {
        Ready::AlreadyThere(settled) => already(global, &settled.version),
        Ready::Go(prepared) => {
            let how = How {
                dry_run: false,
                force: wanted.force,
                consent: Consent::default(),
                strategy: UpgradeStrategy::default(),
                graceful_timeout: None,
            };
            let ready = Ready::Go(prepared);
            run_prepared(global, Outset { before, ready }, how, &mut show)
        }
    }
}

fn already(global: &Global, version: &Version) -> Result<()> {
    let document = serde_json::json!({"kind": "result", "status": "nothing_to_do", "schema_of": version});
    if global.output == Output::Json {
        let _ = line(&document.to_string());
        return Ok(());
    }
    result(global, &document, |_| {
        format!("the database has the schema of {version} already; nothing to do")
    })
}

fn tried_text(tried: &SchemaDryRun) -> String {
    plan_text::text(&tried.plan, Sense::Onward) + &trial_text(&tried.trial) + "dry run: nothing was changed"
}

/// The SQL of a hop with what came of it on a copy.
pub fn trial_text(trial: &SchemaTrial) -> String {
    let mut out = String::new();
    for file in &trial.files {
        file_text(file, &mut out);
    }
    for note in &trial.told {
        let _ = writeln!(out, "{} {}", yellow("note"), harmless(note));
    }
    if trial.files.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\nall of it took {:.2} s on a copy of the database", trial.seconds);
    let is_up = trial.files.iter().any(|file| file.way_back.is_some());
    let _ = match &trial.point_of_no_return {
        Some(title) => writeln!(
            out,
            "point of no return: {}; behind it only a restore of the backup leads back",
            harmless(title)
        ),
        None if is_up => writeln!(out, "point of no return: none; each way back was tried"),
        None => Ok(()),
    };
    out
}

fn file_text(file: &FileView, out: &mut String) {
    let listed = &file.listed;
    let _ = writeln!(
        out,
        "\n{} {}",
        bold(&harmless(&listed.title)),
        dim(&format!(
            "({}, {:.2} s and {} rows on a copy; locks: {})",
            listed.phase.name(),
            file.seconds,
            file.rows,
            harmless(&listed.lock)
        ))
    );
    let _ = writeln!(out, "{}", harmless(listed.sql.trim_end()));
    if let Some(verify) = &listed.verify {
        let _ = writeln!(out, "{}\n{}", dim("-- then must hold"), harmless(verify.trim_end()));
    }
    if let Some(WayBack::None { reason }) = &file.way_back {
        let _ = writeln!(out, "{} {}", red("no way back:"), harmless(reason));
    }
}

/// Ctrl-C or SIGTERM: the batch is finished, and the next time it goes on from there.
fn migrate(global: &Global) -> Result<()> {
    let leave_off = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&leave_off)).map_err(|e| app::AppError::below("NL0408", &e))?;
    }
    let mut tell = |progress: BackgroundProgress| {
        if global.output == Output::Json {
            if let Ok(text) = serde_json::to_string(&progress) {
                let _ = line(&text);
            }
        } else if !global.quiet {
            say(&progress_text(&progress));
        }
    };
    let report = app::migrate_in_background(&global.root, global.config.as_deref(), &leave_off, &mut tell)?;
    if global.output == Output::Json {
        let text = serde_json::to_string(&report).map_err(|e| app::AppError::below("NL0408", &e))?;
        let _ = line(&text);
    } else {
        result(global, &report, report_text)?;
    }
    if report.status == "paused" {
        Err(Failed::Exit(PAUSED))
    } else {
        Ok(())
    }
}

/// As for everything that somebody has stopped.
const PAUSED: u8 = 3;

fn progress_text(progress: &BackgroundProgress) -> String {
    let of = progress
        .expected_rows
        .map(|rows| format!(" of about {rows}"))
        .unwrap_or_default();
    let left = progress
        .seconds_left
        .map(|left| format!(", about {left:.0} s left"))
        .unwrap_or_default();
    format!("{}{of} rows{left}", progress.rows)
}

fn report_text(report: &BackgroundReport) -> String {
    let level = report
        .level
        .map_or_else(|| "no schema level".to_owned(), |level| format!("schema level {level}"));
    match report.status {
        "nothing_to_do" => format!("nothing is left for the background; the database is at {level}"),
        "paused" => format!(
            "{} {} rows until now; `netlink schema migrate` goes on",
            yellow("paused:"),
            report.rows
        ),
        _ => format!(
            "{} {level}, {} rows in {:.1} s",
            green("done:"),
            report.rows,
            report.seconds
        ),
    }
}

fn diff(global: &Global) -> Result<()> {
    let found = app::schema_diff(&open(global)?)?;
    result(global, &found, diff_text)?;
    if found.is_equal() { Ok(()) } else { Err(Failed::Exit(1)) }
}

fn diff_text(found: &SchemaDiff) -> String {
    if found.is_equal() {
        return format!(
            "{} the database is as a fresh installation of {} would make it (schema level {})",
            green("same:"),
            found.version,
            found.fresh_level
        );
    }
    let level = found
        .level
        .map_or_else(|| "no level".to_owned(), |level| format!("level {level}"));
    let mut out = format!(
        "{} a fresh installation of {} is at level {}, the database is at {level}\n",
        yellow("differs:"),
        found.version,
        found.fresh_level
    );
    for difference in &found.differences {
        let _ = writeln!(out, "{} {}", difference.kind, bold(&harmless(&difference.name)));
        for only in &difference.fresh {
            let _ = writeln!(out, "  {} {}", red("-"), harmless(only));
        }
        for only in &difference.here {
            let _ = writeln!(out, "  {} {}", green("+"), harmless(only));
        }
    }
    out + "- only in a fresh installation, + only here"
}
