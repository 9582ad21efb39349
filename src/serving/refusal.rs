//! Why a request is refused before any verb is asked. What a verb says no with is an [`AppError`] of its own.

use std::fmt;
use std::time::Duration;

use crate::app::AppError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing was sent that could let anybody in, or it does no longer.
    Nobody(&'static str),
    /// A token was sent, but not the right one.
    WrongToken(&'static str),
    /// One that was sent before, more often than is written down.
    WrongAgain(&'static str),
    /// The sender is known, and not allowed to.
    RoleTooLow(String),
    TooOften {
        what: &'static str,
        wait: Duration,
    },
    /// The request itself is not as described.
    Malformed(String),
    /// It could not be found out.
    Failed {
        code: &'static str,
        message: String,
    },
}

impl Refusal {
    pub const fn nothing_sent() -> Self {
        Self::Nobody(
            "no bearer token was sent; `netlink --server` takes it from `--token-file FILE` or from `NETLINK_TOKEN`, \
             other clients send `Authorization: Bearer TOKEN`",
        )
    }

    pub fn code(&self) -> &'static str {
        match self {
            Self::Nobody(_) | Self::WrongToken(_) | Self::WrongAgain(_) => "NL0701",
            Self::RoleTooLow(_) => "NL0713",
            Self::TooOften { .. } => "NL0714",
            Self::Malformed(_) => "NL0703",
            Self::Failed { code, .. } => code,
        }
    }

    /// Seconds after which it is worth asking again, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooOften { wait, .. } => Some(wait.as_secs() + 1),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody(detail) | Self::WrongToken(detail) | Self::WrongAgain(detail) => f.write_str(detail),
            Self::RoleTooLow(detail) | Self::Malformed(detail) | Self::Failed { message: detail, .. } => {
                f.write_str(detail)
            }
            Self::TooOften { what, wait } => write!(f, "{what}; ask again in {} s", wait.as_secs() + 1),
        }
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        Self::Failed {
            code: error.code().id,
            message: error.to_string(),
        }
    }
}
