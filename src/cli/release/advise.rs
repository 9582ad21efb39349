//! `netlink release yank|block|rollout`: what is said of releases that are out.

use super::super::args::{BlockArgs, Global, RepositoryArgs, RolloutArgs, YankArgs};
use super::super::output::{Result, green, result};
use super::keys::at_hand;
use super::{waiting, warn};
use crate::app::{self, Advice, AdviceOptions};
use crate::clock;
use crate::release::{Advisory, BlockRule, Rollout, Withdrawal, counted};

pub fn yank(global: &Global, wanted: &YankArgs) -> Result<()> {
    let version = &wanted.version;
    if wanted.undo {
        let advice = Advice::Restore(version.clone());
        return sign(global, &wanted.place, advice, |_| {
            format!("{version} may be entered again")
        });
    }
    let withdrawal = Withdrawal {
        reason: wanted.reason.clone().unwrap_or_default(),
        url: wanted.url.clone(),
        instead: wanted.instead.clone(),
    };
    let advice = Advice::Withdraw(version.clone(), withdrawal);
    sign(global, &wanted.place, advice, |_| {
        format!("{} {version}", green("withdrew"))
    })
}

pub fn rollout(global: &Global, wanted: &RolloutArgs) -> Result<()> {
    let (version, hours) = (&wanted.version, wanted.hours);
    let start = wanted.start.unwrap_or_else(clock::now);
    let advice = Advice::RollOut(version.clone(), Rollout { start, hours });
    sign(global, &wanted.place, advice, |_| match hours {
        0 => format!("{version} comes to all nodes at {start:.0}"),
        hours => format!(
            "{version} comes to all nodes over {} from {start:.0}",
            counted(hours, "hour")
        ),
    })
}

pub fn block(global: &Global, wanted: &BlockArgs) -> Result<()> {
    let (Some(to), None) = (&wanted.to, &wanted.undo) else {
        let name = wanted.undo.clone().unwrap_or_default();
        let text = format!("took back the block {name}");
        return sign(global, &wanted.place, Advice::Unblock(name), |_| text.clone());
    };
    let block = BlockRule {
        name: wanted.name.clone().unwrap_or_default(),
        from: wanted.from.clone(),
        to: to.clone(),
        reason: wanted.reason.clone().unwrap_or_default(),
        url: wanted.url.clone(),
        when: wanted.when.clone(),
    };
    sign(global, &wanted.place, Advice::Block(block), |advisory| {
        let name = advisory
            .blocked
            .last()
            .map(|block| block.name.as_str())
            .unwrap_or_default();
        format!("{} moves to {to} as {name}", green("blocked"))
    })
}

fn sign(global: &Global, place: &RepositoryArgs, advice: Advice, text: impl Fn(&Advisory) -> String) -> Result<()> {
    let options = AdviceOptions {
        repository: place.repo.clone(),
        keys: at_hand(&place.keys.dirs)?,
        product: place.product.clone(),
    };
    let advised = app::release_advise(advice, &options)?;
    warn(&advised.outcome.warnings);
    result(global, &advised, |advised| {
        let said = if advised.outcome.published { "" } else { "drafted: " };
        format!("{said}{}{}", text(&advised.advisory), waiting(&advised.outcome))
    })
}
