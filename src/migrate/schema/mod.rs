//! Schema migrations of a product's SQLite database, run through refinery and cured of its traps: a migration and its
//! history row are one transaction, foreign keys cannot cascade through a rebuilt table, and no file is passed over silently.

mod checks;
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
mod names;
mod open;
mod shape;
mod sql;
mod stages;
mod stored;
mod trial;
mod up;

#[cfg(test)]
mod tests;

pub use diff::{Difference, diff};
pub use directives::Phase;
pub use down::down;
pub use driver::GoOn;
pub use error::SchemaError;
pub use files::SchemaFiles;
pub use history::level;
pub use listed::Listed;
pub use shape::fingerprint;
pub use stages::Stages;
pub use stored::{StoredLevel, WayDown};
pub use trial::{Trial, TriedFile, WayBack, trial_down, trial_up};
pub use up::{Keep, Turn, up, up_pausing};

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
    before: shape::Shape,
}
