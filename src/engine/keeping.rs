//! What NetLink keeps of migrations that it runs, before they are run: how each level is taken back, and which statement has begun.

use super::StepError;
use crate::migrate::schema::{NotKept, SchemaFiles, Standing, StoredLevel, Trial, Turn, Witness};
use crate::store::{Fact, Store};

pub struct Keeping<'a> {
    pub store: &'a Store,
    /// Of a way up.
    pub files: Option<&'a SchemaFiles>,
    /// What was found of the ways down.
    pub tried: Option<&'a Trial>,
    /// Is told of the rows of each batch; false to leave off.
    pub go_on: &'a mut dyn FnMut(u64) -> bool,
}

impl Witness for Keeping<'_> {
    fn turn(&mut self, turn: &Turn) -> Result<(), NotKept> {
        let way_back = self.tried.and_then(|tried| tried.way_back(turn.level));
        let stored = self.files.and_then(|files| StoredLevel::of(files, turn, way_back));
        if let Some(level) = stored {
            self.store
                .keep_schema_down(level.level, &serde_json::to_string(&level)?)?;
        }
        Ok(())
    }

    fn statement(&mut self, standing: &Standing) -> Result<(), NotKept> {
        let json = serde_json::to_string(standing)?;
        Ok(self.store.set_fact(Fact::Standing, Some(&json))?)
    }

    fn standing(&self) -> Option<Standing> {
        standing(self.store)
    }

    fn goes_on(&mut self, rows: u64) -> bool {
        (self.go_on)(rows)
    }
}

/// What cannot be read was not written by this NetLink.
pub fn standing(store: &Store) -> Option<Standing> {
    serde_json::from_str(&store.fact(Fact::Standing).ok()??).ok()
}

/// The database is as it was before: nothing of it stands half done.
pub fn nothing_stands(store: &Store) -> Result<(), StepError> {
    let forgotten = store.set_fact(Fact::Standing, None);
    forgotten.map_err(|e| StepError::because("NL0404", &e))
}
