//! Everything that a verb can answer with instead of its result; each has one code.

use std::error::Error;
use std::path::PathBuf;

use super::codes::{self, Code};
use crate::clock;
use crate::disk::DiskError;
use crate::engine::{EngineError, LockError, StepError};
use crate::plan::{Reason, Refusal};
use crate::store::{StoreError, UpdateId};

pub type Result<T> = std::result::Result<T, AppError>;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("{} is not a NetLink installation; make one with `netlink init --root {}`", .0.display(), .0.display())]
    NotAnInstallation(PathBuf),
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    #[error("update {0} is not known here; `netlink update history` lists all")]
    UnknownUpdate(UpdateId),
    #[error("there was no update here yet; `netlink update history` would list them")]
    NoUpdateYet,
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Said with the system's reason.
    #[error("{0}: {source}", source = .0.source)]
    Disk(DiskError),
    /// The operator's calendar lets nothing begin now.
    #[error("{message}")]
    Closed {
        message: String,
        opens: Option<jiff::Timestamp>,
    },
    /// A piece below the house failed; `code` says which kind.
    #[error("{message}")]
    Below { code: &'static str, message: String },
}

impl AppError {
    /// Wraps an error of a room below, with the causes in one sentence.
    pub fn below(code: &'static str, error: &(dyn Error + 'static)) -> Self {
        let failure = StepError::because(code, error).into_failure();
        Self::Below {
            code: codes::lookup(&failure.code).id,
            message: failure.message,
        }
    }

    pub fn said(code: &'static str, message: impl Into<String>) -> Self {
        Self::Below {
            code,
            message: message.into(),
        }
    }

    /// Seconds after which it is worth asking again, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Closed { opens, .. } => opens.map(seconds_until),
            other => other.code().kind.retry_after(),
        }
    }

    pub fn code(&self) -> &'static Code {
        codes::lookup(match self {
            Self::NotAnInstallation(_) => "NL0401",
            Self::Refused(refusal) => code_of(&refusal.reason),
            Self::UnknownUpdate(_) | Self::NoUpdateYet => "NL0406",
            Self::Lock(LockError::Busy { .. }) => "NL0402",
            Self::Lock(LockError::Disk(e)) | Self::Disk(e) => disk_code(e),
            Self::Store(StoreError::Newer { .. }) | Self::Engine(EngineError::Store(StoreError::Newer { .. })) => {
                "NL0405"
            }
            Self::Store(StoreError::Unfinished { .. }) => "NL0407",
            Self::Store(StoreError::NoLongerWaits { .. }) => "NL0719",
            Self::Store(_) | Self::Engine(_) => "NL0404",
            Self::Closed { .. } => "NL0120",
            Self::Below { code, .. } => code,
        })
    }
}

fn seconds_until(time: jiff::Timestamp) -> u64 {
    let left = time.duration_since(clock::now()).as_secs();
    u64::try_from(left).unwrap_or(0) + 1
}

fn disk_code(error: &DiskError) -> &'static str {
    match error {
        e if e.is_full() => "NL0301",
        e if e.is_permission() => "NL0302",
        _ => "NL0408",
    }
}

fn code_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::UnknownVersion { .. } => "NL0102",
        Reason::NoRelease { .. } | Reason::NotOffered { .. } => "NL0105",
        Reason::WrongDirection { .. } => "NL0104",
        Reason::NotInstalled => "NL0107",
        Reason::NoPath { .. } | Reason::Gated { .. } => "NL0103",
        Reason::Contradiction => "NL0204",
        Reason::SchemaAhead { .. } => "NL0106",
        Reason::NoSchema { .. } => "NL0115",
        Reason::Unsound => "NL0323",
    }
}

impl From<DiskError> for AppError {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<StepError> for AppError {
    fn from(error: StepError) -> Self {
        let failure = error.into_failure();
        Self::Below {
            code: codes::lookup(&failure.code).id,
            message: failure.message,
        }
    }
}
