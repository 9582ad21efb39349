//! Why a database server or its tools do not do what a backup needs.

use crate::disk::DiskError;
use crate::host::CommandError;

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(
        "`{tool}` is not there, which the backup of the product's database needs: install {package}, or name its folder in `update_system.backup.server_tools`"
    )]
    ToolMissing { tool: String, package: &'static str },
    #[error("`{tool}` says `{said}`, which is not a version that is understood")]
    NoVersion { tool: String, said: String },
    #[error(
        "`{tool}` is of version {found} and the server is {server}, which it cannot dump: install {package} \
         (of PostgreSQL's own packages if the system has none), or name its folder in `update_system.backup.server_tools`"
    )]
    ToolTooOld {
        tool: String,
        found: u32,
        server: u32,
        package: String,
    },
    #[error(
        "the database `{database}` cannot be reached or refuses: {said}; see the product's configuration, which says where it is and who asks"
    )]
    Refused { database: String, said: String },
    #[error("`{tool}` failed on the database `{database}` ({status}): {said}")]
    Failed {
        tool: String,
        database: String,
        status: String,
        said: String,
    },
    #[error("the dump of the database `{database}` is cut off: `{tool}` ended before it was complete")]
    CutOff { tool: String, database: String },
    #[error(
        "a row of the database `{database}` takes {needed} bytes in a dump, which the server would not take back: its max_allowed_packet is {most}; \
         set it to {needed} or more"
    )]
    RowTooLong { database: String, needed: u64, most: u64 },
    #[error(
        "a session of a NetLink that was killed is still at work on the server of the database `{database}` and does not end; \
         end its sessions there, and run the same again"
    )]
    StillAtWork { database: String },
    #[error("what was restored is not what was dumped: {what}; the live database was not touched")]
    Differs { what: String },
    #[error(
        "the user of the database `{database}` may not make a database beside it, which is needed to restore without risk; {remedy}"
    )]
    MayNotMake { database: String, remedy: String },
    #[error(
        "the database `{database}` has a view, routine, trigger or event of {definer}, which its user could not put back if the exchange failed; \
         as the server's administrator: GRANT SET USER ON *.* TO that user (SET_USER_ID with MySQL), or make it anew as that user"
    )]
    Foreign { database: String, definer: String },
    #[error(
        "the database `{database}` was not restored ({cause}) and is not as it was either ({also}); mend the cause and run the restore again"
    )]
    NotPutBack {
        database: String,
        cause: Box<ServerError>,
        also: Box<ServerError>,
    },
    #[error(
        "the backup has {dump}, and the installed release names no database of that kind; restore it as a file with `--only {dump} --into DIR`"
    )]
    NoServer { dump: String },
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl ServerError {
    /// The code of the product's one table of codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ToolMissing { .. } | Self::NoVersion { .. } | Self::ToolTooOld { .. } => "NL0611",
            Self::Refused { .. } => "NL0612",
            Self::MayNotMake { .. } | Self::Foreign { .. } | Self::Differs { .. } => "NL0614",
            Self::NotPutBack { .. } => "NL0615",
            _ => "NL0613",
        }
    }
}
