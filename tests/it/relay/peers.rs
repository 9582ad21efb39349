//! Who is believed at the socket, and who is not.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::scene::{Scene, as_user, from_to, open_to_all, to, told};
use crate::rest::server::{API, Server};
use crate::world::put;

const FORGED: &str = "netlink-from: 203.0.113.9\r\n";

fn looks(more: &str) -> String {
    format!("GET {API}/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")
}

/// What a process of this user is answered at the socket; what it says when it is not let near.
fn asked_as(user: &str, socket: &Path, request: &str) -> String {
    let script = "my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]);\n\
        if (!$s) { print $!{EACCES} ? 'not let near' : \"$!\"; exit }\n\
        $s->autoflush(1); print $s $ARGV[1]; local $/; print <$s>;\n";
    let mut command = as_user(user, Path::new("perl"));
    command
        .args(["-MErrno", "-MIO::Socket::UNIX", "-e", script])
        .arg(socket)
        .arg(request);
    let asked = command.current_dir("/").output().unwrap();
    String::from_utf8_lossy(&[asked.stdout, asked.stderr].concat()).into_owned()
}

#[track_caller]
fn is(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(code), "{answer}");
}

#[test]
fn at_the_socket_everybody_is_who_the_system_says() {
    let scene = Scene::new();
    let relay = scene.relay();
    let _server = scene.server(&relay);
    let bearer = format!("Authorization: Bearer {}\r\n", scene.token());
    let mode = scene.socket.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);

    // Root needs no token, and is not believed for whom it asks.
    let root = |request: &str| told(UnixStream::connect(&scene.socket).unwrap(), request.as_bytes());
    is(&root(&looks("")), 200, "tokens");
    is(&root(&looks(FORGED)), 400, "NL0751");
    is(&root(&looks("netlink-certificate: CN=admin\r\n")), 400, "NL0751");
    is(&root(&looks(&format!("{bearer}{FORGED}"))), 400, "NL0751");

    // The relay's user is never let in by who it is, and says for whom it asks, once.
    let by_relay = |more: &str| asked_as("nobody", &scene.socket, &looks(more));
    is(&by_relay(FORGED), 401, "NL0701");
    is(&by_relay(&format!("{FORGED}{bearer}")), 200, "tokens");
    for odd in ["", FORGED, "netlink-from: box\r\n"] {
        let twice = if odd == FORGED { FORGED } else { "" };
        is(&by_relay(&format!("{bearer}{odd}{twice}")), 400, "NL0751");
    }

    // Others do not come near, nor do they where the file lets them.
    assert_eq!(
        asked_as("daemon", &scene.socket, &looks(&bearer)).trim(),
        "not let near"
    );
    open_to_all(&scene.socket, 0o666);
    let other = |more: &str| asked_as("daemon", &scene.socket, &looks(more));
    is(&other(""), 401, "NL0701");
    is(&other(&bearer), 200, "tokens");
    is(&other(&format!("{bearer}{FORGED}")), 400, "NL0751");
}

#[test]
fn over_the_network_nobody_says_whom_he_passes_on() {
    let scene = Scene::new();
    let token = scene_token_of_a_server(&scene);
    let server = Server::start(&scene.installation);
    for name in ["netlink-from", "NETLINK-From", "netlink-certificate"] {
        let forged = [(name, "203.0.113.9")];
        let path = format!("{API}/version");
        server
            .ask("GET", &path, Some(&token), &forged, "")
            .problem(400, "NL0751");
        server.fetch("/health/live", &forged).problem(400, "NL0751");
    }
    server.get(&format!("{API}/version")).is(200);
}

fn scene_token_of_a_server(scene: &Scene) -> String {
    let server = Server::start(&scene.installation);
    drop(server);
    scene.token()
}

#[test]
fn the_audit_names_the_address_behind_the_relay_and_wrong_tokens_are_counted_by_it() {
    let scene = Scene::with(", wrong_tokens_per_minute: 3");
    let relay = scene.relay();
    let server = scene.server(&relay);
    let change = |from: &str, token: &str, more: &str| {
        let request = format!(
            "PUT {API}/maintenance HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{more}\
             Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{{\"enabled\":false}}"
        );
        told(from_to(from, &relay), request.as_bytes())
    };
    // What is forged outside is dropped.
    let forged = format!("{FORGED}Netlink-Certificate: CN=admin\r\nConnection: netlink-from\r\n");
    is(&change("127.0.0.2", &server.token, &forged), 200, "enabled");
    for (n, status) in [401, 401, 401, 429].into_iter().enumerate() {
        let guess = format!("nlk_00000000_0{n}");
        assert!(change("127.0.0.3", &guess, "").starts_with(&format!("HTTP/1.1 {status} ")));
    }
    is(&change("127.0.0.4", "nlk_00000000_00", ""), 401, "NL0701");
    let rows = scene.installation.run(&["audit", "list"]).ok().out;
    let from = |address: &str| rows.lines().filter(|row| row.contains(address)).count();
    assert_eq!(
        (from("127.0.0.2"), from("203.0.113.9"), from("CN=admin")),
        (2, 0, 0),
        "{rows}"
    );
    assert!(from("127.0.0.3") >= 3 && from("127.0.0.4") >= 1, "{rows}");
    assert!(!server.log().contains(&server.token));
    assert!(!relay.log().contains(&server.token));
}

#[test]
fn a_relay_as_somebody_else_is_told_so() {
    let scene = Scene::new();
    let relay = scene.relay();
    let text = format!("server: {{socket: '{}', relay_user: daemon}}\n", scene.socket.display());
    put(&scene.installation.path("config/update.yml"), &text, 0o644);
    let server = scene.installation.command(&["serve", "--listen", "off"]);
    let server = crate::rest::server::Begun::of(server);
    // Its group has nothing to do with the socket.
    let live = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    is(&told(to(&relay), live.as_bytes()), 503, "NL0750");
    open_to_all(&scene.socket, 0o666);
    is(&told(to(&relay), live.as_bytes()), 400, "NL0751");
    drop(server);

    for (user, why) in [("root", "all that the server may"), ("no-such-user", "useradd")] {
        let text = format!("server: {{socket: '{}', relay_user: {user}}}\n", scene.socket.display());
        put(&scene.installation.path("config/update.yml"), &text, 0o644);
        scene
            .installation
            .run(&["serve", "--listen", "off"])
            .no(2, &["NL0753", why]);
    }
    put(
        &scene.installation.path("config/update.yml"),
        "server: {listen: null}\n",
        0o644,
    );
    scene.installation.run(&["serve"]).no(1, &["NL0704", "server.socket"]);
}
