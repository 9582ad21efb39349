//! Whoever follows a run: is told of what comes before it comes, and keeps of it what is needed afterwards.

use serde::{Deserialize, Serialize};

use super::SchemaError;
use crate::crypt::Digest;

/// Gives the fingerprint of the schema as it is; reading it costs.
pub type Schema<'s> = &'s mut dyn FnMut() -> Result<Digest, NotKept>;

/// How a database of SQLite commits during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// As found: somebody else may use the database.
    AsFound,
    /// Nobody else uses the database: it may have a write-ahead log for the length of the run.
    MayChange,
    /// It was given one that it did not have, by this run or one that did not end.
    Changed,
}

/// Where a file stands whose statements are not one transaction: this one has begun, those before it are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    pub level: u32,
    pub way: Way,
    /// From 1.
    pub number: usize,
    pub count: usize,
    /// Of the file, where the statement begins.
    pub line: usize,
}

impl Standing {
    pub(super) fn cut_off(self, name: &str) -> SchemaError {
        SchemaError::CutOff {
            level: self.level,
            name: name.to_owned(),
            way: self.way,
            number: self.number,
            count: self.count,
            line: self.line,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Up,
    Down,
}

/// Why something could not be kept.
pub type NotKept = Box<dyn std::error::Error + Send + Sync>;

pub trait Witness {
    /// Before a file: what is kept of it is there whatever happens then.
    fn turn(&mut self, _level: u32, _: Schema<'_>) -> Result<(), NotKept> {
        Ok(())
    }

    /// After the last file, which has led to this level. An error when that is not what was to come of it.
    fn arrived(&mut self, _level: u32, _: Schema<'_>) -> Result<(), NotKept> {
        Ok(())
    }

    fn log(&self) -> Result<Log, NotKept> {
        Ok(Log::AsFound)
    }

    /// [`Log::Changed`] from now on, or no longer: durable before it is done, and until it is undone.
    fn log_changed(&mut self, _: bool) -> Result<(), NotKept> {
        Ok(())
    }

    /// Before each statement that stays by itself: when it is kept, it is durable.
    fn statement(&mut self, _: &Standing) -> Result<(), NotKept> {
        Ok(())
    }

    /// What was kept last by [`Witness::statement`], in whatever run.
    fn standing(&self) -> Option<Standing> {
        None
    }

    /// After each batch, with the rows that it changed. False to leave off.
    fn goes_on(&mut self, _: u64) -> bool {
        true
    }
}

/// Keeps nothing: for databases that are thrown away.
pub struct Nobody;

impl Witness for Nobody {}
