//! Why something could not be fetched, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::crypt::Digest;
use crate::disk::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("`{name}` does not name a file of a repository: expected a relative path without `.`, `..` or empty parts")]
    Name { name: String },
    #[error("cannot reach {url}: {reason}; check the address and the network, then run the same command again")]
    Unreachable { url: String, reason: String },
    #[error("the transfer of {url} broke off: {reason}; run the same command again")]
    Cut { url: String, reason: String },
    #[error("{url} was not wholly here after {} s; run the same command again on a faster network", limit.as_secs())]
    TimedOut { url: String, limit: Duration },
    #[error("cannot get {url}: {reason}; check the address and the server's certificate")]
    Refused { url: String, reason: String },
    #[error("{url} is answered with status {status}; ask those who run the repository")]
    Status {
        url: String,
        status: u16,
        /// What the server asks to wait before the next try.
        retry_after: Option<Duration>,
    },
    #[error("{url} answers no more requests from here for {} s; try again then", wait.as_secs())]
    UsedUp { url: String, wait: Duration },
    #[error("{url} does not say how long it is; ask those who publish it")]
    NoLength { url: String },
    #[error("{reason}")]
    Address { reason: String },
    #[error("{url} redirects more than {limit} times; ask those who run the repository")]
    Redirects { url: String, limit: u32 },
    #[error("{url} redirects away from https, which is refused; ask those who run the repository")]
    Downgrade { url: String },
    #[error("{url} does not exist; check the address, or ask the publisher to put the file back")]
    Missing { url: String },
    #[error("{url} is longer than {limit} bytes, the most it may be; ask the publisher")]
    TooLong { url: String, limit: u64 },
    #[error("{url} is {found} bytes long but the publisher signed {expected}; ask the publisher")]
    Length { url: String, expected: u64, found: u64 },
    #[error(
        "{url} has SHA-256 {found} but the publisher signed {expected}; what was fetched is removed, ask the publisher"
    )]
    Digest {
        url: String,
        expected: Digest,
        found: Digest,
    },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} cannot be used as a bundle: {reason}; make it anew with `netlink release bundle`", path.display())]
    Bundle { path: PathBuf, reason: String },
    #[error("{} is not a plain file", path.display())]
    NotAFile { path: PathBuf },
    #[error("there is not enough room at {}: {needed} more bytes are to come, {free} are free; make room and try again", path.display())]
    NoRoom {
        path: PathBuf,
        needed: u64,
        free: u64,
        #[source]
        source: io::Error,
    },
    #[error(
        "the proxy for {url} is not one that can be used: {reason}; correct the environment variable HTTP_PROXY or HTTPS_PROXY"
    )]
    Proxy { url: String, reason: String },
    #[error(
        "cannot make requests to {url}: {reason}; give AWS_ACCESS_KEY_ID and the other AWS_ variables in the environment"
    )]
    Store { url: String, reason: String },
    #[error("none of {} places has it: {}", failures.len(), listed(failures))]
    Nowhere { failures: Vec<FetchError> },
    #[error("the download was interrupted; what has arrived is kept")]
    Stopped,
    #[error("the repository {} does not exist on this machine; check its path and that its disk is mounted", path.display())]
    NoFolder { path: PathBuf },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Where a server asks for more, another place is asked at once.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl FetchError {
    /// Whether the same request may well succeed a moment later.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut { .. } => true,
            Self::Status { retry_after, .. } if retry_after.is_some_and(|asked| asked > LONGEST_WAIT) => false,
            Self::UsedUp { wait, .. } => *wait <= LONGEST_WAIT,
            Self::Status { status, .. } => *status >= 500 || matches!(status, 408 | 425 | 429),
            _ => false,
        }
    }

    /// What the server asks to wait before the next try.
    pub(super) fn asked_pause(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::UsedUp { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// Whether another place may have what this one did not give.
    pub fn is_of_the_source(&self) -> bool {
        !matches!(
            self,
            Self::Disk(_) | Self::NoRoom { .. } | Self::Name { .. } | Self::Address { .. } | Self::Stopped
        )
    }

    /// Whether somebody asked for the download to leave off.
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}

fn listed(failures: &[FetchError]) -> String {
    let one = |(at, failure): (usize, &FetchError)| format!("({}) {failure}", at + 1);
    failures.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> FetchError {
    FetchError::Read {
        path: path.to_owned(),
        source,
    }
}
