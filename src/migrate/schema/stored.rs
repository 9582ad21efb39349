//! What is kept of a level when it is applied: how it is taken back, or why it cannot be.

use serde::{Deserialize, Serialize};

use super::directives::Phase;
use super::files::SchemaFiles;
use super::trial::WayBack;
use crate::crypt::{Digest, digest_of};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredLevel {
    pub level: u32,
    pub name: String,
    pub phase: Phase,
    pub way: WayDown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum WayDown {
    Sql {
        sql: String,
        sha256: Digest,
        /// What the schema was before the level, and has to be after the way down.
        schema: Digest,
        /// It was tried on a copy of the data.
        rehearsed: bool,
    },
    None {
        reason: String,
    },
}

impl StoredLevel {
    /// Of a file and the schema before it. What a trial has found of its way down decides; what was not tried then is tried before it
    /// is used.
    pub fn of(files: &SchemaFiles, level: u32, schema: Digest, tried: Option<&WayBack>) -> Option<Self> {
        let step = files.get(level)?;
        let none = |reason: &str| WayDown::None {
            reason: reason.to_owned(),
        };
        let way = match (&step.directives.irreversible, step.usable_down(), tried) {
            (Some(why), ..) => none(why),
            (None, None, _) => none(NO_WAY_DOWN),
            (None, Some(_), Some(WayBack::None { reason })) => none(reason),
            (None, Some(down), tried) => WayDown::Sql {
                sha256: digest_of(down.sql.as_bytes()),
                sql: down.sql.clone(),
                schema,
                rehearsed: tried.is_some(),
            },
        };
        Some(Self {
            level,
            name: step.migration.name().to_owned(),
            phase: step.phase(),
            way,
        })
    }

    /// Why it cannot be taken back; none when it can.
    pub fn one_way(&self) -> Option<&str> {
        match &self.way {
            WayDown::Sql { .. } => None,
            WayDown::None { reason } => Some(reason),
        }
    }
}

pub(super) const NO_WAY_DOWN: &str = "its release brings no way down";
