//! Restores of databases on servers: all of it, or as if nothing had been tried.

use std::fs;

use super::Engine::{Mariadb, Postgresql};
use super::{Engine, Served, USER};
use crate::sweep::stride;

fn brings_back_everything(engine: Engine) {
    let served = Served::with_row_of(engine, 10 << 20);
    let before = served.everything();
    let id = served.made();
    served.damage();
    served.restore(&id).no(2, &["NL0604"]);
    served.lamp.stop();
    // A session that somebody forgot does not keep the name.
    let mut forgotten = served.server.session();
    served.restore(&id).ok();
    forgotten.kill().unwrap();
    forgotten.wait().unwrap();
    assert_eq!(served.everything(), before);
    assert_eq!(served.server.left_beside(), "");
    // The database itself is gone; what it takes to make one is not.
    let drop = format!("DROP DATABASE {};", served.server.name(served.server.database()));
    served.server.sql(None, &drop);
    served.restore(&id).ok();
    let rows = served.server.own("SELECT count(*) FROM b;");
    assert_eq!((rows.as_str(), served.server.left_beside().as_str()), ("50", ""));
}

#[test]
fn a_restore_of_postgresql_brings_back_everything() {
    brings_back_everything(Postgresql);
}

#[test]
fn a_restore_of_mariadb_brings_back_everything() {
    brings_back_everything(Mariadb);
}

/// However it fails, the live database is as it was, and the same restore then works.
fn leaves_all_as_it_was(engine: Engine) {
    let served = Served::new(engine);
    let id = served.made();
    served.damage();
    let damaged = damaged_picture(&served);
    served.lamp.stop();
    let unharmed = |why: &str| {
        assert_eq!(damaged_picture(&served), damaged, "{why}");
        assert_eq!(served.server.left_beside(), "", "{why}");
        assert!(!served.lamp.path(".netlink-restore").exists(), "{why}");
    };
    // The tool takes a part and says that all is well, or dies of it.
    let loads = match engine {
        Postgresql => "[[ $* == *--exit-on-error* ]]",
        Mariadb => "[[ $* == *netlink_new* ]]",
    };
    served.wrap(
        served.restore_tool(),
        &format!("{loads} && {{ head -c 300000 | $real \"$@\"; exit $?; }}; exec $real \"$@\""),
    );
    served.restore(&id).no(1, &["NL061"]);
    unharmed("cut off");
    served.wrap(
        served.restore_tool(),
        &format!("{loads} && {{ head -c 300000 > /dev/null; echo no more >&2; kill -9 $$; }}; exec $real \"$@\""),
    );
    served.restore(&id).no(1, &["NL0613", "no more"]);
    unharmed("killed");
    let swaps = match engine {
        Postgresql => ("psql", "RENAME"),
        Mariadb => ("mariadb", "RENAME TABLE"),
    };
    served.wrap(
        swaps.0,
        &format!("if [[ $* == *--defaults-file*netlink_new* || $* != *-* ]]; then exec $real \"$@\"; fi; all=$(cat); [[ $all == *\"{}\"* ]] && {{ echo may not >&2; exit 3; }}; exec $real \"$@\" <<< \"$all\"", swaps.1),
    );
    served.restore(&id).no(1, &["NL0613", "may not"]);
    unharmed("not renamed");
    if engine == Mariadb {
        served.wrap(
            "mariadb",
            "if [[ $* == *netlink_new* ]]; then exec $real \"$@\"; fi; all=$(cat); [[ $all == *'FUNCTION `twice`'* ]] && { echo no code >&2; exit 3; }; \
             exec $real \"$@\" <<< \"$all\"",
        );
        served.restore(&id).no(1, &["NL0613", "no code"]);
        unharmed("not made anew");
    }
    served.settings("");
    if engine == Mariadb {
        // Could not be put back by the product's user, should the exchange fail: so it does not begin.
        served.server.own("CREATE PROCEDURE of_root() SELECT 1;");
        served.restore(&id).no(1, &["NL0614", "SET USER", "root@localhost"]);
        served.server.own("DROP PROCEDURE of_root;");
        unharmed("foreign");
    }
    let packs = fs::read_dir(served.lamp.path("backups/updates"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("packs");
    let pack = fs::read_dir(packs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let whole = fs::read(&pack).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&pack, bytes).unwrap();
    served.restore(&id).no(1, &["NL0602"]);
    unharmed("damaged");
    fs::write(&pack, whole).unwrap();
    served.restore(&id).ok();
    assert_eq!(served.server.own("SELECT count(*) FROM b;"), "50");
}

fn damaged_picture(served: &Served) -> String {
    served.server.own(match served.server.engine {
        Postgresql => "SELECT count(*), sum(n) FROM a; SELECT count(*) FROM later; SELECT last_value FROM tickets;",
        Mariadb => {
            "SELECT count(*), sum(n) FROM a; SELECT count(*) FROM later;\n\
             SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1;\n\
             SELECT trigger_name, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1;\n\
             SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1;"
        }
    })
}

#[test]
fn a_restore_of_postgresql_that_fails_leaves_all_as_it_was() {
    leaves_all_as_it_was(Postgresql);
}

#[test]
fn a_restore_of_mariadb_that_fails_leaves_all_as_it_was() {
    leaves_all_as_it_was(Mariadb);
}

/// NetLink itself is killed at each of the tools that a restore runs; the next restore tidies up and ends well.
fn goes_on_after_kills(engine: Engine) {
    let served = Served::new(engine);
    let before = served.everything();
    let id = served.made();
    served.lamp.stop();
    let mut killed = 0;
    let tools: &[&str] = match engine {
        Postgresql => &["pg_restore", "psql"],
        Mariadb => &["mariadb", "mariadb-dump"],
    };
    for tool in tools {
        // Each is a restore or two.
        for nth in (1..).step_by(stride(6)) {
            served.damage();
            let count = served.dir.path().join("count");
            let _ = fs::remove_file(&count);
            served.wrap(
                tool,
                &format!(
                    "echo x >> {0}; [ $(wc -l < {0}) = {nth} ] && {{ kill -9 $PPID; exit 9; }}; exec $real \"$@\"",
                    count.display()
                ),
            );
            let ran = served.restore(&id);
            served.settings("");
            if ran.code == 0 {
                assert_eq!(served.everything(), before);
                break;
            }
            killed += 1;
            assert_eq!(ran.code, -1, "{ran}");
            served.restore(&id).ok();
            assert_eq!(
                (served.everything(), served.server.left_beside().as_str()),
                (before.clone(), ""),
                "{tool} {nth}"
            );
        }
    }
    assert!(killed > 1, "{killed}");
}

#[test]
fn a_restore_of_postgresql_goes_on_after_kills() {
    goes_on_after_kills(Postgresql);
}

#[test]
fn a_restore_of_mariadb_goes_on_after_kills() {
    goes_on_after_kills(Mariadb);
}

/// NetLink is killed with its tools, and the server is still at a statement of theirs: it is ended before anything else is done.
fn ends_what_a_killed_run_left(engine: Engine) {
    let served = Served::new(engine);
    let before = served.everything();
    let id = served.made();
    served.lamp.stop();
    served.damage();
    let (client, forever, at_work) = match engine {
        Postgresql => (
            "psql",
            "SELECT pg_sleep(1000);",
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(1000);';",
        ),
        Mariadb => (
            "mariadb",
            "DO SLEEP(1000);",
            "SELECT 1 FROM information_schema.processlist WHERE info = 'DO SLEEP(1000)';",
        ),
    };
    let login = match engine {
        Postgresql => "\"$@\"",
        Mariadb => "\"$1\"",
    };
    served.wrap(
        client,
        &format!(
            "if [[ $* == *' netlink_new'* ]]; then exec $real \"$@\"; fi\nall=$(cat)\nif [[ $all == *'CREATE DATABASE'* ]]; then\n\
             $real \"$@\" <<< \"{forever}\" &\n\
             until [ -n \"$($real {login} <<< \"{at_work}\")\" ]; do :; done\n\
             kill -9 $PPID; exit 9\nfi\nexec $real \"$@\" <<< \"$all\""
        ),
    );
    assert_eq!(served.restore(&id).code, -1);
    assert_ne!(served.server.sql(None, at_work), "");
    served.settings("");
    served.restore(&id).ok();
    assert_eq!(served.server.sql(None, at_work), "");
    assert_eq!(
        (served.everything(), served.server.left_beside().as_str()),
        (before, "")
    );
}

#[test]
fn what_a_killed_restore_left_at_work_on_postgresql_is_ended() {
    ends_what_a_killed_run_left(Postgresql);
}

#[test]
fn what_a_killed_restore_left_at_work_on_mariadb_is_ended() {
    ends_what_a_killed_run_left(Mariadb);
}

/// Names of all that a database of PostgreSQL has.
const THERE: &str =
    "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^pg_' AND
    nspname <> 'information_schema' UNION SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' UNION
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace UNION
    SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY 1;";

#[test]
fn a_role_that_may_make_no_database_restores_in_one_transaction() {
    let served = Served::new(Postgresql);
    let rows = "SELECT sum(n) FROM a; SELECT count(*) FROM b; SELECT twice(4);";
    let before = served.server.own(rows);
    let everything_there = served.server.own(THERE);
    let id = served.made();
    served
        .server
        .sql(None, &format!("ALTER ROLE {} NOCREATEDB;", served.server.name(USER)));
    served.lamp.stop();
    served
        .lamp
        .run(&["backup", "drill", &id])
        .no(1, &["NL0614", "CREATEDB"]);
    served.server.own("DELETE FROM b; DROP FUNCTION twice CASCADE;");
    // What is new stands on what is replaced, and in the way of what comes next.
    served.server.own(&format!(
        "SET ROLE {};\nCREATE TABLE later (n serial PRIMARY KEY, m int GENERATED ALWAYS AS IDENTITY, a int REFERENCES a (id));\n\
         INSERT INTO a (n) VALUES (7);\nCREATE VIEW over AS SELECT * FROM a;\nCREATE MATERIALIZED VIEW held AS SELECT * FROM later;\n\
         CREATE TYPE mood AS ENUM ('good');\nCREATE DOMAIN small AS int CHECK (VALUE < 9);\nCREATE FUNCTION feels(mood) RETURNS mood LANGUAGE sql AS 'SELECT $1';\n\
         CREATE SCHEMA more;\nCREATE TABLE more.things (m mood);\nSELECT lo_create(0);",
        served.server.name(USER)
    ));
    served.server.own("CREATE TABLE of_boss (n int);");
    let now = served.server.own(&format!("SELECT count(*) FROM a; {THERE}"));
    served.restore(&id).no(1, &["NL0613", "of_boss", "another role"]);
    assert_eq!(served.server.own(&format!("SELECT count(*) FROM a; {THERE}")), now);
    served.server.own("DROP TABLE of_boss;");
    // One that is cut off is none.
    served.wrap("pg_restore", "head -c 300000 | $real \"$@\"; exit $?");
    served.restore(&id).no(1, &["NL0613"]);
    served.server.own("SELECT * FROM over, more.things;");
    served.settings("");
    served.restore(&id).ok();
    assert_eq!(served.server.own(rows), before);
    assert_eq!(served.server.own(THERE), everything_there);
    assert_eq!(served.server.own("SELECT count(*) FROM pg_largeobject_metadata;"), "0");
}

#[test]
fn a_user_who_may_make_no_schema_is_told_what_to_grant() {
    let served = Served::new(Mariadb);
    let id = served.made();
    served.server.sql(
        None,
        &format!(
            "REVOKE ALL ON `netlink\\_%`.* FROM {}@localhost;",
            served.server.text(USER)
        ),
    );
    served.lamp.stop();
    let before = served.everything();
    served.restore(&id).no(1, &["NL0614", "GRANT ALL ON `netlink"]);
    assert_eq!(served.everything(), before);
}
