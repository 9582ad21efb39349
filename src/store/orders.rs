//! Orders to the server: durable from the first answer on, each begun at most once.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Result, Store, UpdateId, counts, outbox};

/// How long what is no longer waiting is remembered, with its Idempotency-Key: seconds in which a server has served.
const KEPT: i64 = 24 * 60 * 60;
/// So many of those at most, however short a time ago they were.
const REMEMBERED: i64 = 20_000;
/// More do not wait at once.
const WAITING: i64 = 100;
/// Seconds that servers have served since the installation was made.
const SERVED: &str = "coalesce((SELECT CAST(value AS INTEGER) FROM installation WHERE key = 'served_seconds'), 0)";

/// `order_` and 16 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of an order: expected order_ and 16 hex digits")]
pub struct OrderIdError(String);

impl OrderId {
    pub fn of(random: [u8; 8]) -> Self {
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("order_{digits}"))
    }
}

impl FromStr for OrderId {
    type Err = OrderIdError;

    fn from_str(text: &str) -> std::result::Result<Self, OrderIdError> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match text.strip_prefix("order_") {
            Some(digits) if digits.len() == 16 && digits.bytes().all(is_digit) => Ok(Self(text.to_owned())),
            _ => Err(OrderIdError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for OrderId {
    type Error = OrderIdError;

    fn try_from(text: String) -> std::result::Result<Self, OrderIdError> {
        text.parse()
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    Waiting,
    /// It is no update, and is being done.
    Running,
    /// As an update, which says more.
    Begun,
    Done,
    Refused,
    Cancelled,
}

impl OrderState {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Running,
        Self::Begun,
        Self::Done,
        Self::Refused,
        Self::Cancelled,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Clone)]
pub struct OrderRecord {
    pub id: OrderId,
    /// JSON, in the words of the house.
    pub what: String,
    pub ordered_at: Timestamp,
    pub ordered_by: String,
    pub state: OrderState,
    pub update_id: Option<UpdateId>,
    /// JSON: what came of it.
    pub answer: Option<String>,
    pub fingerprint: String,
    /// Before that it does not begin, and stands in nobody's way.
    pub not_before: Option<Timestamp>,
    /// What came of it was the answer to the request itself.
    pub at_once: bool,
    /// Its time has come: since then it waits for its turn, whatever a clock says.
    pub came_due: bool,
}

impl OrderRecord {
    /// It waits for its turn, not for its time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.came_due || self.not_before.is_none_or(|time| time <= now)
    }
}

/// Whether the one who orders was told what came of it, or that it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    AtOnce,
    Later,
}

/// What adding an order came to.
#[derive(Debug)]
pub enum Added {
    New,
    /// The key was sent before, with this.
    Known(Box<OrderRecord>),
    /// Too many wait already.
    Full,
}

const RECORD: &str = "SELECT id, what, ordered_at, ordered_by, state, update_id, answer, fingerprint, not_before, taken, at_once, due FROM orders";

type Raw = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    bool,
    bool,
    bool,
);

impl Store {
    /// Adds an order that waits; forgets what is no longer remembered.
    pub fn add_order(&self, order: &OrderRecord, key: Option<&str>, now: Timestamp) -> Result<Added> {
        let known = self.try_to("write", |db| {
            let commit = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            forget_old(&commit)?;
            let sql = format!("{RECORD} WHERE key = ?1");
            let known: Option<Raw> = commit.query_row(&sql, [key], |row| Raw::try_from(row)).optional()?;
            if let Some(known) = known {
                return Ok(Err(known));
            }
            // What waits for its time takes no place from what waits for its turn, like the way back.
            let sql = "SELECT count(*) FROM orders WHERE state = 'waiting' AND (not_before IS NULL) = ?1";
            let waiting: i64 = commit.query_row(sql, [order.not_before.is_none()], |row| row.get(0))?;
            if waiting >= WAITING {
                return Ok(Ok(Added::Full));
            }
            let sql = "INSERT INTO orders (id, what, ordered_at, ordered_by, state, changed_at, key, fingerprint, not_before) \
                       VALUES (?1, ?2, ?3, ?4, 'waiting', ?3, ?5, ?6, ?7)";
            let not_before = order.not_before.map(|time| time.to_string());
            let OrderRecord {
                id,
                what,
                ordered_by,
                fingerprint,
                ..
            } = order;
            let now = now.to_string();
            commit.execute(sql, params![id.0, what, now, ordered_by, key, fingerprint, not_before])?;
            commit.commit()?;
            Ok(Ok(Added::New))
        })?;
        match known {
            Ok(added) => Ok(added),
            Err(raw) => Ok(Added::Known(Box::new(self.order_record(raw)?))),
        }
    }

    /// What was sent with this key before, while that is remembered.
    pub fn order_of_key(&self, key: &str) -> Result<Option<OrderRecord>> {
        let sql = format!("{RECORD} WHERE key = ?1 AND (state = 'waiting' OR served > {SERVED} - {KEPT})");
        Ok(self.orders(&sql, &[&key])?.pop())
    }

    pub fn order(&self, id: &OrderId) -> Result<Option<OrderRecord>> {
        Ok(self.orders(&format!("{RECORD} WHERE id = ?1"), &[&id.0])?.pop())
    }

    /// Those that wait and those that run, in the order in which they were given; those that have a time wait for that besides.
    pub fn open_orders(&self) -> Result<Vec<OrderRecord>> {
        self.orders(&format!("{RECORD} WHERE state = 'waiting' ORDER BY number"), &[])
    }

    /// All that are remembered, newest first.
    pub fn all_orders(&self, limit: u32) -> Result<Vec<OrderRecord>> {
        self.orders(&format!("{RECORD} ORDER BY number DESC LIMIT ?1"), &[&limit])
    }

    /// Ends the waiting of an order, with what came of it; whether it was still waiting. Of who was told no at once nothing was
    /// accepted: that is no order, nobody else is told of it, and the same key is free for the next try.
    pub fn settle_order(
        &self,
        id: &OrderId,
        (state, answer): (OrderState, &str),
        answered: Answered,
        now: Timestamp,
    ) -> Result<bool> {
        let at_once = answered == Answered::AtOnce;
        if at_once && state == OrderState::Refused {
            let changed = self.try_to("write", |db| {
                db.execute("DELETE FROM orders WHERE id = ?1 AND state = 'waiting'", [&id.0])
            })?;
            return Ok(changed > 0);
        }
        let changed = self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let sql = format!(
                "UPDATE orders SET state = ?2, answer = ?3, changed_at = ?4, at_once = ?5, taken = 0, served = {SERVED} \
                 WHERE id = ?1 AND state = 'waiting'"
            );
            let time = now.to_string();
            let changed = commit.execute(&sql, params![id.0, state.name(), answer, time, at_once])?;
            if changed > 0 && !at_once {
                counts::count_order(&commit, id, state)?;
            }
            if changed > 0 && state == OrderState::Refused {
                outbox::tell_of_order(&commit, &self.subscribers, id, now)?;
            }
            commit.commit().map(|()| changed)
        })?;
        Ok(changed > 0)
    }

    /// Takes an order that waits back; whether it did, and was not being done.
    pub fn cancel_order(&self, id: &OrderId, now: Timestamp) -> Result<bool> {
        let changed = self.try_to("write", |db| {
            let sql = format!(
                "UPDATE orders SET state = 'cancelled', changed_at = ?2, served = {SERVED} \
                 WHERE id = ?1 AND state = 'waiting' AND taken = 0"
            );
            let commit = db.unchecked_transaction()?;
            let changed = commit.execute(&sql, params![id.0, now.to_string()])?;
            if changed > 0 {
                counts::count_order(&commit, id, OrderState::Cancelled)?;
            }
            commit.commit().map(|()| changed)
        })?;
        Ok(changed > 0)
    }

    /// From here on the order is being done; whether it still waited for that.
    pub fn take_order(&self, id: &OrderId) -> Result<bool> {
        let changed = self.try_to("write", |db| {
            let sql = "UPDATE orders SET taken = 1 WHERE id = ?1 AND state = 'waiting' AND taken = 0";
            db.execute(sql, [&id.0])
        })?;
        Ok(changed > 0)
    }

    /// The order waits for its turn again.
    pub fn give_order_back(&self, id: &OrderId) -> Result<()> {
        self.try_to("write", |db| {
            db.execute("UPDATE orders SET taken = 0 WHERE id = ?1", [&id.0])
        })?;
        Ok(())
    }

    /// So many seconds more have been served.
    pub fn has_served(&self, seconds: u64) -> Result<()> {
        self.try_to("write", |db| {
            let sql = "INSERT INTO installation (key, value) VALUES ('served_seconds', ?1) \
                       ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + ?1 AS TEXT)";
            db.execute(sql, [i64::try_from(seconds).unwrap_or(i64::MAX)])
        })?;
        Ok(())
    }

    /// Gives an order that waits another time; whether it was still waiting.
    pub fn postpone_order(&self, id: &OrderId, time: Timestamp, now: Timestamp) -> Result<bool> {
        let changed = self.try_to("write", |db| {
            let sql = "UPDATE orders SET not_before = ?2, changed_at = ?3, due = 0 WHERE id = ?1 AND state = 'waiting'";
            db.execute(sql, params![id.0, time.to_string(), now.to_string()])
        })?;
        Ok(changed > 0)
    }

    /// The time of an order has come, or is waited for again.
    pub fn set_due(&self, id: &OrderId, is_due: bool) -> Result<()> {
        self.try_to("write", |db| {
            db.execute("UPDATE orders SET due = ?2 WHERE id = ?1", params![id.0, is_due])
        })?;
        Ok(())
    }

    /// The order has become this update.
    pub fn order_became(&self, id: &OrderId, update: &UpdateId, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            begun(&commit, id, update, now)?;
            commit.commit()
        })
    }

    /// What wants the update back, if it is not finished, from here on also after a crash; an order for that has become it in the same
    /// commit. Whether it was unfinished.
    pub fn want_back(&self, update: &UpdateId, by: &str, order: Option<&OrderId>, now: Timestamp) -> Result<bool> {
        self.try_to("write", |db| {
            let commit = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let sql = "UPDATE updates SET turn_back_by = coalesce(turn_back_by, ?2) WHERE id = ?1 AND outcome IS NULL";
            if commit.execute(sql, params![update.as_str(), by])? == 0 {
                return Ok(false);
            }
            if let Some(order) = order {
                begun(&commit, order, update, now)?;
            }
            commit.commit()?;
            Ok(true)
        })
    }

    fn orders(&self, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<Vec<OrderRecord>> {
        let raw: Vec<Raw> = self.rows(sql, parameters)?;
        raw.into_iter().map(|raw| self.order_record(raw)).collect()
    }

    fn order_record(&self, raw: Raw) -> Result<OrderRecord> {
        let (
            id,
            what,
            ordered_at,
            ordered_by,
            state,
            update_id,
            answer,
            fingerprint,
            not_before,
            taken,
            at_once,
            came_due,
        ) = raw;
        let wrong = |e: &dyn fmt::Display| self.unreadable(format!("order {id}"), e);
        let known = OrderState::ALL.into_iter().find(|known| known.name() == state);
        let known = known.map(|known| match known {
            OrderState::Waiting if taken => OrderState::Running,
            other => other,
        });
        Ok(OrderRecord {
            what,
            ordered_at: ordered_at.parse().map_err(|e| wrong(&e))?,
            state: known.ok_or_else(|| wrong(&format!("state `{state}`")))?,
            update_id: update_id.map(|id| id.parse()).transpose().map_err(|e| wrong(&e))?,
            not_before: not_before.map(|time| time.parse()).transpose().map_err(|e| wrong(&e))?,
            ordered_by,
            answer,
            fingerprint,
            at_once,
            came_due,
            id: OrderId(id),
        })
    }
}

/// In whatever commit it belongs to; whether it was still waiting.
pub(super) fn begun(
    db: &rusqlite::Connection,
    id: &OrderId,
    update: &UpdateId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "UPDATE orders SET state = 'begun', update_id = ?2, changed_at = ?3, served = {SERVED} \
         WHERE id = ?1 AND state = 'waiting'"
    );
    let was_waiting = db.execute(&sql, params![id.0, update.as_str(), now.to_string()])? > 0;
    if was_waiting {
        counts::count_order(db, id, OrderState::Begun)?;
    }
    Ok(was_waiting)
}

fn forget_old(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    let sql = format!("DELETE FROM orders WHERE state != 'waiting' AND served <= {SERVED} - ?1");
    db.execute(&sql, [KEPT])?;
    let sql = "DELETE FROM orders WHERE state != 'waiting' AND number <= \
               (SELECT number FROM orders WHERE state != 'waiting' ORDER BY number DESC LIMIT 1 OFFSET ?1)";
    db.execute(sql, [REMEMBERED])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn order(n: u8) -> OrderRecord {
        OrderRecord {
            id: OrderId::of([n; 8]),
            what: "{}".into(),
            ordered_at: clock::now(),
            ordered_by: "somebody".into(),
            state: OrderState::Waiting,
            update_id: None,
            answer: None,
            fingerprint: format!("print {n}"),
            not_before: None,
            at_once: false,
            came_due: false,
        }
    }

    #[test]
    fn a_key_names_one_order_for_a_day_of_serving_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        let now = clock::now();
        assert!(matches!(
            store.add_order(&order(1), Some("k"), now).unwrap(),
            Added::New
        ));
        let again = store.add_order(&order(2), Some("k"), now).unwrap();
        assert!(matches!(again, Added::Known(known) if known.fingerprint == "print 1"));
        let settle = |answered| store.settle_order(&order(1).id, (OrderState::Done, "{}"), answered, now);
        assert!(settle(Answered::Later).unwrap());
        assert!(!settle(Answered::AtOnce).unwrap() && !store.cancel_order(&order(1).id, now).unwrap());
        let known = |n, now| match store.add_order(&order(n), Some("k"), now).unwrap() {
            Added::Known(known) => Some(known.fingerprint),
            _ => None,
        };
        let first = Some("print 1".to_owned());
        for set in ["2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
            assert_eq!(known(3, set.parse().unwrap()), first, "{set}");
        }
        store.has_served(23 * 60 * 60).unwrap();
        assert_eq!(known(3, now), first);
        store.has_served(60 * 60).unwrap();
        assert!(store.order_of_key("k").unwrap().is_none());
        assert_eq!(known(4, now), None);
        assert_eq!(store.open_orders().unwrap().len(), 1);
    }

    #[test]
    fn what_was_refused_at_once_leaves_its_key_and_what_was_accepted_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        let now = clock::now();
        for (n, answered) in [(1, Answered::AtOnce), (2, Answered::Later)] {
            let key = format!("k{n}");
            assert!(matches!(
                store.add_order(&order(n), Some(&key), now).unwrap(),
                Added::New
            ));
            assert!(
                store
                    .settle_order(&order(n).id, (OrderState::Refused, "{}"), answered, now)
                    .unwrap()
            );
            let known = store.order_of_key(&key).unwrap().map(|known| known.id);
            assert_eq!(known, (answered == Answered::Later).then(|| order(n).id));
        }
        // What was refused at once never was one.
        let all = store.all_orders(10).unwrap();
        assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&order(2).id]);
    }

    #[test]
    fn what_orders_come_to_is_counted_once_and_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        let now = clock::now();
        for n in 1..=5 {
            let what = format!(r#"{{"kind":"{}"}}"#, if n == 5 { "backup_prune" } else { "upgrade" });
            let added = store.add_order(&OrderRecord { what, ..order(n) }, None, now).unwrap();
            assert!(matches!(added, Added::New));
        }
        let settle = |n, state, answered| store.settle_order(&order(n).id, (state, "{}"), answered, now).unwrap();
        for _ in 0..2 {
            settle(1, OrderState::Refused, Answered::Later);
            settle(2, OrderState::Refused, Answered::AtOnce);
            store.cancel_order(&order(3).id, now).unwrap();
            let update = "update_0a1_0b1_20260131_235959".parse().unwrap();
            store.order_became(&order(4).id, &update, now).unwrap();
            settle(5, OrderState::Done, Answered::Later);
        }
        let counted = store.counts().unwrap().orders;
        let counted: Vec<_> = counted
            .iter()
            .map(|one| (&*one.kind, &*one.result, one.count))
            .collect();
        let wanted = [
            ("backup_prune", "done", 1),
            ("upgrade", "begun", 1),
            ("upgrade", "cancelled", 1),
            ("upgrade", "refused", 1),
        ];
        assert_eq!(counted, wanted);
    }

    #[test]
    fn what_is_being_done_is_taken_once_and_cannot_be_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        let (now, id) = (clock::now(), order(1).id);
        assert!(matches!(store.add_order(&order(1), None, now).unwrap(), Added::New));
        assert!(store.take_order(&id).unwrap() && !store.take_order(&id).unwrap());
        assert!(!store.cancel_order(&id, now).unwrap());
        assert_eq!(store.open_orders().unwrap()[0].state, OrderState::Running);
        store.give_order_back(&id).unwrap();
        assert_eq!(store.order(&id).unwrap().unwrap().state, OrderState::Waiting);
        assert!(store.cancel_order(&id, now).unwrap() && !store.take_order(&id).unwrap());
    }

    #[test]
    fn an_order_has_its_time_until_it_waits_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        let now: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-22T02:00:00.5Z".parse().unwrap();
        let scheduled = OrderRecord {
            not_before: Some(later),
            ..order(1)
        };
        assert!(matches!(store.add_order(&scheduled, None, now).unwrap(), Added::New));
        let known = |id: &OrderId| store.order(id).unwrap().unwrap();
        assert!(!known(&scheduled.id).is_due(now) && known(&scheduled.id).is_due(later));
        // Once it is due it stays so, whatever the clock says; until it has another time.
        let earlier: Timestamp = "2026-11-21T02:00:00Z".parse().unwrap();
        store.set_due(&scheduled.id, true).unwrap();
        assert!(known(&scheduled.id).is_due(earlier));
        assert!(store.postpone_order(&scheduled.id, now, now).unwrap());
        assert!(!known(&scheduled.id).is_due(earlier));
        assert!(known(&scheduled.id).is_due(now));
        assert!(store.cancel_order(&scheduled.id, now).unwrap());
        assert!(!store.postpone_order(&scheduled.id, later, now).unwrap());
        assert_eq!(known(&scheduled.id).not_before, Some(now));
    }

    #[test]
    fn no_more_than_a_hundred_wait() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        for n in 0..100 {
            assert!(matches!(
                store.add_order(&order(n), None, clock::now()).unwrap(),
                Added::New
            ));
        }
        assert!(matches!(
            store.add_order(&order(100), None, clock::now()).unwrap(),
            Added::Full
        ));
    }

    #[test]
    fn ids_are_of_one_shape() {
        let id = OrderId::of([0xab; 8]);
        assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
        for wrong in [
            "order_",
            "order_../../etc/passwd",
            "order_ABABABABABABABAB",
            "xorder_abababababababab",
        ] {
            assert!(wrong.parse::<OrderId>().is_err(), "{wrong}");
        }
    }
}
