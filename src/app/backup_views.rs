//! Backups as a server shows them, and what may be done with them without anybody at a terminal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    AppError, Installation, Result, Wanted, create_backup, drill_backup, list_backups, prune_backups, restore_backup,
    show_backup, verify_backup,
};
use crate::backup::{self, BackupId, ContentFile, Contents, Drilled, DumpNote, Failure, Kind, Listed, Record, State};
use crate::version::Version;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
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
    /// What else it says of itself, as `netlink backup list --output json` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    pub record: Option<Record>,
    /// What its last drill found to be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    pub drilled: Option<Drilled>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BackupState {
    Whole,
    Failed,
    Damaged,
}

/// A file of a backup.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BackupFileView {
    /// Relative to the installation.
    pub path: String,
    pub size: u64,
    pub mode: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// It was still being written while it was read.
    pub unsettled: bool,
    /// A socket, pipe or device, which is not restored.
    pub special: bool,
    /// Of which database on a server it is a dump.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    pub dump: Option<DumpNote>,
}

/// Newest first.
pub fn backup_views(installation: &Installation) -> Result<Vec<BackupView>> {
    Ok(list_backups(installation, None)?.into_iter().map(of_listed).collect())
}

impl BackupView {
    /// As the list has it; none where a server has left out what belongs to its state.
    pub fn into_listed(self) -> Option<Listed> {
        let state = match self.state {
            BackupState::Whole => State::Whole(self.record?),
            BackupState::Failed => State::Failed(Failure {
                id: self.id.clone(),
                kind: self.before_update.map_or(Kind::Manual, Kind::BeforeUpdate),
                version: self.version,
                by: self.by?,
                created: self.created?,
                failed: self.problem?,
            }),
            BackupState::Damaged => State::Damaged(self.problem?),
        };
        Some(Listed {
            id: self.id,
            state,
            drilled: self.drilled,
        })
    }
}

impl From<BackupFileView> for ContentFile {
    fn from(file: BackupFileView) -> Self {
        Self {
            path: file.path,
            size: file.size,
            mode: file.mode,
            link: file.link,
            unsettled: file.unsettled,
            special: file.special,
            dump: file.dump,
        }
    }
}

/// A backup with all its files.
pub fn backup_contents(installation: &Installation, id: &BackupId) -> Result<(BackupView, Vec<BackupFileView>)> {
    let Contents { record, files } = show_backup(installation, None, id)?;
    let files = files.into_iter().map(|file| BackupFileView {
        path: file.path,
        size: file.size,
        mode: file.mode,
        link: file.link,
        unsettled: file.unsettled,
        special: file.special,
        dump: file.dump,
    });
    Ok((of_record(record), files.collect()))
}

/// The whole backup that says to be made by exactly this.
pub fn made_by(installation: &Installation, by: &str) -> Result<Option<BackupView>> {
    let all = list_backups(installation, None)?;
    let made = all
        .into_iter()
        .find(|listed| listed.record().is_some_and(|record| record.by == by));
    Ok(made.map(of_listed))
}

/// Who has made it, without the order.
fn orderer(by: &str) -> String {
    by.split_once(" (order_").map_or(by, |(who, _)| who).to_owned()
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
    let drilled = listed.drilled;
    let drilled_at = drilled.as_ref().map(|drilled| drilled.at);
    match listed.state {
        State::Whole(record) => BackupView {
            drilled_at,
            drilled,
            ..of_record(record)
        },
        State::Failed(failure) => BackupView {
            state: BackupState::Failed,
            problem: Some(failure.failed),
            before_update: before(failure.kind),
            version: failure.version,
            by: Some(orderer(&failure.by)),
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
        before_update: before(record.kind.clone()),
        version: record.version.clone(),
        by: Some(orderer(&record.by)),
        created: Some(record.created),
        files: Some(record.files),
        size: Some(record.size),
        new_bytes: Some(record.new_bytes),
        record: Some(record.clone()),
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
        record: None,
        drilled: None,
    }
}

fn before(kind: Kind) -> Option<String> {
    match kind {
        Kind::BeforeUpdate(update) => Some(update),
        Kind::Manual => None,
    }
}
