//! `netlink release keys …`, and the passphrases of keys.

use std::io::IsTerminal;
use std::path::PathBuf;

use serde_json::json;

use super::super::args::{Global, KeysVerb, SignArgs};
use super::super::output::{Failed, Result, dim, green, result};
use super::{said, warn};
use crate::app::{self, AppError};
use crate::crypt::Secret;
use crate::publish::{KeyChange, Keys, KeysReport, Waiting};
use crate::release::counted;
use crate::settings;

pub fn run(global: &Global, verb: &KeysVerb) -> Result<()> {
    match verb {
        KeysVerb::Show { repo, dirs } => {
            let keys = Keys {
                dirs: dirs.clone(),
                passphrase: None,
            };
            let report = app::show_keys(repo, &keys)?;
            warn(&report.warnings);
            result(global, &report, shown)
        }
        KeysVerb::New { name, keys, new } => {
            let file = app::new_key(keys, name, new_passphrase(new.no_passphrase)?.as_ref())?;
            let public = file.with_extension("pub");
            result(global, &json!({"private": file, "public": public}), |_| {
                format!("{} {}; hand out {}", green("made"), file.display(), public.display())
            })
        }
        KeysVerb::Add { role, public, at } => change(
            global,
            at,
            &KeyChange::Add {
                role: *role,
                public: public.clone(),
            },
        ),
        KeysVerb::Revoke { key, at } => change(global, at, &KeyChange::Revoke { key: key.clone() }),
        KeysVerb::Threshold { role, number, at } => change(
            global,
            at,
            &KeyChange::Threshold {
                role: *role,
                number: *number,
            },
        ),
        KeysVerb::Rotate { what, at, new } => change(
            global,
            at,
            &KeyChange::Rotate {
                what: what.clone(),
                encrypted_with: new_passphrase(new.no_passphrase)?,
            },
        ),
    }
}

fn change(global: &Global, at: &SignArgs, change: &KeyChange) -> Result<()> {
    let changed = app::change_keys(&at.repo, &at_hand(&at.keys.dirs)?, change)?;
    for file in &changed.made {
        super::say(&format!("made {}", file.display()));
    }
    if changed.nothing_to_do {
        warn(&changed.outcome.warnings);
        return result(global, &changed, |_| "the keys are so already; nothing to do".into());
    }
    said(global, &changed.outcome, "changed and published")
}

fn shown(report: &KeysReport) -> String {
    let mut out = String::new();
    for role in &report.roles {
        let (name, version, number) = (role.role, role.version, role.keys.len());
        let head = format!(
            "{name} {version}, {} of {}, until {:.0}, each time for {}",
            role.threshold,
            counted(number, "key"),
            role.expires,
            role.lifetime
        );
        out += &format!("{head}\n");
        for key in &role.keys {
            let file = key.file.as_ref().map(|file| format!("  {}", file.display()));
            out += &format!("  {} {}{}\n", key.id, dim(&key.kind), file.unwrap_or_default());
        }
    }
    for waiting in &report.draft {
        out += &format!("waits: {}\n", lacking(waiting));
    }
    out.trim_end().to_owned()
}

/// A role of a draft in a line.
pub fn lacking(waiting: &Waiting) -> String {
    let short: Vec<String> = waiting.keys.iter().map(|id| id.chars().take(8).collect()).collect();
    let Waiting {
        role,
        version,
        given,
        threshold,
        ..
    } = waiting;
    format!(
        "{role} {version} has {given} of {threshold} signatures; these keys may sign: {}",
        short.join(" ")
    )
}

/// Keys that are there, with the passphrase that they need.
pub fn at_hand(dirs: &[PathBuf]) -> Result<Keys> {
    let mut keys = Keys {
        dirs: dirs.to_vec(),
        passphrase: None,
    };
    if app::keys_need_passphrase(&keys)? {
        let prompt = inquire::Password::new("Passphrase of the signing keys:").without_confirmation();
        keys.passphrase = Some(ask(&prompt)?);
    }
    Ok(keys)
}

/// For keys to be made; asked twice.
pub fn new_passphrase(no_passphrase: bool) -> Result<Option<Secret>> {
    if no_passphrase {
        return Ok(None);
    }
    ask(&inquire::Password::new("Passphrase for the new signing keys:")).map(Some)
}

/// From NETLINK_PASSPHRASE, else from the terminal. Without one a missing passphrase is refused, not waited for.
fn ask(prompt: &inquire::Password<'_>) -> Result<Secret> {
    if let Some(secret) = settings::passphrase() {
        return Ok(secret);
    }
    if !std::io::stdin().is_terminal() {
        let message =
            "the keys need a passphrase: set NETLINK_PASSPHRASE, or make keys without one by `--no-passphrase`";
        return Err(Failed::said("NL0108", message));
    }
    let text = prompt.clone().prompt().map_err(|e| AppError::below("NL0108", &e))?;
    Ok(Secret::from(text))
}
