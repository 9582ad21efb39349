//! Who has connected: what the system says of the other end of a connection, and what a relay says of whom it passes on. A relay is the
//! one user that the settings name; it is never let in by who it is, and nobody else is believed what only a relay may say.

use std::net::{IpAddr, Ipv4Addr};

use crate::app::{AppError, Result};
use crate::host::{self, User, UserError};

/// Longer ones are no subject of a certificate that a relay has made.
const LONGEST_SUBJECT: usize = 1024;

/// The other end of a connection, as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Network(IpAddr),
    /// A user of the system, at the socket.
    User(u32),
}

/// What a request says as only a relay may, each time that it does.
#[derive(Debug, Clone, Default)]
pub struct Said<'a> {
    pub from: Vec<&'a [u8]>,
    pub certificate: Vec<&'a [u8]>,
}

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    Network(IpAddr),
    User(u32),
    /// Somebody at an address, behind the relay, that has shown the certificate of this one.
    Behind {
        from: IpAddr,
        certificate: Option<String>,
    },
}

/// A request that says what only a relay may, or a relay's that does not say it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unbelieved(String);

impl Peer {
    pub fn of(end: End, relay: Option<u32>, said: &Said<'_>) -> std::result::Result<Self, Unbelieved> {
        let unbelieved = |why: &str| Err(Unbelieved(why.to_owned()));
        let says_nothing = said.from.is_empty() && said.certificate.is_empty();
        match end {
            End::User(user) if Some(user) == relay && !could_anyway(user) => behind(said),
            End::User(user) if says_nothing => Ok(Self::User(user)),
            End::Network(address) if says_nothing => Ok(Self::Network(address)),
            End::User(user) => Err(Unbelieved(format!(
                "only a relay says whom it passes on, and the user {user} is none: `server.relay_user` names the relay's"
            ))),
            End::Network(_) => unbelieved("only a relay at the socket says whom it passes on"),
        }
    }

    /// Where the request comes from.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Network(address) | Self::Behind { from: address, .. } => *address,
            Self::User(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }
}

fn behind(said: &Said<'_>) -> std::result::Result<Peer, Unbelieved> {
    let odd = |what: &str| Unbelieved(format!("the relay says {what} of whom it passes on"));
    let [from] = said.from[..] else {
        return Err(odd("no address, or several,"));
    };
    let from = std::str::from_utf8(from)
        .ok()
        .and_then(|text| text.parse::<IpAddr>().ok());
    let from = from.ok_or_else(|| odd("no address"))?.to_canonical();
    let certificate = match said.certificate[..] {
        [] => None,
        [one] => Some(subject(one).ok_or_else(|| odd("no readable certificate"))?),
        _ => return Err(odd("several certificates")),
    };
    Ok(Peer::Behind { from, certificate })
}

fn subject(sent: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(sent).ok()?;
    let is_plain = !text.is_empty() && text.len() <= LONGEST_SUBJECT && !text.chars().any(char::is_control);
    is_plain.then(|| text.to_owned())
}

/// Root, and who the server runs as.
pub fn could_anyway(user: u32) -> bool {
    user == 0 || user == host::user_id()
}

/// The user that a relay runs as, by the settings.
pub fn relay_user(name: &str) -> Result<User> {
    let wrong = |why: &str| AppError::said("NL0753", format!("`server.relay_user: {name}` {why}"));
    let user = User::named(name).map_err(|e| match e {
        UserError::Unknown(_) => {
            wrong("is no user of this machine; `useradd --system --shell /usr/sbin/nologin NAME` makes one")
        }
        other => AppError::below("NL0753", &other),
    })?;
    match could_anyway(user.id) {
        true => Err(wrong(
            "may do all that the server may; a relay needs a user of its own, without rights",
        )),
        false => Ok(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: u32 = 4_000_000_001;
    const OTHER: u32 = 4_000_000_002;

    fn of(end: End, from: &[&str], certificate: &[&str]) -> std::result::Result<Peer, Unbelieved> {
        let bytes = |sent: &[&'static str]| sent.iter().map(|text| text.as_bytes()).collect::<Vec<_>>();
        let leaked = |sent: &[&str]| {
            let all: Vec<&'static str> = sent.iter().map(|text| &*String::from(*text).leak()).collect();
            bytes(&all)
        };
        let said = Said {
            from: leaked(from),
            certificate: leaked(certificate),
        };
        Peer::of(end, Some(RELAY), &said)
    }

    #[test]
    fn a_relay_is_believed_one_address_and_nobody_else_any() {
        let behind = |from: &str, certificate: Option<&str>| {
            Ok(Peer::Behind {
                from: from.parse().unwrap(),
                certificate: certificate.map(str::to_owned),
            })
        };
        let relay = End::User(RELAY);
        assert_eq!(of(relay, &["192.0.2.7"], &[]), behind("192.0.2.7", None));
        assert_eq!(of(relay, &["2001:db8::7"], &[]), behind("2001:db8::7", None));
        assert_eq!(of(relay, &["::ffff:192.0.2.7"], &[]), behind("192.0.2.7", None));
        assert_eq!(
            of(relay, &["::1"], &["CN=Jürgen,O=Example"]),
            behind("::1", Some("CN=Jürgen,O=Example"))
        );
        for (from, certificate) in [
            (&[][..], &[][..]),
            (&[], &["CN=x"]),
            (&["192.0.2.7", "192.0.2.8"], &[]),
            (&["192.0.2.7", "192.0.2.7"], &[]),
            (&["192.0.2.7, 192.0.2.8"], &[]),
            (&["192.0.2.7:80"], &[]),
            (&["fe80::1%eth0"], &[]),
            (&["box"], &[]),
            (&[""], &[]),
            (&["192.0.2.7"], &[""]),
            (&["192.0.2.7"], &["CN=a", "CN=b"]),
            (&["192.0.2.7"], &["CN=a\u{85}"]),
        ] {
            assert!(of(relay, from, certificate).is_err(), "{from:?} {certificate:?}");
        }
        let here = "192.0.2.1".parse().unwrap();
        for end in [
            End::User(0),
            End::User(host::user_id()),
            End::User(OTHER),
            End::Network(here),
        ] {
            assert!(of(end, &["192.0.2.7"], &[]).is_err(), "{end:?}");
            assert!(of(end, &[], &["CN=a"]).is_err(), "{end:?}");
        }
        assert_eq!(of(End::User(OTHER), &[], &[]), Ok(Peer::User(OTHER)));
        assert_eq!(of(End::Network(here), &[], &[]), Ok(Peer::Network(here)));
    }

    #[test]
    fn whoever_may_do_all_of_it_is_no_relay() {
        let said = Said {
            from: vec![b"192.0.2.7"],
            certificate: Vec::new(),
        };
        for user in [0, host::user_id()] {
            assert!(Peer::of(End::User(user), Some(user), &said).is_err());
            let peer = Peer::of(End::User(user), Some(user), &Said::default());
            assert_eq!(peer, Ok(Peer::User(user)));
        }
        assert_eq!(relay_user("root").unwrap_err().code().id, "NL0753");
        assert_eq!(relay_user("no such user").unwrap_err().code().id, "NL0753");
    }
}
