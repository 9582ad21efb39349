//! Whoever follows a run: is told of what comes before it comes, and keeps of it what is needed afterwards.

use serde::{Deserialize, Serialize};

use super::SchemaError;
use crate::crypt::Digest;

/// The next file of a run.
pub struct Turn {
    pub level: u32,
    /// Of the schema as it is before the file.
    pub schema: Digest,
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
    fn turn(&mut self, _: &Turn) -> Result<(), NotKept> {
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
