//! What is in the outbox, and when.

use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::store::{Added, Answered, AuditEntry, OrderRecord, OrderState};

const HOUR: Duration = Duration::from_secs(3600);

fn store(dir: &tempfile::TempDir, kinds: &[NoticeKind]) -> Store {
    let mut store = Store::open(&dir.path().join("netlink.db")).unwrap();
    let subscriber = |name: &str| Subscriber {
        name: name.into(),
        kinds: kinds.iter().copied().collect(),
    };
    store.subscribe(Subscribers {
        source: "/netlink/here/lamp".into(),
        all: vec![subscriber("a"), subscriber("b")],
    });
    store
}

fn now() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

fn in_hours(hours: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

/// Posts about `subject` as an entry would.
fn tell_of(store: &Store, subject: &str) {
    let data = json!({});
    tell(
        &store.db,
        &store.subscribers,
        NoticeKind::UpdateFailed,
        subject,
        &data,
        now(),
    )
    .unwrap();
}

fn due(store: &Store, receiver: &str, at: Timestamp) -> Option<NoticeRecord> {
    store.due_notice(receiver, at, HOUR).unwrap()
}

#[test]
fn each_receiver_has_the_same_notice_and_its_own_fate() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::UpdateFailed]);
    tell_of(&store, "u1");
    let (to_a, to_b) = (due(&store, "a", now()).unwrap(), due(&store, "b", now()).unwrap());
    assert_eq!((&to_a.id, &to_a.body), (&to_b.id, &to_b.body));
    let body: Value = serde_json::from_str(&to_a.body).unwrap();
    assert_eq!(body["id"], to_a.id);
    assert_eq!(body["type"], "netlink.update.failed");
    assert_eq!(body["source"], "/netlink/here/lamp");
    store.notice_was_delivered(&to_a, now()).unwrap();
    store.notice_failed(&to_b, "no", in_hours(1)).unwrap();
    assert_eq!(due(&store, "a", now()), None);
    assert_eq!(due(&store, "b", now()), None);
    let again = due(&store, "b", in_hours(1)).unwrap();
    assert_eq!((again.id, again.tries, again.body), (to_b.id, 1, to_b.body));
    let counts = store.notice_counts().unwrap();
    let told = |at: usize| {
        (
            counts[at].waiting,
            counts[at].delivered,
            counts[at].failed,
            counts[at].died,
        )
    };
    assert_eq!((told(0), told(1)), ((0, 1, 0, 0), (1, 0, 1, 0)));
}

#[test]
fn what_is_about_the_same_goes_one_after_the_other_and_holds_nothing_else_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::UpdateFailed]);
    for subject in ["u1", "u1", "u2"] {
        tell_of(&store, subject);
    }
    let first = due(&store, "a", now()).unwrap();
    store.notice_failed(&first, "no", in_hours(1)).unwrap();
    let other = due(&store, "a", now()).unwrap();
    assert_eq!(other.subject, "u2");
    store.notice_was_delivered(&other, now()).unwrap();
    assert_eq!(due(&store, "a", now()), None, "the second waits behind the first");
    let again = due(&store, "a", in_hours(1)).unwrap();
    assert_eq!(again.id, first.id);
    store.notice_died(&again, "no", in_hours(1)).unwrap();
    let second = due(&store, "a", in_hours(1)).unwrap();
    assert!(second.number > first.number && second.subject == "u1");

    assert_eq!(store.revive_notices(Some(&first.id)).unwrap(), 2, "to both receivers");
    assert_eq!(due(&store, "a", now()).unwrap().id, first.id);
}

#[test]
fn a_time_that_a_wrong_clock_has_set_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::UpdateFailed]);
    tell_of(&store, "u1");
    let notice = due(&store, "a", now()).unwrap();
    store.notice_failed(&notice, "no", in_hours(100_000)).unwrap();
    assert!(due(&store, "a", now()).is_some());
}

#[test]
fn no_more_than_a_thousand_wait_and_the_oldest_die() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::UpdateFailed]);
    for _ in 0..=WAITING {
        tell_of(&store, "u1");
    }
    let counts = store.notice_counts().unwrap();
    assert_eq!((counts[0].waiting, counts[0].dead, counts[0].died), (1000, 1, 1));
    let oldest = due(&store, "a", now()).unwrap();
    assert_eq!(
        store.notices(u32::MAX).unwrap().iter().map(|one| one.number).min(),
        Some(1)
    );
    assert!(oldest.number > 1);
}

#[test]
fn what_is_settled_is_forgotten_after_a_month() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::UpdateFailed]);
    tell_of(&store, "u1");
    for receiver in ["a", "b"] {
        let notice = due(&store, receiver, now()).unwrap();
        store.notice_was_delivered(&notice, now()).unwrap();
    }
    store.post_test(&["a"], in_hours(24 * 29)).unwrap();
    assert_eq!(store.notices(10).unwrap().len(), 3);
    store.post_test(&["a"], in_hours(24 * 31)).unwrap();
    assert_eq!(store.notices(10).unwrap().len(), 2);
    assert_eq!(store.notice_counts().unwrap()[0].delivered, 1);
}

#[test]
fn only_the_newest_checkpoint_waits() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::AuditCheckpoint]);
    let entry = AuditEntry {
        time: now(),
        who: "me".into(),
        origin: "here".into(),
        action: "x".into(),
        subject: String::new(),
        outcome: "done".into(),
    };
    let seal = |_: Option<&str>, seq: i64, entry: &AuditEntry| AuditCheckpoint {
        seq,
        hash: format!("hash {seq}"),
        time: entry.time,
        key: "k".into(),
        signature: "s".into(),
    };
    for _ in 0..3 {
        store.append_audit(&entry, &seal).unwrap();
    }
    let notices = store.notices(10).unwrap();
    assert_eq!(notices.len(), 2, "one for each receiver");
    let body: Value = serde_json::from_str(&notices[0].body).unwrap();
    assert_eq!(body["data"]["hash"], "hash 3");
}

#[test]
fn an_order_that_is_refused_is_told_and_one_that_is_cancelled_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, &[NoticeKind::OrderRefused]);
    for (n, state) in [
        (1, OrderState::Cancelled),
        (2, OrderState::Refused),
        (2, OrderState::Refused),
    ] {
        let order = OrderRecord {
            id: OrderId::of([n; 8]),
            what: r#"{"kind":"upgrade"}"#.into(),
            ordered_at: now(),
            ordered_by: "policy".into(),
            state: OrderState::Waiting,
            update_id: None,
            answer: None,
            fingerprint: n.to_string(),
            not_before: None,
            at_once: false,
            came_due: false,
        };
        let key = n.to_string();
        assert!(matches!(
            store.add_order(&order, Some(&key), now()).unwrap(),
            Added::New | Added::Known(_)
        ));
        let answer = r#"{"code":"NL0102","detail":"no"}"#;
        store
            .settle_order(&order.id, (state, answer), Answered::Later, now())
            .unwrap();
    }
    let notices = store.notices(10).unwrap();
    assert_eq!(notices.len(), 2, "once for each receiver");
    let body: Value = serde_json::from_str(&notices[0].body).unwrap();
    assert_eq!(body["data"]["ordered_by"], "policy");
    assert_eq!(body["data"]["problem"]["code"], "NL0102");
}
