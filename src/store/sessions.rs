//! Sessions of the page: each stands for a token. Of what the browser sends only the digest is here.

use std::fmt;

use jiff::Timestamp;
use rusqlite::params;

use super::{Result, Store};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// How the token begins that it stands for.
    pub prefix: String,
    pub begun_at: Timestamp,
    /// It ends then at the latest.
    pub expires_at: Timestamp,
    /// To about a minute.
    pub last_used_at: Timestamp,
}

type Raw = (String, String, String, String, String);

impl Store {
    /// Keeps a new session, given by the SHA-256 of its text.
    pub fn add_session(&self, record: &SessionRecord, digest: &str) -> Result<()> {
        self.try_to("write", |db| {
            let sql =
                "INSERT INTO sessions (digest, prefix, begun_at, expires_at, last_used_at) VALUES (?1, ?2, ?3, ?4, ?5)";
            db.execute(
                sql,
                params![
                    digest,
                    record.prefix,
                    record.begun_at.to_string(),
                    record.expires_at.to_string(),
                    record.last_used_at.to_string(),
                ],
            )
        })?;
        Ok(())
    }

    /// All that are kept, each with the SHA-256 of its text.
    pub fn sessions_by_digest(&self) -> Result<Vec<(String, SessionRecord)>> {
        let sql = "SELECT digest, prefix, begun_at, expires_at, last_used_at FROM sessions";
        let raw: Vec<Raw> = self.rows(sql, [])?;
        raw.into_iter().map(|raw| self.session_record(raw)).collect()
    }

    pub fn session_was_used(&self, digest: &str, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let sql = "UPDATE sessions SET last_used_at = ?2 WHERE digest = ?1";
            db.execute(sql, params![digest, now.to_string()])
        })?;
        Ok(())
    }

    /// Repeatable.
    pub fn end_session(&self, digest: &str) -> Result<()> {
        self.try_to("write", |db| {
            db.execute("DELETE FROM sessions WHERE digest = ?1", [digest])
        })?;
        Ok(())
    }

    fn session_record(
        &self,
        (digest, prefix, begun_at, expires_at, last_used_at): Raw,
    ) -> Result<(String, SessionRecord)> {
        let wrong = |e: &dyn fmt::Display| self.unreadable(format!("a session of token {prefix}"), e);
        let time = |text: String| text.parse::<Timestamp>().map_err(|e| wrong(&e));
        let record = SessionRecord {
            begun_at: time(begun_at)?,
            expires_at: time(expires_at)?,
            last_used_at: time(last_used_at)?,
            prefix: prefix.clone(),
        };
        Ok((digest, record))
    }
}
