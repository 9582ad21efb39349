//! TLS: whom the server shows itself to be, whom it lets in, and certificates that change while it runs.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, IsCa};
use rustix::process::Signal;
use ureq::tls::{Certificate, TlsConfig};

use super::authority::{Authority, Pair, self_signed, shows, trusting};
use super::lamp;
use super::server::{API, Server};
use crate::world::{self, Installation, Ran, put};

const PATIENCE: Duration = Duration::from_secs(60);

/// The command line as somebody who asks the server at `base`.
fn ask(installation: &Installation, base: &str, args: &[&str]) -> Ran {
    let token = installation.path(".netlink/token");
    let asked = ["--server", base, "--token-file", token.to_str().unwrap()];
    world::run(&[&asked[..], args].concat())
}

const VERSION: [&str; 2] = ["update", "version"];

#[test]
fn the_server_is_asked_in_tls_by_who_trusts_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    let others = Authority::new(&dir.path().join("others"));
    shows(&installation, &ours.signs("box", "127.0.0.1"), None);
    let server = Server::start_trusting(&installation, trusting(&ours.pem, None));
    let base = server.base().to_owned();
    assert!(base.starts_with("https://"), "{base}");
    let ca = |authority: &Authority| authority.pem.to_str().unwrap().to_owned();
    let asked = |ca: &str, args: &[&str]| ask(&installation, &base, &[&["--ca", ca], args].concat());
    assert_eq!(
        asked(&ca(&ours), &VERSION).ok().out,
        installation.run(&VERSION).ok().out
    );
    asked(&ca(&ours), &["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    installation.assert_at("0b1");
    asked(&ca(&others), &VERSION).no(2, &["NL0739", "UnknownIssuer"]);
    ask(&installation, &base, &VERSION).no(2, &["NL0739", "--ca FILE"]);
    asked("/nowhere.pem", &VERSION).no(2, &["NL0739", "/nowhere.pem"]);
    let by_name = base.replace("127.0.0.1", "localhost");
    ask(&installation, &by_name, &[&["--ca", &ca(&ours)], &VERSION[..]].concat())
        .no(2, &["NL0739", "not valid for name"]);

    // In the clear, at a port where TLS is spoken: told so, and let go.
    let clear = base.replace("https://", "http://");
    ask(&installation, &clear, &VERSION).no(1, &["NL0737", "https://"]);
    let mut raw = TcpStream::connect(server.address()).unwrap();
    raw.set_read_timeout(Some(PATIENCE)).unwrap();
    raw.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Ended or reset, and nothing of it is HTTP.
    let _ = raw.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    // On loopback nobody is told to come back in TLS alone; cookies stay in it.
    let answer = server.get(&format!("{API}/version")).is(200);
    assert_eq!(answer.header("strict-transport-security"), "");
    let session = server
        .ask("POST", &format!("{API}/session"), Some(&server.token), &[], "")
        .is(201);
    assert!(session.header("set-cookie").ends_with("; Secure"), "{session:#?}");
}

#[test]
fn a_server_in_the_clear_is_not_taken_for_one_in_tls() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let encrypted = server.base().replace("http://", "https://");
    ask(&installation, &encrypted, &VERSION).no(2, &["NL0739", "http://"]);
}

#[test]
fn a_certificate_that_has_signed_itself_is_believed_unless_it_is_an_authority() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    for (name, is_ca) in [
        ("box", IsCa::ExplicitNoCa),
        ("usual", IsCa::Ca(BasicConstraints::Unconstrained)),
    ] {
        let believed = is_ca == IsCa::ExplicitNoCa;
        let pair = self_signed(dir.path(), name, "127.0.0.1", is_ca);
        shows(&installation, &pair, None);
        let begun = super::server::Begun::of(installation.command(&["serve", "--listen", "127.0.0.1:0"]));
        let ca = pair.certificate.to_str().unwrap();
        let asked = ask(&installation, &begun.base, &[&["--ca", ca], &VERSION[..]].concat());
        if believed {
            asked.ok();
            continue;
        }
        let asked = asked.no(2, &["NL0739", "CA:TRUE", "-addext basicConstraints=critical,CA:FALSE"]);
        assert!(!asked.err.contains("OtherError"), "{asked}");
    }
}

#[test]
fn a_certificate_that_has_expired_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    shows(&installation, &ours.signs("box", "127.0.0.1"), None);
    let server = Server::start_trusting(&installation, trusting(&ours.pem, None));
    let base = server.base().to_owned();
    let asked = || {
        ask(
            &installation,
            &base,
            &[&["--ca", ours.pem.to_str().unwrap()], &VERSION[..]].concat(),
        )
    };
    asked().ok();
    ours.signs_until("box", "127.0.0.1", 2001);
    server.signal(Signal::HUP);
    wait_for(|| server.log().contains("read anew"));
    asked().no(2, &["NL0739", "xpired"]);
}

fn wait_for(wished: impl Fn() -> bool) {
    let began = Instant::now();
    while !wished() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn only_clients_with_a_certificate_are_let_in_and_the_audit_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    let clients = Authority::new(&dir.path().join("clients"));
    let others = Authority::new(&dir.path().join("others"));
    shows(&installation, &ours.signs("box", "127.0.0.1"), Some(&clients.pem));
    let (known, expired) = (
        clients.signs("operator", "desk"),
        clients.signs_until("late", "desk", 2001),
    );
    let stranger = others.signs("stranger", "desk");
    let server = Server::start_trusting(&installation, trusting(&ours.pem, Some(&known)));
    let base = server.base().to_owned();
    let asked = |pair: Option<&Pair>, args: &[&str]| {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut all = vec!["--ca".to_owned(), text(&ours.pem)];
        if let Some(Pair { certificate, key }) = pair {
            all.extend([
                "--client-certificate".to_owned(),
                text(certificate),
                "--client-key".to_owned(),
                text(key),
            ]);
        }
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        ask(
            &installation,
            &base,
            &all.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    };
    asked(Some(&known), &["maintenance", "on"]).ok();
    asked(Some(&known), &["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    let rows = installation.run(&["audit", "list"]).ok().out;
    let shown = rows
        .lines()
        .filter(|row| row.contains("127.0.0.1 (certificate CN=operator"));
    assert!(shown.count() >= 4, "{rows}");
    asked(None, &VERSION).no(2, &["NL0739", "--client-certificate"]);
    asked(Some(&stranger), &VERSION).no(2, &["NL0739"]);
    asked(Some(&expired), &VERSION).no(2, &["NL0739"]);
    let mixed = Pair {
        certificate: known.certificate.clone(),
        key: stranger.key.clone(),
    };
    asked(Some(&mixed), &VERSION).no(2, &["NL0739", "do not belong together"]);

    // Whoever was let in before is asked for a certificate of the new authority from now on.
    fs::copy(&others.pem, &clients.pem).unwrap();
    server.signal(Signal::HUP);
    wait_for(|| server.log().contains("read anew"));
    asked(Some(&stranger), &VERSION).ok();
    asked(Some(&known), &VERSION).no(2, &["NL0739"]);
}

#[test]
fn a_new_certificate_is_taken_up_without_a_failed_request() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let (old, new) = (
        Authority::new(&dir.path().join("old")),
        Authority::new(&dir.path().join("new")),
    );
    let shown = old.signs("box", "127.0.0.1");
    shows(&installation, &shown, None);
    let server = Server::start_trusting(&installation, trusting(&old.pem, None));
    // Whoever asks meanwhile trusts both, and connects anew each time.
    let both = [&old.pem, &new.pem].map(|path| Certificate::from_pem(&fs::read(path).unwrap()).unwrap());
    let both = TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::new_with_certs(&both))
        .build();
    let (ended, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let health = format!("{}/health/live", server.base());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !ended.load(Ordering::SeqCst) {
                    let config = ureq::Agent::config_builder()
                        .tls_config(both.clone())
                        .timeout_global(Some(PATIENCE));
                    let answer = config.build().new_agent().get(&health).call().unwrap();
                    assert_eq!(answer.status(), 204);
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for round in 0..6 {
            let authority = if round % 2 == 0 { &new } else { &old };
            let next = authority.signs("next", "127.0.0.1");
            // One after the other: between them they are no pair, and the old one holds.
            fs::rename(&next.certificate, &shown.certificate).unwrap();
            fs::rename(&next.key, &shown.key).unwrap();
            if round < 4 {
                server.signal(Signal::HUP);
            }
            let trusts = trusting(&authority.pem, None);
            wait_for(|| {
                let agent = ureq::Agent::config_builder()
                    .tls_config(trusts.clone())
                    .build()
                    .new_agent();
                agent.get(&health).call().is_ok()
            });
        }
        ended.store(true, Ordering::SeqCst);
    });
    assert!(asked.load(Ordering::SeqCst) > 20, "{asked:?}");
}

#[test]
fn a_broken_certificate_leaves_the_old_one_and_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    let pair = ours.signs("box", "127.0.0.1");
    shows(&installation, &pair, None);
    let server = Server::start_trusting(&installation, trusting(&ours.pem, None));
    let warned = || {
        let ready = server.get("/health/ready").is(200).body;
        ready["warnings"].as_array().unwrap().clone()
    };
    assert!(warned().is_empty());
    let good = fs::read_to_string(&pair.certificate).unwrap();
    for broken in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &good[..good.len() / 2],
    ] {
        put(&pair.certificate, broken, 0o644);
        wait_for(|| !warned().is_empty());
        assert!(warned()[0].as_str().unwrap().contains("box.pem"), "{:?}", warned());
        let strange = server.ask("GET", "/health/ready", None, &[], "").is(200).body;
        let strange = strange["warnings"][0].as_str().unwrap();
        assert!(strange.contains("[NL0739]") && !strange.contains(".pem"), "{strange}");
        assert!(
            server.log().contains("WARN the TLS certificate stays as it was"),
            "{}",
            server.log()
        );
        put(&pair.certificate, &good, 0o644);
        wait_for(|| warned().is_empty());
    }
    fs::remove_file(&pair.key).unwrap();
    wait_for(|| !warned().is_empty());
    ask(
        &installation,
        server.base(),
        &[&["--ca", ours.pem.to_str().unwrap()], &VERSION[..]].concat(),
    )
    .ok();
}

#[test]
fn a_server_does_not_start_with_what_it_cannot_show() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    let (pair, other) = (ours.signs("box", "127.0.0.1"), ours.signs("other", "127.0.0.1"));
    let serve = || installation.run(&["serve", "--listen", "127.0.0.1:0"]);
    shows(&installation, &pair, None);
    let open = |mode| fs::set_permissions(&pair.key, fs::Permissions::from_mode(mode)).unwrap();
    open(0o644);
    serve().no(2, &["NL0739", "box.key", "chmod 600"]);
    open(0o600);
    let mixed = Pair {
        certificate: pair.certificate.clone(),
        key: other.key.clone(),
    };
    shows(&installation, &mixed, None);
    serve().no(2, &["NL0739", "do not belong together"]);
    shows(&installation, &pair, Some(Path::new("/nowhere.pem")));
    serve().no(2, &["NL0739", "/nowhere.pem"]);
    let alone = format!("server: {{tls: {{certificate: '{}'}}}}\n", pair.certificate.display());
    put(&installation.path("config/update.yml"), &alone, 0o644);
    serve().no(2, &["NL0403", "server.tls.key"]);
    put(
        &installation.path("config/update.yml"),
        "server: {tls: {certificat: x}}\n",
        0o644,
    );
    serve().no(2, &["NL0403", "server.tls.certificate"]);
    put(&installation.path("config/update.yml"), "", 0o644);
}
