//! What a relay may do: nothing that its work does not need, whatever it is told to.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use rustix::process::Signal;

use super::scene::{Scene, as_user, open_to_all, wait_for};
use crate::rest::authority::Authority;
use crate::rest::server::API;
use crate::world::{self, Ran};

#[test]
fn a_relay_refuses_to_have_rights() {
    let scene = Scene::new();
    let socket = scene.socket.to_str().unwrap();
    let through = ["serve", "--through", socket, "--listen", "127.0.0.1:0"];
    world::run(&through).no(2, &["NL0752", "root"]);
    // A server that runs as the same user as its relay.
    let nobody = netlink::host::User::named("nobody").unwrap();
    fs::write(&scene.socket, "").unwrap();
    chown(&scene.socket, Some(nobody.id), None).unwrap();
    let ran = scene.relay_command("127.0.0.1:0", &[]).output().unwrap();
    Ran::of(&ran).no(2, &["NL0752", "lamp.sock"]);
    world::run(&[&through[..], &["--grpc", "nowhere"]].concat()).no(2, &["--grpc"]);
    world::run(&["serve", "--key", "x"]).no(2, &["--certificate"]);
}

/// A line of /proc/PID/status.
fn status(pid: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim_start_matches(':').trim().to_owned()
}

#[test]
fn a_relay_runs_without_rights_and_cannot_read_the_installations_token() {
    let scene = Scene::new();
    let ours = Authority::new(&scene.dir.path().join("ours"));
    let shown = ours.signs("box", "127.0.0.1");
    let nobody = netlink::host::User::named("nobody").unwrap();
    chown(&shown.key, Some(nobody.id), None).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (certificate, key) = (text(&shown.certificate), text(&shown.key));
    let relay = scene.relay_at("127.0.0.1:0", &["--certificate", &certificate, "--key", &key]);
    let server = crate::rest::server::Server::behind(
        &scene.installation,
        &relay.base,
        crate::rest::authority::trusting(&ours.pem, None),
    );
    let pid = relay.child.id();
    assert_eq!(
        status(pid, "Uid").split_whitespace().next(),
        Some(&*nobody.id.to_string())
    );
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    for rights in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(status(pid, rights).trim_matches('0'), "", "{rights}");
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // Another process of its user does not look into it.
    let looked = as_user("nobody", Path::new("cat"))
        .arg(format!("/proc/{pid}/environ"))
        .output()
        .unwrap();
    assert!(!looked.status.success());

    // As its user it cannot read the token.
    let token = scene.installation.path(".netlink/token");
    let read = |path: &Path| as_user("nobody", Path::new("cat")).arg(path).output().unwrap();
    assert!(!read(&token).status.success());
    // Made to read it by its own code: a file of an allowed folder leads there, and everybody may read it.
    for folder in [scene.installation.path("."), scene.installation.path(".netlink")] {
        open_to_all(&folder, 0o755);
    }
    open_to_all(&token, 0o644);
    assert_eq!(String::from_utf8_lossy(&read(&token).stdout).trim(), server.token);
    fs::remove_file(&shown.certificate).unwrap();
    symlink(&token, &shown.certificate).unwrap();
    relay.signal(Signal::HUP);
    wait_for(|| relay.log().contains("stays as it was"));
    let log = relay.log();
    assert!(!log.contains(&server.token), "{log}");
    match log.contains("no Landlock") {
        // On such a kernel its user is all that keeps it.
        true => assert!(log.contains("no certificate in PEM"), "{log}"),
        false => assert!(log.contains("Permission denied"), "{log}"),
    }
    server.get(&format!("{API}/version")).is(200);
}

#[test]
fn the_documents_have_the_units_as_they_are_and_the_binary_takes_their_options() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/service.md")).unwrap();
    for name in ["netlink@.service", "netlink-relay@.service"] {
        let unit = fs::read_to_string(root.join("packaging/systemd").join(name)).unwrap();
        assert!(
            document.contains(&format!("```ini\n{unit}```")),
            "{name} is not in docs/service.md as it is"
        );
        let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let line = line.replace("%i", "guestbook");
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("/usr/local/bin/netlink"));
        let args: Vec<&str> = words.collect();
        // An option that is not known is said before help is shown.
        let ran = world::run(&[&args[..], &["--help"]].concat()).ok();
        assert!(ran.out.contains("--through"), "{ran}");
        for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
            let (variable, value) = line.split_once('=').unwrap();
            let environment = [(variable.to_owned(), value.to_owned())].into();
            netlink::settings::Settings::parse(Path::new("unit"), "", &environment).unwrap();
        }
    }
}
