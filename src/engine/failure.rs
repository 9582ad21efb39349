//! Why a step failed, on its way into the journal.

use std::error::Error;

use crate::disk::DiskError;
use crate::journal::Failure;

pub const DISK_FULL: &str = "NL0301";
pub const PERMISSION: &str = "NL0302";

#[derive(Debug)]
pub struct StepError {
    failure: Box<Failure>,
    instead: Option<Instead>,
}

/// What comes of a step that did not succeed and did not fail either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instead {
    LeftOff,
    FallsBack,
}

impl StepError {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let failure = Failure {
            code: code.to_owned(),
            message: message.into(),
            expected: None,
            found: None,
            log: Vec::new(),
        };
        Self {
            failure: Box::new(failure),
            instead: None,
        }
    }

    /// From a room's error: the chain of causes in one sentence. A full disk or a missing permission anywhere in it is the code.
    pub fn because(code: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut code = code;
        let mut cause = Some(error);
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            code = code_of(error).unwrap_or(code);
            cause = error.source();
        }
        Self::new(code, message)
    }

    /// Says what to do next, if it failed for this reason and not for one further down.
    #[must_use]
    pub fn advising(mut self, code: &str, advice: &str) -> Self {
        if self.failure.code == code {
            self.failure.message = format!("{}; {advice}", self.failure.message);
        }
        self
    }

    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        self.failure.expected = Some(expected.into());
        self.failure.found = Some(found.into());
        self
    }

    #[must_use]
    pub fn log(mut self, lines: Vec<String>) -> Self {
        self.failure.log = lines;
        self
    }

    /// The step did not fail: it left off because somebody wants the update to pause or to go back. It can be done again.
    #[must_use]
    pub fn interrupted(self) -> Self {
        let instead = Some(Instead::LeftOff);
        Self { instead, ..self }
    }

    pub fn is_interrupted(&self) -> bool {
        self.instead == Some(Instead::LeftOff)
    }

    /// The step did not fail: what it had to do with a patch is to be done with the whole package. A disk that is full or may
    /// not be written to is no reason for that.
    #[must_use]
    pub fn falling_back(self) -> Self {
        if [DISK_FULL, PERMISSION].contains(&self.failure.code.as_str()) {
            return self;
        }
        let instead = Some(Instead::FallsBack);
        Self { instead, ..self }
    }

    pub fn falls_back(&self) -> bool {
        self.instead == Some(Instead::FallsBack)
    }

    pub fn into_failure(self) -> Failure {
        *self.failure
    }
}

fn code_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let full = |kind| {
        matches!(
            kind,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        )
    };
    if let Some(disk) = error.downcast_ref::<DiskError>() {
        return match disk {
            disk if disk.is_full() => Some(DISK_FULL),
            disk if disk.is_permission() => Some(PERMISSION),
            _ => None,
        };
    }
    if let Some(sqlite) = error.downcast_ref::<rusqlite::Error>() {
        let full = sqlite.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        return full.then_some(DISK_FULL);
    }
    error
        .downcast_ref::<std::io::Error>()
        .filter(|io| full(io.kind()))
        .map(|_| DISK_FULL)
}
