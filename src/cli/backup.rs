//! `netlink backup …`

use std::fmt::Write;

use super::args::{BackupVerb, Global, selected};
use super::backup_keys;
use super::open::open;
use super::output::{Result, bytes, confirm, dim, green, harmless, red, result};
use crate::app::{self, AppError};
use crate::backup::{Kind, Listed, Record, Unreadable};
use crate::host;

pub fn run(global: &Global, verb: &BackupVerb) -> Result<()> {
    if let BackupVerb::Keys(verb) = verb {
        return backup_keys::run(global, verb);
    }
    let installation = open(global)?;
    match verb {
        BackupVerb::Keys(verb) => backup_keys::run(global, verb),
        BackupVerb::Create { full: _ } => {
            let by = format!("uid {} on {}", host::user_id(), host::hostname());
            let record = app::create_backup(&installation, &by, &mut |_, _| {})?;
            result(global, &record, |record| format!("{} {}", green("made"), line(record)))
        }
        BackupVerb::List => {
            let listed = app::list_backups(&installation)?;
            result(global, &listed, |listed| {
                if listed.is_empty() {
                    "no backup yet".into()
                } else {
                    listed.iter().map(listed_line).collect::<Vec<_>>().join("\n")
                }
            })
        }
        BackupVerb::Show { id } => {
            let contents = app::show_backup(&installation, id)?;
            result(global, &contents, |contents| {
                let mut out = line(&contents.record) + "\n";
                for file in &contents.files {
                    let _ = writeln!(out, "  {:>10}  {}", bytes(file.size), harmless(&file.path));
                }
                out
            })
        }
        BackupVerb::Verify { id } => {
            let records = app::verify_backup(&installation, id.as_ref())?;
            result(global, &records, |records| {
                records
                    .iter()
                    .map(|record| format!("{} {}", green("whole"), line(record)))
                    .collect::<Vec<_>>()
                    .join("\n")
            })
        }
        BackupVerb::Restore { id, only, into } => {
            let only = only
                .iter()
                .map(|path| selected(path))
                .collect::<std::result::Result<Vec<_>, _>>();
            let only = only.map_err(|e| AppError::below("NL0110", &e))?;
            if into.is_none() {
                confirm(
                    global,
                    &format!(
                        "Replace files of {} by those of {id}?",
                        installation.layout.root().display()
                    ),
                )?;
            }
            let restored = app::restore_backup(&installation, id, only, into.as_deref())?;
            result(global, &restored, |restored| {
                format!(
                    "{} {} files, {}",
                    green("restored"),
                    restored.files,
                    bytes(restored.bytes)
                )
            })
        }
    }
}

fn line(record: &Record) -> String {
    let what = match &record.kind {
        Kind::BeforeUpdate(id) => format!("before {id}"),
        Kind::Manual => "by hand".into(),
    };
    let version = record.version.as_ref().map_or("-".to_owned(), ToString::to_string);
    format!(
        "{}  {version:<6} {:>5} files {:>10}  {}",
        record.id,
        record.files,
        bytes(record.bytes),
        dim(&what)
    )
}

fn listed_line(listed: &Listed) -> String {
    match &listed.record {
        Ok(record) => line(record),
        Err(Unreadable::Damaged(reason)) => format!("{}  {} {}", listed.id, red("damaged:"), harmless(reason)),
        Err(Unreadable::OtherKey(reason)) => format!("{}  {} {}", listed.id, dim("not ours:"), harmless(reason)),
    }
}
