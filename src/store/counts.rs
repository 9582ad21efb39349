//! What is counted for good, over all processes and restarts: what became of orders, and what was fetched.

use rusqlite::{Connection, params};

use super::{OrderId, OrderState, Result, Store};

/// Of all that is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes that the repository and its mirrors have given.
    pub fetched: u64,
    pub orders: Vec<OrderCount>,
    /// Of orders whose time was missed.
    pub made_up_for: u64,
    pub skipped: u64,
}

/// Orders of a kind that came to this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCount {
    pub kind: String,
    pub result: String,
    pub count: u64,
}

/// What becomes of an order whose time was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    MadeUpFor,
    Skipped,
}

const FETCHED: &str = "counted fetched";
const ORDERS: &str = "counted orders ";

impl Missed {
    fn key(self) -> &'static str {
        match self {
            Self::MadeUpFor => "counted missed made-up-for",
            Self::Skipped => "counted missed skipped",
        }
    }
}

impl Store {
    pub fn count_fetched(&self, bytes: u64) -> Result<()> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.try_to("write", |db| add(db, FETCHED, bytes))
    }

    pub fn count_missed(&self, became: Missed) -> Result<()> {
        self.try_to("write", |db| add(db, became.key(), 1))
    }

    pub fn counts(&self) -> Result<Counts> {
        let sql = "SELECT key, CAST(value AS INTEGER) FROM installation WHERE key LIKE 'counted %' ORDER BY key";
        let mut counts = Counts::default();
        for (key, value) in self.rows::<(String, i64)>(sql, [])? {
            let count = value.unsigned_abs();
            let order = key.strip_prefix(ORDERS).and_then(|rest| rest.split_once(' '));
            match (order, key.as_str()) {
                (Some((kind, result)), _) => counts.orders.push(OrderCount {
                    kind: kind.to_owned(),
                    result: result.to_owned(),
                    count,
                }),
                (None, FETCHED) => counts.fetched = count,
                (None, key) if key == Missed::MadeUpFor.key() => counts.made_up_for = count,
                (None, key) if key == Missed::Skipped.key() => counts.skipped = count,
                (None, _) => {}
            }
        }
        Ok(counts)
    }
}

/// In the commit in which the order comes to this.
pub(super) fn count_order(commit: &Connection, id: &OrderId, came_to: OrderState) -> rusqlite::Result<()> {
    let sql = "SELECT coalesce(what ->> '$.kind', 'unknown') FROM orders WHERE id = ?1";
    let kind: String = commit.query_row(sql, [id.to_string()], |row| row.get(0))?;
    add(commit, &format!("{ORDERS}{kind} {}", came_to.name()), 1)
}

fn add(db: &Connection, key: &str, count: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO installation (key, value) VALUES (?1, ?2) \
               ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + ?2 AS TEXT)";
    db.execute(sql, params![key, count]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_grow_and_are_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        assert_eq!(store.counts().unwrap(), Counts::default());
        for bytes in [3, 4] {
            store.count_fetched(bytes).unwrap();
        }
        for became in [Missed::Skipped, Missed::MadeUpFor, Missed::Skipped] {
            store.count_missed(became).unwrap();
        }
        let counts = store.counts().unwrap();
        assert_eq!((counts.fetched, counts.skipped, counts.made_up_for), (7, 2, 1));
    }
}
