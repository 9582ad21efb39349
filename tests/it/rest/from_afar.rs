//! The same commands against a running server: the same words, the same documents, the same exit codes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::server::{API, Server};
use super::steering::slow_lamp;
use super::{lamp, without_times};
use crate::world::{self, Installation, Ran, put};

/// A command that asks this server, with the first token of the installation.
pub fn command(installation: &Installation, base: &str, args: &[&str]) -> Command {
    let token = installation.path(".netlink/token");
    let mut command = world::command(&["--server", base, "--token-file", token.to_str().unwrap()]);
    command.args(args);
    command
}

pub fn there(installation: &Installation, server: &Server, args: &[&str]) -> Ran {
    Ran::of(&command(installation, server.base(), args).output().unwrap())
}

/// What is said here and there is the same, word by word.
#[track_caller]
fn same(installation: &Installation, server: &Server, args: &[&str]) {
    let (here, there) = (installation.run(args), there(installation, server, args));
    assert_eq!(
        (here.code, &here.out, &here.err),
        (there.code, &there.out, &there.err),
        "{args:?}"
    );
    assert!(!here.out.is_empty() || here.code != 0, "{args:?}: {here}");
    let as_json = [args, &["--output", "json"]].concat();
    let (here, there) = (installation.run(&as_json), self::there(installation, server, &as_json));
    assert_eq!((here.code, here.json()), (there.code, there.json()), "{args:?}");
}

fn token(installation: &Installation, role: &str) -> String {
    let create = ["token", "create", "--name", role, "--role", role, "--output", "json"];
    let made = installation.run(&create).ok().json();
    made["token"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_looked_at_is_the_same_here_and_there() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    installation.run(&["backup", "create"]).ok();
    installation.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    let backups = installation.run(&["backup", "list", "--output", "json"]).ok().json();
    let backup = backups[0]["id"].as_str().unwrap();
    let status = installation.run(&["update", "status", "--output", "json"]).ok().json();
    let update = status["update"]["update_id"].as_str().unwrap();
    installation.run(&["backup", "drill", backup]).ok();
    token(&installation, "viewer");
    // From now on the token's last use is of the same minute.
    there(&installation, &server, &["update", "version"]).ok();
    for args in [
        &["update", "check"][..],
        &["update", "check", "--exit-code"],
        &["update", "version"],
        &["update", "version", "--detailed"],
        &["update", "status"],
        &["update", "status", "--update-id", update],
        &["update", "status", "--update-id", "update_0a1_0b1_20200101_000000"],
        &["update", "history"],
        &["update", "history", "--limit", "1"],
        &["update", "why"],
        &["update", "why", "--update-id", update],
        &["update", "plan", "--to", "0r1"],
        &["update", "plan", "--to", "0r1", "--explain", "--full"],
        &["update", "plan", "--to", "0a1"],
        &["update", "plan", "--to", "0b1"],
        &["update", "plan", "--to", "9r9", "--explain"],
        &["update", "upgrade", "--to", "0a1", "--yes"],
        &["update", "upgrade", "--to", "0b1", "--yes"],
        &["update", "downgrade", "--to", "0r1", "--yes"],
        &["update", "resume"],
        &["backup", "list"],
        &["backup", "show", backup],
        &["backup", "show", "backup_0b1_20200101_000000"],
        &["maintenance", "status"],
        &["token", "list"],
        &["token", "revoke", "nlk_00000000"],
    ] {
        same(&installation, &server, args);
    }
    // What an order waits for is said besides.
    let verify = ["backup", "verify", backup];
    let (here, far) = (
        installation.run(&verify).ok(),
        there(&installation, &server, &verify).ok(),
    );
    assert_eq!(here.out, far.out);
    installation.assert_at("0b1");
}

#[test]
fn changelogs_and_the_audit_are_the_same_here_and_there() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    installation.run(&["maintenance", "on"]).ok();
    installation.run(&["maintenance", "off"]).ok();
    for args in [
        &["update", "changelog"][..],
        &["update", "changelog", "--version", "0b1"],
        &["update", "changelog", "--version", "9r9"],
        &["update", "changelog", "--since", "0a1"],
        &["update", "changelog", "--since", "0a1", "--until", "0b1", "--pre"],
        &["update", "changelog", "--since", "0r1"],
        &["audit", "list"],
        &["audit", "list", "--limit", "2"],
        &["audit", "verify"],
    ] {
        same(&installation, &server, args);
    }
    for args in [
        &["update", "changelog", "--since", "0a1", "--format", "markdown"][..],
        &["update", "changelog", "--since", "0a1", "--format", "html"],
        &["audit", "export"],
    ] {
        let (here, there) = (installation.run(args).ok(), there(&installation, &server, args).ok());
        assert_eq!(here.out, there.out, "{args:?}");
        assert!(here.out.lines().count() > 2, "{here}");
    }
    let rows = there(&installation, &server, &["audit", "export"]).ok();
    let first: Value = serde_json::from_str(rows.out.lines().next().unwrap()).unwrap();
    assert_eq!(first["seq"], 1);
}

/// Kinds and steps of the events, without progress.
fn told(ran: &Ran) -> Vec<(Value, Value)> {
    let events = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kept = events.filter(|event| event["kind"] != "progress");
    kept.map(|event| (event["kind"].clone(), event["step"].clone()))
        .collect()
}

#[test]
fn an_upgrade_from_afar_goes_as_one_on_the_machine() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let (here, installation) = (lamp(&a), lamp(&b));
    let server = Server::start(&installation);
    let try_it = ["update", "upgrade", "--to", "0b1", "--dry-run", "--output", "json"];
    let dry = there(&installation, &server, &try_it).ok().json();
    assert_eq!(
        without_times(&dry),
        without_times(&installation.run(&try_it).ok().json())
    );
    let text = there(&installation, &server, &try_it[..5]).ok();
    assert!(text.out.contains("dry run: nothing was changed"), "{text}");

    let unconfirmed = there(&installation, &server, &["update", "upgrade", "--to", "0b1"]);
    unconfirmed.no(3, &["NL0108", "--yes"]);
    installation.assert_at("0a1");

    let upgrade = ["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"];
    let (near, far) = (here.run(&upgrade).ok(), there(&installation, &server, &upgrade).ok());
    assert_eq!(told(&near), told(&far));
    let (near, far) = (near.last(), far.last());
    for key in ["kind", "status", "from", "to", "installed", "differences"] {
        assert_eq!(near[key], far[key], "{key}");
    }
    assert_eq!(far["status"], "completed");
    installation.assert_at("0b1");

    let latest = there(&installation, &server, &["update", "upgrade", "--latest", "--yes"]).ok();
    assert!(
        latest.err.contains("0b1 -> 0r1") && latest.err.contains("switch"),
        "{latest}"
    );
    assert!(latest.out.starts_with("done: 0r1 is installed ("), "{latest}");
    installation.assert_at("0r1");
    let nothing = there(&installation, &server, &["update", "upgrade", "--stable", "--yes"]).ok();
    assert!(
        nothing.out.contains("0r1 is installed already; nothing to do"),
        "{nothing}"
    );

    let back = ["update", "rollback", "--yes"];
    let tried = there(&installation, &server, &["update", "rollback", "--dry-run"]).ok();
    assert!(tried.out.contains("0r1 -> 0b1"), "{tried}");
    there(&installation, &server, &back).ok();
    installation.assert_at("0b1");
    there(&installation, &server, &["update", "downgrade", "--to", "0a1", "--yes"]).ok();
    installation.assert_at("0a1");
    // The server has written down who asked.
    let rows = there(&installation, &server, &["audit", "list"]).ok();
    assert!(rows.out.contains("POST /api/v1/system/updates/rollback"), "{rows}");
    assert!(!rows.out.contains("netlink update"), "{rows}");
}

#[test]
fn a_failed_update_says_the_same_and_what_was_warned_of_is_asked_about() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "health: {timeout: 1s, checks: [{command: [sh, -c, 'test {release} != {root}/releases/0b1']}]}\n",
        0o644,
    );
    let server = Server::start(&installation);
    let upgrade = ["update", "upgrade", "--to", "0b1"];
    let go = [&upgrade[..], &["--yes"]].concat();
    let failed = there(&installation, &server, &go).no(1, &["failed and rolled back:", "NL0316", "0a1 is in place"]);
    assert!(failed.err.contains("health"), "{failed}");
    same(&installation, &server, &["update", "why"]);
    same(&installation, &server, &["update", "history"]);
    installation.assert_at("0a1");
    // It has failed before: that is a warning, shown and agreed to like on the machine itself.
    there(&installation, &server, &upgrade).no(3, &["warning", "NL0108"]);
    there(&installation, &server, &go).no(1, &["warning", "failed and rolled back:"]);
    installation.assert_at("0a1");
}

#[test]
fn backups_tokens_and_maintenance_are_changed_from_afar() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let run = |args: &[&str]| there(&installation, &server, args);
    let made = run(&["backup", "create"]).ok();
    assert!(made.out.starts_with("made backup_0a1_"), "{made}");
    let id = made.out.split_whitespace().nth(1).unwrap().to_owned();
    let again = run(&["backup", "create", "--full", "--output", "json"]).ok().json();
    assert!(again["new_bytes"].is_u64() && again["trees"].is_array(), "{again:#}");
    let drilled = run(&["backup", "drill", &id]).ok();
    assert!(drilled.out.starts_with(&format!("ok {id}: ")), "{drilled}");
    let pruned = run(&["backup", "prune"]).ok();
    assert!(pruned.out.contains("kept, "), "{pruned}");
    run(&["backup", "restore", &id]).no(3, &["NL0108"]);
    // The product runs.
    let refused = run(&["backup", "restore", &id, "--yes"]);
    assert_ne!(refused.code, 0, "{refused}");
    assert_eq!(refused.err.matches("[NL").count(), 1, "{refused}");
    installation.stop();
    let lost = installation.path("config/lamp.toml");
    fs::remove_file(&lost).unwrap();
    run(&["backup", "restore", &id, "--only", "config/", "--yes"]).ok();
    assert!(lost.exists());

    let on = run(&["maintenance", "on"]).ok();
    assert!(on.out.starts_with("maintenance is on since "), "{on}");
    same(&installation, &server, &["maintenance", "status"]);
    run(&["maintenance", "off"]).ok();
    let create = [
        "token",
        "create",
        "--name",
        "x",
        "--role",
        "viewer",
        "--expires",
        "90d",
        "--output",
        "json",
    ];
    let token = run(&create).ok().json();
    let text = token["token"].as_str().unwrap();
    let looked = |args: &[&str]| {
        let mut command = world::command(&["--server", server.base()]);
        Ran::of(&command.args(args).env("NETLINK_TOKEN", text).output().unwrap())
    };
    looked(&["update", "version"]).ok();
    looked(&["maintenance", "on"]).no(2, &["NL0713", "operator"]);
    run(&["token", "revoke", token["prefix"].as_str().unwrap()]).ok();
    looked(&["update", "version"]).no(2, &["NL0701", "revoked"]);
    run(&[
        "token",
        "create",
        "--name",
        "x",
        "--role",
        "viewer",
        "--expires",
        "soon",
    ])
    .no(2, &["NL0711"]);
}

#[test]
fn who_is_not_let_in_and_what_goes_not_over_the_wire_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let base = server.base();
    let plain = |args: &[&str]| Ran::of(&world::command(&[&["--server", base], args].concat()).output().unwrap());
    plain(&["update", "version"]).no(2, &["NL0701", "no bearer token", "--token-file FILE", "NETLINK_TOKEN"]);
    let nothing = dir.path().join("nothing");
    plain(&["update", "version", "--token-file", nothing.to_str().unwrap()]).no(1, &["NL0408", "No such file"]);
    plain(&["update", "version", "--token", "nlk_00000000_00"]).no(2, &["NL0701"]);
    let viewer = token(&installation, "viewer");
    plain(&["update", "version", "--token", &viewer]).ok();
    plain(&["update", "upgrade", "--to", "0b1", "--yes", "--token", &viewer]).no(2, &["NL0713"]);
    plain(&["token", "list", "--token", &viewer]).no(2, &["NL0713"]);
    plain(&["update", "version", "--token", &viewer, "--token-file", "x"]).no(2, &["NL0110"]);
    plain(&["update", "version", "--token-file", "/nowhere"]).no(1, &["/nowhere"]);
    plain(&["update", "version", "--client-key", "x"]).no(2, &["NL0110"]);

    let before = there(&installation, &server, &["audit", "list", "--output", "json"])
        .ok()
        .out;
    for args in [
        &["update", "verify"][..],
        &["update", "finalize"],
        &["update", "reinstall-deps"],
        &["update", "upgrade-db"],
        &["update", "plan", "--to", "0b1", "--bundle", "x"],
        &["update", "upgrade", "--plan", "x"],
        &["update", "upgrade", "--latest", "--bundle", "x"],
        &["update", "downgrade", "--to", "0a1", "--restore-backup"],
        &["update", "rollback", "--restore-backup"],
        &["backup", "verify"],
        &["backup", "repair"],
        &["backup", "list", "--key-file", "x"],
        &["backup", "restore", "backup_0a1_20200101_000000", "--into", "x"],
        &["backup", "keys", "list"],
        &["audit", "verify", "--copies", "x"],
        &["init"],
        &["serve"],
        &["schema", "migrate"],
        &["scheme", "parse", "0a1"],
    ] {
        there(&installation, &server, args).no(2, &["NL0736", "--server"]);
    }
    assert_eq!(
        there(&installation, &server, &["audit", "list", "--output", "json"])
            .ok()
            .out,
        before
    );
    for wrong in ["box:8690", "unix:lamp.sock", "ftp://box", "http://user:pass@box"] {
        world::run(&["--server", wrong, "update", "version"]).no(2, &["--server"]);
    }
    // No server of a test is ever given this port.
    let nobody = "http://127.0.0.1:1";
    world::run(&["--server", nobody, "update", "version"]).no(1, &["NL0737", nobody]);
    // A server of something else.
    let other = crate::webrepo::WebRepo::of(dir.path());
    world::run(&["--server", &other.url, "update", "version"]).no(1, &["NL0737"]);
    installation.assert_at("0a1");
}

/// A command that runs on; what it says to standard output is read as it comes.
struct Going {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    seen: Vec<Value>,
}

impl Going {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    fn until(&mut self, step: &str) {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            self.seen.push(serde_json::from_str(&line).unwrap());
            let last = self.seen.last().unwrap();
            if last["step"] == step && last["kind"] == "started" {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(mut self) -> (i32, Vec<Value>, String) {
        for line in self.lines.by_ref() {
            self.seen.push(serde_json::from_str(&line.unwrap()).unwrap());
        }
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut said).unwrap();
        (self.child.wait().unwrap().code().unwrap(), self.seen, said)
    }
}

const UPGRADE: [&str; 7] = ["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"];

/// Journal entries, in order and each once.
fn numbers(seen: &[Value]) -> Vec<i64> {
    let entries = seen.iter().filter(|event| event["kind"] != "progress");
    entries.filter_map(|event| event["seq"].as_i64()).collect()
}

#[test]
fn a_server_that_goes_away_and_comes_back_is_waited_for() {
    for signal in [Signal::TERM, Signal::KILL] {
        let dir = tempfile::tempdir().unwrap();
        let installation = slow_lamp(dir.path());
        let server = Server::start(&installation);
        let address = server.address().to_owned();
        let mut going = Going::start(command(&installation, server.base(), &UPGRADE));
        going.until("health");
        server.signal(signal);
        server.ended();
        let server = Server::start_at(&installation, &address);
        fs::write(installation.path("lit"), "").unwrap();
        let (code, seen, said) = going.end();
        assert_eq!(code, 0, "{signal:?}: {said}");
        let last = seen.last().unwrap();
        assert_eq!(
            (&last["kind"], &last["status"]),
            (&json!("result"), &json!("completed"))
        );
        let numbers = numbers(&seen);
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
        installation.assert_at("0b1");
        drop(server);
    }
}

#[test]
fn a_server_that_stays_away_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let args = [&UPGRADE[..], &["--wait-for-server", "1s"]].concat();
    let mut going = Going::start(command(&installation, server.base(), &args));
    going.until("health");
    server.signal(Signal::KILL);
    server.ended();
    let (code, seen, said) = going.end();
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("NL0738") && said.contains("update status"), "{said}");
    assert_eq!(seen.last().unwrap()["error"]["code"], "NL0738");
    fs::write(installation.path("lit"), "").unwrap();
    installation.run(&["update", "resume"]).ok();
    installation.assert_at("0b1");
}

#[test]
fn looking_away_leaves_the_update_running_and_it_can_be_watched_again() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let mut going = Going::start(command(&installation, server.base(), &UPGRADE));
    going.until("health");
    going.signal(Signal::INT);
    let (code, _, said) = going.end();
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("NL0740") && said.contains("update watch --update-id update_0a1_0b1_"),
        "{said}"
    );

    // A second one waits for its turn, and nobody waits for it.
    let second = there(
        &installation,
        &server,
        &["update", "upgrade", "--to", "0b1", "--yes", "--quiet"],
    );
    let second = second.no(75, &["queued: upgrade to 0b1, as order_"]);
    let order = second
        .out
        .split_whitespace()
        .find(|word| word.starts_with("order_"))
        .unwrap();
    let order = order.trim_end_matches(':').to_owned();
    let cancelled = there(&installation, &server, &["update", "cancel", &order]).ok();
    assert!(cancelled.out.starts_with("cancelled: upgrade to 0b1"), "{cancelled}");
    same(&installation, &server, &["update", "cancel", &order]);

    let mut far = Going::start(command(
        &installation,
        server.base(),
        &["update", "watch", "--output", "json"],
    ));
    let mut near = Going::start(installation.command(&["update", "watch", "--output", "json"]));
    far.until("health");
    near.until("health");
    fs::write(installation.path("lit"), "").unwrap();
    let ((far_code, far, said), (near_code, near, _)) = (far.end(), near.end());
    assert_eq!((far_code, near_code), (0, 0), "{said}");
    assert_eq!(numbers(&far), numbers(&near));
    assert_eq!(far.last().unwrap()["status"], "completed");
    installation.assert_at("0b1");
    // Once it is over it is shown all the same.
    let over = there(&installation, &server, &["update", "watch"]).ok();
    assert!(over.out.starts_with("done: 0b1 is installed"), "{over}");
}

#[test]
fn a_running_update_is_turned_back_and_a_paused_one_resumed_from_afar() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let mut going = Going::start(command(&installation, server.base(), &UPGRADE));
    going.until("health");
    there(&installation, &server, &["update", "resume"]).no(75, &["NL0402"]);
    let would = there(&installation, &server, &["update", "rollback", "--dry-run"]).ok();
    assert!(would.out.contains("would be turned back"), "{would}");
    let back = there(&installation, &server, &["update", "rollback"]).ok();
    assert!(back.out.starts_with("turned back: 0a1 is in place"), "{back}");
    let (code, seen, _) = going.end();
    assert_eq!((code, &seen.last().unwrap()["status"]), (1, &json!("rolled_back")));
    installation.assert_at("0a1");

    // Paused by a person on the machine.
    let mut near = Going::start(installation.command(&[&UPGRADE[..], &["--force"]].concat()));
    near.until("health");
    near.signal(Signal::INT);
    let (code, ..) = near.end();
    assert_eq!(code, 3);
    fs::write(installation.path("lit"), "").unwrap();
    let resumed = there(&installation, &server, &["update", "resume"]).ok();
    assert!(resumed.out.starts_with("done: 0b1 is installed"), "{resumed}");
    installation.assert_at("0b1");
}

#[test]
fn the_socket_lets_in_without_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let socket = dir.path().join("lamp.sock");
    let settings = format!("server: {{socket: '{}'}}\n", socket.display());
    put(&installation.path("config/update.yml"), &settings, 0o644);
    let server = Server::start(&installation);
    let place = format!("unix:{}", socket.display());
    let run = |args: &[&str]| world::run(&[&["--server", &place], args].concat());
    let (here, there) = (
        installation.run(&["update", "version", "--detailed"]).ok(),
        run(&["update", "version", "--detailed"]),
    );
    assert_eq!(here.out, there.ok().out);
    run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    installation.assert_at("0b1");
    run(&["token", "list"]).ok();
    drop(server);
    run(&["update", "version"]).no(1, &["NL0737", &place]);
}

#[test]
fn an_update_for_later_is_ordered_from_afar() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let at = ["update", "upgrade", "--to", "0b1", "--yes", "--at"];
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let time = format!("{tomorrow:.0}");
    let later = there(&installation, &server, &[&at[..], &[&time]].concat()).ok();
    assert!(later.out.starts_with("scheduled: upgrade to 0b1 at 20"), "{later}");
    there(&installation, &server, &[&at[..], &["02:00"]].concat()).no(2, &["NL0122", "offset"]);
    same(&installation, &server, &["update", "status"]);
    let queue = server.get(&format!("{API}/updates/queue")).is(200).body;
    assert_eq!(queue["orders"].as_array().map(Vec::len), Some(1), "{queue:#}");
    installation.assert_at("0a1");
}
