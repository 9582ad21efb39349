//! `netlink release list`

use std::fmt::Write;
use std::path::Path;

use super::super::args::Global;
use super::super::output::{Result, bold, bytes, harmless, result, yellow};
use crate::app::{self, Listed, ListedRelease};
use crate::release::{BlockRule, counted};

pub fn run(global: &Global, repo: &Path) -> Result<()> {
    let (listed, warnings) = app::release_list(repo)?;
    super::warn(&warnings);
    result(global, &listed, |listed| {
        let all: Vec<String> = listed.iter().map(product).collect();
        if all.is_empty() {
            "no releases yet".into()
        } else {
            all.join("\n")
        }
    })
}

fn product(listed: &Listed) -> String {
    let mut out = bold(&listed.product.to_string());
    for release in &listed.releases {
        let _ = write!(out, "\n  {}", line(release));
    }
    for block in &listed.advisory.blocked {
        let from = block.from.as_ref().map_or("anywhere".to_owned(), ToString::to_string);
        let _ = write!(
            out,
            "\n  {} {}: {from} -> {}: {}",
            yellow("block"),
            harmless(&block.name),
            block.to,
            harmless(&details(block))
        );
    }
    out
}

fn details(block: &BlockRule) -> String {
    let mut out = block.reason.clone();
    for when in &block.when {
        let _ = write!(out, "; where {when}");
    }
    if let Some(url) = &block.url {
        let _ = write!(out, "; {url}");
    }
    out
}

fn line(release: &ListedRelease) -> String {
    let date = release.released_at.map(|at| at.strftime("%Y-%m-%d").to_string());
    let packages: Vec<String> = release
        .packages
        .iter()
        .map(|package| format!("{} {}", package.platform, bytes(package.length)))
        .collect();
    let mut out = format!(
        "{:<8} {:<8} {:<10} {}",
        release.version.to_string(),
        release.channel,
        date.unwrap_or_default(),
        packages.join(", ")
    );
    if !release.changelog {
        out += "; no changelog";
    }
    if let Some(rollout) = &release.rollout {
        let _ = write!(
            out,
            "; to all over {} from {:.0}",
            counted(rollout.hours, "hour"),
            rollout.start
        );
    }
    if let Some(withdrawal) = &release.withdrawn {
        let reason = harmless(&withdrawal.reason).to_string();
        let _ = write!(out, "; {}: {reason}", yellow("withdrawn"));
        if let Some(instead) = &withdrawal.instead {
            let _ = write!(out, "; go to {instead} instead");
        }
    }
    out
}
