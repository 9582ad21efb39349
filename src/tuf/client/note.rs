//! What the client decided, for whoever wants to be told.

use std::fmt;

use jiff::Timestamp as Time;

use crate::tuf::Role;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Not an error: which of the two times was wrong is not known here.
    ClockWentBack {
        seen: Time,
        now: Time,
        file: String,
    },
    /// Verified just now and kept on this disk.
    Accepted {
        name: String,
        version: u64,
    },
    /// Verified before and still what the repository announces.
    Current {
        name: String,
        version: u64,
    },
    /// 5.3.11: rollback checks begin anew, so that a publisher can recover from versions that an attacker drove up.
    Recovered {
        root: u64,
    },
    /// Taken although it has expired.
    Stale {
        name: String,
        expired: Time,
    },
    /// A search went into this role.
    Searched {
        name: String,
    },
    Found {
        target: String,
        by: String,
    },
}

impl Note {
    /// Whether an operator should see it unasked.
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::ClockWentBack { .. } | Self::Stale { .. })
    }

    pub(super) fn accepted(role: Role, version: u64) -> Self {
        Self::Accepted {
            name: role.name().into(),
            version,
        }
    }

    pub(super) fn current(role: Role, version: u64) -> Self {
        Self::Current {
            name: role.name().into(),
            version,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockWentBack { seen, now, file } => write!(
                f,
                "the clock says {now:.0} and said {seen:.0} before; set it right, or remove {file} if the earlier time was wrong: with a clock that is behind, metadata that has expired passes for fresh"
            ),
            Self::Accepted { name, version } => write!(f, "{name} {version} is verified and kept"),
            Self::Current { name, version } => write!(f, "{name} {version} is still the newest"),
            Self::Recovered { root } => write!(
                f,
                "root {root} changes the keys of timestamp or snapshot, so their former versions no longer count"
            ),
            Self::Stale { name, expired } => write!(
                f,
                "THE {} OF THIS REPOSITORY EXPIRED AT {expired:.0} and is taken all the same, as `repository.max_staleness` has it: releases may have been withdrawn since",
                name.to_uppercase()
            ),
            Self::Searched { name } => write!(f, "searching {name}"),
            Self::Found { target, by } => write!(f, "`{target}` is listed by {by}"),
        }
    }
}
