//! Databases on servers, by their own tools: dumped as a stream, restored beside the live one and then exchanged with it.
//! Nothing here goes through a file: a dump may be larger than the disk has room for.

mod credentials;
mod error;
mod file;
mod mysql;
mod postgresql;
mod rows;
mod sql;
mod tool;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use error::ServerError;
pub use file::DumpFile;

use super::BackupError;
use crate::release::{ServerEngine, ServerLogin, ServerPlace};

type Result<T> = std::result::Result<T, ServerError>;

/// A database of the product, and how it is reached.
#[derive(Debug, Clone)]
pub struct Server {
    pub login: ServerLogin,
    pub tools: Tools,
    /// The installation: its commands carry its mark, so that those of a NetLink that was killed are found and ended.
    pub root: PathBuf,
}

/// The programs that come with a server's client package, and how long they may take.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Where they are; none to find them as a shell does.
    pub dir: Option<PathBuf>,
    /// Without a byte of a dump.
    pub idle: Duration,
    /// For a whole dump or restore.
    pub limit: Duration,
}

/// What server and tools say of themselves; both fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub server: String,
    pub tool: String,
}

/// What is known of a dump besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpNote {
    pub engine: ServerEngine,
    pub database: String,
    /// Versions of the server and of the tool.
    pub server: String,
    pub tool: String,
    /// Tables with rows and all rows, where the dump itself tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub tables: u64,
    pub rows: u64,
}

/// Which of the databases beside the live one: each purpose has its own, so that a dry run never meets the copy of a running update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Restore,
    Drill,
    /// A copy on which migrations are tried.
    Trial,
    /// The same for somebody who only wants to see.
    DryRun,
    /// An empty one, to compare with.
    Fresh,
}

/// Gives a dump to whoever takes it, piece by piece and from its beginning each time.
pub type Give<'a> = &'a mut dyn FnMut(Take<'_>) -> std::result::Result<(), BackupError>;
pub type Take<'a> = &'a mut dyn FnMut(&[u8]) -> std::result::Result<(), BackupError>;

/// A dump that was loaded beside the live database, complete; or that is still to be loaded, all at once, where nothing may be
/// made beside it.
#[derive(Debug)]
pub enum Beside {
    Postgresql(postgresql::Beside),
    Mysql(mysql::Beside),
}

impl Server {
    /// Where its dump is in a backup.
    pub fn dump_path(&self) -> String {
        format!("{DUMPS}/{}", dump_name(self.login.engine))
    }

    /// Reaches the server and compares its version with those of the tools.
    pub fn check(&self) -> Result<Checked> {
        match self.login.engine {
            ServerEngine::Postgresql => postgresql::check(self),
            ServerEngine::Mysql => mysql::check(self),
        }
    }

    /// Bytes that the database has on the server, roughly.
    pub fn size(&self) -> Result<u64> {
        match self.login.engine {
            ServerEngine::Postgresql => postgresql::size(self),
            ServerEngine::Mysql => mysql::size(self),
        }
    }

    /// Hands a consistent dump to `each`, piece by piece. An error when any of it is missing.
    pub fn dump(&self, each: Take<'_>) -> std::result::Result<DumpNote, BackupError> {
        let checked = self.check()?;
        let counted = match self.login.engine {
            ServerEngine::Postgresql => postgresql::dump(self, each).map(|()| None)?,
            ServerEngine::Mysql => Some(mysql::dump(self, each)?),
        };
        Ok(DumpNote {
            engine: self.login.engine,
            database: self.login.database.clone(),
            server: checked.server,
            tool: checked.tool,
            counted,
        })
    }

    /// Loads a dump beside the live database and compares what arrived; what was left there by a run that was killed is removed.
    /// On an error nothing stays.
    pub fn load(&self, note: &DumpNote, purpose: Purpose, give: Give<'_>) -> std::result::Result<Beside, BackupError> {
        Ok(match self.login.engine {
            ServerEngine::Postgresql => Beside::Postgresql(postgresql::load(self, purpose, give)?),
            ServerEngine::Mysql => Beside::Mysql(mysql::load(self, note, purpose, give)?),
        })
    }

    /// Puts what was loaded in the place of the live database. On an error the live one is as it was.
    pub fn exchange(&self, beside: &Beside, give: Give<'_>) -> std::result::Result<(), BackupError> {
        match beside {
            Beside::Postgresql(beside) => postgresql::exchange(self, beside, give),
            Beside::Mysql(beside) => Ok(mysql::exchange(self, beside)?),
        }
    }

    /// An empty database like the live one, beside it. What a run that was killed left there is replaced.
    pub fn make_empty(&self, purpose: Purpose) -> std::result::Result<Beside, BackupError> {
        Ok(match self.login.engine {
            ServerEngine::Postgresql => Beside::Postgresql(postgresql::make_empty(self, purpose)?),
            ServerEngine::Mysql => Beside::Mysql(mysql::make_empty(self, purpose)?),
        })
    }

    /// Drops what a run that was killed left beside the live database.
    pub fn remove_left(&self, purpose: Purpose) -> Result<()> {
        match self.login.engine {
            ServerEngine::Postgresql => postgresql::remove_left(self, purpose),
            ServerEngine::Mysql => mysql::remove_left(self, purpose),
        }
    }

    /// How the one beside is reached.
    pub fn login_beside(&self, purpose: Purpose) -> ServerLogin {
        ServerLogin {
            database: names_beside(&self.login.database, purpose).0,
            ..self.login.clone()
        }
    }

    /// Free bytes where the server keeps its data; none when that is not known, as of another machine.
    pub fn free_space(&self) -> Option<u64> {
        let is_here = match &self.login.place {
            ServerPlace::Default | ServerPlace::Socket { .. } => true,
            ServerPlace::Host { name, .. } => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        };
        let folder = match self.login.engine {
            _ if !is_here => return None,
            ServerEngine::Postgresql => postgresql::folder(self),
            ServerEngine::Mysql => mysql::folder(self),
        };
        // Who may not ask does not know.
        let folder = PathBuf::from(folder.ok()?.trim());
        crate::disk::free_space(&folder).ok().filter(|_| folder.is_absolute())
    }

    /// Removes what lies beside: the database from before an exchange, or what was loaded and is not wanted.
    pub fn forget(&self, beside: &Beside) -> Result<()> {
        match beside {
            Beside::Postgresql(beside) => postgresql::forget(self, beside),
            Beside::Mysql(beside) => mysql::forget(self, beside),
        }
    }
}

/// The folder that dumps have in a backup.
pub const DUMPS: &str = "databases";

fn dump_name(engine: ServerEngine) -> &'static str {
    match engine {
        ServerEngine::Postgresql => "postgresql.dump",
        ServerEngine::Mysql => "mysql.sql",
    }
}

/// Names of the databases beside the live one: the one being loaded, and the one from before. The same for every run, so that one that
/// was killed is tidied up after.
fn names_beside(live: &str, purpose: Purpose) -> (String, String) {
    let digest = crate::crypt::digest_of(live.as_bytes()).to_string();
    let mark = &digest[..16.min(digest.len())];
    match purpose {
        Purpose::Restore => (format!("netlink_new_{mark}"), format!("netlink_old_{mark}")),
        Purpose::Drill => (format!("netlink_drill_{mark}"), format!("netlink_drilled_{mark}")),
        Purpose::Trial => (format!("netlink_trial_{mark}"), format!("netlink_tried_{mark}")),
        Purpose::DryRun => (format!("netlink_dry_{mark}"), format!("netlink_dried_{mark}")),
        Purpose::Fresh => (format!("netlink_fresh_{mark}"), format!("netlink_freshened_{mark}")),
    }
}
