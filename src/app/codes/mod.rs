//! The one table of codes: what each `NL…` means, and how every door says it.

mod backups;
mod publishing;
mod server;
mod updates;

/// How a kind of no is said: exit code of the command line, HTTP status, status of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be carried out as it stands.
    Refused,
    /// The installation is not fit for any request; whoever asked from afar cannot help it.
    Unfit,
    /// It would lead where hardly anybody wants to go as things stand; said more exactly it is done.
    Doubtful,
    /// Not as things stand; once they are changed the same is done.
    Conflict,
    /// What was named is not there.
    NotFound,
    /// Somebody else is at work, or an earlier update is not finished.
    NotNow,
    /// Not confirmed, or stopped by the operator.
    Cancelled,
    /// Tried and failed; everything is as it was, or was put back.
    Failed,
    /// A person is needed.
    Stuck,
    /// The token is missing or wrong.
    Denied,
    /// Known, and not allowed to.
    Forbidden,
    /// Asked more often than is allowed.
    TooOften,
    /// The server takes no more of it for now.
    Unavailable,
}

impl Kind {
    /// INTERFACES: 1 failed, 2 refused, 3 cancelled, 4 a person is needed, 75 not now.
    pub fn exit(self) -> u8 {
        match self {
            Self::Refused
            | Self::Doubtful
            | Self::Conflict
            | Self::Unfit
            | Self::NotFound
            | Self::Denied
            | Self::Forbidden => 2,
            Self::NotNow | Self::TooOften | Self::Unavailable => 75,
            Self::Cancelled => 3,
            Self::Failed => 1,
            Self::Stuck => 4,
        }
    }

    pub fn http(self) -> u16 {
        match self {
            Self::Refused => 422,
            Self::NotFound => 404,
            Self::Doubtful | Self::Conflict | Self::NotNow | Self::Cancelled => 409,
            Self::Failed | Self::Stuck | Self::Unfit => 500,
            Self::Denied => 401,
            Self::Forbidden => 403,
            Self::TooOften => 429,
            Self::Unavailable => 503,
        }
    }

    /// Seconds after which it is worth asking again: the same may be done then without anybody's doing.
    pub fn retry_after(self) -> Option<u64> {
        matches!(self, Self::NotNow | Self::TooOften | Self::Unavailable).then_some(5)
    }

    /// The canonical codes of gRPC by their numbers.
    pub fn grpc(self) -> i32 {
        match self {
            // 9 FAILED_PRECONDITION: as things stand; what is wrong whatever they are is said as 3 by the door itself.
            Self::Refused | Self::Doubtful | Self::Conflict | Self::Cancelled => 9,
            // 5 NOT_FOUND
            Self::NotFound => 5,
            // 10 ABORTED: the same again later, but not at once and blindly.
            Self::NotNow => 10,
            // 13 INTERNAL
            Self::Failed | Self::Stuck | Self::Unfit => 13,
            // 16 UNAUTHENTICATED, 7 PERMISSION_DENIED
            Self::Denied => 16,
            Self::Forbidden => 7,
            // 8 RESOURCE_EXHAUSTED, 14 UNAVAILABLE
            Self::TooOften => 8,
            Self::Unavailable => 14,
        }
    }
}

#[derive(Debug)]
pub struct Code {
    pub id: &'static str,
    pub kind: Kind,
    /// A few words, the same every time.
    pub title: &'static str,
    /// What it means and what to do.
    pub explanation: &'static str,
}

const fn code(id: &'static str, kind: Kind, title: &'static str, explanation: &'static str) -> Code {
    Code {
        id,
        kind,
        title,
        explanation,
    }
}

/// In order of their numbers: 01 usage and planning, 02 the repository, 03 steps of an update, 04 the installation, 05 publishing, 06 backups, 07 the server.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let tables = [updates::CODES, publishing::CODES, backups::CODES, server::CODES];
    tables.into_iter().flatten()
}

/// The entry of this id; an id that is not in the table is a fault of ours and shown as the last one.
pub fn lookup(id: &str) -> &'static Code {
    const LAST: Code = code("NL0999", Kind::Failed, "something else", "The message says what.");
    all().find(|code| code.id.eq_ignore_ascii_case(id)).unwrap_or(&LAST)
}
