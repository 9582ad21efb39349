//! The audit: who asked what, and whether anybody meddled with what is written about it.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use crate::world::{Installation, put};

fn exported(installation: &Installation) -> Vec<Value> {
    let text = installation.run(&["audit", "export"]).ok().out;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// As somebody would who may write to all of this machine.
fn meddle(installation: &Installation, sql: &str) {
    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let open = "DROP TRIGGER IF EXISTS audit_is_kept; DROP TRIGGER IF EXISTS audit_stays; \
                DROP TRIGGER IF EXISTS audit_checkpoints_are_kept; DROP TRIGGER IF EXISTS audit_checkpoints_stay;";
    db.execute_batch(&format!("{open} {sql}")).unwrap();
}

/// An installation whose audit has some rows, with a file for copies of its checkpoints.
fn with_rows(dir: &std::path::Path) -> Installation {
    let installation = lamp(dir);
    let copies = dir.join("copies.jsonl");
    let settings = format!("audit: {{copy_to: {}}}\n", copies.display());
    put(&installation.path("config/update.yml"), &settings, 0o644);
    installation.run(&["maintenance", "on"]).ok();
    installation.run(&["maintenance", "off"]).ok();
    installation
        .run(&["token", "create", "--name", "x", "--role", "viewer"])
        .ok();
    assert!(fs::read_to_string(&copies).unwrap().lines().count() >= 3);
    installation
}

#[test]
fn commands_and_requests_leave_who_what_and_how_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    installation
        .run(&["update", "upgrade", "--to", "9r9", "--yes"])
        .no(2, &["NL0102"]);
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    server.upgrade("zero").problem(422, "NL0101");
    server
        .send("PUT", &format!("{API}/updates/upgrade"), Some(&server.token), &[], "{}")
        .is(405);
    server
        .ask("POST", &format!("{API}/updates/upgrade"), Some("wrong"), &[], "{}")
        .problem(401, "NL0701");

    let rows = exported(&installation);
    let found = |action: &str, outcome: &str| {
        let fits = |row: &&Value| row["action"] == action && row["outcome"] == outcome;
        rows.iter()
            .find(fits)
            .unwrap_or_else(|| panic!("{action} {outcome}: {rows:#?}"))
    };
    let upgrade = format!("POST {API}/updates/upgrade");
    assert_eq!(found("netlink update upgrade", "failed NL0102")["subject"], "9r9");
    found("netlink update upgrade", "asked");
    found("netlink init", "done");
    found(&upgrade, "asked");
    let done = found(&upgrade, "done");
    assert!(done["subject"].as_str().unwrap().contains("0b1"), "{done:#}");
    assert_eq!(done["origin"], "127.0.0.1");
    let prefix = &server.token[..12];
    assert!(done["who"].as_str().unwrap().starts_with(prefix), "{done:#}");
    found(&upgrade, "failed NL0101");
    let nowhere = format!("PUT {API}/updates/upgrade");
    let of_it: Vec<_> = rows.iter().filter(|row| row["action"] == nowhere).collect();
    assert!(
        of_it.iter().all(|row| row["outcome"] != "done") && of_it.len() == 2,
        "{of_it:#?}"
    );
    assert_eq!(found(&upgrade, "failed NL0701")["who"], "unknown");
    let ended = found("update completed", "done");
    assert_eq!(ended["subject"], begun.body["update_id"]);

    let page = server.get(&format!("{API}/audit?limit=2")).is(200).body;
    assert_eq!(page["rows"].as_array().map(Vec::len), Some(2));
    let next = page["next"].as_i64().unwrap();
    let older = server.get(&format!("{API}/audit?limit=2&before={next}")).is(200).body;
    assert_eq!(older["rows"][0]["seq"], json!(next - 1));
    let onwards = server.get(&format!("{API}/audit?limit=2&after=1")).is(200).body;
    assert_eq!((&onwards["rows"][0]["seq"], &onwards["next"]), (&json!(2), &json!(3)));
    let between = server.get(&format!("{API}/audit?after=1&before=4")).is(200).body;
    let between: Vec<_> = between["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["seq"])
        .collect();
    assert_eq!(between, [&json!(2), &json!(3)]);
    let verified = server.get(&format!("{API}/audit/verify")).is(200).body;
    assert_eq!(verified["problems"], json!([]));
    for wrong in ["limit=0", "limit=1001", "before=0", "before=x", "after=-1", "since=1"] {
        server.get(&format!("{API}/audit?{wrong}")).problem(400, "NL0703");
    }
}

#[test]
fn a_row_that_was_changed_removed_or_moved_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let installation = with_rows(dir.path());
    let verify = || installation.run(&["audit", "verify"]);
    let whole = verify().ok().out;
    assert!(whole.contains("ok:"), "{whole}");

    let before = fs::read(installation.path(".netlink/netlink.db")).unwrap();
    let restore = || {
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(installation.path(&format!(".netlink/netlink.db{beside}")));
        }
        fs::write(installation.path(".netlink/netlink.db"), &before).unwrap();
    };
    meddle(&installation, "UPDATE audit SET who = 'nobody' WHERE seq = 3");
    verify().no(1, &["row 3 has been changed"]);
    restore();
    meddle(&installation, "DELETE FROM audit WHERE seq = 4");
    verify().no(1, &["row 4 is missing"]);
    restore();
    meddle(
        &installation,
        "UPDATE audit SET seq = -1 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = -1",
    );
    verify().no(1, &["row 2 has been changed or is not in its place"]);
    restore();
    meddle(&installation, "DELETE FROM audit_checkpoints WHERE seq = 2");
    verify().no(1, &["row 2 is not signed"]);
    restore();
    verify().ok();
}

#[test]
fn an_end_that_was_cut_off_is_found_by_the_copies_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let installation = with_rows(dir.path());
    let last = exported(&installation).len();
    // With everything on this host that could tell of it.
    let cut = format!(
        "DELETE FROM audit WHERE seq > {0}; DELETE FROM audit_checkpoints WHERE seq > {0}",
        last - 2
    );
    meddle(&installation, &cut);
    let gone = format!("rows {} to {last} are missing", last - 1);
    installation.run(&["audit", "verify"]).no(1, &[&gone]);
    put(&installation.path("config/update.yml"), "{}\n", 0o644);
    installation.run(&["audit", "verify"]).ok();
    let copies = dir.path().join("copies.jsonl");
    let copies = copies.to_str().unwrap();
    installation
        .run(&["audit", "verify", "--copies", copies])
        .no(1, &[&gone]);

    // What is added then does not close the gap with other rows under the same numbers.
    put(
        &installation.path("config/update.yml"),
        &format!("audit: {{copy_to: {copies}}}\n"),
        0o644,
    );
    installation.run(&["maintenance", "on"]).ok();
    installation.run(&["maintenance", "off"]).ok();
    installation
        .run(&["audit", "verify"])
        .no(1, &["another one than was signed"]);
}

#[test]
fn a_chain_that_was_made_anew_under_another_key_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let installation = with_rows(dir.path());
    let key = installation.run(&["audit", "verify", "--output", "json"]).ok().json()["key"].clone();
    meddle(
        &installation,
        "DELETE FROM audit; DELETE FROM audit_checkpoints; DELETE FROM installation WHERE key = 'audit_key'",
    );
    installation.run(&["maintenance", "on"]).ok();
    installation.run(&["maintenance", "off"]).ok();
    installation.run(&["audit", "verify"]).no(1, &["is signed by"]);
    let key = key.as_str().unwrap();
    installation
        .run(&["audit", "verify", "--key", key])
        .no(1, &["another one than was signed"]);
}

#[test]
fn a_copy_that_cannot_be_made_is_said_and_the_command_done() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "audit: {copy_to: /nowhere/at/all.jsonl}\n",
        0o644,
    );
    let ran = installation.run(&["maintenance", "on"]).ok();
    assert!(ran.err.contains("/nowhere/at/all.jsonl"), "{ran}");
    put(
        &installation.path("config/update.yml"),
        "audit: {copy_to: 'http://127.0.0.1:1/x?key=5e4f'}\n",
        0o644,
    );
    let ran = installation.run(&["maintenance", "off"]).ok();
    assert!(ran.err.contains("127.0.0.1:1/x") && !ran.err.contains("5e4f"), "{ran}");
    installation.run(&["audit", "verify"]).ok();
}

/// Every file below, with its content.
fn files(below: &std::path::Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(below).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file() {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn no_secret_is_written_anywhere_but_where_it_belongs() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    // All that there is to be said is said.
    put(&installation.path("config/update.yml"), "log: {level: debug}\n", 0o644);
    let server = Server::start(&installation);
    let version = format!("{API}/version");
    let upgrade = format!("{API}/updates/upgrade");
    let json_body = [("content-type", "application/json")];
    let made = server
        .post(&format!("{API}/tokens"), &json!({"name": "x", "role": "operator"}))
        .is(201);
    let operator = made.body["token"].as_str().unwrap().to_owned();
    server.ask("GET", &version, Some(&operator), &[], "").is(200);
    // Planted where people put secrets by mistake.
    server
        .ask("GET", &version, Some("planted-token-6b1d"), &[], "")
        .problem(401, "NL0701");
    server
        .ask("POST", &upgrade, Some("planted-token-6b1d"), &json_body, "{}")
        .problem(401, "NL0701");
    let basic = [("authorization", "Basic planted-basic-6b1d")];
    server.ask("POST", &upgrade, None, &basic, "{}").problem(401, "NL0701");
    for header in ["cookie", "x-forwarded-for", "referer", "user-agent"] {
        let planted = [(header, "netlink_session=planted-header-6b1d")];
        server.ask("GET", &version, None, &planted, "").problem(401, "NL0701");
        server
            .ask("POST", &upgrade, None, &planted, "{}")
            .problem(401, "NL0701");
    }
    let body = json!({"target_version": "0b1", "password": "planted-field-6b1d"});
    server.post(&upgrade, &body).problem(400, "NL0703");
    server.get(&format!("{version}?token=planted-query-6b1d")).is(200);
    server
        .post(
            &format!("{upgrade}?token=planted-query-6b1d"),
            &json!({"target_version": "9r9"}),
        )
        .problem(404, "NL0102");
    server
        .post_once(&upgrade, "key-1", &json!({"target_version": "0b1"}))
        .is(202);
    server.wait(&format!("{API}/updates"), |page| {
        page["updates"][0]["state"] == "finished" && page["updates"][0]["to"] == "0b1"
    });
    installation
        .run(&["token", "create", "--name", "y", "--role", "viewer"])
        .ok();

    let first = server.token.clone();
    let (exported, said) = (installation.run(&["audit", "export"]).ok().out, server.log());
    assert!(said.contains(&format!("DEBUG GET {version} ")), "{said}");
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    let mut found = vec![
        ("the audit".into(), exported.into_bytes()),
        ("the server's log".into(), said.into_bytes()),
    ];
    files(&installation.root, &mut found);
    let backup_key = installation.text(".netlink/backup.key");
    let backup_key = backup_key.lines().next_back().unwrap();
    for (secret, home) in [
        (first.as_str(), ".netlink/token"),
        (&operator, ""),
        (backup_key, ".netlink/backup.key"),
        ("-6b1d", ""),
    ] {
        assert!(secret.len() >= 4);
        let holds = |content: &[u8]| content.windows(secret.len()).any(|part| part == secret.as_bytes());
        let wrong: Vec<_> = found
            .iter()
            .filter(|(path, content)| (home.is_empty() || !path.ends_with(home)) && holds(content))
            .filter(|(path, _)| secret.len() > 5 || !path.starts_with(installation.path("backups")))
            .map(|(path, _)| path)
            .collect();
        assert!(wrong.is_empty(), "a secret is in {wrong:?}");
    }
    let token = installation.path(".netlink/token");
    let database = installation.path(".netlink");
    use std::os::unix::fs::PermissionsExt;
    for (path, mode) in [(token, 0o600), (database, 0o700)] {
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o777,
            mode,
            "{}",
            path.display()
        );
    }
}
