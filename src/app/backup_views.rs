//! Backups as a server shows them, and what may be done with them without anybody at a terminal.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    AppError, Installation, Result, Wanted, create_backup, drill_backup, list_backups, prune_backups, restore_backup,
    show_backup, verify_backup,
};
use crate::backup::{self, BackupId, Contents, Kind, Listed, Record, State};
use crate::version::Version;

#[derive(Debug, Serialize, ToSchema)]
pub struct BackupView {
    #[schema(value_type = String, example = "backup_0b1_20260131_235959")]
    pub id: BackupId,
    pub state: BackupState,
    /// Why it failed or what is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The update that it was made before; absent for one by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_update: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub version: Option<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created: Option<Timestamp>,
    /// Files and links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Bytes of the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes that it added to the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_bytes: Option<u64>,
    /// When it was last restored for practice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub drilled_at: Option<Timestamp>,
}

impl BackupView {
    pub(super) fn is_whole_and_by(&self, by: &str) -> bool {
        self.state == BackupState::Whole && self.by.as_deref() == Some(by)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BackupState {
    Whole,
    Failed,
    Damaged,
}

/// A file of a backup.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupFileView {
    /// Relative to the installation.
    pub path: String,
    pub size: u64,
    pub mode: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Newest first.
pub fn backup_views(installation: &Installation) -> Result<Vec<BackupView>> {
    Ok(list_backups(installation, None)?.into_iter().map(of_listed).collect())
}

/// A backup with all its files.
pub fn backup_contents(installation: &Installation, id: &BackupId) -> Result<(BackupView, Vec<BackupFileView>)> {
    let Contents { record, files } = show_backup(installation, None, id)?;
    let files = files.into_iter().map(|file| BackupFileView {
        path: file.path,
        size: file.size,
        mode: file.mode,
        link: file.link,
    });
    Ok((of_record(record), files.collect()))
}

/// Does what was ordered, to its end.
pub fn perform(installation: &Installation, wanted: &Wanted, by: &str) -> Result<Value> {
    let said = |value: std::result::Result<Value, serde_json::Error>| value.map_err(|e| AppError::below("NL0404", &e));
    match wanted {
        Wanted::BackupCreate { full } => {
            let made = create_backup(installation, None, by, *full, &mut |_, _| {})?;
            said(serde_json::to_value(of_record(made.record)))
        }
        Wanted::BackupVerify { backup_id } => {
            let record = verify_backup(installation, None, backup_id)?;
            said(serde_json::to_value(of_record(record)))
        }
        Wanted::BackupRestore { backup_id, only } => {
            let restored = restore_backup(installation, None, backup_id, only.clone(), None)?;
            said(serde_json::to_value(restored))
        }
        Wanted::BackupDrill { backup_id } => said(serde_json::to_value(drill_backup(installation, None, backup_id)?)),
        Wanted::BackupPrune => said(serde_json::to_value(prune_backups(installation, None)?)),
        Wanted::Upgrade { .. } | Wanted::Downgrade { .. } | Wanted::Rollback { .. } => {
            Ok(json!({"problem": "an update is driven, not performed"}))
        }
    }
}

/// A restore was cut off while it put files in place; the same once more finishes it.
pub fn is_half_restored(installation: &Installation) -> bool {
    backup::is_half_restored(installation.layout.root())
}

fn of_listed(listed: Listed) -> BackupView {
    let drilled_at = listed.drilled.map(|drilled| drilled.at);
    match listed.state {
        State::Whole(record) => BackupView {
            drilled_at,
            ..of_record(record)
        },
        State::Failed(failure) => BackupView {
            state: BackupState::Failed,
            problem: Some(failure.failed),
            before_update: before(failure.kind),
            version: failure.version,
            by: Some(failure.by),
            created: Some(failure.created),
            ..bare(failure.id)
        },
        State::Damaged(reason) => BackupView {
            state: BackupState::Damaged,
            problem: Some(reason),
            ..bare(listed.id)
        },
    }
}

fn of_record(record: Record) -> BackupView {
    BackupView {
        before_update: before(record.kind),
        version: record.version,
        by: Some(record.by),
        created: Some(record.created),
        files: Some(record.files),
        size: Some(record.size),
        new_bytes: Some(record.new_bytes),
        ..bare(record.id)
    }
}

fn bare(id: BackupId) -> BackupView {
    BackupView {
        id,
        state: BackupState::Whole,
        problem: None,
        before_update: None,
        version: None,
        by: None,
        created: None,
        files: None,
        size: None,
        new_bytes: None,
        drilled_at: None,
    }
}

fn before(kind: Kind) -> Option<String> {
    match kind {
        Kind::BeforeUpdate(update) => Some(update),
        Kind::Manual => None,
    }
}
