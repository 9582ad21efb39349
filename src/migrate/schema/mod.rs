//! Schema migrations of a product's database, run through refinery and cured of its traps: a migration and its history row are one
//! transaction where the database can, foreign keys cannot cascade through a rebuilt table, no error is dropped, and no file is
//! passed over silently.

mod background;
mod checks;
mod database;
mod diff;
mod directives;
mod down;
mod driver;
mod error;
mod files;
mod foreign_keys;
mod history;
mod lint;
mod listed;
mod mysql;
mod names;
mod postgresql;
mod shape;
mod sql;
mod sqlite;
mod stages;
mod statements;
mod stored;
mod tls;
mod trial;
mod up;
mod witness;
mod write_ahead;

#[cfg(test)]
mod tests;

pub use database::{PATIENCE, Place, Reach};
pub use diff::{Difference, diff};
pub use directives::Phase;
pub use down::down;
pub use error::SchemaError;
pub use files::SchemaFiles;
pub use history::level;
pub use listed::Listed;
pub use shape::{fingerprint, quick_check};
pub use sql::Dialect;
pub use stages::Stages;
pub use stored::{StoredLevel, WayDown};
pub use trial::{Renew, Trial, TriedFile, WayBack, trial_down, trial_up};
pub use up::up;
pub use witness::{Log, Nobody, NotKept, Schema, Standing, Way, Witness};

/// The files that a run went through, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    files: Vec<FileRun>,
}

impl Applied {
    pub fn count(&self) -> usize {
        self.files.len()
    }

    pub fn files(&self) -> &[FileRun] {
        &self.files
    }
}

/// One file that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRun {
    pub level: u32,
    /// The name of the file.
    pub title: String,
    pub seconds: f64,
    /// That were inserted, updated or deleted.
    pub rows: u64,
}
