//! `netlink backup …`

use std::fmt::Write;
use std::path::Path;

use super::args::{BackupVerb, Global, UnlockArgs, selected};
use super::backup_keys;
use super::open::open;
use super::output::{Failed, Result, bytes, confirm, dim, exit_of, green, harmless, red, result, say, yellow};
use super::remote;
use crate::app::{self, AppError, Installation};
use crate::backup::{BackupId, Contents, Drilled, Kind, Listed, Pruned, Record, Repaired, Restored, State, Verified};
use crate::host;
use crate::release::{RelPath, counted};
use crate::version::Version;

pub fn run(global: &Global, verb: &BackupVerb) -> Result<()> {
    if let BackupVerb::Keys(verb) = verb {
        return backup_keys::run(global, verb);
    }
    if let Some(wire) = remote::wire(global)? {
        return remote::backup(global, &wire, verb);
    }
    let installation = open(global)?;
    match verb {
        BackupVerb::Keys(verb) => backup_keys::run(global, verb),
        BackupVerb::Create { full, unlock } => create(global, &installation, unlock, *full),
        BackupVerb::List { unlock } => show_list(global, &app::list_backups(&installation, unlock.unlock()?.as_ref())?),
        BackupVerb::Show { id, unlock } => {
            show_contents(global, &app::show_backup(&installation, unlock.unlock()?.as_ref(), id)?)
        }
        BackupVerb::Verify {
            id: Some(id), unlock, ..
        } => show_whole(
            global,
            app::verify_backup(&installation, unlock.unlock()?.as_ref(), id)?,
        ),
        BackupVerb::Verify {
            id: None,
            unlock,
            read_data,
        } => {
            let verified = app::verify_backups(&installation, unlock.unlock()?.as_ref(), *read_data)?;
            result(global, &verified, verified_lines)?;
            damaged_unless(verified.is_whole())
        }
        BackupVerb::Drill { id, unlock } => show_drilled(
            global,
            &app::drill_backup(&installation, unlock.unlock()?.as_ref(), id)?,
        ),
        BackupVerb::Repair { unlock } => {
            let repaired = app::repair_backups(&installation, unlock.unlock()?.as_ref())?;
            result(global, &repaired, repaired_lines)?;
            damaged_unless(repaired.damaged.is_empty() && repaired.removed.is_empty())
        }
        BackupVerb::Prune { unlock } => {
            show_pruned(global, &app::prune_backups(&installation, unlock.unlock()?.as_ref())?)
        }
        BackupVerb::Restore { id, unlock, only, into } => {
            restore(global, &installation, unlock, (id, only, into.as_deref()))
        }
    }
}

fn create(global: &Global, installation: &Installation, unlock: &UnlockArgs, full: bool) -> Result<()> {
    let by = format!("uid {} on {}", host::user_id(), host::hostname());
    let made = app::create_backup(installation, unlock.unlock()?.as_ref(), &by, full, &mut |_, _| {})?;
    if let Some(warning) = made.warning {
        say(warning);
    }
    if let Some(rotation) = &made.rotation {
        say(rotation);
    }
    show_made(global, &made.record)
}

pub fn show_list(global: &Global, listed: &Vec<Listed>) -> Result<()> {
    result(global, listed, |listed| match listed.is_empty() {
        true => "no backup yet".into(),
        false => listed.iter().map(listed_line).collect::<Vec<_>>().join("\n"),
    })
}

pub fn show_contents(global: &Global, contents: &Contents) -> Result<()> {
    result(global, contents, contents_lines)
}

pub fn show_whole(global: &Global, record: Record) -> Result<()> {
    result(global, &[record], |records| {
        format!("{} {}", green("whole"), line(&records[0]))
    })
}

pub fn show_drilled(global: &Global, drilled: &Drilled) -> Result<()> {
    result(global, drilled, drilled_line)
}

pub fn show_pruned(global: &Global, pruned: &Pruned) -> Result<()> {
    result(global, pruned, pruned_lines)
}

pub fn show_made(global: &Global, record: &Record) -> Result<()> {
    result(global, record, |record| {
        let mut out = format!("{} {}", green("made"), line(record));
        for left in record.left_out() {
            let _ = write!(out, "\n{} {}", yellow("note:"), harmless(&left));
        }
        out
    })
}

/// Paths of a backup as people type them.
pub fn paths(only: &[String]) -> Result<Vec<RelPath>> {
    let only = only.iter().map(|path| selected(path));
    let only = only.collect::<std::result::Result<Vec<_>, _>>();
    Ok(only.map_err(|e| AppError::below("NL0110", &e))?)
}

fn restore(
    global: &Global,
    installation: &Installation,
    unlock: &UnlockArgs,
    (id, only, into): (&BackupId, &[String], Option<&Path>),
) -> Result<()> {
    let only = paths(only)?;
    let unlock = unlock.unlock()?;
    if into.is_none() {
        let root = installation.layout.root();
        confirm(
            global,
            &format!("Replace files of {} by those of {id}?", root.display()),
        )?;
    }
    let restored = app::restore_backup(installation, unlock.as_ref(), id, only, into)?;
    show_restored(global, &restored)
}

pub fn show_restored(global: &Global, restored: &Restored) -> Result<()> {
    if let Some(left) = &restored.left {
        say(&format!(
            "what the database was before could not be removed: {}; the next restore tries again",
            harmless(left)
        ));
    }
    result(global, restored, |restored| {
        let databases = match restored.databases {
            0 => String::new(),
            1 => ", 1 database on its server".into(),
            n => format!(", {n} databases on their servers"),
        };
        format!(
            "{} {}, {}{databases}",
            green("restored"),
            counted(restored.files, "file"),
            bytes(restored.bytes)
        )
    })
}

fn damaged_unless(whole: bool) -> Result<()> {
    match whole {
        true => Ok(()),
        false => Err(Failed::Exit(exit_of("NL0602"))),
    }
}

fn contents_lines(contents: &Contents) -> String {
    let mut out = line(&contents.record) + "\n";
    for file in &contents.files {
        let _ = writeln!(out, "  {:>10}  {}", bytes(file.size), harmless(&file.path));
    }
    out
}

fn drilled_line(drilled: &Drilled) -> String {
    format!(
        "{} {}: {}, {}, restored and compared; {} sound; {} ms",
        green("ok"),
        drilled.id,
        counted(drilled.files, "file"),
        bytes(drilled.bytes),
        counted(drilled.databases, "database"),
        drilled.duration_ms
    )
}

fn pruned_lines(pruned: &Pruned) -> String {
    let mut out = String::new();
    for id in &pruned.removed {
        let _ = writeln!(out, "{} {id}", dim("removed"));
    }
    let _ = write!(
        out,
        "{} kept, {} freed",
        counted(pruned.kept, "backup"),
        bytes(pruned.freed_bytes)
    );
    if let Some(why) = &pruned.left {
        let _ = write!(
            out,
            "\n{} what no backup needs cannot be told: {}; run `netlink backup repair`",
            yellow("nothing freed:"),
            harmless(why)
        );
    }
    out
}

fn line(record: &Record) -> String {
    format!(
        "{}  {:>11} {:>10}  new {:>10}  {}",
        head(&record.id, record.version.as_ref()),
        counted(record.files, "file"),
        bytes(record.size),
        bytes(record.new_bytes),
        dim(&purpose(&record.kind))
    )
}

fn head(id: &BackupId, version: Option<&Version>) -> String {
    let version = version.map_or("-".to_owned(), ToString::to_string);
    format!("{id}  {version:<6}")
}

fn purpose(kind: &Kind) -> String {
    match kind {
        Kind::BeforeUpdate(id) => format!("before {id}"),
        Kind::Manual => "by hand".into(),
    }
}

fn listed_line(listed: &Listed) -> String {
    match &listed.state {
        State::Whole(record) => match &listed.drilled {
            Some(drilled) => format!("{}, drilled {}", line(record), drilled.at.strftime("%Y-%m-%d")),
            None => line(record),
        },
        State::Failed(failure) => format!(
            "{}  {} {}  {}",
            head(&failure.id, failure.version.as_ref()),
            red("failed:"),
            harmless(&failure.failed),
            dim(&purpose(&failure.kind))
        ),
        State::Damaged(reason) => format!("{}  {} {}", listed.id, red("damaged:"), harmless(reason)),
    }
}

fn verified_lines(verified: &Verified) -> String {
    let mut out = String::new();
    for record in &verified.whole {
        let _ = writeln!(out, "{} {}", green("whole"), line(record));
    }
    for backup in &verified.damaged {
        let _ = writeln!(out, "{} {}  {}", red("damaged"), backup.id, harmless(&backup.problem));
    }
    for problem in &verified.problems {
        let _ = writeln!(out, "{} {}", red("wrong"), harmless(problem));
    }
    let _ = write!(
        out,
        "{} of {} blocks read, {}",
        verified.blocks_read,
        verified.blocks,
        bytes(verified.bytes_read)
    );
    out
}

fn repaired_lines(repaired: &Repaired) -> String {
    if repaired.problems.is_empty() && repaired.damaged.is_empty() {
        return "nothing is damaged".into();
    }
    let mut out = String::new();
    for problem in &repaired.problems {
        let _ = writeln!(out, "{} {}", red("wrong"), harmless(problem));
    }
    for id in &repaired.healed {
        let _ = writeln!(out, "{} {id}", green("whole again"));
    }
    for backup in &repaired.damaged {
        let _ = writeln!(out, "{} {}  {}", red("damaged"), backup.id, harmless(&backup.problem));
    }
    for id in &repaired.removed {
        let _ = writeln!(out, "{} {id}  its document could not be read", red("removed"));
    }
    for file in &repaired.unread {
        let _ = writeln!(out, "{} {}", yellow("not read"), harmless(file));
    }
    let _ = write!(
        out,
        "{} chunks were lost, {} of them put back from the live files",
        repaired.lost_chunks, repaired.healed_chunks
    );
    out
}
