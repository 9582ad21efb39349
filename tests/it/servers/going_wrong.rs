//! Dumps that fail: each is a failed backup with its reason, and the repository stays as good as it was.

use super::Engine::{Mariadb, Postgresql};
use super::{Engine, Served, config};
use crate::world::put;

/// A failed backup is in the list, and all others are whole.
#[track_caller]
fn fails(served: &Served, code: &str, said: &[&str]) {
    let ran = served.backup().no(1, &[code]).no(1, said);
    let newest = served.newest();
    let reason = newest["failed"].as_str().unwrap_or_else(|| panic!("{newest}: {ran}"));
    assert!(said.iter().all(|words| reason.contains(words)), "{reason}");
    served.lamp.run(&["backup", "verify"]).ok();
}

fn failed_dumps(engine: Engine) {
    let served = Served::new(engine);
    served.made();
    let tool = served.dump_tool();
    put(
        &served.lamp.path("config/lamp.toml"),
        &config(&served.server, "not this one"),
        0o644,
    );
    fails(&served, "NL0612", &["cannot be reached or refuses"]);
    put(
        &served.lamp.path("config/lamp.toml"),
        &config(&served.server, super::PASSWORD),
        0o644,
    );

    served.settings("server_tools: /nonexistent");
    fails(&served, "NL0611", &["-client", "backup.server_tools"]);
    served.wrap(tool, "$real \"$@\" | head -c 400000; echo the line broke >&2; exit 3");
    fails(&served, "NL0613", &["the line broke", tool]);
    served.wrap(tool, "head -c 3 /dev/zero; exec sleep 1000");
    let text = std::fs::read_to_string(served.lamp.path("config/update.yml")).unwrap();
    put(
        &served.lamp.path("config/update.yml"),
        &text.replace("}}", ", server_idle_timeout: 1s}}"),
        0o644,
    );
    fails(&served, "NL0613", &["did nothing for 1 s"]);
    match engine {
        Postgresql => {
            served.wrap(tool, "");
            put(
                &served.dir.path().join("tools/pg_dump"),
                "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n",
                0o755,
            );
            fails(&served, "NL0611", &["9", "postgresql-client-", "backup.server_tools"]);
        }
        Mariadb => {
            // It says that all is well.
            served.wrap(tool, "$real \"$@\" | head -c 400000; exit 0");
            fails(&served, "NL0613", &["cut off"]);
            served.settings("");
            served.server.sql(None, "SET GLOBAL max_allowed_packet = 1048576;");
            fails(&served, "NL0613", &["max_allowed_packet is 1048576"]);
        }
    }

    let more = match engine {
        Postgresql => "CREATE TABLE more AS SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 200000) i;",
        Mariadb => "CREATE TABLE more AS SELECT seq, REPEAT(MD5(seq), 4) FROM seq_1_to_200000;",
    };
    served.server.own(more);
    if engine == Postgresql {
        served.server.own(&format!(
            "ALTER TABLE more OWNER TO {};",
            served.server.name(super::USER)
        ));
    }
    // The server goes while the dump comes: after so much of it the tool is held up until the server is gone.
    let kill = match engine {
        Postgresql => format!("kill -QUIT {}", served.server.pid()),
        Mariadb => format!("kill -KILL {}", served.server.pid()),
    };
    served.wrap(
        tool,
        &format!(
            "set -o pipefail; $real \"$@\" | {{ head -c 15000000; {kill}; tail --pid={} -f /dev/null; cat; }}",
            served.server.pid()
        ),
    );
    let reaper = std::thread::spawn({
        let pid = rustix::process::Pid::from_raw(i32::try_from(served.server.pid()).unwrap());
        // Until it is reaped its id is still there to be waited for.
        move || rustix::process::waitpid(pid, rustix::process::WaitOptions::empty())
    });
    fails(&served, "NL0613", &[tool]);
    reaper.join().unwrap().unwrap();
    served.settings("");
    fails(&served, "NL0612", &["cannot be reached"]);
}

#[test]
fn a_dump_of_postgresql_that_fails_is_a_failed_backup_with_its_reason() {
    failed_dumps(Postgresql);
}

#[test]
fn a_dump_of_mariadb_that_fails_is_a_failed_backup_with_its_reason() {
    failed_dumps(Mariadb);
}
