//! `netlink backup keys …`

use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::args::{BackupKeysVerb, Global, NewSecretArgs, UnlockArgs};
use super::backup_rotation as rotation;
use super::open::open;
use super::output::{Failed, Result, confirm, dim, green, harmless, red, result, say, yellow};
use super::unlock::{in_file, is_input, new_passphrase};
use crate::app::{self, Exported, Installation, KeysView, NewKeySource};
use crate::backup::keys::{Kind, LOSS, Listed, NewSecret};

pub fn run(global: &Global, verb: &BackupKeysVerb) -> Result<()> {
    match verb {
        BackupKeysVerb::List { unlock } => {
            let view = app::list_backup_keys(&open(global)?, unlock.unlock()?.as_ref())?;
            result(global, &view, shown)
        }
        BackupKeysVerb::Add { label, new, unlock } => {
            let installation = open(global)?;
            one_input(new, unlock)?;
            let unlock = unlock.unlock()?;
            let added = app::add_backup_key(&installation, unlock.as_ref(), source(new)?, label)?;
            made(added.first);
            result(global, &added, |added| {
                format!("{} {}", green("added"), line(&added.slot))
            })
        }
        BackupKeysVerb::Remove { slot, force, unlock } => {
            let installation = open(global)?;
            let unlock = unlock.unlock()?;
            confirm(
                global,
                &format!("Take slot {slot} away? What opens it will open no backup any more."),
            )?;
            let gone = app::remove_backup_key(&installation, unlock.as_ref(), slot, *force)?;
            result(global, &gone, |gone| format!("{} {}", green("removed"), line(gone)))
        }
        BackupKeysVerb::Rotate { slot: None, unlock, .. } => rotation::rotate(global, unlock),
        BackupKeysVerb::ForgetOlder { unlock } => rotation::forget(global, unlock),
        BackupKeysVerb::Rotate {
            slot: Some(slot),
            new,
            unlock,
            ..
        } => {
            let installation = open(global)?;
            one_input(new, unlock)?;
            let unlock = unlock.unlock()?;
            let source = source_for(&installation, slot, new)?;
            let slot = app::rotate_backup_key(&installation, unlock.as_ref(), slot, source)?;
            result(global, &slot, |slot| format!("{} {}", green("rotated"), line(slot)))
        }
        BackupKeysVerb::ExportRecovery { out, label, unlock } => {
            let installation = open(global)?;
            let unlock = unlock.unlock()?;
            let exported = app::export_recovery(&installation, unlock.as_ref(), label, out.as_deref())?;
            made(exported.first);
            export(global, &exported)
        }
        BackupKeysVerb::NewRecipient { file } => new_recipient(global, file),
    }
}

fn new_recipient(global: &Global, file: &Path) -> Result<()> {
    let public = app::new_backup_recipient(file)?;
    say(&format!(
        "The private key is in {}; it opens backups that are wrapped for the public key below. Keep it off the machine that makes them.",
        file.display()
    ));
    result(global, &json!({"public": public, "private": file}), |_| {
        public.to_string()
    })
}

fn export(global: &Global, exported: &Exported) -> Result<()> {
    let kit = &exported.kit;
    let (slot, key) = (kit.id(), kit.fingerprint());
    if let Some(file) = &exported.file {
        let view = json!({"slot": slot, "key": key, "file": file});
        return result(global, &view, |_| {
            format!(
                "{} {} with slot {slot}; print it, then take the file off this machine",
                green("written"),
                file.display()
            )
        });
    }
    let code = kit.code.text();
    let code = String::from_utf8_lossy(code.expose());
    let view = json!({"slot": slot, "key": key, "code": code, "directory": kit.dir});
    result(global, &view, |_| {
        String::from_utf8_lossy(kit.page().expose()).into_owned()
    })
}

/// Said whenever the keys of a repository are made.
fn made(first: bool) {
    if first {
        say(&format!(
            "{} the keys of the backups were made: {LOSS}",
            yellow("note:")
        ));
    }
}

/// Standard input is read for one secret only.
fn one_input(new: &NewSecretArgs, unlock: &UnlockArgs) -> Result<()> {
    let of_new = new.new_passphrase_file.as_deref().is_some_and(is_input);
    if of_new && unlock.takes_input() {
        return Err(Failed::said("NL0110", "only one secret can come from standard input"));
    }
    Ok(())
}

/// As [`source`]; a passphrase's slot is asked for a new one by itself.
fn source_for(installation: &Installation, slot: &str, new: &NewSecretArgs) -> Result<NewKeySource> {
    match source(new)? {
        NewKeySource::Usual if app::kind_of_backup_key(installation, slot)? == Kind::Passphrase => {
            Ok(NewKeySource::Secret(NewSecret::Passphrase(new_passphrase()?)))
        }
        source => Ok(source),
    }
}

fn source(new: &NewSecretArgs) -> Result<NewKeySource> {
    if new.new_passphrase {
        return Ok(NewKeySource::Secret(NewSecret::Passphrase(new_passphrase()?)));
    }
    if let Some(path) = &new.new_passphrase_file {
        return Ok(NewKeySource::Secret(NewSecret::Passphrase(in_file(path)?)));
    }
    if let Some(path) = &new.new_key_file {
        return Ok(NewKeySource::Secret(NewSecret::KeyFile(path.clone())));
    }
    if let Some(recipient) = &new.recipient {
        return Ok(NewKeySource::Secret(NewSecret::Recipient(*recipient)));
    }
    if let Some(name) = &new.env {
        return Ok(NewKeySource::Environment(name.clone()));
    }
    let argv = |line: &String| line.split_whitespace().map(str::to_owned).collect();
    Ok(new
        .command
        .as_ref()
        .map(argv)
        .map_or(NewKeySource::Usual, NewKeySource::Command))
}

fn shown(view: &KeysView) -> String {
    let mut lines: Vec<String> = view.slots.iter().map(line).collect();
    for id in &view.strangers {
        let words = "was made by somebody who has not this key; remove it";
        lines.push(format!("{id}  {} {words}", red("not ours:")));
    }
    for one in &view.damaged {
        let problem = harmless(&one.problem);
        lines.push(format!("{} {}: {problem}", red("damaged:"), one.path.display()));
    }
    if lines.is_empty() {
        lines.push("no keys yet; the first backup makes them".into());
    }
    if let Some(key) = view.key {
        lines.push(format!("{} with key {key}", green("opens")));
    }
    lines.extend(rotation::unfinished(view));
    lines.join("\n")
}

pub fn line(slot: &Listed) -> String {
    let mut key = slot.masters.first().map_or_else(String::new, ToString::to_string);
    for older in slot.masters.iter().skip(1) {
        let _ = write!(key, ", older {older}");
    }
    let mut line = format!("{}  {:<12}  key {key}", slot.id, slot.kind);
    if let Some(recipient) = &slot.recipient {
        line = format!("{line}  {recipient}");
    }
    if !slot.label.is_empty() {
        line = format!("{line}  {}", harmless(&slot.label));
    }
    let made = format!("{} by {}", slot.created.strftime("%Y-%m-%d"), harmless(&slot.by));
    line = format!("{line}  {}", dim(&made));
    if slot.behind {
        line = format!(
            "{line}  {} opens nothing that was sealed since; rotate it",
            red("behind:")
        );
    }
    if slot.unfinished {
        line = format!(
            "{line}  {} its old secret still opens; rotate it again",
            red("rotation cut off:")
        );
    }
    line
}
