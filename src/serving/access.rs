//! Who asks, and what that one may: by a bearer token, by the page's session for one, or as a user of the system at the socket.

use std::net::IpAddr;

use jiff::Timestamp;

use super::peer::{End, Peer, Said, Unbelieved, could_anyway};
use super::rate::{Origin, Rate};
use super::refusal::Refusal;
use super::wrong::WrongTokens;
use crate::app::{Admission, Gate, SessionText};
use crate::settings;
use crate::store::Role;

pub struct Access {
    gate: Gate,
    /// Wrong tokens from one place, each once; right ones are let in all the same.
    failures: Rate<Origin>,
    wrong: WrongTokens,
    /// Of those that were sent before, so many are written down as well.
    repeats: Rate<Origin>,
    /// Changing requests by one who is let in.
    changes: Rate<String>,
    /// The user of the relay.
    relay: Option<u32>,
}

/// What somebody sends along to be let in.
#[derive(Debug, Clone)]
pub enum Credential<'a> {
    Nothing,
    /// Something where a token belongs, that is none.
    NoToken,
    Token(&'a str),
    Session(SessionText),
    /// The user at the other end of the Unix socket, as the system says.
    Peer(u32),
}

/// Somebody who is let in.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The token's beginning and name.
    pub who: String,
    pub prefix: String,
    pub from: String,
    pub role: Role,
    pub by: Means,
}

/// By what somebody is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    Nothing,
    Token {
        expires_at: Option<Timestamp>,
    },
    Session(SessionText),
    /// A user of the system, at the socket.
    Peer,
}

const NOTHING_SENT: Refusal = Refusal::nothing_sent();

impl Access {
    pub fn new(gate: Gate, limits: &settings::Server, relay: Option<u32>) -> Self {
        Self {
            gate,
            failures: Rate::new(limits.wrong_tokens_per_minute),
            repeats: Rate::new(limits.wrong_tokens_per_minute),
            wrong: WrongTokens::default(),
            changes: Rate::new(limits.changes_per_minute),
            relay,
        }
    }

    /// Who has connected there, and says this.
    pub fn peer(&self, end: End, said: &Said<'_>) -> Result<Peer, Unbelieved> {
        Peer::of(end, self.relay, said)
    }

    /// Who that is that sends this from there.
    pub fn admit(&self, sent: Credential<'_>, from: IpAddr) -> Result<Identity, Refusal> {
        match sent {
            Credential::Nothing => Err(NOTHING_SENT),
            Credential::NoToken => Err(Refusal::Nobody("what was sent as `Authorization` is no bearer token")),
            Credential::Token(token) => self.by_token(token, from),
            Credential::Session(text) => self.by_session(text, from),
            Credential::Peer(user) => by_socket(user),
        }
    }

    fn by_token(&self, token: &str, from: IpAddr) -> Result<Identity, Refusal> {
        let detail = match self.gate.admit(token)? {
            Admission::As {
                prefix,
                name,
                role,
                expires_at,
            } => return Ok(let_in(from, (prefix, &name, role), Means::Token { expires_at })),
            Admission::Unknown => "the bearer token is none of this installation",
            Admission::Expired => {
                "the bearer token has expired; an administrator makes new ones with `netlink token create`"
            }
            Admission::Revoked => "the bearer token was revoked",
        };
        if self.wrong.has(from, token) {
            let is_written_down = self.repeats.count(Origin::of(from)).is_ok();
            return Err(match is_written_down {
                true => Refusal::WrongToken(detail),
                false => Refusal::WrongAgain(detail),
            });
        }
        let what = "too many wrong tokens came from this address";
        let counted = self.failures.count(Origin::of(from));
        counted.map_err(|wait| Refusal::TooOften { what, wait })?;
        self.wrong.add(from, token);
        Err(Refusal::WrongToken(detail))
    }

    fn by_session(&self, text: SessionText, from: IpAddr) -> Result<Identity, Refusal> {
        match self.gate.admit_session(&text)? {
            Admission::As { prefix, name, role, .. } => Ok(let_in(from, (prefix, &name, role), Means::Session(text))),
            Admission::Unknown | Admission::Expired => {
                Err(Refusal::Nobody("the session has ended; log in with a token again"))
            }
            Admission::Revoked => Err(Refusal::Nobody("the token of this session was revoked")),
        }
    }

    /// One more changing request of this sender.
    pub fn count_change(&self, identity: &Identity) -> Result<(), Refusal> {
        let what = "too many changes were asked for in a minute";
        let counted = self.changes.count(identity.prefix.clone());
        counted.map_err(|wait| Refusal::TooOften { what, wait })
    }

    /// Writes down what was used last: nobody is let in any more.
    pub fn end(&self) {
        self.gate.end();
    }

    /// Whether who was let in before would be so again.
    pub fn still_admits(&self, identity: &Identity) -> bool {
        let admitted = match &identity.by {
            Means::Nothing => return false,
            Means::Peer => return true,
            Means::Token { .. } => self.gate.still_admits(&identity.prefix),
            Means::Session(text) => self.gate.still_admits_session(text),
        };
        admitted.unwrap_or(false)
    }
}

impl Identity {
    /// Somebody whose token is none of ours.
    pub fn unknown(from: IpAddr) -> Self {
        Self {
            who: "unknown".into(),
            prefix: String::new(),
            from: from.to_string(),
            role: Role::Viewer,
            by: Means::Nothing,
        }
    }

    /// With the subject of the certificate that was shown besides all else.
    #[must_use]
    pub fn showing(self, certificate: Option<&str>) -> Self {
        match certificate {
            Some(subject) => Self {
                from: format!("{} (certificate {subject})", self.from),
                ..self
            },
            None => self,
        }
    }

    /// For the history.
    pub fn name(&self) -> String {
        format!("{} from {}", self.who, self.from)
    }

    /// Whether that one may do what asks for this role.
    pub fn may(&self, least: Role) -> Result<(), Refusal> {
        if self.role < least {
            let detail = format!("this asks for the role {least}, {} has {}", self.who, self.role);
            return Err(Refusal::RoleTooLow(detail));
        }
        Ok(())
    }
}

fn let_in(from: IpAddr, (prefix, name, role): (String, &str, Role), by: Means) -> Identity {
    Identity {
        who: format!("{prefix} ({name})"),
        prefix,
        from: from.to_string(),
        role,
        by,
    }
}

/// Root, and who the server runs as, could do everything without asking.
fn by_socket(user: u32) -> Result<Identity, Refusal> {
    if !could_anyway(user) {
        return Err(NOTHING_SENT);
    }
    Ok(Identity {
        who: format!("uid {user}"),
        prefix: format!("uid-{user}"),
        from: "the socket".into(),
        role: Role::Admin,
        by: Means::Peer,
    })
}
