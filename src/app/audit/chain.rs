//! What makes the audit a chain: a row's hash is over its content and the hash before; a checkpoint signs one hash.

use std::collections::BTreeMap;

use serde_json::json;

use crate::crypt::{PublicKey, SigningKey, digest_of};
use crate::store::{AuditCheckpoint, AuditEntry, AuditRow};

/// Ahead of what is signed, so that the signature stands for nothing else.
const SIGNED_AS: &str = "netlink-audit-checkpoint-v1";

/// The hash of row `seq`, in hex; `before` is that of the row before it. JSON keeps the parts apart.
pub fn hash(before: Option<&str>, seq: i64, entry: &AuditEntry) -> String {
    let AuditEntry {
        time,
        who,
        origin,
        action,
        subject,
        outcome,
    } = entry;
    let text = json!([before, seq, time.to_string(), who, origin, action, subject, outcome]).to_string();
    digest_of(text.as_bytes()).to_string()
}

pub fn sign(key: &SigningKey, seq: i64, hash: String, time: jiff::Timestamp) -> AuditCheckpoint {
    let key_text = key.public().to_string();
    let message = message(seq, &hash, time, &key_text);
    AuditCheckpoint {
        seq,
        hash,
        time,
        signature: hex::encode(key.sign(message.as_bytes())),
        key: key_text,
    }
}

/// Whether the key that it names has signed it.
pub fn is_signed(checkpoint: &AuditCheckpoint) -> bool {
    let AuditCheckpoint {
        seq,
        hash,
        time,
        key,
        signature,
    } = checkpoint;
    let (Ok(public), Ok(signature)) = (key.parse::<PublicKey>(), hex::decode(signature)) else {
        return false;
    };
    public.verify(message(*seq, hash, *time, key).as_bytes(), &signature)
}

fn message(seq: i64, hash: &str, time: jiff::Timestamp, key: &str) -> String {
    json!([SIGNED_AS, seq, hash, time.to_string(), key]).to_string()
}

/// Goes along the rows, in order, and collects what is wrong with them.
pub struct Check {
    /// All of them for a row: copies from before a row was replaced are the ones that tell.
    checkpoints: BTreeMap<i64, Vec<AuditCheckpoint>>,
    last: Option<(i64, String)>,
    /// The last row that a checkpoint vouches for.
    vouched: i64,
    pub rows: u64,
    pub problems: Vec<String>,
}

/// More than that are not told: the first ones say where to look.
const TOLD: usize = 20;

impl Check {
    /// `checkpoints` are those that are believed.
    pub fn against(checkpoints: impl IntoIterator<Item = AuditCheckpoint>) -> Self {
        let mut by_row = BTreeMap::<i64, Vec<AuditCheckpoint>>::new();
        for checkpoint in checkpoints {
            by_row.entry(checkpoint.seq).or_default().push(checkpoint);
        }
        Self {
            checkpoints: by_row,
            last: None,
            vouched: 0,
            rows: 0,
            problems: Vec::new(),
        }
    }

    pub fn row(&mut self, row: &AuditRow) {
        self.rows += 1;
        let (before, hash_before) = self.last.clone().unzip();
        let expected = before.unwrap_or(0) + 1;
        if row.seq < expected {
            self.say(format!("row {} is not in its place", row.seq));
        } else if row.seq > expected {
            self.say(missing(expected, row.seq - 1));
        } else if hash(hash_before.as_deref(), row.seq, &row.entry) != row.hash {
            self.say(format!(
                "row {} has been changed or is not in its place: {} {} {}",
                row.seq, row.entry.time, row.entry.who, row.entry.action
            ));
        }
        self.compare(row);
        self.last = Some((row.seq, row.hash.clone()));
    }

    fn compare(&mut self, row: &AuditRow) {
        let Some(checkpoints) = self.checkpoints.remove(&row.seq) else {
            // Each is signed in the commit that adds it.
            return self.say(format!(
                "row {} is not signed: {} {} {}",
                row.seq, row.entry.time, row.entry.who, row.entry.action
            ));
        };
        match checkpoints.iter().find(|checkpoint| checkpoint.hash != row.hash) {
            None => self.vouched = row.seq,
            Some(other) => {
                let (first, last) = (self.vouched + 1, row.seq);
                let anew = if first == last {
                    "it has been written anew".to_owned()
                } else {
                    format!("something in rows {first} to {last} has been written anew")
                };
                let time = other.time;
                self.say(format!("row {last} is another one than was signed at {time}: {anew}"));
            }
        }
    }

    /// After the last row: what checkpoints have seen and is no more.
    pub fn end(&mut self) {
        let last = self.last.as_ref().map_or(0, |(seq, _)| *seq);
        let gone = self.checkpoints.range(last + 1..).next_back();
        if let Some((seq, checkpoint)) = gone.and_then(|(seq, all)| Some((seq, all.first()?))) {
            let time = checkpoint.time;
            let text = format!(
                "{}: the checkpoint of {time} has seen row {seq}",
                missing(last + 1, *seq)
            );
            self.say(text);
        }
    }

    fn say(&mut self, problem: String) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        }
    }
}

fn missing(from: i64, to: i64) -> String {
    match to - from {
        0 => format!("row {from} is missing"),
        _ => format!("rows {from} to {to} are missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn rows(count: i64) -> Vec<AuditRow> {
        let mut rows: Vec<AuditRow> = Vec::new();
        for seq in 1..=count {
            let entry = AuditEntry {
                time: clock::now(),
                who: format!("who {seq}"),
                origin: "here".into(),
                action: "update".into(),
                subject: "0b1".into(),
                outcome: "done".into(),
            };
            let hash = hash(rows.last().map(|row| row.hash.as_str()), seq, &entry);
            rows.push(AuditRow { seq, entry, hash });
        }
        rows
    }

    fn signed(rows: &[AuditRow], key: &SigningKey) -> Vec<AuditCheckpoint> {
        let sign = |row: &AuditRow| sign(key, row.seq, row.hash.clone(), clock::now());
        rows.iter().map(sign).collect()
    }

    /// Of a chain that was signed as it was.
    fn problems(rows: &[AuditRow], was: &[AuditRow]) -> Vec<String> {
        let mut check = Check::against(signed(was, &SigningKey::generate()));
        rows.iter().for_each(|row| check.row(row));
        check.end();
        check.problems
    }

    #[test]
    fn what_was_changed_removed_or_moved_is_named() {
        let whole = rows(6);
        assert_eq!(problems(&whole, &whole), [""; 0]);
        let mut changed = whole.clone();
        changed[2].entry.who = "nobody".into();
        assert!(problems(&changed, &whole)[0].starts_with("row 3 has been changed"));
        let mut removed = whole.clone();
        removed.remove(3);
        assert_eq!(problems(&removed, &whole)[0], "row 4 is missing");
        let mut moved = whole.clone();
        moved.swap(1, 4);
        (moved[1].seq, moved[4].seq) = (2, 5);
        assert!(problems(&moved, &whole)[0].starts_with("row 2 has been changed or is not in its place"));
        let more = rows(7);
        assert!(problems(&more, &more[..6])[0].starts_with("row 7 is not signed"));
        let mut below = whole.clone();
        below.insert(
            0,
            AuditRow {
                seq: 0,
                ..whole[0].clone()
            },
        );
        assert_eq!(problems(&below, &whole)[0], "row 0 is not in its place");
    }

    #[test]
    fn a_chain_that_was_written_anew_or_cut_off_is_found_by_a_checkpoint() {
        let (whole, key) = (rows(6), SigningKey::generate());
        let signed = sign(&key, 5, whole[4].hash.clone(), clock::now());
        assert!(is_signed(&signed));
        assert!(!is_signed(&AuditCheckpoint {
            seq: 4,
            ..signed.clone()
        }));
        let mut last = rows(6);
        last[..5].clone_from_slice(&whole[..5]);
        last[5].hash = hash(Some(&whole[4].hash), 6, &last[5].entry);
        let told = problems(&last, &whole);
        assert!(
            told.len() == 1
                && told[0].starts_with("row 6 is another one")
                && told[0].ends_with("it has been written anew"),
            "{told:?}"
        );
        let anew = rows(6);
        assert!(
            problems(&anew, &whole)[0].contains("written anew"),
            "{:?}",
            problems(&anew, &whole)
        );
        assert!(problems(&whole[..3], &whole)[0].starts_with("rows 4 to 6 are missing"));
    }
}
