//! NetLink's own connections to servers that answer over the network in TLS alone.

use std::path::Path;

use netlink::migrate::schema::{Nobody, Place, Reach, SchemaError, SchemaFiles, level, up};
use netlink::release::{ServerEngine, ServerLogin};

use super::Engine::{Mariadb, Postgresql};
use super::migrating::told;
use super::{DatabaseServer, Engine, PASSWORD, USER};
use crate::world::put;

fn place(server: &DatabaseServer, host: &str, parameters: &str) -> Place {
    let (engine, scheme) = match server.engine {
        Postgresql => (ServerEngine::Postgresql, "postgresql"),
        Mariadb => (ServerEngine::Mysql, "mysql"),
    };
    let url = format!("{scheme}://{host}:{}/x?{parameters}", server.port);
    let mut login = ServerLogin::parse(engine, &url).unwrap();
    login.user = Some(USER.into());
    login.password = Some(PASSWORD.to_owned().into());
    login.database = server.database().into();
    Place::Server(Reach::new(login))
}

fn trusting(mode: &str, certificate: &Path) -> String {
    format!("sslmode={mode}&sslrootcert={}", certificate.display())
}

fn speaks(engine: Engine) {
    let server = DatabaseServer::encrypted(engine);
    let certificate = server.certificate();
    let asked = |host: &str, parameters: &str| level(&place(&server, host, parameters)).map(drop);
    #[track_caller]
    fn no(asked: Result<(), SchemaError>) -> String {
        told(&asked.unwrap_err())
    }
    no(asked("127.0.0.1", "sslmode=disable"));
    for parameters in [
        "",
        "sslmode=prefer",
        "sslmode=require",
        &trusting("verify-ca", &certificate),
    ] {
        asked("127.0.0.1", parameters).unwrap_or_else(|e| panic!("{parameters}: {}", told(&e)));
    }
    // The certificate is for `localhost`.
    let named = trusting("verify-full", &certificate);
    asked("localhost", &named).unwrap();
    let said = no(asked("127.0.0.1", &named));
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    let other = server.dir.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    put(&other, &made.cert.pem(), 0o644);
    for parameters in [
        &trusting("verify-ca", &other),
        "sslmode=verify-ca",
        "sslmode=verify-full",
        &trusting("verify-full", &other),
    ] {
        let said = no(asked("localhost", parameters));
        assert!(said.to_lowercase().contains("certificate"), "{parameters}: {said}");
    }
    let missing = no(asked("localhost", "sslmode=verify-ca&sslrootcert=/nowhere.pem"));
    assert!(
        missing.contains("nowhere.pem") || missing.contains("No such file"),
        "{missing}"
    );

    let is_encrypted = match engine {
        Postgresql => "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        Mariadb => {
            "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'"
        }
    };
    let folder = server.dir.path().join("migrations");
    let sql = format!("-- netlink: require \"{is_encrypted}\" \"in the clear\"\nCREATE TABLE a (b int);\n");
    put(&folder.join("V1__a.sql"), &sql, 0o644);
    let place = place(&server, "localhost", &named);
    let files = SchemaFiles::load(place.dialect(), &folder, &|_| true).unwrap();
    up(&place, &files, 1, &mut Nobody).unwrap_or_else(|e| panic!("{}", told(&e)));
    assert_eq!(server.own("SELECT count(*) FROM a;"), "0");
}

#[test]
fn postgresql_is_spoken_to_in_tls() {
    speaks(Postgresql);
}

#[test]
fn mariadb_is_spoken_to_in_tls() {
    speaks(Mariadb);
}

#[test]
fn who_cannot_encrypt_is_spoken_to_only_where_that_is_not_asked_for() {
    let server = DatabaseServer::start(Postgresql);
    level(&place(&server, "127.0.0.1", "")).unwrap();
    level(&place(&server, "127.0.0.1", "sslmode=prefer")).unwrap();
    let said = told(&level(&place(&server, "127.0.0.1", "sslmode=require")).unwrap_err());
    assert!(said.contains("does not support TLS"), "{said}");
    let server = DatabaseServer::start(Mariadb);
    level(&place(&server, "127.0.0.1", "")).unwrap();
}
