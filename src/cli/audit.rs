//! `netlink audit …`, and the rows that changing commands leave.

use std::io::Write;

use super::args::{
    AuditVerb, BackupKeysVerb, BackupVerb, BeginArgs, Command, Global, NotifyVerb, SchemaVerb, Switch, TokenVerb,
    UpdateVerb,
};
use super::asked::{Asked, asked};
use super::output::{Failed, Result, dim, exit_of, green, harmless, red, result, say, streamed, yellow};
use super::update::who;
use crate::app::{self, Act, AppError, Became, Installation};
use crate::host;
use crate::plan::UpgradeStrategy;
use crate::release::counted;
use crate::store::AuditRow;

pub fn run(global: &Global, verb: &AuditVerb) -> Result<()> {
    let asked = asked(global)?;
    match verb {
        AuditVerb::Verify { copies, key } => {
            let verified = asked.verify_audit(copies.as_deref(), key.as_deref())?;
            result(global, &verified, |verified| {
                let said = verified
                    .problems
                    .iter()
                    .map(|one| format!("{} {}\n", red("wrong:"), harmless(one)));
                let whole = if verified.problems.is_empty() {
                    green("ok:")
                } else {
                    red("not whole:")
                };
                let copies = match verified.copies {
                    0 => "none from elsewhere".to_owned(),
                    1 => "1 copy from elsewhere".to_owned(),
                    count => format!("{count} copies from elsewhere"),
                };
                format!(
                    "{}{whole} {}, {} here and {copies}, key {}",
                    said.collect::<String>(),
                    counted(verified.rows, "row"),
                    counted(verified.checkpoints - verified.copies, "checkpoint"),
                    verified.key
                )
            })?;
            match verified.problems.is_empty() {
                true => Ok(()),
                false => Err(Failed::Exit(exit_of("NL0717"))),
            }
        }
        AuditVerb::List { limit } => {
            let mut rows = asked.audit_rows(*limit)?;
            rows.reverse();
            streamed(global, &rows, |rows, out| {
                rows.iter().try_for_each(|row| writeln!(out, "{}", line(row)))
            })
        }
        AuditVerb::Export => export(&asked),
    }
}

/// A JSON document a line, oldest first, for other programs to keep.
fn export(asked: &Asked) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let failed = |e: &std::io::Error| AppError::below("NL0408", e);
    asked.audit_each(|row| {
        let text = serde_json::to_string(row).map_err(|e| AppError::below("NL0408", &e))?;
        writeln!(out, "{text}").map_err(|e| failed(&e))
    })?;
    Ok(out.flush().map_err(|e| failed(&e))?)
}

fn line(row: &AuditRow) -> String {
    let entry = &row.entry;
    let outcome = match entry.outcome.as_str() {
        "asked" => dim("asked"),
        "done" => green("done"),
        other => yellow(&harmless(other)),
    };
    format!(
        "{:>5}  {:.0}  {}  {} {}  {outcome}  {}",
        row.seq,
        entry.time,
        harmless(&entry.who),
        harmless(&entry.action),
        harmless(&entry.subject),
        dim(&harmless(&entry.origin))
    )
}

/// Runs a command; one that changes the installation leaves a row before and one after.
pub fn audited(global: &Global, command: &Command, run: impl FnOnce() -> Result<()>) -> Result<()> {
    // A server writes down itself what it is asked for.
    let changing = changing(command).filter(|_| global.remote.server.is_none());
    let Some((action, subject)) = changing else {
        return run();
    };
    // Where there is no installation there is nothing to write into; the command itself says so, or makes one.
    let before = Installation::open(&global.root, global.config.as_deref()).ok();
    let act = Act {
        who: who(),
        origin: host::hostname(),
        action: format!("netlink {action}"),
        subject,
    };
    if let Some(installation) = &before {
        app::audit(installation, &act, &Became::Asked)?;
    }
    let ran = run();
    let became = match &ran {
        Ok(()) => Became::Done,
        Err(Failed::App(error)) => Became::Failed(error.code().id.to_owned()),
        Err(Failed::Exit(code)) => Became::Failed(format!("exit code {code}")),
    };
    let after = before.or_else(|| Installation::open(&global.root, global.config.as_deref()).ok());
    if let Some(installation) = &after {
        let written = app::audit(installation, &act, &became).and_then(|()| app::copy_checkpoint(installation));
        // What was done is done; that it could not be written down is said, and found by whoever reads the audit.
        if let Err(error) = written {
            say(&format!(
                "{} the audit: {}",
                yellow("note:"),
                harmless(&error.to_string())
            ));
        }
    }
    ran
}

/// What is written down of a command; none for those that change nothing here.
pub(super) fn changing(command: &Command) -> Option<(&'static str, String)> {
    let of = |action, subject: &dyn std::fmt::Display| Some((action, subject.to_string()));
    let plain = |action| Some((action, String::new()));
    match command {
        Command::Init(wanted) => of("init", &text(wanted.version.as_ref())),
        Command::Update(verb) => update(verb),
        Command::Backup(verb) => backup(verb),
        Command::Schema(SchemaVerb::Migrate) => plain("schema migrate"),
        Command::Maintenance { switch: Switch::On } => plain("maintenance on"),
        Command::Maintenance { switch: Switch::Off } => plain("maintenance off"),
        Command::Token(TokenVerb::Create { name, role, .. }) => of("token create", &format!("{role} {name}")),
        Command::Token(TokenVerb::Revoke { prefix }) => of("token revoke", prefix),
        Command::Notify(NotifyVerb::Test { receiver }) => of("notify test", &text(receiver.as_ref())),
        Command::Notify(NotifyVerb::Retry { id }) => of("notify retry", &text(id.as_ref())),
        // A relay knows no installation.
        Command::Serve(wanted) if wanted.relay.through.is_none() => plain("serve"),
        Command::Supervise(wanted) if wanted.start => plain("supervise --start"),
        Command::Supervise(wanted) if wanted.stop => plain("supervise --stop"),
        _ => None,
    }
}

fn update(verb: &UpdateVerb) -> Option<(&'static str, String)> {
    match verb {
        UpdateVerb::Upgrade(wanted) if !wanted.dry_run => {
            let to = match (&wanted.to, wanted.stable, &wanted.plan) {
                (Some(to), ..) => to.to_string(),
                (None, _, Some(plan)) => format!("plan {}", plan.display()),
                (None, true, None) => "stable".into(),
                (None, false, None) => "latest".into(),
            };
            Some(("update upgrade", to + &said(&wanted.begin, wanted.force)))
        }
        UpdateVerb::Downgrade(wanted) if !wanted.dry_run => {
            let to = wanted.to.to_string();
            Some(("update downgrade", to + &said(&wanted.begin, wanted.force)))
        }
        UpdateVerb::Cancel { order_id } => Some(("update cancel", order_id.to_string())),
        UpdateVerb::Finalize => Some(("update finalize", String::new())),
        UpdateVerb::Resume => Some(("update resume", String::new())),
        UpdateVerb::Rollback {
            update_id,
            dry_run: false,
            ..
        } => Some(("update rollback", text(update_id.as_ref()))),
        UpdateVerb::ReinstallDeps => Some(("update reinstall-deps", String::new())),
        UpdateVerb::UpgradeDb(wanted) if !wanted.dry_run => Some(("update upgrade-db", text(wanted.to.as_ref()))),
        _ => None,
    }
}

/// Of how an update is to begin, what was said.
fn said(begin: &BeginArgs, force: bool) -> String {
    let strategy = begin
        .strategy
        .map(|strategy| format!(" --strategy {}", UpgradeStrategy::from(strategy)));
    let at = begin.at.as_ref().map(|at| format!(" --at {at}"));
    let timeout = begin.timeout.map(|seconds| format!(" --timeout {seconds}s"));
    let force = force.then(|| " --force".to_owned());
    [strategy, at, timeout, force].into_iter().flatten().collect()
}

fn backup(verb: &BackupVerb) -> Option<(&'static str, String)> {
    match verb {
        BackupVerb::Create { .. } => Some(("backup create", String::new())),
        BackupVerb::Drill { id, .. } => Some(("backup drill", id.to_string())),
        BackupVerb::Repair { .. } => Some(("backup repair", String::new())),
        BackupVerb::Prune { .. } => Some(("backup prune", String::new())),
        BackupVerb::Restore { id, into, .. } => Some(match into {
            None => ("backup restore", id.to_string()),
            Some(into) => ("backup restore", format!("{id} into {}", into.display())),
        }),
        BackupVerb::Keys(BackupKeysVerb::List { .. }) => None,
        BackupVerb::Keys(_) => Some(("backup keys", String::new())),
        BackupVerb::List { .. } | BackupVerb::Show { .. } | BackupVerb::Verify { .. } => None,
    }
}

fn text(value: Option<&impl std::fmt::Display>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}
