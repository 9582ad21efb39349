//! Schema migrations of a product's SQLite database, run through refinery and cured of its traps: a migration and its
//! history row are one transaction, foreign keys cannot cascade through a rebuilt table, and no file is passed over silently.

mod down;
mod driver;
mod error;
mod files;
mod foreign_keys;
mod history;
mod open;
mod shape;
mod trial;
mod up;

#[cfg(test)]
mod tests;

pub use down::{StoredDown, down, downs_of};
pub use error::SchemaError;
pub use files::SchemaFiles;
pub use history::level;
pub use shape::fingerprint;
pub use trial::{Trial, trial_down, trial_up};
pub use up::up;

/// The levels that a run went through, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    levels: Vec<u32>,
}

impl Applied {
    pub fn count(&self) -> usize {
        self.levels.len()
    }

    pub fn levels(&self) -> &[u32] {
        &self.levels
    }
}
