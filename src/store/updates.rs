//! Updates and their journal.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::outbox::{self, Told};
use super::{OrderId, Result, Store, StoreError, orders};
use crate::journal::{Event, NoticeKind, Outcome};
use crate::plan::{Direction, Plan};

/// `update_<from>_<to>_<YYYYMMDD>_<HHMMSS>`, UTC; `none` for the version before the first installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UpdateId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an update id: expected update_<from>_<to>_<YYYYMMDD>_<HHMMSS>; `netlink update history` lists them"
)]
pub struct UpdateIdError(String);

impl UpdateId {
    fn new(plan: &Plan, at: Timestamp) -> Self {
        let from = plan.from().map_or_else(|| "none".to_owned(), ToString::to_string);
        Self(format!("update_{from}_{}_{}", plan.to(), at.strftime("%Y%m%d_%H%M%S")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UpdateId {
    type Err = UpdateIdError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let wrong = || UpdateIdError(text.to_owned());
        let parts: Vec<&str> = text.strip_prefix("update_").ok_or_else(wrong)?.split('_').collect();
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        match parts[..] {
            [from, to, day, time] if digits(day, 8) && digits(time, 6) => {
                let version = |part: &str| part.parse::<crate::version::Version>().is_ok();
                if (from == "none" || version(from)) && version(to) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(wrong())
                }
            }
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for UpdateId {
    type Error = UpdateIdError;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UpdateId> for String {
    fn from(id: UpdateId) -> Self {
        id.0
    }
}

impl fmt::Display for UpdateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    Install,
    Upgrade,
    Downgrade,
    Rollback,
    /// The database alone, up or down.
    UpgradeDb,
}

impl Verb {
    pub const ALL: [Self; 5] = [
        Self::Install,
        Self::Upgrade,
        Self::Downgrade,
        Self::Rollback,
        Self::UpgradeDb,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Rollback => "rollback",
            Self::UpgradeDb => "upgrade-db",
        }
    }

    /// As it is kept. The table has no word for what moves the database alone: there the plan tells.
    fn kept(self) -> &'static str {
        match self {
            Self::UpgradeDb => Self::Upgrade.name(),
            other => other.name(),
        }
    }

    fn of(kept: &str, plan: &Plan) -> Option<Self> {
        if plan.direction() == Direction::Schema {
            return Some(Self::UpgradeDb);
        }
        Self::ALL.into_iter().find(|verb| verb.kept() == kept)
    }
}

#[derive(Debug, Clone)]
pub struct UpdateRecord {
    pub id: UpdateId,
    pub plan: Plan,
    pub verb: Verb,
    pub accepted_at: Timestamp,
    pub accepted_by: String,
    pub outcome: Option<Outcome>,
    pub finished_at: Option<Timestamp>,
    pub finalized_at: Option<Timestamp>,
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Grows with every entry of every update.
    pub seq: i64,
    pub time: Timestamp,
    pub event: Event,
}

const RECORD: &str = "SELECT id, plan, verb, accepted_at, accepted_by, outcome, finished_at, finalized_at FROM updates";

type RawRecord = (
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
    /// Stores the plan and its first journal entry in one commit; from here on a crash resumes.
    /// Whoever accepts consents to all breaking changes that the plan names.
    /// An order that it was made for has begun in the same commit.
    pub fn accept(
        &self,
        plan: &Plan,
        verb: Verb,
        by: &str,
        order: Option<&OrderId>,
        now: Timestamp,
    ) -> Result<UpdateId> {
        if let Some(id) = self.unfinished()? {
            return Err(StoreError::Unfinished { id });
        }
        let id = self.free_id(plan, now)?;
        let text = self.to_json("the plan", plan)?;
        let consented_to = plan.notes().consents();
        let event = Event::Accepted { consented_to };
        let accepted = self.to_json("an event", &event)?;
        let told = self.told(&event, || Ok(Told::new(plan, verb, by)))?;
        let commit = || {
            let commit = self.db.unchecked_transaction()?;
            commit.execute(
                "INSERT INTO updates (id, plan, verb, accepted_at, accepted_by) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id.0, text, verb.kept(), now.to_string(), by],
            )?;
            let row = "INSERT INTO journal (update_id, time, event) VALUES (?1, ?2, ?3)";
            commit.execute(row, params![id.0, now.to_string(), accepted])?;
            let seq = commit.last_insert_rowid();
            if let Some(told) = &told {
                outbox::tell_of_entry(&commit, &self.subscribers, told, (&id, seq, &event), now)?;
            }
            match order {
                // Dropped, the commit takes everything back.
                Some(order) if !orders::begun(&commit, order, &id, now)? => Ok(false),
                _ => commit.commit().map(|()| true),
            }
        };
        let accepted = commit().map_err(|source| StoreError::Sqlite {
            action: "write",
            path: self.path.clone(),
            source,
        })?;
        match order {
            Some(order) if !accepted => Err(StoreError::NoLongerWaits { order: order.clone() }),
            _ => Ok(id),
        }
    }

    /// What is told of an entry besides the entry; none where nobody is told of it.
    fn told(&self, event: &Event, told: impl FnOnce() -> Result<Told>) -> Result<Option<Told>> {
        let kind = NoticeKind::of(event).filter(|kind| self.subscribers.want(*kind));
        kind.map(|_| told()).transpose()
    }

    /// Two updates accepted within one second get ids a second apart.
    fn free_id(&self, plan: &Plan, now: Timestamp) -> Result<UpdateId> {
        let mut at = now;
        loop {
            let id = UpdateId::new(plan, at);
            if self.update(&id)?.is_none() {
                return Ok(id);
            }
            at += jiff::SignedDuration::from_secs(1);
        }
    }

    /// Appends to the journal, durably. A finishing entry also closes the update in the same commit.
    pub fn append(&self, id: &UpdateId, event: &Event, now: Timestamp) -> Result<()> {
        let text = self.to_json("an event", event)?;
        let told = self.told(event, || {
            let update = self.update(id)?;
            let unknown = || self.unreadable(format!("update {id}"), &"there is none");
            let UpdateRecord {
                plan,
                verb,
                accepted_by,
                ..
            } = update.ok_or_else(unknown)?;
            Ok(Told::new(&plan, verb, &accepted_by))
        })?;
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let row = "INSERT INTO journal (update_id, time, event) VALUES (?1, ?2, ?3)";
            commit.execute(row, params![id.0, now.to_string(), text])?;
            let seq = commit.last_insert_rowid();
            if let Some(told) = &told {
                outbox::tell_of_entry(&commit, &self.subscribers, told, (id, seq, event), now)?;
            }
            if let Event::Finished { outcome } = event {
                commit.execute(
                    "UPDATE updates SET outcome = ?2, finished_at = ?3 WHERE id = ?1",
                    params![id.0, outcome.to_string(), now.to_string()],
                )?;
            }
            commit.commit()
        })
    }

    /// The update's journal after `seq`, in order.
    pub fn journal(&self, id: &UpdateId, after: i64) -> Result<Vec<Row>> {
        let sql = "SELECT seq, time, event FROM journal WHERE update_id = ?1 AND seq > ?2 ORDER BY seq";
        let rows: Vec<(i64, String, String)> = self.rows(sql, params![id.0, after])?;
        rows.into_iter().map(|raw| self.row(raw)).collect()
    }

    fn row(&self, (seq, time, event): (i64, String, String)) -> Result<Row> {
        let wrong = |e: &dyn fmt::Display| self.unreadable(format!("journal entry {seq}"), e);
        Ok(Row {
            seq,
            time: time.parse().map_err(|e| wrong(&e))?,
            event: serde_json::from_str(&event).map_err(|e| wrong(&e))?,
        })
    }

    /// The journal of all updates, or of one, after `seq`, in order.
    pub fn journal_of_all(&self, of: Option<&UpdateId>, after: i64, limit: u32) -> Result<Vec<(UpdateId, Row)>> {
        let sql = "SELECT update_id, seq, time, event FROM journal \
                   WHERE seq > ?1 AND (?2 IS NULL OR update_id = ?2) ORDER BY seq LIMIT ?3";
        let rows: Vec<(String, i64, String, String)> =
            self.rows(sql, params![after, of.map(UpdateId::as_str), limit])?;
        let parse = |(id, seq, time, event)| Ok((UpdateId(id), self.row((seq, time, event))?));
        rows.into_iter().map(parse).collect()
    }

    /// The number of the newest entry; 0 before the first.
    pub fn last_entry(&self) -> Result<i64> {
        self.try_to("read", |db| {
            db.query_row("SELECT coalesce(max(seq), 0) FROM journal", [], |row| row.get(0))
        })
    }

    pub fn update(&self, id: &UpdateId) -> Result<Option<UpdateRecord>> {
        Ok(self.records(&format!("{RECORD} WHERE id = ?1"), &id.0)?.pop())
    }

    /// Newest first.
    pub fn history(&self, limit: u32) -> Result<Vec<UpdateRecord>> {
        self.records(&format!("{RECORD} ORDER BY number DESC LIMIT ?1"), &limit)
    }

    /// Newest first, each with its number; those before `number`.
    pub fn history_before(&self, number: i64, limit: u32) -> Result<Vec<(i64, UpdateRecord)>> {
        let sql = "SELECT number, id FROM updates WHERE number < ?1 ORDER BY number DESC LIMIT ?2";
        self.numbered(sql, number, limit)
    }

    fn numbered(&self, sql: &str, number: i64, limit: u32) -> Result<Vec<(i64, UpdateRecord)>> {
        let numbers: Vec<(i64, String)> = self.rows(sql, params![number, limit])?;
        let found = numbers
            .into_iter()
            .map(|(number, id)| Ok((number, self.update(&UpdateId(id))?)));
        let found: Result<Vec<(i64, Option<UpdateRecord>)>> = found.collect();
        Ok(found?
            .into_iter()
            .filter_map(|(number, update)| Some((number, update?)))
            .collect())
    }

    /// Oldest first, each with its number; those after `number`.
    pub fn history_after(&self, number: i64, limit: u32) -> Result<Vec<(i64, UpdateRecord)>> {
        self.numbered(
            "SELECT number, id FROM updates WHERE number > ?1 ORDER BY number LIMIT ?2",
            number,
            limit,
        )
    }

    /// The one update that is running, waiting or died.
    pub fn unfinished(&self) -> Result<Option<UpdateId>> {
        let sql = "SELECT id FROM updates WHERE outcome IS NULL";
        Ok(self
            .try_to("read", |db| db.query_row(sql, [], |row| row.get(0)).optional())?
            .map(UpdateId))
    }

    /// Who wants this update to go back.
    pub fn wanted_back_by(&self, id: &UpdateId) -> Result<Option<String>> {
        self.try_to("read", |db| {
            let mut found = db.prepare_cached("SELECT turn_back_by FROM updates WHERE id = ?1")?;
            found
                .query_row([&id.0], |row| row.get(0))
                .optional()
                .map(Option::flatten)
        })
    }

    /// Records that the old release of this update was given up.
    pub fn finalize(&self, id: &UpdateId, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let sql = "UPDATE updates SET finalized_at = ?2 WHERE id = ?1 AND finalized_at IS NULL";
            db.execute(sql, params![id.0, now.to_string()])
        })?;
        Ok(())
    }

    fn records(&self, sql: &str, parameter: &dyn rusqlite::ToSql) -> Result<Vec<UpdateRecord>> {
        let raw: Vec<RawRecord> = self.rows(sql, [parameter])?;
        raw.into_iter().map(|record| self.record(record)).collect()
    }

    fn record(&self, raw: RawRecord) -> Result<UpdateRecord> {
        let (id, plan, verb, accepted_at, accepted_by, outcome, finished_at, finalized_at) = raw;
        let wrong = |e: &dyn fmt::Display| self.unreadable(format!("update {id}"), e);
        let time = |text: String| text.parse::<Timestamp>().map_err(|e| wrong(&e));
        let plan: Plan = serde_json::from_str(&plan).map_err(|e| wrong(&e))?;
        Ok(UpdateRecord {
            verb: Verb::of(&verb, &plan).ok_or_else(|| wrong(&format!("verb `{verb}`")))?,
            plan,
            accepted_at: time(accepted_at)?,
            accepted_by,
            outcome: outcome.map(|text| {
                if text == "completed" {
                    Outcome::Completed
                } else {
                    Outcome::RolledBack
                }
            }),
            finished_at: finished_at.map(time).transpose()?,
            finalized_at: finalized_at.map(time).transpose()?,
            id: UpdateId(id),
        })
    }

    fn to_json(&self, what: &str, value: &impl Serialize) -> Result<String> {
        serde_json::to_string(value).map_err(|e| self.unreadable(what, &e))
    }
}
