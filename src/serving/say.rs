//! The server's log. Nobody waits for the answer any more: the journal has it, and whoever reads these lines.

use std::io::Write;

use crate::app::{AppError, Report};

/// A line of the server's log.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", line.escape_debug());
}

pub(super) fn say_error(error: &AppError) {
    say(&format!("error: {error} [{}]", error.code().id));
}

pub(super) fn say_of(report: &Report, code: &str) {
    let why = report.failure.as_ref().map_or("", |failure| failure.message.as_str());
    say(&format!("update {}: {why} [{code}]", report.update_id));
}
