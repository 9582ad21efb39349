//! The outbox: notices are written in the same commit as what they tell, so that none is lost and none comes before its fact.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{AuditCheckpoint, OrderId, Result, Store, UpdateId, Verb};
use crate::journal::{Event, NoticeKind, PauseReason};
use crate::plan::{Plan, StepId, StepKind};
use crate::version::Version;

/// More wait for no receiver: the oldest die first.
const WAITING: i64 = 1000;
/// What is settled is remembered so long, in milliseconds.
const REMEMBERED: i64 = 30 * 24 * 60 * 60 * 1000;

/// Who is told of what, and who tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscribers {
    /// Names this installation.
    pub source: String,
    pub all: Vec<Subscriber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    pub name: String,
    pub kinds: BTreeSet<NoticeKind>,
}

impl Subscribers {
    pub(super) fn want(&self, kind: NoticeKind) -> bool {
        self.all.iter().any(|one| one.kinds.contains(&kind))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    Waiting,
    Delivered,
    /// It was given up.
    Dead,
}

impl NoticeState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A notice on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeRecord {
    #[serde(skip)]
    pub number: i64,
    pub id: String,
    pub receiver: String,
    pub kind: String,
    pub subject: String,
    #[serde(skip)]
    pub body: String,
    pub made_at: Timestamp,
    pub state: NoticeState,
    pub tries: u32,
    /// When it is tried next, while it waits.
    pub not_before: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What there is to one receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeCounts {
    pub receiver: String,
    pub waiting: u64,
    /// Remembered as dead.
    pub dead: u64,
    /// Tries since ever, and notices given up since ever.
    pub delivered: u64,
    pub failed: u64,
    pub died: u64,
}

/// What is told of an update beside the entry of its journal.
pub(super) struct Told {
    verb: Verb,
    from: Option<Version>,
    to: Version,
    by: String,
    steps: Vec<(StepId, StepKind)>,
}

impl Told {
    pub(super) fn new(plan: &Plan, verb: Verb, by: &str) -> Self {
        Self {
            verb,
            from: plan.from().cloned(),
            to: plan.to().clone(),
            by: by.to_owned(),
            steps: plan.steps().iter().map(|step| (step.id, step.kind)).collect(),
        }
    }
}

/// The `data` of a notice about an update.
#[derive(Serialize)]
struct UpdateData<'a> {
    update_id: &'a UpdateId,
    /// Of the entry in the journal, as live events have it.
    seq: i64,
    verb: Verb,
    from: Option<&'a Version>,
    to: &'a Version,
    accepted_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<PauseReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// In the commit of the entry.
pub(super) fn tell_of_entry(
    commit: &Connection,
    to: &Subscribers,
    told: &Told,
    (id, seq, event): (&UpdateId, i64, &Event),
    now: Timestamp,
) -> rusqlite::Result<()> {
    let Some(kind) = NoticeKind::of(event) else {
        return Ok(());
    };
    let step = event.step().and_then(|id| told.steps.iter().find(|(of, _)| *of == id));
    let mut data = UpdateData {
        update_id: id,
        seq,
        verb: told.verb,
        from: told.from.as_ref(),
        to: &told.to,
        accepted_by: &told.by,
        step: step.map(|(_, kind)| kind.name()),
        reason: None,
        by: None,
        code: None,
        message: None,
    };
    match event {
        Event::Paused { reason } => data.reason = Some(*reason),
        Event::Resumed { by } | Event::Aborted { by } => data.by = Some(by),
        Event::Failed { failure, .. } | Event::UndoFailed { failure, .. } => {
            data.code = Some(&failure.code);
            data.message = Some(&failure.message);
        }
        _ => {}
    }
    tell(commit, to, kind, id.as_str(), &json!(data), now)
}

/// In the commit that refuses the order.
pub(super) fn tell_of_order(
    commit: &Connection,
    to: &Subscribers,
    id: &OrderId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if !to.want(NoticeKind::OrderRefused) {
        return Ok(());
    }
    let sql = "SELECT what, ordered_at, ordered_by, answer FROM orders WHERE id = ?1";
    let read = |row: &Row<'_>| {
        let document = |text: Option<String>| -> Option<Value> { serde_json::from_str(&text?).ok() };
        Ok(json!({
            "order_id": id,
            "order": document(row.get(0)?),
            "ordered_at": row.get::<_, String>(1)?,
            "ordered_by": row.get::<_, String>(2)?,
            "problem": document(row.get(3)?),
        }))
    };
    let data = commit.query_row(sql, [id.to_string()], read)?;
    tell(commit, to, NoticeKind::OrderRefused, &id.to_string(), &data, now)
}

/// In the commit that signs the row. The newest checkpoint stands for all before it, so that none needs to wait beside it.
pub(super) fn tell_of_checkpoint(
    commit: &Connection,
    to: &Subscribers,
    checkpoint: &AuditCheckpoint,
) -> rusqlite::Result<()> {
    let kind = NoticeKind::AuditCheckpoint;
    if !to.want(kind) {
        return Ok(());
    }
    let sql = "DELETE FROM outbox WHERE kind = ?1 AND state = 'waiting'";
    commit.execute(sql, [kind.name()])?;
    tell(commit, to, kind, "audit", &json!(checkpoint), checkpoint.time)
}

/// A row for each receiver that wants it, and no more than may wait.
fn tell(
    commit: &Connection,
    to: &Subscribers,
    kind: NoticeKind,
    subject: &str,
    data: &Value,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let wanting = to.all.iter().filter(|one| one.kinds.contains(&kind));
    let names: Vec<&str> = wanting.map(|one| one.name.as_str()).collect();
    post(commit, &to.source, &names, kind, subject, data, now)
}

fn post(
    commit: &Connection,
    source: &str,
    receivers: &[&str],
    kind: NoticeKind,
    subject: &str,
    data: &Value,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if receivers.is_empty() {
        return Ok(());
    }
    let id: String = commit.query_row("SELECT 'notice_' || lower(hex(randomblob(16)))", [], |row| row.get(0))?;
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": format!("netlink.{kind}"),
        "subject": subject,
        "time": now,
        "datacontenttype": "application/json",
        "data": data,
    });
    let millis = now.as_millisecond();
    for receiver in receivers {
        let sql = "INSERT INTO outbox (id, receiver, kind, subject, body, made_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        commit.execute(
            sql,
            params![id, receiver, kind.name(), subject, body.to_string(), millis],
        )?;
        let sql = "UPDATE outbox SET state = 'dead', settled_at = ?2, problem = 'too many waited' \
                   WHERE receiver = ?1 AND state = 'waiting' AND number <= \
                   (SELECT number FROM outbox WHERE receiver = ?1 AND state = 'waiting' ORDER BY number DESC LIMIT 1 OFFSET ?3)";
        let died = commit.execute(sql, params![receiver, millis, WAITING])?;
        count(commit, receiver, "dead", died)?;
    }
    let sql = "DELETE FROM outbox WHERE state <> 'waiting' AND settled_at < ?1";
    commit.execute(sql, [millis.saturating_sub(REMEMBERED)]).map(drop)
}

fn count(db: &Connection, receiver: &str, result: &str, by: usize) -> rusqlite::Result<()> {
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    if by == 0 {
        return Ok(());
    }
    let sql = "INSERT INTO outbox_counts (receiver, result, count) VALUES (?1, ?2, ?3) \
               ON CONFLICT (receiver, result) DO UPDATE SET count = count + ?3";
    db.execute(sql, params![receiver, result, by]).map(drop)
}

const RECORD: &str =
    "SELECT number, id, receiver, kind, subject, body, made_at, state, tries, not_before, problem FROM outbox";

impl Store {
    /// From now on these are told of what is written through this store.
    pub fn subscribe(&mut self, subscribers: Subscribers) {
        self.subscribers = subscribers;
    }

    pub fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    /// A notice of no other moment than this, to these receivers.
    pub fn post_test(&self, receivers: &[&str], now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let data = json!({"message": "somebody tries whether notices arrive"});
            let source = &self.subscribers.source;
            post(&commit, source, receivers, NoticeKind::Test, "test", &data, now)?;
            commit.commit()
        })
    }

    /// Receivers for which something waits, due or not.
    pub fn receivers_waited_for(&self) -> Result<Vec<String>> {
        self.try_to("read", |db| {
            let mut rows = db.prepare_cached("SELECT DISTINCT receiver FROM outbox WHERE state = 'waiting'")?;
            rows.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// The first notice to this receiver whose time has come and that stands behind no other about the same. A time further off than
    /// `longest` was set by a clock that was wrong.
    pub fn due_notice(
        &self,
        receiver: &str,
        now: Timestamp,
        longest: std::time::Duration,
    ) -> Result<Option<NoticeRecord>> {
        let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        let sql = format!(
            "{RECORD} AS one WHERE receiver = ?1 AND state = 'waiting' AND (not_before <= ?2 OR not_before > ?3) AND NOT EXISTS \
             (SELECT 1 FROM outbox AS other WHERE other.receiver = ?1 AND other.state = 'waiting' \
              AND other.subject = one.subject AND other.number < one.number) ORDER BY number LIMIT 1"
        );
        let now = now.as_millisecond();
        let latest = now.saturating_add(longest);
        self.try_to("read", |db| {
            db.prepare_cached(&sql)?
                .query_row(params![receiver, now, latest], record)
                .optional()
        })
    }

    pub fn notice_was_delivered(&self, notice: &NoticeRecord, now: Timestamp) -> Result<()> {
        self.settle_notice(notice, NoticeState::Delivered, None, now)
    }

    /// It is given up.
    pub fn notice_died(&self, notice: &NoticeRecord, problem: &str, now: Timestamp) -> Result<()> {
        self.settle_notice(notice, NoticeState::Dead, Some(problem), now)
    }

    fn settle_notice(
        &self,
        notice: &NoticeRecord,
        state: NoticeState,
        problem: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let sql = "UPDATE outbox SET state = ?2, tries = tries + 1, settled_at = ?3, problem = ?4 \
                       WHERE number = ?1 AND state = 'waiting'";
            let settled = commit.execute(sql, params![notice.number, state.name(), now.as_millisecond(), problem])?;
            count(&commit, &notice.receiver, state.name(), settled)?;
            commit.commit()
        })
    }

    /// It is tried again at `next`.
    pub fn notice_failed(&self, notice: &NoticeRecord, problem: &str, next: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let sql = "UPDATE outbox SET tries = tries + 1, not_before = ?2, problem = ?3 \
                       WHERE number = ?1 AND state = 'waiting'";
            commit.execute(sql, params![notice.number, next.as_millisecond(), problem])?;
            count(&commit, &notice.receiver, "failed", 1)?;
            commit.commit()
        })
    }

    /// What waits for this receiver has nobody to go to any more.
    pub fn forget_receiver(&self, receiver: &str, problem: &str, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let sql = "UPDATE outbox SET state = 'dead', settled_at = ?2, problem = ?3 WHERE receiver = ?1 AND state = 'waiting'";
            let died = commit.execute(sql, params![receiver, now.as_millisecond(), problem])?;
            count(&commit, receiver, "dead", died)?;
            commit.commit()
        })
    }

    /// Has dead notices wait again, all or the one of this id, and lets all that wait be due; how many there are.
    pub fn revive_notices(&self, id: Option<&str>) -> Result<usize> {
        self.try_to("write", |db| {
            let sql = "UPDATE outbox SET state = 'waiting', not_before = 0, settled_at = NULL, tries = 0 \
                       WHERE state <> 'delivered' AND (?1 IS NULL OR id = ?1)";
            db.execute(sql, [id])
        })
    }

    /// Newest first.
    pub fn notices(&self, limit: u32) -> Result<Vec<NoticeRecord>> {
        self.try_to("read", |db| {
            let mut rows = db.prepare(&format!("{RECORD} ORDER BY number DESC LIMIT ?1"))?;
            rows.query_map([limit], record)?.collect()
        })
    }

    /// For each receiver that there ever was something for.
    pub fn notice_counts(&self) -> Result<Vec<NoticeCounts>> {
        let sql = "SELECT receiver, \
                   (SELECT count(*) FROM outbox WHERE outbox.receiver = known.receiver AND state = 'waiting'), \
                   (SELECT count(*) FROM outbox WHERE outbox.receiver = known.receiver AND state = 'dead'), \
                   (SELECT coalesce(sum(count), 0) FROM outbox_counts c WHERE c.receiver = known.receiver AND result = 'delivered'), \
                   (SELECT coalesce(sum(count), 0) FROM outbox_counts c WHERE c.receiver = known.receiver AND result = 'failed'), \
                   (SELECT coalesce(sum(count), 0) FROM outbox_counts c WHERE c.receiver = known.receiver AND result = 'dead') \
                   FROM (SELECT receiver FROM outbox UNION SELECT receiver FROM outbox_counts) AS known ORDER BY receiver";
        self.try_to("read", |db| {
            let mut rows = db.prepare(sql)?;
            let read = |row: &Row<'_>| {
                let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                Ok(NoticeCounts {
                    receiver: row.get(0)?,
                    waiting: number(1)?,
                    dead: number(2)?,
                    delivered: number(3)?,
                    failed: number(4)?,
                    died: number(5)?,
                })
            };
            rows.query_map([], read)?.collect()
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<NoticeRecord> {
    let time = |at| Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let state: String = row.get(7)?;
    Ok(NoticeRecord {
        number: row.get(0)?,
        id: row.get(1)?,
        receiver: row.get(2)?,
        kind: row.get(3)?,
        subject: row.get(4)?,
        body: row.get(5)?,
        made_at: time(row.get(6)?),
        // The table's own check leaves no other.
        state: NoticeState::ALL
            .into_iter()
            .find(|known| known.name() == state)
            .unwrap_or(NoticeState::Dead),
        tries: row.get(8)?,
        not_before: time(row.get(9)?),
        problem: row.get(10)?,
    })
}

#[cfg(test)]
mod tests;
