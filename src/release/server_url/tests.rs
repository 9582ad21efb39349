//! Which URLs say what, and that no value can change what another one means.

use proptest::prelude::*;

use super::*;

fn parse(url: &str) -> Result<ServerLogin, ServerUrlError> {
    ServerLogin::parse(ServerEngine::Postgresql, url)
}

fn host(name: &str, port: Option<u16>) -> ServerPlace {
    ServerPlace::Host {
        name: name.into(),
        port,
    }
}

fn password(login: &ServerLogin) -> Option<&[u8]> {
    login.password.as_ref().map(Secret::expose)
}

#[test]
fn urls_are_read_as_clients_read_them() {
    let full =
        parse("postgres://me:p%40ss@db.example.org:6543/app?sslmode=verify-full&sslrootcert=/etc/ca.pem").unwrap();
    assert_eq!(full.place, host("db.example.org", Some(6543)));
    assert_eq!(
        (full.user.as_deref(), password(&full)),
        (Some("me"), Some(&b"p@ss"[..]))
    );
    assert_eq!(
        (full.database.as_str(), full.tls.mode),
        ("app", Some(TlsMode::VerifyFull))
    );
    let socket = ServerPlace::Socket {
        path: "/run/postgresql".into(),
        port: None,
    };
    for url in [
        "postgresql:///app?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/app",
        "postgresql+psycopg2:///app?host=%2Frun%2Fpostgresql",
        "postgresql:///app?socket=/run/postgresql",
    ] {
        assert_eq!(parse(url).unwrap().place, socket, "{url}");
    }
    assert_eq!(parse("postgresql:///app").unwrap().place, ServerPlace::Default);
    assert_eq!(parse("postgresql://[::1]:5/app").unwrap().place, host("::1", Some(5)));
    let maria = ServerLogin::parse(ServerEngine::Mysql, "mariadb://u@h/app").unwrap();
    assert_eq!((maria.user.as_deref(), password(&maria)), (Some("u"), None));
}

#[test]
fn what_cannot_be_read_is_refused_without_showing_it() {
    for (url, expected) in [
        ("secret", ServerUrlError::Scheme("postgresql")),
        ("mysql://h/secret", ServerUrlError::Scheme("postgresql")),
        ("postgresql://secret", ServerUrlError::NoDatabase),
        ("postgresql://secret/", ServerUrlError::NoDatabase),
        ("postgresql://u:pa/secret@h/d", ServerUrlError::Port),
        ("postgresql://h:0/d", ServerUrlError::Port),
        ("postgresql://u:secret%0A@h/d", ServerUrlError::Control("password")),
        ("postgresql://u:%ffsecret@h/d", ServerUrlError::NotText("password")),
        ("postgresql://h/d?secret=1", ServerUrlError::Parameter),
        ("postgresql://h/d?sslmode=secret", ServerUrlError::TlsMode),
    ] {
        let error = parse(url).unwrap_err();
        assert_eq!(error, expected, "{url}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn a_template_is_checked_before_there_are_values() {
    let check = |text: &str| {
        let url = UrlTemplate::try_from(text.to_owned()).unwrap();
        url.check(ServerEngine::Postgresql)
    };
    assert_eq!(check("{database_url}"), Ok(()));
    assert_eq!(check("postgresql://{u}:{p}@{h}:{port}/{name}"), Ok(()));
    assert_eq!(check("postgresql://{u}:{p}@{h}"), Err(ServerUrlError::NoDatabase));
    assert_eq!(check("mysql://{h}/{d}"), Err(ServerUrlError::Scheme("postgresql")));
    assert!(UrlTemplate::try_from("postgresql://{h/d".to_owned()).is_err());
}

#[test]
fn a_whole_url_may_be_one_value() {
    let url = UrlTemplate::try_from("{url}".to_owned()).unwrap();
    let values = BTreeMap::from([("url".to_owned(), "postgresql://u:p%2F@h/d".to_owned())]);
    let login = url.login(ServerEngine::Postgresql, &values).unwrap();
    assert_eq!(password(&login), Some(&b"p/"[..]));
    assert!(!format!("{login:?}").contains("p/"));
}

proptest! {
    /// Whatever characters a name or a password has, it arrives as it is and nothing else changes.
    #[test]
    fn values_stand_for_themselves(user in "\\PC{1,12}", password in "\\PC{1,12}", name in "\\PC{1,12}", port in 1_u16..) {
        let url = UrlTemplate::try_from("postgresql://{user}:{password}@db:{port}/{name}".to_owned()).unwrap();
        let values = [("user", &user), ("password", &password), ("name", &name), ("port", &port.to_string())]
            .map(|(key, value)| (key.to_owned(), value.clone()));
        let login = url.login(ServerEngine::Postgresql, &values.into()).unwrap();
        prop_assert_eq!(login.place, host("db", Some(port)));
        prop_assert_eq!((login.user, login.database), (Some(user), name));
        let found = login.password.unwrap();
        prop_assert_eq!(found.expose(), password.as_bytes());
    }
}
