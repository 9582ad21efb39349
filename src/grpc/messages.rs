//! Messages, and what they ask for, as far as that can be told without an installation.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;
use tonic::Status;

use super::{pb, status};
use crate::app::{AppError, Begin, ToValidate};
use crate::plan::UpgradeStrategy;
use crate::release::ExtensionName;
use crate::serving::{Move, Refusal, RollBack, Way, parsed_update, parsed_version};

/// Updates of a page of the history.
const PAGE: u32 = 20;
const LONGEST_PAGE: u32 = 100;

pub fn validation(message: pb::ValidateUpgradeRequest) -> Result<ToValidate, Status> {
    let from = some(message.from_version).map(|from| parsed_version("from_version", &from));
    Ok(ToValidate {
        from: from.transpose().map_err(|e| status::invalid(&e))?,
        to: parsed_version("to_version", &message.to_version).map_err(|e| status::invalid(&e))?,
        begin: begin(message.strategy, None, 0)?,
    })
}

pub fn rollback(message: pb::RollbackUpgradeRequest) -> Result<RollBack, Status> {
    let named = some(message.update_id).map(|id| parsed_update(&id)).transpose();
    Ok(RollBack {
        update_id: named.map_err(|e| status::of_error(&e))?,
        force: message.force,
        accept_warnings: message.accept_warnings,
        disable_incompatible: extensions(&message.disable_incompatible)?,
    })
}

/// The entry of the journal after which a watch begins.
pub fn beginning(message: &pb::WatchUpgradeStatusRequest) -> Result<Option<i64>, Status> {
    match message.after_sequence {
        Some(..0) => Err(malformed("`after_sequence` is a number from 0 on")),
        after => Ok(after),
    }
}

/// The number that the updates of a page come before, and how many they are at most.
pub fn page(message: pb::GetUpgradeHistoryRequest) -> Result<(i64, u32), Status> {
    let limit = match message.page_size {
        0 => PAGE,
        size if size <= LONGEST_PAGE => size,
        _ => return Err(malformed("`page_size` is 1 to 100")),
    };
    let before = some(message.page_token).map_or(Ok(i64::MAX), |token| {
        let number = token.parse::<i64>();
        number.map_err(|_| malformed("`page_token` is none that this call has given"))
    });
    Ok((before?, limit))
}

fn malformed(detail: &str) -> Status {
    status::of_refusal(&Refusal::Malformed(detail.to_owned()))
}

/// Fails for who has sent it, whatever the installation is doing.
pub fn upgrade(message: pb::TriggerUpgradeRequest) -> Result<Move, Status> {
    let target_version = parsed_version("target_version", &message.target_version);
    Ok(Move {
        begin: begin(
            message.strategy,
            message.scheduled_time,
            message.graceful_timeout_seconds,
        )?,
        target_version: target_version.map_err(|e| status::invalid(&e))?,
        force: message.force,
        accept_warnings: message.accept_warnings,
        accept_risk: set(message.accept_risk),
        disable_incompatible: extensions(&message.disable_incompatible)?,
        way: Way::Up {
            accept_breaking: message.accept_breaking,
            acknowledge: set(message.acknowledge),
            full: message.full,
        },
    })
}

fn begin(strategy: String, time: Option<prost_types::Timestamp>, graceful_timeout: u32) -> Result<Begin, Status> {
    let strategy = some(strategy).map(|text| text.parse::<UpgradeStrategy>()).transpose();
    let strategy = strategy.map_err(|e| malformed(&format!("strategy: {e}")))?;
    let wrong = |_| AppError::said("NL0122", "scheduled_time: that is no time of this calendar");
    let at = time.map(|time| Timestamp::new(time.seconds, time.nanos)).transpose();
    Ok(Begin {
        strategy,
        at: at.map_err(|e| status::invalid(&wrong(e)))?,
        graceful_timeout: (graceful_timeout > 0).then_some(graceful_timeout),
    })
}

fn extensions(names: &[String]) -> Result<BTreeSet<ExtensionName>, Status> {
    let parsed = names.iter().map(|name| name.parse::<ExtensionName>());
    let parsed = parsed.collect::<Result<_, _>>();
    parsed.map_err(|e| malformed(&format!("disable_incompatible: {e}")))
}

/// What is empty was not sent.
pub(super) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn set(items: Vec<String>) -> BTreeSet<String> {
    items.into_iter().collect()
}

/// For the audit; none of it is a secret.
pub fn of_upgrade(message: &pb::TriggerUpgradeRequest) -> String {
    let time = message.scheduled_time.as_ref().map(ToString::to_string);
    let subject = json!({
        "target_version": message.target_version,
        "strategy": message.strategy,
        "force": message.force,
        "accept_warnings": message.accept_warnings,
        "dry_run": message.dry_run,
        "graceful_timeout_seconds": message.graceful_timeout_seconds,
        "scheduled_time": time,
        "accept_breaking": message.accept_breaking,
        "acknowledge": message.acknowledge,
        "full": message.full,
        "accept_risk": message.accept_risk,
        "disable_incompatible": message.disable_incompatible,
    });
    subject.to_string()
}

pub fn of_rollback(message: &pb::RollbackUpgradeRequest) -> String {
    let subject = json!({
        "update_id": message.update_id,
        "force": message.force,
        "accept_warnings": message.accept_warnings,
        "disable_incompatible": message.disable_incompatible,
    });
    subject.to_string()
}
