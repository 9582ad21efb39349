//! Tokens of the server: who may ask for what. Of a token itself only the digest is here.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Result, Store};

/// What a token lets do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Look, and start, cancel or take back updates and backups.
    Operator,
    /// Everything, also tokens, restores and the audit.
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: expected viewer, operator or admin")]
pub struct RoleError(String);

impl Role {
    const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> std::result::Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| RoleError(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRecord {
    /// How the token begins; names it in lists, in the audit, and to revoke it.
    #[schema(example = "nlk_1f2e3d4c")]
    pub prefix: String,
    /// What it is for.
    pub name: String,
    pub role: Role,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub created_by: String,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub revoked_at: Option<Timestamp>,
    /// To about a minute.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub last_used_at: Option<Timestamp>,
}

const COLUMNS: &str = "digest, prefix, name, role, created_at, created_by, expires_at, revoked_at, last_used_at";

type Raw = (
    String,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Store {
    /// Keeps a new token, given by the SHA-256 of its text.
    pub fn add_token(&self, record: &TokenRecord, digest: &str) -> Result<()> {
        let sql = "INSERT INTO tokens (prefix, digest, name, role, created_at, created_by, expires_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.try_to("write", |db| {
            db.execute(
                sql,
                params![
                    record.prefix,
                    digest,
                    record.name,
                    record.role.name(),
                    record.created_at.to_string(),
                    record.created_by,
                    record.expires_at.map(|at| at.to_string()),
                ],
            )
        })?;
        Ok(())
    }

    /// All there ever were, oldest first.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        Ok(self.tokens_by_digest()?.into_iter().map(|(_, record)| record).collect())
    }

    /// The same with the SHA-256 of each token's text.
    pub fn tokens_by_digest(&self) -> Result<Vec<(String, TokenRecord)>> {
        let raw: Vec<Raw> = self.rows(&format!("SELECT {COLUMNS} FROM tokens ORDER BY number"), [])?;
        raw.into_iter().map(|raw| self.token_record(raw)).collect()
    }

    pub fn token(&self, prefix: &str) -> Result<Option<TokenRecord>> {
        let raw: Vec<Raw> = self.rows(&format!("SELECT {COLUMNS} FROM tokens WHERE prefix = ?1"), [prefix])?;
        let found = raw.into_iter().next();
        found.map(|raw| Ok(self.token_record(raw)?.1)).transpose()
    }

    /// From now on it lets nobody in. What is revoked stays so since when it was.
    pub fn revoke_token(&self, prefix: &str, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let sql = "UPDATE tokens SET revoked_at = ?2 WHERE prefix = ?1 AND revoked_at IS NULL";
            db.execute(sql, params![prefix, now.to_string()])
        })?;
        Ok(())
    }

    pub fn token_was_used(&self, prefix: &str, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let sql = "UPDATE tokens SET last_used_at = ?2 WHERE prefix = ?1";
            db.execute(sql, params![prefix, now.to_string()])
        })?;
        Ok(())
    }

    /// Changes whenever another connection has written something.
    pub fn outside_changes(&self) -> Result<i64> {
        self.try_to("read", |db| db.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    fn token_record(&self, raw: Raw) -> Result<(String, TokenRecord)> {
        let (digest, prefix, name, role, created_at, created_by, expires_at, revoked_at, last_used_at) = raw;
        let wrong = |e: &dyn fmt::Display| self.unreadable(format!("token {prefix}"), e);
        let time = |text: String| text.parse::<Timestamp>().map_err(|e| wrong(&e));
        let record = TokenRecord {
            role: role.parse().map_err(|e: RoleError| wrong(&e))?,
            created_at: time(created_at)?,
            expires_at: expires_at.map(time).transpose()?,
            revoked_at: revoked_at.map(time).transpose()?,
            last_used_at: last_used_at.map(time).transpose()?,
            name,
            created_by,
            prefix,
        };
        Ok((digest, record))
    }
}
