//! Ways back of schema and configuration, stored when the way there was taken.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Result, Store};
use crate::version::Version;

impl Store {
    /// Keeps the ways down from schema levels, each as JSON of the migrating room: all or none.
    pub fn keep_schema_downs(&self, downs: &[(u32, String)]) -> Result<()> {
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let mut kept =
                commit.prepare_cached("INSERT OR REPLACE INTO schema_downs (level, down) VALUES (?1, ?2)")?;
            downs
                .iter()
                .try_for_each(|row| kept.execute(params![row.0, row.1]).map(drop))?;
            drop(kept);
            commit.commit()
        })
    }

    /// All kept ways down by level.
    pub fn schema_downs(&self) -> Result<BTreeMap<u32, String>> {
        let rows: Vec<(u32, String)> = self.rows("SELECT level, down FROM schema_downs", [])?;
        Ok(rows.into_iter().collect())
    }

    /// Keeps how to take back what the migration of `version` did to a configuration file.
    pub fn keep_config_inverse(&self, version: &Version, file: &str, inverse: &str) -> Result<()> {
        self.try_to("write", |db| {
            db.execute(
                "INSERT OR REPLACE INTO config_inverses (version, file, inverse) VALUES (?1, ?2, ?3)",
                params![version.to_string(), file, inverse],
            )
        })?;
        Ok(())
    }

    /// The kept inverses for one file by version, oldest first.
    pub fn config_inverses(&self, file: &str) -> Result<BTreeMap<Version, String>> {
        let rows: Vec<(String, String)> =
            self.rows("SELECT version, inverse FROM config_inverses WHERE file = ?1", [file])?;
        let parse = |(version, inverse): (String, String)| match version.parse() {
            Ok(version) => Ok((version, inverse)),
            Err(e) => Err(self.unreadable(format!("a version `{version}`"), &e)),
        };
        rows.into_iter().map(parse).collect()
    }
}
