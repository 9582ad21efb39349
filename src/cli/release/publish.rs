//! `netlink release publish`

use serde::Serialize;

use super::super::args::{Global, PublishArgs};
use super::super::output::{Result, bytes, green, result};
use super::keys::at_hand;
use super::{waiting, warn};
use crate::app::{self, PublishOptions};
use crate::publish::{Looking, Published, Sent};
use crate::release::counted;

/// What was done, as far as it was asked for.
#[derive(Serialize)]
struct Done {
    #[serde(flatten)]
    published: Option<Published>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<Sent>,
}

pub fn run(global: &Global, args: &PublishArgs) -> Result<()> {
    let published = if args.packages.is_empty() {
        None
    } else {
        let options = PublishOptions {
            repository: args.repo.clone(),
            keys: at_hand(&args.dirs)?,
            changelog: args.changelog.clone(),
            new_product: args.new_product,
        };
        let published = app::publish(&args.packages, &options)?;
        warn(&published.outcome.warnings);
        Some(published)
    };
    // A draft is nothing that operators could see.
    let is_out = published.as_ref().is_none_or(|published| published.outcome.published);
    let sent = match args.to.as_ref().filter(|_| is_out) {
        Some(to) => {
            let looking = if args.check_all {
                Looking::Bytes
            } else {
                Looking::Lengths
            };
            let sent = app::release_send(&args.repo, to, looking)?;
            if published.is_none() {
                warn(&sent.warnings);
            }
            Some(sent)
        }
        None => None,
    };
    result(global, &Done { published, sent }, shown)
}

fn shown(done: &Done) -> String {
    let published = done.published.as_ref().map(|published| {
        let outcome = &published.outcome;
        let done = match (outcome.published, outcome.targets.is_empty()) {
            (true, true) => {
                return format!(
                    "{} {}: nothing of it is new",
                    green("published before:"),
                    published.version
                );
            }
            (true, false) => "published",
            (false, _) => "drafted",
        };
        format!("{} {}{}", green(done), outcome.targets.join(", "), waiting(outcome))
    });
    let sent = done.sent.as_ref().map(|sent| match sent.sent.len() {
        0 => format!("nothing to send: {} has all {}", sent.to, counted(sent.there, "file")),
        count => format!(
            "{} {}, {}, to {}; there before: {}",
            green("sent"),
            counted(count, "file"),
            bytes(sent.bytes),
            sent.to,
            sent.there
        ),
    });
    published.into_iter().chain(sent).collect::<Vec<_>>().join("\n")
}
