//! What the log says of updates and orders: that they begin, wait, and how they end.

use std::time::Duration;

use serde_json::Value;
use tracing::{error, info, warn};

use super::say::plain;
use crate::app::{self, AppError, Beginning, Report, ReportStatus, codes};
use crate::store::{OrderId, OrderRecord};
use crate::version::Version;

pub fn say_update_begins(update: &Beginning, order: Option<&OrderId>) {
    let Beginning {
        update_id,
        verb,
        from,
        to,
        by,
        goes_on,
    } = update;
    let (order_id, from) = (order.map(ToString::to_string), told(from.as_ref()));
    let (verb, by) = (verb.name(), plain(by));
    let word = if *goes_on { "goes on" } else { "begins" };
    info!(%update_id, order_id = order_id.as_deref(), verb, %from, %to, %by, "update {word}");
}

/// Well or badly: of the latter somebody should know.
pub fn say_update_ended(report: &Report) {
    let Report {
        update_id,
        from,
        to,
        installed,
        seconds,
        ..
    } = report;
    let (outcome, words) = match report.status {
        ReportStatus::Completed => ("completed", "completed"),
        ReportStatus::RolledBack => ("rolled_back", "rolled back"),
        ReportStatus::Paused => ("paused", "paused"),
        ReportStatus::UndoFailed => ("undo_failed", "not undone"),
        ReportStatus::CleanUpFailed => ("clean_up_failed", "not tidied up"),
    };
    let (from, installed) = (told(from.as_ref()), told(installed.as_ref()));
    let seconds = rounded(*seconds);
    match report.code() {
        None => info!(%update_id, %from, %to, %installed, outcome, seconds, "update {words}"),
        Some(code) => {
            let why = why(report, code);
            let why = plain(&why);
            warn!(%update_id, %from, %to, %installed, outcome, seconds, code, "update {words}: {why} [{code}]");
        }
    }
}

fn why(report: &Report, code: &str) -> String {
    match (&report.failure, report.status) {
        (Some(failure), _) => failure.message.clone(),
        (None, ReportStatus::Paused) => {
            "it waits between two steps; the next server goes on with it, and so does `netlink update resume`"
                .to_owned()
        }
        (None, ReportStatus::RolledBack) => "somebody wanted it back".to_owned(),
        (None, _) => codes::lookup(code).title.to_owned(),
    }
}

/// It has come to nothing that could be reported.
pub fn say_update_broke_off(update: &str, error: &AppError) {
    let (text, code) = (error.to_string(), error.code().id);
    error!(update_id = update, code, "update broke off: {} [{code}]", plain(&text));
}

/// It waits for its turn, or its time.
pub fn say_order_waits(order: &OrderRecord) {
    let (order_id, by, what) = (&order.id, plain(&order.ordered_by), app::in_words(order));
    let at = order.not_before.map(|time| time.to_string());
    info!(%order_id, %what, %by, not_before = at.as_deref(), "order waits");
}

pub fn say_order_begins(order: &OrderRecord) {
    let (order_id, by, what) = (&order.id, plain(&order.ordered_by), app::in_words(order));
    info!(%order_id, %what, %by, "order begins");
}

/// One that was no update, or became none; `took` is not known of what was done before this process.
pub fn say_order_ended(order: &OrderRecord, came: &Result<Value, AppError>, took: Option<Duration>) {
    let (order_id, by, what) = (&order.id, plain(&order.ordered_by), app::in_words(order));
    let seconds = took.map(|took| rounded(took.as_secs_f64()));
    match came {
        Ok(_) => info!(%order_id, %what, %by, outcome = "done", seconds, "order done"),
        Err(error) => {
            let (text, code) = (error.to_string(), error.code().id);
            let why = plain(&text);
            warn!(%order_id, %what, %by, outcome = "refused", seconds, code, "order refused: {why} [{code}]");
        }
    }
}

fn told(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
