//! Each directive does what it says.

use super::*;

/// `V1__parent` and a second file; what running both comes to.
fn second(sql: &str) -> (Scene, Result<Applied, SchemaError>) {
    let place = Scene::new(&[PARENT, ("V2__second.sql", sql)]);
    let ran = up(&place.db(), &place.files(), 2);
    (place, ran)
}

#[test]
fn a_mistake_is_named_with_file_line_and_column() {
    let place = Scene::new(&[PARENT, ("V2__x.sql", "-- one\n  -- netlink: phas=before\nSELECT 1;")]);
    let failed = place.load().unwrap_err().to_string();
    assert!(
        failed.ends_with("V2__x.sql:2:15: there is no directive `phas`; did you mean `phase`?"),
        "{failed}"
    );
}

#[test]
fn without_a_transaction_each_statement_stays() {
    let (place, ran) = second("-- netlink: transaction=false rerunnable\nCREATE TABLE IF NOT EXISTS x (a);\nVACUUM;");
    assert_eq!(ran.unwrap().count(), 2);
    assert_eq!(level(&place.db()).unwrap(), Some(2));

    let (place, ran) = second(
        "-- netlink: transaction=false rerunnable\nCREATE TABLE IF NOT EXISTS x (a);\nINSERT INTO nowhere VALUES (1);",
    );
    let failed = ran.unwrap_err();
    assert!(
        matches!(
            failed,
            SchemaError::Migration {
                level: 2,
                whole: false,
                ..
            }
        ),
        "{failed}"
    );
    assert!(
        told(&failed).contains("statement 2 of 2 (line 3) failed; those before it stay"),
        "{}",
        told(&failed)
    );
    assert_eq!(level(&place.db()).unwrap(), Some(1), "no history row");
    assert_eq!(
        place.one::<i64>("SELECT count(*) FROM sqlite_schema WHERE name = 'x'"),
        1
    );

    let (_, ran) = second("-- netlink: transaction=false\nVACUUM;");
    assert!(ran.unwrap_err().to_string().contains("`rerunnable`"));
    let (_, ran) = second("VACUUM;");
    assert!(
        ran.unwrap_err()
            .to_string()
            .contains("V2__second.sql:1:1: VACUUM does nothing within a transaction")
    );
}

#[test]
fn foreign_keys_are_kept_as_it_says() {
    let children = |place: &Scene| place.one::<i64>("SELECT count(*) FROM child");
    let (place, ran) = second("-- netlink: foreign_keys=on\nDELETE FROM parent;");
    ran.unwrap();
    assert_eq!(children(&place), 0, "it cascades");
    let (place, ran) = second("DELETE FROM parent;");
    assert!(told(&ran.unwrap_err()).contains("2 rows now point to nothing"));
    assert_eq!(children(&place), 2);

    let later = "INSERT INTO child VALUES (3, 9); INSERT INTO parent VALUES (9, 'late');";
    let (_, ran) = second(&format!("-- netlink: foreign_keys=on\n{later}"));
    assert!(told(&ran.unwrap_err()).contains("FOREIGN KEY"));
    let (place, ran) = second(&format!("-- netlink: foreign_keys=defer\n{later}"));
    ran.unwrap();
    assert_eq!(children(&place), 3);
    let (_, ran) = second("-- netlink: foreign_keys=defer\nINSERT INTO child VALUES (3, 9);");
    assert!(told(&ran.unwrap_err()).contains("FOREIGN KEY"));
}

#[test]
fn what_is_required_is_asked_before_the_file() {
    let asks = |query: &str| {
        second(&format!(
            "-- netlink: require \"{query}\" \"archive first\"\nDROP TABLE child;"
        ))
        .1
    };
    asks("SELECT count(*) < 5 FROM child").unwrap();
    for (query, found) in [
        ("SELECT count(*) > 5 FROM child", "row 1 is 0"),
        ("SELECT id - 1 FROM child ORDER BY id DESC", "row 2 is 0"),
        ("SELECT 1 FROM child WHERE id > 7", "there is no row"),
        ("SELECT NULL", "NULL"),
        ("SELECT 'yes'", "'yes'"),
        ("DELETE FROM child", "no query"),
    ] {
        let failed = told(&asks(query).unwrap_err());
        assert!(
            failed.contains("archive first") && failed.contains(found),
            "{query}: {failed}"
        );
    }
}

#[test]
fn an_older_server_is_refused() {
    second("-- netlink: server>=3.8\nSELECT 1;").1.unwrap();
    let failed = told(&second("-- netlink: server>=4\nSELECT 1;").1.unwrap_err());
    assert!(failed.contains("it needs SQLite 4, this is 3."), "{failed}");
}

#[test]
fn a_lock_is_waited_for_as_long_as_it_says() {
    let place = Scene::new(&[
        PARENT,
        ("V2__x.sql", "-- netlink: lock_timeout=20ms\nCREATE TABLE x (a);"),
    ]);
    up(&place.db(), &place.files(), 1).unwrap();
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // refinery asks for its table first, under the usual patience.
    let mut connection = at(&place.db()).open_to_migrate().unwrap();
    let manner = database::Manner::of(&place.files().get(2).unwrap().directives);
    let failed = driver::in_one_transaction(connection.as_mut(), manner, |_| Ok(())).unwrap_err();
    assert_eq!(
        failed.to_string(),
        "another program has kept the database locked for 0.02 s"
    );
}

#[test]
fn irreversible_is_kept_as_the_reason_and_bears_no_way_down() {
    let irreversible = (
        "V2__x.sql",
        "-- netlink: irreversible=\"names are gone\"\nUPDATE parent SET name = '';",
    );
    let place = Scene::new(&[PARENT, irreversible]);
    let kept = up_and_keep(&place.db(), &place.files(), 2);
    assert_eq!(kept[1].one_way(), Some("names are gone"));
    let refused = down(&place.db(), &kept, 1).unwrap_err().to_string();
    assert_eq!(refused, "level 2 cannot be taken back: names are gone");

    let both = Scene::new(&[PARENT, irreversible, ("V2__x.down.sql", "SELECT 1;")]);
    assert!(
        both.files()
            .lint(0, 2)
            .unwrap_err()
            .to_string()
            .contains("V2__x.down.sql:1:1: there is a way down")
    );
}

#[test]
fn in_the_background_a_statement_is_repeated_until_it_changes_nothing() {
    let many = "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 109)
                INSERT INTO parent SELECT i, 'old' FROM n;";
    let batch = "-- netlink: phase=background\n\
                 UPDATE parent SET name = 'new' WHERE id IN (SELECT id FROM parent WHERE name = 'old' LIMIT 30);";
    let place = Scene::new(&[PARENT, ("V2__many.sql", many), ("V3__batch.sql", batch)]);
    let applied = up(&place.db(), &place.files(), 3).unwrap();
    assert_eq!(place.one::<i64>("SELECT count(*) FROM parent WHERE name = 'new'"), 100);
    assert_eq!(
        applied.files()[1..].iter().map(|run| run.rows).collect::<Vec<_>>(),
        [100, 100]
    );
    let (_, ran) = second("-- netlink: phase=background\nCREATE TABLE x (a);");
    assert!(
        ran.unwrap_err()
            .to_string()
            .contains("V2__second.sql:2:1: CREATE is not for the background")
    );
}

#[test]
fn what_must_hold_after_a_file_takes_it_back_when_it_does_not() {
    let with = |verify: &str| {
        let place = Scene::new(&[PARENT, ("V1__parent.verify.sql", verify)]);
        let ran = up(&place.db(), &place.files(), 1);
        (place, ran)
    };
    with("SELECT count(*) = 2 FROM child; -- so it is\nSELECT NOT EXISTS (SELECT 1 FROM child WHERE parent IS NULL);")
        .1
        .unwrap();
    let (place, ran) = with("SELECT 1;\n\nSELECT count(*) = 3 FROM child;");
    let failed = told(&ran.unwrap_err());
    assert!(
        failed.contains("V1__parent.verify.sql:3: `SELECT count(*) = 3 FROM child;`: row 1 is 0"),
        "{failed}"
    );
    assert_eq!(level(&place.db()).unwrap(), Some(0));
    assert_eq!(
        fingerprint(&place.db()).unwrap(),
        fingerprint(Path::new("/nowhere")).unwrap()
    );
    for (verify, said) in [
        ("DELETE FROM child;", ":1:1: only queries"),
        (" -- nothing", "it verifies nothing"),
        ("-- netlink: rerunnable\nSELECT 1;", "belong into the way up"),
        ("SELECT 1; COMMIT;", ":1:11: only queries"),
    ] {
        let failed = with(verify).1.unwrap_err().to_string();
        assert!(failed.contains(said), "{verify}: {failed}");
    }
}

#[test]
fn what_takes_away_without_a_way_down_is_told() {
    let told = |second: &str| Scene::new(&[("V1__x.sql", second)]).files().lint(0, 1).unwrap();
    assert!(told("SELECT 1;\nALTER TABLE a DROP COLUMN b;")[0].starts_with("V1__x.sql:2 takes something away"));
    assert!(told("CREATE TABLE x (a);")[0].starts_with("V1__x.sql has no way down"));
    assert_eq!(told("-- netlink: irreversible=\"so\"\nDROP TABLE x;"), [""; 0]);
}

#[test]
fn in_the_background_a_statement_that_never_ends_is_given_up() {
    let (place, ran) = second("-- netlink: phase=background\n\nUPDATE parent SET name = name || '!';");
    let failed = told(&ran.unwrap_err());
    assert!(
        failed.contains("line 3 changes rows again and again: 2 until now, and parent has 1"),
        "{failed}"
    );
    assert_eq!(level(&place.db()).unwrap(), Some(1));
    let trial = trial_up(&place.db(), &place.files(), 2, BUDGET).unwrap_err();
    assert!(told(&trial).contains("again and again"), "{trial}");
}
