//! `netlink release …`, the publisher's side.

mod advise;
mod bundle;
mod list;
mod patch;

use std::io::IsTerminal;
use std::path::Path;

use super::args::{Global, KeyArgs, ReleaseVerb};
use super::output::{Failed, Result, bytes, green, result};
use crate::app::{self, AppError, PackOptions, PublishOptions};
use crate::crypt::Secret;
use crate::release::Platform;
use crate::settings;

pub fn run(global: &Global, verb: &ReleaseVerb) -> Result<()> {
    match verb {
        ReleaseVerb::Init {
            repo,
            keys,
            no_passphrase,
        } => {
            let root = app::release_init(repo, &keys.dir, new_passphrase(*no_passphrase)?)?;
            result(global, &serde_json::json!({"root_metadata": root}), |_| {
                format!(
                    "{} repository {}; give operators {}",
                    green("made"),
                    repo.display(),
                    root.display()
                )
            })
        }
        ReleaseVerb::Pack {
            tree,
            out,
            platform,
            level,
        } => pack(global, tree, out, platform.as_ref(), *level),
        ReleaseVerb::Publish {
            packages,
            repo,
            changelog,
            keys,
        } => {
            let options = PublishOptions {
                repository: repo.clone(),
                keys: keys.dir.clone(),
                passphrase: passphrase(keys)?,
                changelog: changelog.clone(),
            };
            let published = app::publish(packages, &options)?;
            result(global, &published, |published| {
                format!("{} {}", green("published"), published.targets.join(", "))
            })
        }
        ReleaseVerb::Patch(args) => patch::run(global, args),
        ReleaseVerb::Yank(wanted) => advise::yank(global, wanted),
        ReleaseVerb::Block(wanted) => advise::block(global, wanted),
        ReleaseVerb::Rollout(wanted) => advise::rollout(global, wanted),
        ReleaseVerb::Bundle(wanted) => bundle::run(global, wanted),
        ReleaseVerb::List { repo } => list::run(global, repo),
        ReleaseVerb::Timestamp { repo, keys } => {
            app::release_timestamp(repo, &keys.dir, passphrase(keys)?.as_ref())?;
            result(global, &serde_json::json!({"signed": true}), |_| {
                format!("{} short-lived metadata", green("signed"))
            })
        }
        ReleaseVerb::Verify { repo } => verify(global, repo),
    }
}

fn pack(global: &Global, tree: &Path, out: &Path, platform: Option<&Platform>, level: i32) -> Result<()> {
    let options = PackOptions {
        platform: platform.cloned(),
        level,
    };
    let packed = app::pack(tree, out, &options)?;
    let document = serde_json::json!({
        "file": out, "product": packed.manifest.product, "version": packed.manifest.version,
        "platform": packed.manifest.platform, "length": packed.length, "sha256": packed.sha256,
    });
    result(global, &document, |_| {
        let manifest = &packed.manifest;
        format!(
            "{} {} {} {} {} for {}",
            green("packed"),
            out.display(),
            bytes(packed.length),
            manifest.product,
            manifest.version,
            manifest.platform
        )
    })
}

fn verify(global: &Global, repo: &Path) -> Result<()> {
    let report = app::release_verify(repo)?;
    result(global, &report, |report| {
        let expires: String = report
            .expires
            .iter()
            .map(|(role, at)| format!("\n  {role:<10} until {at:.0}"))
            .collect();
        let size = bytes(report.bytes);
        format!(
            "{}: {} releases, {} targets, {size}{expires}",
            green("ok"),
            report.releases,
            report.targets
        )
    })
}

/// For keys to be made; asked twice.
fn new_passphrase(no_passphrase: bool) -> Result<Option<Secret>> {
    if no_passphrase {
        return Ok(None);
    }
    ask(&inquire::Password::new("Passphrase for the new signing keys:")).map(Some)
}

/// For keys that are there; none when they are not encrypted.
pub fn passphrase(keys: &KeyArgs) -> Result<Option<Secret>> {
    if !app::keys_need_passphrase(&keys.dir)? {
        return Ok(None);
    }
    ask(&inquire::Password::new("Passphrase of the signing keys:").without_confirmation()).map(Some)
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
