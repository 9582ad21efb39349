//! The server's log, on standard error: lines for people, or JSON. Nobody waits for an answer to what is said here.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use tracing::subscriber::set_global_default;
use tracing::{Level, Value, debug, enabled, error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;

use super::request_id::RequestId;
use crate::app::AppError;
use crate::clock;
use crate::settings::{Log, LogFormat, LogLevel};

/// More of an address is not written down.
const LONGEST_ACTION: usize = 200;

/// From here on what is said is written as the settings want it.
pub fn begin_log(settings: &Log) {
    let level = match settings.level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    // Libraries speak of things that nobody here knows.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_timer(Wall);
    let log = tracing_subscriber::registry().with(ours);
    // Who has set another one before keeps it.
    let _ = match settings.format {
        LogFormat::Text => set_global_default(log.with(lines)),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            set_global_default(log.with(lines.with_current_span(false).with_span_list(false)))
        }
    };
}

struct Wall;

impl FormatTime for Wall {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        write!(line, "{:.3}", clock::now())
    }
}

/// A line of the server's log.
pub fn say(line: &str) {
    info!("{}", plain(line));
}

/// The same for what somebody should see to.
pub fn say_warning(line: &str) {
    warn!("{}", plain(line));
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// By a fault of ours.
    Badly,
    Changing,
    /// Somebody only looked.
    Looking,
}

impl Answered {
    /// To know that nobody wants a line of it costs next to nothing.
    pub fn is_said(self) -> bool {
        self != Self::Looking || enabled!(Level::DEBUG)
    }
}

/// A request that was answered with this status, in the words of its door.
pub fn say_request<S: Value>(id: &RequestId, (how, status): (Answered, S), action: &str, who: &str, took: Duration) {
    let action = plain(&action[..action.floor_char_boundary(LONGEST_ACTION)]).into_owned();
    let (id, who, ms) = (id.as_str(), plain(who), took.as_secs_f64() * 1000.0);
    let ms = (ms * 10.0).round() / 10.0;
    match how {
        Answered::Badly => error!(request_id = id, who = %who, status, ms, "{action}"),
        Answered::Changing => info!(request_id = id, who = %who, status, ms, "{action}"),
        Answered::Looking => debug!(request_id = id, who = %who, status, ms, "{action}"),
    }
}

pub(super) fn say_error(error: &AppError) {
    let text = error.to_string();
    error!("{} [{}]", plain(&text), error.code().id);
}

/// On one line, and without what a terminal obeys.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let quoted = |c: char| match c.is_control() {
        true => c.escape_debug().to_string(),
        false => c.to_string(),
    };
    Cow::Owned(text.chars().map(quoted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_and_obeys_nobody() {
        assert_eq!(plain("as it is: \"ä\""), "as it is: \"ä\"");
        assert_eq!(plain("a\nb\u{1b}[31mc\u{9b}"), "a\\nb\\u{1b}[31mc\\u{9b}");
    }
}
