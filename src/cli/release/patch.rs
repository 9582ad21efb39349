//! `netlink release patch`

use super::super::args::{Global, PatchArgs};
use super::super::output::{Result, bytes, green, result, yellow};
use super::{keys, waiting, warn};
use crate::app;
use crate::publish::{Making, PatchOptions, PatchOutcome, Patched};
use crate::settings;

pub fn run(global: &Global, args: &PatchArgs) -> Result<()> {
    let usual = Making::default();
    let options = PatchOptions {
        product: args.product.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        platform: args.platform.clone(),
        at_most_percent: args.at_most,
        making: Making {
            level: args.level,
            memory: (args.memory as usize) << 20,
            threads: args.threads.unwrap_or(usual.threads),
        },
        work: args.work.clone().unwrap_or_else(settings::folder_for_temporary_files),
    };
    let made = app::patch(&args.at.repo, &keys::at_hand(&args.at.keys.dirs)?, &options)?;
    warn(&made.outcome.warnings);
    result(global, &made, |made| {
        let lines: Vec<String> = made.patches.iter().map(patched_line).collect();
        format!("{}{}", lines.join("\n"), waiting(&made.outcome))
    })
}

fn patched_line(patched: &Patched) -> String {
    let percent = (patched.length * 100).div_ceil(patched.package_length.max(1));
    let said = match patched.outcome {
        PatchOutcome::Published => green("published"),
        PatchOutcome::PublishedBefore => "published before:".into(),
        PatchOutcome::NotWorthIt => yellow("not worth it, nothing published:"),
    };
    let files = patched.files.map_or(String::new(), |files| {
        format!(
            "\n  {} unchanged, {} renamed, {} changed, {} renamed and changed, {} new, {} removed, {} links",
            files.unchanged,
            files.renamed,
            files.changed,
            files.renamed_and_changed,
            files.new,
            files.removed,
            files.links
        )
    });
    format!(
        "{said} {} -> {} for {}, {} of {} ({percent} %){files}",
        patched.from,
        patched.to,
        patched.platform,
        bytes(patched.length),
        bytes(patched.package_length)
    )
}
