//! Orders to the server: durable from the first answer on, each begun at most once.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Result, Store, UpdateId, outbox};

/// How long what is no longer waiting is remembered, with its Idempotency-Key.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// More do not wait at once.
const WAITING: i64 = 100;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    Waiting,
    /// As an update, which says more.
    Begun,
    Done,
    Refused,
    Cancelled,
}

impl OrderState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Begun, Self::Done, Self::Refused, Self::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
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
}

impl OrderRecord {
    /// It waits for its turn, not for its time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|time| time <= now)
    }
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

const RECORD: &str =
    "SELECT id, what, ordered_at, ordered_by, state, update_id, answer, fingerprint, not_before FROM orders";

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
);

impl Store {
    /// Adds an order that waits; forgets what is no longer remembered.
    pub fn add_order(&self, order: &OrderRecord, key: Option<&str>, now: Timestamp) -> Result<Added> {
        let too_old = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN).to_string();
        let known = self.try_to("write", |db| {
            let commit = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let sql = "DELETE FROM orders WHERE state != 'waiting' AND changed_at < ?1";
            commit.execute(sql, [too_old])?;
            let sql = format!("{RECORD} WHERE key = ?1");
            let known: Option<Raw> = commit.query_row(&sql, [key], read).optional()?;
            if let Some(known) = known {
                return Ok(Err(known));
            }
            let sql = "SELECT count(*) FROM orders WHERE state = 'waiting'";
            let waiting: i64 = commit.query_row(sql, [], |row| row.get(0))?;
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

    /// What was sent with this key before.
    pub fn order_of_key(&self, key: &str) -> Result<Option<OrderRecord>> {
        Ok(self.orders(&format!("{RECORD} WHERE key = ?1"), &[&key])?.pop())
    }

    pub fn order(&self, id: &OrderId) -> Result<Option<OrderRecord>> {
        Ok(self.orders(&format!("{RECORD} WHERE id = ?1"), &[&id.0])?.pop())
    }

    /// In the order in which they were given; those that have a time wait for that besides.
    pub fn waiting_orders(&self) -> Result<Vec<OrderRecord>> {
        self.orders(&format!("{RECORD} WHERE state = 'waiting' ORDER BY number"), &[])
    }

    /// All that are remembered, newest first.
    pub fn all_orders(&self, limit: u32) -> Result<Vec<OrderRecord>> {
        self.orders(&format!("{RECORD} ORDER BY number DESC LIMIT ?1"), &[&limit])
    }

    /// Ends the waiting of an order, with what came of it; whether it was still waiting.
    pub fn settle_order(&self, id: &OrderId, state: OrderState, answer: Option<&str>, now: Timestamp) -> Result<bool> {
        let changed = self.try_to("write", |db| {
            let commit = db.unchecked_transaction()?;
            let sql = "UPDATE orders SET state = ?2, answer = ?3, changed_at = ?4 WHERE id = ?1 AND state = 'waiting'";
            let changed = commit.execute(sql, params![id.0, state.name(), answer, now.to_string()])?;
            if changed > 0 && state == OrderState::Refused {
                outbox::tell_of_order(&commit, &self.subscribers, id, now)?;
            }
            commit.commit().map(|()| changed)
        })?;
        Ok(changed > 0)
    }

    /// Gives an order that waits another time; whether it was still waiting.
    pub fn postpone_order(&self, id: &OrderId, time: Timestamp, now: Timestamp) -> Result<bool> {
        let changed = self.try_to("write", |db| {
            let sql = "UPDATE orders SET not_before = ?2, changed_at = ?3 WHERE id = ?1 AND state = 'waiting'";
            db.execute(sql, params![id.0, time.to_string(), now.to_string()])
        })?;
        Ok(changed > 0)
    }

    /// The order has become this update.
    pub fn order_became(&self, id: &OrderId, update: &UpdateId, now: Timestamp) -> Result<()> {
        self.try_to("write", |db| begun(db, id, update, now))?;
        Ok(())
    }

    fn orders(&self, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<Vec<OrderRecord>> {
        let raw: Vec<Raw> = self.try_to("read", |db| {
            let mut rows = db.prepare(sql)?;
            rows.query_map(parameters, read)?.collect()
        })?;
        raw.into_iter().map(|raw| self.order_record(raw)).collect()
    }

    fn order_record(&self, raw: Raw) -> Result<OrderRecord> {
        let (id, what, ordered_at, ordered_by, state, update_id, answer, fingerprint, not_before) = raw;
        let wrong = |e: &dyn fmt::Display| self.unreadable(format!("order {id}"), e);
        let known = OrderState::ALL.into_iter().find(|known| known.name() == state);
        Ok(OrderRecord {
            what,
            ordered_at: ordered_at.parse().map_err(|e| wrong(&e))?,
            state: known.ok_or_else(|| wrong(&format!("state `{state}`")))?,
            update_id: update_id.map(|id| id.parse()).transpose().map_err(|e| wrong(&e))?,
            not_before: not_before.map(|time| time.parse()).transpose().map_err(|e| wrong(&e))?,
            ordered_by,
            answer,
            fingerprint,
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
    let sql = "UPDATE orders SET state = 'begun', update_id = ?2, changed_at = ?3 WHERE id = ?1 AND state = 'waiting'";
    Ok(db.execute(sql, params![id.0, update.as_str(), now.to_string()])? > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
        row.get(8)?,
    ))
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
        }
    }

    #[test]
    fn a_key_names_one_order_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        let now = clock::now();
        assert!(matches!(
            store.add_order(&order(1), Some("k"), now).unwrap(),
            Added::New
        ));
        let again = store.add_order(&order(2), Some("k"), now).unwrap();
        assert!(matches!(again, Added::Known(known) if known.fingerprint == "print 1"));
        assert!(store.settle_order(&order(1).id, OrderState::Done, None, now).unwrap());
        assert!(
            !store
                .settle_order(&order(1).id, OrderState::Cancelled, None, now)
                .unwrap()
        );
        let later = now.checked_add(SignedDuration::from_hours(23)).unwrap();
        assert!(matches!(
            store.add_order(&order(3), Some("k"), later).unwrap(),
            Added::Known(_)
        ));
        let next_day = now.checked_add(SignedDuration::from_hours(25)).unwrap();
        assert!(matches!(
            store.add_order(&order(4), Some("k"), next_day).unwrap(),
            Added::New
        ));
        assert_eq!(store.waiting_orders().unwrap().len(), 1);
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
        assert!(store.postpone_order(&scheduled.id, now, now).unwrap());
        assert!(known(&scheduled.id).is_due(now));
        assert!(
            store
                .settle_order(&scheduled.id, OrderState::Cancelled, None, now)
                .unwrap()
        );
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
