//! NetLink is killed between the SQL of a file and its history row, and between the statements of a file. What it says to the server
//! goes through here, so that it is known how far it has come.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::super::config_at;
use super::*;

/// Stands between NetLink and the server.
struct Between {
    socket: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// NetLink; 0 as long as nobody is to be killed.
    target: AtomicI32,
    /// At which of the messages that count; then none count any more.
    at: AtomicUsize,
    seen: AtomicUsize,
}

/// What is said right around a change.
const MARKS: [&[u8]; 6] = [
    b"INSERT INTO refinery_schema_history",
    b"ADD COLUMN length",
    b"UPDATE entries SET length",
    b"CREATE TABLE rooms",
    b"INSERT INTO rooms SELECT",
    b"COMMIT",
];

impl Between {
    /// The socket lies in a folder of its own, under the name that clients look for.
    fn listen(scene: &Migrated) -> Self {
        let dir = scene.dir.path().join("between");
        fs::create_dir(&dir).unwrap();
        let (name, real) = match scene.server.engine {
            Postgresql => {
                let name = format!(".s.PGSQL.{}", scene.server.port);
                (name.clone(), scene.server.socket().join(name))
            }
            Mariadb => ("my.sock".to_owned(), scene.server.socket()),
        };
        let listener = UnixListener::bind(dir.join(&name)).unwrap();
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&real)) else {
                    return;
                };
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || pass(back, forth, |_| ()));
                let shared = Arc::clone(&ours);
                thread::spawn(move || pass(client, server, |message| shared.heard(message)));
            }
        });
        let socket = match scene.server.engine {
            Postgresql => dir,
            Mariadb => dir.join(name),
        };
        Self { socket, shared }
    }

    /// Runs NetLink and kills it at the `nth` message that counts. False when there were not so many.
    fn kills(&self, scene: &Migrated, args: &[&str], nth: usize) -> bool {
        let mut command = scene.lamp.command(args);
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.shared.seen.store(0, Ordering::SeqCst);
        self.shared.at.store(nth, Ordering::SeqCst);
        let child = command.spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        self.shared.target.store(pid, Ordering::SeqCst);
        let ran = Ran::of(&child.wait_with_output().unwrap());
        self.shared.target.store(0, Ordering::SeqCst);
        assert!(ran.code == 0 || ran.code == -1, "{ran}");
        ran.code == -1
    }
}

impl Shared {
    fn heard(&self, message: &[u8]) {
        let target = self.target.load(Ordering::SeqCst);
        let counts = MARKS
            .iter()
            .any(|mark| message.windows(mark.len()).any(|window| window == *mark));
        if target == 0 || !counts {
            return;
        }
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.at.load(Ordering::SeqCst) {
            let _ = kill_process(Pid::from_raw(target).unwrap(), Signal::KILL);
        }
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, mut heard: impl FnMut(&[u8])) {
    let mut piece = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        heard(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// Killed at each message around a change; the message itself still arrives, as it does when a process is killed after it was sent.
fn stands_kills(engine: Engine, step: usize) {
    let scene = Migrated::new(engine);
    let between = Between::listen(&scene);
    let place = between.socket.to_str().unwrap().to_owned();
    put(
        &scene.lamp.path("config/lamp.toml"),
        &config_at(&scene.server, &place, super::super::PASSWORD),
        0o644,
    );
    scene.lamp.stop();
    // Tried once with the rest; here it would be killed for nothing.
    scene.settings("update_system: {safety: {validate_migrations: false}}\n");
    let before = scene.picture();
    let upgrade = ["update", "upgrade", "--to", "0b1", "--yes"];
    scene.lamp.run(&upgrade).ok();
    let undisturbed = scene.picture();
    let back = || {
        scene.lamp.run(&["update", "rollback", "--yes"]).ok();
        assert_eq!(scene.picture(), before);
    };
    back();
    let (mut killed, mut went_on) = (0, 0);
    for nth in (1..).step_by(step) {
        let was_killed = between.kills(&scene, &upgrade, nth);
        if was_killed {
            killed += 1;
            let resumed = scene.lamp.run(&["update", "resume"]);
            if resumed.code == 0 {
                went_on += 1;
            } else {
                // Nothing says that the file can be run again: the database is as it was before.
                resumed.no(1, &["cut off on its way up", "rolled back"]);
                assert_eq!(scene.picture(), before, "killed at {nth}");
                scene.lamp.run(&upgrade).ok();
            }
        }
        assert_eq!(scene.picture(), undisturbed, "killed at {nth}");
        scene.lamp.assert_at("0b1");
        scene.assert_nothing_beside();
        back();
        if !was_killed {
            break;
        }
    }
    assert!(killed >= 3, "{killed}");
    match engine {
        Postgresql => assert_eq!(killed, went_on, "it goes on from the history"),
        Mariadb => assert!(went_on < killed),
    }
}

#[test]
fn postgresql_killed_between_the_sql_and_the_history_of_every_file() {
    stands_kills(Postgresql, 1);
}

#[test]
fn mariadb_killed_between_the_statements_of_every_file() {
    stands_kills(Mariadb, 1);
}

/// Killed in the trial, NetLink leaves its copy on the server: whoever goes on, or turns back, drops it.
fn leaves_no_copy(engine: Engine) {
    let scene = Migrated::new(engine);
    let between = Between::listen(&scene);
    let place = between.socket.to_str().unwrap().to_owned();
    put(
        &scene.lamp.path("config/lamp.toml"),
        &config_at(&scene.server, &place, super::super::PASSWORD),
        0o644,
    );
    let before = scene.picture();
    let upgrade = ["update", "upgrade", "--to", "0b1", "--yes"];
    assert!(between.kills(&scene, &upgrade, 1));
    assert!(
        scene.server.left_beside().contains("netlink_trial"),
        "it was not killed in the trial"
    );
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.assert_nothing_beside();
    assert_eq!(scene.picture(), before);
    assert!(between.kills(&scene, &upgrade, 2));
    scene.lamp.run(&["update", "resume"]).ok();
    scene.lamp.assert_at("0b1");
    scene.assert_nothing_beside();
}

#[test]
fn the_copy_of_a_killed_trial_on_postgresql_is_dropped() {
    leaves_no_copy(Postgresql);
}

#[test]
fn the_copy_of_a_killed_trial_on_mariadb_is_dropped() {
    leaves_no_copy(Mariadb);
}
