//! `netlink release …`, the publisher's side.

mod advise;
mod bundle;
mod import;
mod keys;
mod list;
mod patch;
mod publish;
mod sign;

use std::num::NonZeroU32;
use std::path::Path;

use serde_json::json;

use super::args::{Global, ReleaseVerb};
use super::output::{Result, bytes, green, result, say};
use crate::app::{self, PackOptions, Packing};
use crate::publish::{Arrangement, MadeRepository, Outcome};
use crate::release::{Platform, counted};
use crate::version::Version;

pub fn run(global: &Global, verb: &ReleaseVerb) -> Result<()> {
    match verb {
        ReleaseVerb::Init {
            repo,
            keys,
            single_key,
            expires,
            new,
        } => {
            let arrangement = if *single_key {
                Arrangement::SingleKey
            } else {
                Arrangement::Shared
            };
            let passphrase = keys::new_passphrase(new.no_passphrase)?;
            let made = app::release_init(repo, keys, arrangement, passphrase, expires.clone())?;
            init(global, repo, arrangement, &made)
        }
        ReleaseVerb::Keys(verb) => keys::run(global, verb),
        ReleaseVerb::New { tree, from, version } => begin(global, from, tree, version.clone()),
        ReleaseVerb::Pack {
            tree,
            out,
            platform,
            level,
            threads,
        } => {
            let packing = Packing {
                level: *level,
                threads: threads.and_then(NonZeroU32::new).unwrap_or(Packing::default().threads),
            };
            pack(global, tree, out, platform.as_ref(), packing)
        }
        ReleaseVerb::Publish(args) => publish::run(global, args),
        ReleaseVerb::Patch(args) => patch::run(global, args),
        ReleaseVerb::Yank(wanted) => advise::yank(global, wanted),
        ReleaseVerb::Block(wanted) => advise::block(global, wanted),
        ReleaseVerb::Rollout(wanted) => advise::rollout(global, wanted),
        ReleaseVerb::Bundle(wanted) => bundle::run(global, wanted),
        ReleaseVerb::Import(args) => import::run(global, args),
        ReleaseVerb::List { repo } => list::run(global, repo),
        ReleaseVerb::Sign { repo, dirs, copies } => sign::run(global, repo, dirs, copies),
        ReleaseVerb::Discard { repo } => {
            let dropped = app::release_discard(repo)?;
            result(global, &json!({"dropped": dropped}), |_| match dropped {
                true => format!("{} the draft", green("dropped")),
                false => "no draft waits for signatures".into(),
            })
        }
        ReleaseVerb::Renew { roles, expires, at } => {
            let keys = keys::at_hand(&at.keys.dirs)?;
            let outcome = app::release_renew(&at.repo, &keys, roles, expires.as_ref())?;
            said(global, &outcome, "renewed")
        }
        ReleaseVerb::Timestamp { at } => {
            let outcome = app::release_timestamp(&at.repo, &keys::at_hand(&at.keys.dirs)?)?;
            said(global, &outcome, "signed short-lived metadata")
        }
        ReleaseVerb::Verify { repo } => verify(global, repo),
    }
}

fn begin(global: &Global, last: &Path, tree: &Path, version: Option<Version>) -> Result<()> {
    let begun = app::release_new(last, tree, version)?;
    result(global, &begun, |begun| {
        format!(
            "{} {} for {} from {}; next: its files, [rules] of release.toml, changelog.md",
            green("made"),
            begun.folder.display(),
            begun.version,
            begun.after
        )
    })
}

fn init(global: &Global, repo: &Path, arrangement: Arrangement, made: &MadeRepository) -> Result<()> {
    let advice = match arrangement {
        Arrangement::SingleKey => {
            "one key signs everything, so that whoever gets it can release anything and keep operators from ever \
             learning of it; for trying out only, make other repositories without `--single-key`"
        }
        Arrangement::Shared => {
            "root and targets take two of three keys each: give those in offline/ to different people, or keep them on \
             media apart; only online/ belongs on the machine that runs `netlink release timestamp`"
        }
    };
    say(advice);
    result(global, made, |made| {
        let root = made.root_metadata.display();
        format!("{} repository {}; give operators {root}", green("made"), repo.display())
    })
}

/// A change that is published, or waits for others.
fn said(global: &Global, outcome: &Outcome, done: &str) -> Result<()> {
    warn(&outcome.warnings);
    result(global, outcome, |outcome| {
        let done = if outcome.published {
            done
        } else {
            "signed with the keys at hand"
        };
        let listed = if outcome.targets.is_empty() { "" } else { ": " };
        let until = outcome
            .good_until
            .map(|until| format!("; clients take what is there until {until:.0}"));
        format!(
            "{}{listed}{}{}{}",
            green(done),
            outcome.targets.join(", "),
            until.unwrap_or_default(),
            waiting(outcome)
        )
    })
}

fn waiting(outcome: &Outcome) -> String {
    if outcome.published {
        return String::new();
    }
    let lines = outcome.waits.iter().map(keys::lacking);
    let lines: String = lines.map(|line| format!("\n  {line}")).collect();
    format!("\nnothing is published yet; whoever has a missing key runs `netlink release sign`:{lines}")
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
}

fn pack(global: &Global, tree: &Path, out: &Path, platform: Option<&Platform>, packing: Packing) -> Result<()> {
    let options = PackOptions {
        platform: platform.cloned(),
        packing,
    };
    let packed = app::pack(tree, out, &options)?;
    let document = json!({
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
    warn(&report.warnings);
    result(global, &report, |report| {
        let expires: String = report
            .expires
            .iter()
            .map(|(role, at)| format!("\n  {role:<10} until {at:.0}"))
            .collect();
        let size = bytes(report.bytes);
        let delegated = match report.delegated {
            0 => String::new(),
            count => format!(", {} delegated to others", counted(count, "role")),
        };
        format!(
            "{}: {}, {}, {} among them, {size}{delegated}{expires}",
            green("ok"),
            counted(report.releases, "release"),
            counted(report.targets, "target"),
            counted(report.patches, "patch"),
        )
    })
}
