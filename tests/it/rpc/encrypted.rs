//! gRPC in TLS: whom the server shows itself to be, whom it lets in, certificates that change while clients are there, and who says nothing.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::client::{Call, Ended};
use crate::rest::authority::{Authority, Pair, shows, trusting};
use crate::rest::lamp;
use crate::rest::server::Server;
use crate::world::put;

const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who asks in TLS.
struct Client<'a> {
    trusts: &'a Path,
    shows: Option<&'a Pair>,
}

impl Client<'_> {
    fn begin(&self, server: &Server, args: &[&str]) -> Call {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut how = vec!["--ca".to_owned(), text(self.trusts)];
        if let Some(pair) = self.shows {
            how.extend(["--certificate".to_owned(), text(&pair.certificate)]);
            how.extend(["--key".to_owned(), text(&pair.key)]);
        }
        Call::begin_as(&how.iter().map(String::as_str).collect::<Vec<_>>(), server.grpc(), args)
    }

    fn call(&self, server: &Server, name: &str, message: &Value) -> Value {
        let (token, message) = (format!("Bearer {}", server.token), message.to_string());
        let called = self.begin(server, &["call", name, &message, "--token", &token]);
        called.rest().ok()
    }

    fn health(&self, server: &Server) -> Ended {
        self.begin(server, &["health"]).rest()
    }

    #[track_caller]
    fn is_let_in(&self, server: &Server) {
        assert_eq!(self.health(server).ok()["status"], "SERVING");
    }

    #[track_caller]
    fn is_kept_out(&self, server: &Server) {
        let ended = self.health(server);
        assert_eq!(ended.end["code"], "UNAVAILABLE", "{ended:#?}");
        assert!(
            ended.messages.is_empty() && ended.end.get("reason").is_none(),
            "{ended:#?}"
        );
    }
}

#[test]
fn calls_go_in_tls_to_who_is_trusted_and_never_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    let others = Authority::new(&dir.path().join("others"));
    shows(&installation, &ours.signs("box", "127.0.0.1"), None);
    let server = Server::start_trusting(&installation, trusting(&ours.pem, None));
    let client = |trusts| Client { trusts, shows: None };
    let version = client(&ours.pem).call(&server, "GetVersionInfo", &json!({}));
    assert_eq!(version["current_version"], "0a1");
    let begun = client(&ours.pem).call(&server, "TriggerUpgrade", &json!({"target_version": "0b1"}));
    let wanted = json!({"update_id": begun["update_id"]}).to_string();
    let token = format!("Bearer {}", server.token);
    let watched = client(&ours.pem).begin(&server, &["call", "WatchUpgradeStatus", &wanted, "--token", &token]);
    let watched = watched.rest();
    assert_eq!(watched.end["code"], "OK", "{watched:#?}");
    assert_eq!(watched.messages.last().unwrap()["message"], "completed");
    installation.assert_at("0b1");

    client(&others.pem).is_kept_out(&server);
    let clear = Call::begin(server.grpc(), &["health"]).rest();
    assert_eq!(clear.end["code"], "UNAVAILABLE", "{clear:#?}");
    // What is encrypted for another protocol is not spoken to.
    let mut greeting = greeting(&ours, server.grpc(), &[b"http/1.1"]);
    let refused = greeting.read(&mut [0; 64]).unwrap_err();
    assert!(refused.to_string().contains("alert"), "{refused}");

    server.signal(Signal::TERM);
    let said = server.all_lines();
    assert!(said.iter().any(|line| line.contains("; gRPC in TLS at ")), "{said:#?}");
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn only_clients_with_a_certificate_are_let_in_and_the_audit_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    let clients = Authority::new(&dir.path().join("clients"));
    let others = Authority::new(&dir.path().join("others"));
    shows(&installation, &ours.signs("box", "127.0.0.1"), Some(&clients.pem));
    let known = clients.signs("operator", "desk");
    let late = clients.signs_until("late", "desk", 2001);
    let stranger = others.signs("stranger", "desk");
    let server = Server::start_trusting(&installation, trusting(&ours.pem, Some(&known)));
    let client = |shows| Client {
        trusts: &ours.pem,
        shows,
    };

    let begun = client(Some(&known)).call(&server, "TriggerUpgrade", &json!({"target_version": "0b1"}));
    let wanted = json!({"update_id": begun["update_id"]});
    let from = "127.0.0.1 (certificate CN=operator)";
    assert!(
        begun["update"]["accepted_by"].as_str().unwrap().ends_with(from),
        "{begun:#}"
    );
    server.wait_for(
        &format!(
            "/api/v1/system/updates/status/{}",
            wanted["update_id"].as_str().unwrap()
        ),
        "completed",
    );
    let rows = installation.run(&["audit", "export"]).ok().out;
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_call = |row: &Value| row["action"] == "gRPC TriggerUpgrade" && row["origin"] == from;
    assert_eq!(rows.filter(of_call).count(), 2);

    // A certificate alone is not enough.
    let token = ["--token", "Bearer nlk_00000000_00"];
    let wrong = client(Some(&known)).begin(&server, &[&["call", "GetVersionInfo"][..], &token].concat());
    wrong.rest().no("UNAUTHENTICATED", "NL0701");
    client(None).is_kept_out(&server);
    client(Some(&stranger)).is_kept_out(&server);
    client(Some(&late)).is_kept_out(&server);
    client(Some(&known)).is_let_in(&server);
}

#[test]
fn a_new_certificate_holds_for_who_connects_and_leaves_who_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let old = Authority::new(&dir.path().join("old"));
    let new = Authority::new(&dir.path().join("new"));
    let clients = Authority::new(&dir.path().join("clients"));
    let others = Authority::new(&dir.path().join("others"));
    let shown = old.signs("box", "127.0.0.1");
    shows(&installation, &shown, Some(&clients.pem));
    let (first, second) = (clients.signs("first", "desk"), others.signs("second", "desk"));
    let server = Server::start_trusting(&installation, trusting(&old.pem, Some(&first)));
    let client = |trusts, shows| Client {
        trusts,
        shows: Some(shows),
    };
    let mut watch = client(&old.pem, &first).begin(&server, &["health", "--watch", "9"]);
    assert_eq!(watch.next().unwrap()["status"], "SERVING");

    let next = new.signs("box", "127.0.0.1");
    fs::rename(&next.certificate, &shown.certificate).unwrap();
    fs::rename(&next.key, &shown.key).unwrap();
    fs::copy(&others.pem, &clients.pem).unwrap();
    server.signal(Signal::HUP);
    let began = Instant::now();
    while !server.log().contains("read anew") {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    client(&new.pem, &second).is_let_in(&server);
    client(&old.pem, &second).is_kept_out(&server);
    client(&new.pem, &first).is_kept_out(&server);

    // Who was there before is still told what changes.
    put(&installation.path("config/update.yml"), "helth: {}\n", 0o644);
    assert_eq!(watch.next().unwrap()["status"], "NOT_SERVING");
}

/// In TLS as far as this library goes by itself: nothing is sent before it is read or written.
fn greeting(trusts: &Authority, address: &str, protocols: &[&[u8]]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&trusts.pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

#[test]
fn who_says_nothing_is_let_go_and_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let ours = Authority::new(&dir.path().join("ours"));
    shows(&installation, &ours.signs("box", "127.0.0.1"), None);
    let server = Server::start_trusting(&installation, trusting(&ours.pem, None));
    let began = Instant::now();
    let mut silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(server.grpc()).unwrap()).collect();
    // The beginning of a handshake; and one that is whole, after which nothing comes.
    silent[0]
        .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        .unwrap();
    let mut greeted = greeting(&ours, server.grpc(), &[b"h2"]);
    while greeted.conn.is_handshaking() {
        greeted.conn.complete_io(&mut greeted.sock).unwrap();
    }
    let client = Client {
        trusts: &ours.pem,
        shows: None,
    };
    client.is_let_in(&server);
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    for sent in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0; 4096],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.grpc()).unwrap();
        let _ = stream.write_all(sent);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    silent.push(greeted.sock);
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let read = stream.read_to_end(&mut Vec::new());
        // Closed, or reset; a limit of time would be an error of its own kind.
        let is_there = read.is_err_and(|e| matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        assert!(!is_there, "still there after {:?}", began.elapsed());
    }
    client.is_let_in(&server);
}
