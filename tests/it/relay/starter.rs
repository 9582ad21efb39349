//! Who starts a server as a service: what systemd makes of the units, and what it is told by them.

use std::fs;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::Command;
use std::thread;

use rustix::process::Signal;

use super::scene::{PATIENCE, Scene, open_to_all};
use crate::rest::lamp;
use crate::rest::server::{API, Begun, Server};
use crate::world::{netlink, put};

#[test]
fn systemd_reads_the_units_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd");
    let mut made = Vec::new();
    for name in ["netlink@.service", "netlink-relay@.service"] {
        let text = fs::read_to_string(units.join(name)).unwrap();
        let binary = netlink();
        let text = text.replace("/usr/local/bin/netlink", binary.to_str().unwrap());
        let path = dir.path().join(name.replace("@.", "@guestbook."));
        fs::write(dir.path().join(name), &text).unwrap();
        made.push(path);
    }
    let ran = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(&made)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    assert!(ran.status.success() && said.trim().is_empty(), "{said}");
    // What it does not know is said: the look finds something where there is something.
    let wrong = fs::read_to_string(dir.path().join("netlink@.service")).unwrap();
    fs::write(
        dir.path().join("netlink@.service"),
        wrong.replace("Type=notify", "Typ=notify"),
    )
    .unwrap();
    let ran = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&made[0])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&ran.stderr).contains("Typ"), "{ran:?}");
}

/// What a manager hears next.
#[track_caller]
fn heard(manager: &UnixDatagram) -> String {
    let mut told = [0; 64];
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = manager.recv(&mut told).unwrap();
    String::from_utf8_lossy(&told[..length]).into_owned()
}

#[test]
fn server_and_relay_say_when_they_are_ready_alive_and_ending() {
    let scene = Scene::new();
    let at = scene.dir.path().join("notify");
    let manager = UnixDatagram::bind(&at).unwrap();
    open_to_all(&at, 0o666);
    let server = scene.installation.command(&["serve", "--listen", "off"]);
    let relay = scene.relay_command("127.0.0.1:0", &[]);
    for mut command in [server, relay] {
        command.env("NOTIFY_SOCKET", &at).env("WATCHDOG_USEC", "200000");
        let begun = Begun::of(command);
        assert_eq!(heard(&manager), "READY=1");
        for _ in 0..5 {
            assert_eq!(heard(&manager), "WATCHDOG=1");
        }
        begun.signal(Signal::TERM);
        while heard(&manager) != "STOPPING=1" {}
        assert_eq!(begun.ended(), Some(0));
        manager.set_nonblocking(true).unwrap();
        while manager.recv(&mut [0; 64]).is_ok() {}
        manager.set_nonblocking(false).unwrap();
    }
    // Of another process's watchdog nothing is said, and who is not there keeps nobody from starting.
    let mut command = scene.installation.command(&["serve", "--listen", "off"]);
    command
        .env("NOTIFY_SOCKET", &at)
        .envs([("WATCHDOG_USEC", "200000"), ("WATCHDOG_PID", "1")]);
    let begun = Begun::of(command);
    assert_eq!(heard(&manager), "READY=1");
    begun.signal(Signal::TERM);
    assert_eq!(heard(&manager), "STOPPING=1");
    assert_eq!(begun.ended(), Some(0));
    let mut command = scene.installation.command(&["serve", "--listen", "off"]);
    command.env("NOTIFY_SOCKET", "/nowhere/notify");
    let begun = Begun::of(command);
    assert!(begun.log().contains("cannot be told"), "{}", begun.log());
}

#[test]
fn a_socket_is_there_as_long_as_its_server_and_is_taken_over_only_when_nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let socket = dir.path().join("s.sock");
    let settings = format!("server: {{socket: '{}'}}\n", socket.display());
    put(&installation.path("config/update.yml"), &settings, 0o644);

    // Nothing is left where the address is taken, for REST or for gRPC.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    installation
        .run(&["serve", "--listen", &address])
        .no(1, &["NL0704", &address]);
    assert!(!socket.exists());
    let both = ["serve", "--listen", "127.0.0.1:0", "--grpc", &address];
    installation.run(&both).no(1, &["NL0732", &address]);
    assert!(!socket.exists());

    // A server that was killed leaves its socket, which the next one takes; that one's end takes it away.
    let server = Server::start(&installation);
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    assert!(socket.exists());
    let server = Server::start(&installation);
    let place = format!("unix:{}", socket.display());
    crate::world::run(&["--server", &place, "update", "version"]).ok();
    // While it answers it keeps it.
    let other = ["serve", "--listen", "127.0.0.1:0"];
    installation.run(&other).no(1, &["NL0704", "another server"]);
    crate::world::run(&["--server", &place, "update", "version"]).ok();
    // What another one has put there meanwhile is left to it.
    fs::remove_file(&socket).unwrap();
    let others = UnixListener::bind(&socket).unwrap();
    server.get(&format!("{API}/version")).is(200);
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    assert!(socket.exists());
    drop(others);
    let server = Server::start(&installation);
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn of_two_that_find_a_left_socket_at_once_one_listens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sock");
    for _ in 0..50 {
        drop(UnixListener::bind(&path).unwrap());
        let tries = [0; 4].map(|_| {
            let path = path.clone();
            thread::spawn(move || netlink::app::listen_at_socket(&path, None))
        });
        let listening: Vec<_> = tries
            .into_iter()
            .filter_map(|tried| tried.join().unwrap().ok())
            .collect();
        assert_eq!(listening.len(), 1);
        drop(listening);
        assert!(!path.exists());
    }
}
