//! The audit of an installation: what was asked, by whom, and what came of it; and whether anybody has meddled with it.

mod chain;
mod copy;

use std::path::Path;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AppError, Installation, Report, ReportStatus, Result};
use crate::clock;
use crate::crypt::SigningKey;
use crate::host;
use crate::store::{AuditCheckpoint, AuditEntry, AuditRow, Fact, OrderRecord};
use chain::Check;

/// Rows that are read at once.
const PAGE: u32 = 1000;
/// A text of a row is cut to so many bytes; whoever asks may not fill the disk by the way.
const TEXT_LIMIT: usize = 1000;

/// Something that is about to be done, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub who: String,
    /// An address, or a host.
    pub origin: String,
    pub action: String,
    pub subject: String,
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It is about to be done.
    Asked,
    Done,
    /// With its code.
    Failed(String),
}

/// Adds a row and signs it. `Asked` comes before anything changes: when that cannot be written, nothing is to be done.
pub fn audit(installation: &Installation, act: &Act, became: &Became) -> Result<()> {
    let entry = AuditEntry {
        time: clock::now(),
        who: cut(&act.who),
        origin: cut(&act.origin),
        action: cut(&act.action),
        subject: cut(&act.subject),
        outcome: match became {
            Became::Asked => "asked".to_owned(),
            Became::Done => "done".to_owned(),
            Became::Failed(code) => format!("failed {}", cut(code)),
        },
    };
    let key = key(installation)?;
    let seal = |before: Option<&str>, seq: i64, entry: &AuditEntry| {
        chain::sign(&key, seq, chain::hash(before, seq, entry), entry.time)
    };
    Ok(installation.store.append_audit(&entry, &seal)?)
}

/// The row that says how an update ended which nobody has waited for.
pub fn audit_end(root: &Path, config: Option<&Path>, report: &Report) -> Result<()> {
    let installation = Installation::open(root, config)?;
    let update = installation.store.update(&report.update_id)?;
    let how = match report.status {
        ReportStatus::Completed => "completed",
        ReportStatus::RolledBack => "rolled back",
        ReportStatus::Paused => "paused",
        ReportStatus::UndoFailed => "not undone",
        ReportStatus::CleanUpFailed => "not tidied up",
    };
    let act = Act {
        who: update.map_or_else(String::new, |update| update.accepted_by),
        origin: host::hostname(),
        action: format!("update {how}"),
        subject: report.update_id.to_string(),
    };
    let became = report
        .code()
        .map_or(Became::Done, |code| Became::Failed(code.to_owned()));
    audit(&installation, &act, &became)
}

/// The row that says what came of an order that nobody has waited for and that did not become an update.
pub fn audit_order(installation: &Installation, order: &OrderRecord, came: &Result<serde_json::Value>) -> Result<()> {
    let act = Act {
        who: order.ordered_by.clone(),
        origin: host::hostname(),
        action: "order".into(),
        subject: format!("{} {}", order.id, order.what),
    };
    let became = match came {
        Ok(_) => Became::Done,
        Err(error) => Became::Failed(error.code().id.to_owned()),
    };
    audit(installation, &act, &became)
}

/// Brings the newest checkpoint to where the settings say. What cannot be reached now gets the next one.
pub fn copy_checkpoint(installation: &Installation) -> Result<()> {
    let Some(place) = &installation.settings.audit.copy_to else {
        return Ok(());
    };
    let Some(checkpoint) = installation.store.audit_checkpoint_to_copy()? else {
        return Ok(());
    };
    copy::send(place, &checkpoint, installation.settings.audit.copy_timeout)?;
    installation
        .store
        .audit_checkpoint_was_copied(checkpoint.seq, clock::now())?;
    Ok(())
}

/// Rows after `after`, oldest first.
pub fn audit_after(installation: &Installation, after: i64, limit: u32) -> Result<Vec<AuditRow>> {
    Ok(installation.store.audit_after(after, limit)?)
}

/// Rows before `before`, newest first.
pub fn audit_before(installation: &Installation, before: i64, limit: u32) -> Result<Vec<AuditRow>> {
    Ok(installation.store.audit_before(before, limit)?)
}

/// Every row, oldest first, a page at a time.
pub fn audit_each(installation: &Installation, mut each: impl FnMut(&AuditRow) -> Result<()>) -> Result<()> {
    let mut after = i64::MIN;
    loop {
        let rows = installation.store.audit_after(after, PAGE)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.seq;
        rows.iter().try_for_each(&mut each)?;
    }
}

/// What a look at the whole audit found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditVerified {
    pub rows: u64,
    pub checkpoints: usize,
    /// Of those, how many are copies from elsewhere.
    pub copies: usize,
    /// The public key whose signatures were believed, in hex.
    pub key: String,
    /// What is wrong, the first rows first; empty when all is well.
    pub problems: Vec<String>,
}

/// Goes along the whole chain and holds it against the checkpoints: those of this installation and the copies, where the settings
/// or `copies` name a file of them. Only what `key` has signed counts, when one is given.
pub fn verify_audit(
    installation: &Installation,
    copies: Option<&Path>,
    key_wanted: Option<&str>,
) -> Result<AuditVerified> {
    let key = match key_wanted {
        Some(key) => key.to_ascii_lowercase(),
        None => self::key(installation)?.public().to_string(),
    };
    // Rows that are added meanwhile belong to the next look.
    let _view = installation.store.one_view()?;
    let own = installation.store.audit_checkpoints()?;
    let copied = match copies {
        Some(file) => copy::read(file)?,
        None => copy::read_configured(installation)?,
    };
    let mut problems = Vec::new();
    let (checkpoints, copies) = (own.len() + copied.len(), copied.len());
    let believed: Vec<AuditCheckpoint> = own
        .into_iter()
        .chain(copied)
        .filter(|checkpoint| match believable(checkpoint, &key) {
            Ok(()) => true,
            Err(problem) => {
                problems.push(problem);
                false
            }
        })
        .collect();
    let mut check = Check::against(believed);
    audit_each(installation, |row| {
        check.row(row);
        Ok(())
    })?;
    check.end();
    problems.append(&mut check.problems);
    Ok(AuditVerified {
        rows: check.rows,
        checkpoints,
        copies,
        key,
        problems,
    })
}

fn believable(checkpoint: &AuditCheckpoint, key: &str) -> std::result::Result<(), String> {
    let AuditCheckpoint { seq, time, .. } = checkpoint;
    if checkpoint.key != key {
        return Err(format!(
            "the checkpoint of row {seq} of {time} is signed by {}, not by {key}",
            checkpoint.key
        ));
    }
    if !chain::is_signed(checkpoint) {
        return Err(format!("the checkpoint of row {seq} of {time} has a forged signature"));
    }
    Ok(())
}

/// The key that signs checkpoints; made when it is first needed.
fn key(installation: &Installation) -> Result<SigningKey> {
    let failed = |e| AppError::below("NL0721", &e);
    let store = &installation.store;
    let pem = match store.fact(Fact::AuditKey)? {
        Some(pem) => pem,
        None => {
            let new = SigningKey::generate().to_pem(None).map_err(failed)?;
            store.fact_once(Fact::AuditKey, &String::from_utf8_lossy(new.expose()))?
        }
    };
    SigningKey::from_pem(&pem, None).map_err(failed)
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_LIMIT);
    text[..end].to_owned()
}
