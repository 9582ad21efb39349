//! What is only looked at, and what is done at once.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::Wire;
use crate::app::{self, AppError, MaintenanceFlag, MaintenanceView, NewToken, StatusView, UpdateView};
use crate::cli::output::{Failed, Result};
use crate::fetch::remote::Method;
use crate::store::{AuditRow, Role, TokenRecord, UpdateId};

/// So many updates, or rows, are asked for at once.
const PAGE: u32 = 100;
const ROWS: u32 = 1000;
/// So many updates are searched for the last that failed, as on the server's own machine.
const SEARCHED: u32 = 50;

#[derive(Deserialize)]
struct History {
    updates: Vec<UpdateView>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Rows {
    rows: Vec<AuditRow>,
    next: Option<i64>,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<TokenRecord>,
}

#[derive(Deserialize)]
struct Maintenance {
    enabled: bool,
    since: Option<Timestamp>,
    reason: Option<String>,
}

impl From<Maintenance> for MaintenanceView {
    fn from(told: Maintenance) -> Self {
        let flag = told.since.zip(told.reason);
        Self {
            on: told.enabled,
            flag: flag.map(|(since, reason)| MaintenanceFlag { since, reason }),
        }
    }
}

impl Wire {
    pub fn status(&self, id: Option<&UpdateId>) -> Result<StatusView> {
        let query: Vec<(&str, &str)> = id.map(|id| ("update_id", id.as_str())).into_iter().collect();
        self.look("/status", &query)
    }

    pub fn history(&self, limit: u32) -> Result<Vec<UpdateView>> {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            if left == 0 {
                return Ok(found);
            }
            let count = left.min(PAGE).to_string();
            let mut query = vec![("limit", count.as_str())];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let History { updates, next } = self.look("/updates", &query)?;
            found.extend(updates);
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(found),
            }
        }
    }

    pub fn why(&self, id: Option<&UpdateId>) -> Result<UpdateView> {
        if let Some(id) = id {
            return self.look(&format!("/updates/status/{id}"), &[]);
        }
        let mut updates = self.history(SEARCHED)?;
        let failed = |update: &UpdateView| update.failure.is_some() || update.aborted_by.is_some();
        let at = updates.iter().position(failed).unwrap_or(0);
        match at < updates.len() {
            true => Ok(updates.swap_remove(at)),
            false => Err(AppError::NoUpdateYet.into()),
        }
    }

    pub fn maintenance(&self) -> Result<MaintenanceView> {
        self.look::<Maintenance>("/maintenance", &[]).map(MaintenanceView::from)
    }

    pub fn set_maintenance(&self, on: bool) -> Result<MaintenanceView> {
        let told: Maintenance = self.change(Method::PUT, "/maintenance", &json!({"enabled": on}))?;
        Ok(told.into())
    }

    pub fn create_token(&self, name: &str, role: Role, life: Option<&str>) -> Result<NewToken> {
        let mut wanted = json!({"name": name, "role": role});
        if let Some(life) = life {
            wanted["expires_in"] = life.into();
        }
        self.change(Method::POST, "/tokens", &wanted)
    }

    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        Ok(self.look::<Tokens>("/tokens", &[])?.tokens)
    }

    pub fn revoke_token(&self, prefix: &str) -> Result<TokenRecord> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if prefix.is_empty() || !prefix.chars().all(is_plain) {
            let message = "no token has this prefix; `netlink token list` shows them all";
            return Err(Failed::said("NL0712", message));
        }
        self.change(Method::DELETE, &format!("/tokens/{prefix}"), &Value::Null)
    }

    pub fn audit_rows(&self, limit: u32) -> Result<Vec<AuditRow>> {
        let (mut found, mut before) = (Vec::new(), None::<i64>);
        loop {
            let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            if left == 0 {
                return Ok(found);
            }
            let (count, from) = (left.min(ROWS).to_string(), before.map(|before| before.to_string()));
            let mut query = vec![("limit", count.as_str())];
            query.extend(from.as_deref().map(|from| ("before", from)));
            let Rows { rows, next } = self.look("/audit", &query)?;
            found.extend(rows);
            match next {
                Some(next) => before = Some(next),
                None => return Ok(found),
            }
        }
    }

    pub fn audit_each(&self, each: &mut dyn FnMut(&AuditRow) -> app::Result<()>) -> Result<()> {
        let (count, mut after) = (ROWS.to_string(), 0);
        loop {
            let from = after.to_string();
            let Rows { rows, next } = self.look("/audit", &[("after", &from), ("limit", &count)])?;
            rows.iter().try_for_each(&mut *each)?;
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }
}
