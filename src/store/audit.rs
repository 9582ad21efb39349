//! The audit: rows that are only added, each chained to the one before, and signed checkpoints of them.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Result, Store, outbox};

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    pub who: String,
    /// Where it was asked: an address, or a host.
    pub origin: String,
    #[schema(example = "POST /api/v1/system/updates/upgrade")]
    pub action: String,
    /// What it was about, e.g. a version or an update.
    pub subject: String,
    /// `asked`, then `done`, `refused …` or `failed …`.
    pub outcome: String,
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// From 1 on, without gaps.
    pub seq: i64,
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// SHA-256 over this row and the hash of the one before.
    pub hash: String,
}

/// A row, and so all before it, as it was at a time, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCheckpoint {
    pub seq: i64,
    pub hash: String,
    pub time: Timestamp,
    /// The public key, in hex.
    pub key: String,
    pub signature: String,
}

/// Makes the checkpoint of a row out of the hash of the row before, its number, and what it says.
pub type Seal<'a> = dyn Fn(Option<&str>, i64, &AuditEntry) -> AuditCheckpoint + 'a;

const ROW: &str = "SELECT seq, time, who, origin, action, subject, outcome, hash FROM audit";
const CHECKPOINT: &str = "SELECT seq, hash, time, key, signature FROM audit_checkpoints";

impl Store {
    /// Adds a row with its checkpoint; `seal` makes that out of the hash before (none for the first), the number and what the row
    /// says.
    pub fn append_audit(&self, entry: &AuditEntry, seal: &Seal<'_>) -> Result<()> {
        self.try_to("write the audit into", |db| {
            let commit = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let sql = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
            let last: Option<(i64, String)> = commit
                .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            // What a checkpoint stands for is never numbered again, also when somebody took it away.
            let sql = "SELECT coalesce(max(seq), 0) FROM audit_checkpoints";
            let sealed: i64 = commit.query_row(sql, [], |row| row.get(0))?;
            let (before, hash_before) = last.unzip();
            let seq = before.unwrap_or(0).max(sealed) + 1;
            let checkpoint = seal(hash_before.as_deref(), seq, entry);
            insert(&commit, entry, &checkpoint)?;
            outbox::tell_of_checkpoint(&commit, &self.subscribers, &checkpoint)?;
            commit.commit()
        })
    }

    /// Rows after `seq`, oldest first, at most `limit`.
    pub fn audit_after(&self, seq: i64, limit: u32) -> Result<Vec<AuditRow>> {
        self.audit_rows(&format!("{ROW} WHERE seq > ?1 ORDER BY seq LIMIT ?2"), seq, limit)
    }

    /// Rows before `seq`, newest first, at most `limit`.
    pub fn audit_before(&self, seq: i64, limit: u32) -> Result<Vec<AuditRow>> {
        self.audit_rows(&format!("{ROW} WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"), seq, limit)
    }

    fn audit_rows(&self, sql: &str, seq: i64, limit: u32) -> Result<Vec<AuditRow>> {
        let raw: Vec<(i64, String, AuditEntry, String)> = self.try_to("read", |db| {
            let mut rows = db.prepare_cached(sql)?;
            rows.query_map(params![seq, limit], raw_row)?.collect()
        })?;
        let parse = |(seq, time, entry, hash): (i64, String, AuditEntry, String)| {
            let wrong = |e: &dyn fmt::Display| self.unreadable(format!("row {seq} of the audit"), e);
            let time = time.parse().map_err(|e| wrong(&e))?;
            Ok(AuditRow {
                seq,
                entry: AuditEntry { time, ..entry },
                hash,
            })
        };
        raw.into_iter().map(parse).collect()
    }

    /// Oldest first.
    pub fn audit_checkpoints(&self) -> Result<Vec<AuditCheckpoint>> {
        self.checkpoints(&format!("{CHECKPOINT} ORDER BY seq"))
    }

    /// The newest, unless it has left this host already.
    pub fn audit_checkpoint_to_copy(&self) -> Result<Option<AuditCheckpoint>> {
        let newest = format!("{CHECKPOINT} WHERE copied_at IS NULL AND seq = (SELECT max(seq) FROM audit_checkpoints)");
        Ok(self.checkpoints(&newest)?.pop())
    }

    pub fn audit_checkpoint_was_copied(&self, seq: i64, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let sql = "UPDATE audit_checkpoints SET copied_at = ?2 WHERE seq = ?1";
            db.execute(sql, params![seq, now.to_string()])
        })?;
        Ok(())
    }

    fn checkpoints(&self, sql: &str) -> Result<Vec<AuditCheckpoint>> {
        let raw: Vec<(i64, String, String, String, String)> = self.rows(sql, [])?;
        let parse = |(seq, hash, time, key, signature): (i64, String, String, String, String)| {
            let wrong = |e: &dyn fmt::Display| self.unreadable(format!("the checkpoint of row {seq} of the audit"), e);
            Ok(AuditCheckpoint {
                seq,
                hash,
                time: time.parse().map_err(|e| wrong(&e))?,
                key,
                signature,
            })
        };
        raw.into_iter().map(parse).collect()
    }
}

fn insert(commit: &Transaction<'_>, entry: &AuditEntry, checkpoint: &AuditCheckpoint) -> rusqlite::Result<()> {
    let AuditEntry {
        time,
        who,
        origin,
        action,
        subject,
        outcome,
    } = entry;
    let AuditCheckpoint {
        seq,
        hash,
        time: signed_at,
        key,
        signature,
    } = checkpoint;
    let sql = "INSERT INTO audit (seq, time, who, origin, action, subject, outcome, hash) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    commit.execute(
        sql,
        params![seq, time.to_string(), who, origin, action, subject, outcome, hash],
    )?;
    let sql = "INSERT INTO audit_checkpoints (seq, hash, time, key, signature) VALUES (?1, ?2, ?3, ?4, ?5)";
    commit.execute(sql, params![seq, hash, signed_at.to_string(), key, signature])?;
    Ok(())
}

/// The time as it is written, the rest as it is meant.
fn raw_row(row: &Row<'_>) -> rusqlite::Result<(i64, String, AuditEntry, String)> {
    let entry = AuditEntry {
        time: Timestamp::UNIX_EPOCH,
        who: row.get(2)?,
        origin: row.get(3)?,
        action: row.get(4)?,
        subject: row.get(5)?,
        outcome: row.get(6)?,
    };
    Ok((row.get(0)?, row.get(1)?, entry, row.get(7)?))
}
