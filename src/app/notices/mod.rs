//! Notices: who is told of what becomes of updates, what is on its way to them, and trying again.

mod courier;
mod receiver;

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{AppError, Installation, Result};
use crate::clock::{self, Deadline};
use crate::host;
use crate::settings::{Settings, Webhook};
use crate::store::{Fact, NoticeRecord, NoticeState, Store, Subscriber, Subscribers};

pub use courier::Courier;

/// How often it is looked whether a notice has arrived.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);

/// Has the store tell whom the settings name.
pub(super) fn subscribe(store: &mut Store, settings: &Settings) -> Result<()> {
    let receivers = settings.notifications.receivers();
    let all: Vec<Subscriber> = receivers
        .map(|(name, kinds)| Subscriber {
            name: name.to_string(),
            kinds,
        })
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let node = settings.policy.node.clone().unwrap_or_else(host::hostname);
    let product = store.fact(Fact::Product)?.unwrap_or_default();
    let source = format!("/netlink/{node}/{product}");
    store.subscribe(Subscribers { source, all });
    Ok(())
}

/// Of the webhooks that cannot be signed for as things are, why.
pub(super) fn unusable_secrets(root: &Path, settings: &Settings) -> Vec<String> {
    let webhooks = &settings.notifications.webhooks;
    let problem = |webhook: &Webhook| {
        let why = receiver::unusable_secret(root, webhook)?;
        Some(format!("`notifications.webhooks`, {}: {why}", webhook.name))
    };
    webhooks.iter().filter_map(problem).collect()
}

/// What is on its way, what arrived, and what was given up.
#[derive(Debug, Serialize)]
pub struct NoticesView {
    /// Newest first.
    pub notices: Vec<NoticeRecord>,
    pub receivers: Vec<ReceiverView>,
}

/// A receiver that the settings name, or that something is still kept for.
#[derive(Debug, Serialize)]
pub struct ReceiverView {
    pub name: String,
    /// Of the settings, as they are now.
    pub is_known: bool,
    pub waiting: u64,
    pub dead: u64,
    pub delivered: u64,
}

pub fn notices(installation: &Installation, limit: u32) -> Result<NoticesView> {
    let _view = installation.store.one_view()?;
    let counts = installation.store.notice_counts()?;
    let named = names(installation);
    let unknown = counts.iter().map(|one| one.receiver.clone());
    let mut all: Vec<String> = named.iter().cloned().chain(unknown).collect();
    all.sort();
    all.dedup();
    let receivers = all.into_iter().map(|name| {
        let found = counts.iter().find(|one| one.receiver == name).cloned();
        let counted = found.unwrap_or_default();
        ReceiverView {
            is_known: named.contains(&name),
            waiting: counted.waiting,
            dead: counted.dead,
            delivered: counted.delivered,
            name,
        }
    });
    Ok(NoticesView {
        notices: installation.store.notices(limit)?,
        receivers: receivers.collect(),
    })
}

fn names(installation: &Installation) -> Vec<String> {
    let subscribers = &installation.store.subscribers().all;
    subscribers.iter().map(|one| one.name.clone()).collect()
}

/// What became of a notice that was sent to see whether it arrives.
#[derive(Debug, Serialize)]
pub struct Tried {
    pub notices: Vec<NoticeRecord>,
}

impl Tried {
    pub fn all_arrived(&self) -> bool {
        self.notices.iter().all(|one| one.state == NoticeState::Delivered)
    }
}

/// Posts a notice to one receiver or to all, and waits for the first try of each. A courier, of this process or another, must be at work.
pub fn test_notices(installation: &Installation, receiver: Option<&str>) -> Result<Tried> {
    let named = names(installation);
    let wanted: Vec<&str> = match receiver {
        None => named.iter().map(String::as_str).collect(),
        Some(one) => named.iter().map(String::as_str).filter(|name| *name == one).collect(),
    };
    if wanted.is_empty() {
        let message = match named.is_empty() {
            true => "nobody is to be told: `notifications` of the settings names no receiver".to_owned(),
            false => format!("there is no such receiver; the settings name {}", named.join(", ")),
        };
        return Err(AppError::said("NL0742", message));
    }
    let now = clock::now();
    let before = installation.store.notices(1)?.first().map_or(0, |newest| newest.number);
    installation.store.post_test(&wanted, now)?;
    let is_ours = |one: &NoticeRecord| one.number > before && one.kind == "notify.test";
    wait_for_tries(installation, &is_ours)
}

/// Has what was given up wait again, all of it or the one of this id, and what waits be due; waits for the first try of each.
pub fn retry_notices(installation: &Installation, id: Option<&str>) -> Result<Tried> {
    let waiting: Vec<i64> = all(installation)?
        .into_iter()
        .filter(|one| one.state != NoticeState::Delivered && id.is_none_or(|id| one.id == id))
        .map(|one| one.number)
        .collect();
    if let (Some(id), true) = (id, waiting.is_empty()) {
        let message = format!("no notice {id} waits or was given up; `netlink notify list` shows them");
        return Err(AppError::said("NL0743", message));
    }
    installation.store.revive_notices(id)?;
    wait_for_tries(installation, &|one| waiting.contains(&one.number))
}

/// One try each, or as long as that may take; what stands behind another one that did not arrive is not tried.
fn wait_for_tries(installation: &Installation, wanted: &dyn Fn(&NoticeRecord) -> bool) -> Result<Tried> {
    let limit = installation.settings.notifications.timeout;
    let mut deadline = Deadline::after(limit * 2);
    let mut settled = 0;
    loop {
        let notices: Vec<NoticeRecord> = all(installation)?.into_iter().filter(|one| wanted(one)).collect();
        let is_open = |one: &&NoticeRecord| one.state == NoticeState::Waiting && one.tries == 0;
        let behind = |one: &NoticeRecord| {
            let mut others = notices.iter();
            others.any(|other| {
                other.receiver == one.receiver
                    && other.subject == one.subject
                    && other.state == NoticeState::Waiting
                    && other.number < one.number
            })
        };
        let open = notices.iter().filter(is_open).filter(|one| !behind(one)).count();
        // As long as they arrive one after the other, nobody is given up.
        if notices.len() - open > settled {
            settled = notices.len() - open;
            deadline = Deadline::after(limit * 2);
        }
        if open == 0 || deadline.has_passed() {
            return Ok(Tried { notices });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// All that is remembered, oldest first.
fn all(installation: &Installation) -> Result<Vec<NoticeRecord>> {
    let mut all = installation.store.notices(u32::MAX)?;
    all.reverse();
    Ok(all)
}

/// What waits for its next try, by receiver, with why the last one failed.
pub fn notices_left(installation: &Installation, since: Timestamp) -> Result<Vec<(String, usize, Option<String>)>> {
    let mut left: Vec<(String, usize, Option<String>)> = Vec::new();
    let waiting = all(installation)?.into_iter();
    for one in waiting.filter(|one| one.state == NoticeState::Waiting && one.made_at >= since) {
        match left.iter_mut().find(|(name, ..)| *name == one.receiver) {
            Some((_, count, why)) => {
                *count += 1;
                *why = why.take().or(one.problem);
            }
            None => left.push((one.receiver, 1, one.problem)),
        }
    }
    Ok(left)
}
