//! Which ways down are relied on.

use super::*;

/// As its author wrote it is kept: with this SQL in the place of another.
fn forged(mut level: StoredLevel, new: &str, is_hashed: bool) -> StoredLevel {
    if let WayDown::Sql { sql, sha256, .. } = &mut level.way {
        *sql = new.to_owned();
        if is_hashed {
            *sha256 = crate::crypt::digest_of(new.as_bytes());
        }
    }
    level
}

#[test]
fn a_way_down_that_is_not_whole_is_refused_before_anything_runs() {
    let place = with_downs("DROP TABLE more;");
    let db = place.db();
    let good = up_and_keep(&db, &place.files(), 2);
    let bad = |sql, is_hashed| vec![forged(good[0].clone(), sql, is_hashed), good[1].clone()];
    let twice = [&good[..], &good[..1]].concat();
    for bad in [
        good[1..].to_vec(),
        bad("DROP TABLE child; DROP TABLE parent; DELETE FROM x;", false),
        bad("-- nothing\n /* here */ ;", true),
        twice,
    ] {
        let refused = down(&db, &bad, 0).unwrap_err();
        assert!(matches!(refused, SchemaError::NoWayDown { level: 1, .. }), "{refused}");
        assert_eq!(level(&db).unwrap(), Some(2));
    }
    down(&db, &good, 0).unwrap();
}

#[test]
fn a_way_down_that_leads_elsewhere_is_taken_back() {
    let place = with_downs("DROP TABLE more;");
    let db = place.db();
    let kept = up_and_keep(&db, &place.files(), 2);
    let elsewhere = [kept[0].clone(), forged(kept[1].clone(), "DELETE FROM more;", true)];
    let failed = told(&down(&db, &elsewhere, 1).unwrap_err());
    assert!(
        failed.contains("the schema after it is not the one from before"),
        "{failed}"
    );
    assert_eq!(level(&db).unwrap(), Some(2));
    place
        .sql()
        .execute_batch("CREATE INDEX by_hand ON parent (name)")
        .unwrap();
    assert!(told(&down(&db, &kept, 1).unwrap_err()).contains("by hand"));
}

#[test]
fn a_rebuilt_table_is_the_one_from_before_although_its_name_is_quoted() {
    let back = "CREATE TABLE old (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO old SELECT id, name FROM parent;
                DROP TABLE parent; ALTER TABLE old RENAME TO parent;";
    let place = Scene::new(&[PARENT, REBUILD, ("V2__rebuild.down.sql", back)]);
    up(&place.db(), &place.files(), 1).unwrap();
    let before = fingerprint(&place.db()).unwrap();
    let kept = up_and_keep(&place.db(), &place.files(), 2);
    down(&place.db(), &kept, 1).unwrap();
    assert_eq!(fingerprint(&place.db()).unwrap(), before);
    assert_eq!(place.one::<i64>("SELECT count(*) FROM child"), 2);
}

#[test]
fn a_trial_finds_the_way_down_that_does_not_lead_back() {
    let none = |way: &WayBack| match way {
        WayBack::None { reason } => reason.clone(),
        WayBack::Rehearsed => String::new(),
    };
    for (sql, said) in [
        ("DROP TABLE more;", ""),
        ("DELETE FROM more;", "table more is there in addition"),
        ("DROP TABLE nowhere;", "no such table: nowhere"),
        ("-- none", "brings no way down"),
        (
            "DROP TABLE more; CREATE TABLE less (a);",
            "table less is there in addition",
        ),
        ("DROP TABLE more; DELETE FROM parent;", "point to nothing"),
    ] {
        let place = with_downs(sql);
        up(&place.db(), &place.files(), 1).unwrap();
        let trial = trial_up(&place.db(), &place.files(), 2, BUDGET).unwrap();
        let reason = none(trial.way_back(2).unwrap());
        assert!(
            reason.contains(said) && reason.is_empty() == said.is_empty(),
            "{sql}: {reason}"
        );
        assert!(trial.seconds() > 0.0);
        assert_eq!(
            level(&place.db()).unwrap(),
            Some(2),
            "{sql}: it stands where it would without the trial of the way back"
        );
        let schema = fingerprint(&place.db()).unwrap();
        let stored = StoredLevel::of(&place.files(), 2, schema, trial.way_back(2)).unwrap();
        assert_eq!(stored.one_way().unwrap_or_default(), reason);
    }
}

#[test]
fn an_up_that_does_not_go_twice_is_found() {
    let place = Scene::new(&[
        PARENT,
        (
            "V2__more.sql",
            "CREATE TABLE more (a UNIQUE); INSERT INTO parent VALUES (7, 'x');",
        ),
        ("V2__more.down.sql", "DROP TABLE more;"),
    ]);
    let trial = trial_up(&place.db(), &place.files(), 2, BUDGET).unwrap();
    let WayBack::None { reason } = trial.way_back(2).unwrap() else {
        panic!("it leaves a row that the way up trips over");
    };
    assert!(reason.contains("UNIQUE constraint failed"), "{reason}");
}

#[test]
fn a_trial_counts_rows_and_is_given_up_over_its_budget() {
    let place = Scene::new(&[PARENT]);
    let trial = trial_up(&place.db(), &place.files(), 1, BUDGET).unwrap();
    assert_eq!(
        (trial.files[0].title.as_str(), trial.files[0].rows),
        ("V1__parent.sql", 3)
    );
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;";
    let place = Scene::new(&[PARENT, ("V2__endless.sql", endless)]);
    let given_up = trial_up(&place.db(), &place.files(), 2, Duration::from_millis(50)).unwrap_err();
    assert!(given_up.to_string().contains("safety.trial_budget"), "{given_up}");
}
