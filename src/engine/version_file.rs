//! `version.json`, for other programs to read (spec 003, "Version Configuration").

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk::{self, DiskError};
use crate::named;
use crate::version::{Channel, Scheme, Version};

/// A history this long is more than any installation has.
const LIMIT: u64 = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionFile {
    pub current_version: Version,
    pub last_updated: Timestamp,
    /// Every version that was active here, oldest first.
    pub history: Vec<VersionEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEntry {
    pub version: Version,
    /// When it became the active one.
    pub release_date: Timestamp,
    /// `development`, `testing` or `stable`, after the channel.
    pub status: String,
    pub migration_required: bool,
    /// The release whose schema and configuration are in place.
    pub database_version: Version,
    pub config_version: Version,
}

#[derive(Debug, thiserror::Error)]
pub enum VersionFileError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("version.json is not readable: {0}")]
    Json(#[from] serde_json::Error),
}

impl VersionFile {
    /// None when there is no such file yet.
    pub fn read(path: &Path) -> Result<Option<Self>, VersionFileError> {
        match disk::read_limited(path, LIMIT) {
            Ok(bytes) => Ok(Some(named::from_json(&bytes)?)),
            Err(e) if e.is_missing() => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), VersionFileError> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(disk::write_atomic(path, &text, 0o644)?)
    }

    /// The file after `version` has become the active one; after a repair it has been that before.
    pub fn with(before: Option<Self>, version: &Version, migrated: bool, now: Timestamp) -> Self {
        let mut history = before.map(|file| file.history).unwrap_or_default();
        if history.last().is_none_or(|last| last.version != *version) {
            history.push(VersionEntry {
                version: version.clone(),
                release_date: now,
                status: status_of(version.channel()).to_owned(),
                migration_required: migrated,
                database_version: version.clone(),
                config_version: version.clone(),
            });
        }
        Self {
            current_version: version.clone(),
            last_updated: now,
            history,
        }
    }
}

fn status_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Alpha => "development",
        Channel::Beta => "testing",
        Channel::Release => "stable",
    }
}
