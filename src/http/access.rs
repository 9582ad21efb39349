//! Who asks, and what that one may: a bearer token (RFC 6750), or the page's session for one, and the role that each handler names.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use jiff::Timestamp;

use super::problem::Problem;
use super::rate::Rate;
use super::{secure, session};
use crate::app::{Admission, Gate, SessionText};
use crate::host;
use crate::settings::Server;
use crate::store::Role;

pub struct Access {
    pub gate: Gate,
    /// Requests with a wrong token from one address; right ones are let in all the same.
    failures: Rate<IpAddr>,
    /// Changing requests by one who is let in.
    changes: Rate<String>,
}

impl Access {
    pub fn new(gate: Gate, limits: &Server) -> Self {
        Self {
            gate,
            failures: Rate::new(limits.wrong_tokens_per_minute),
            changes: Rate::new(limits.changes_per_minute),
        }
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

impl Identity {
    /// Somebody whose token is none of ours.
    pub fn unknown(request: &HttpRequest) -> Self {
        Self {
            who: "unknown".into(),
            prefix: String::new(),
            from: origin(request),
            role: Role::Viewer,
            by: Means::Nothing,
        }
    }

    /// For the history.
    pub fn name(&self) -> String {
        format!("{} from {}", self.who, self.from)
    }
}

/// What a request's sender was found to be, for the handlers.
#[derive(Clone)]
struct Identified(Result<Identity, Problem>);

/// Finds out who asks, once for each request.
pub async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let identified = Identified(identity(request.request()));
    request.extensions_mut().insert(identified);
    next.call(request).await
}

/// Who sends this request, as [`identify`] found.
pub fn sender(request: &HttpRequest) -> Result<Identity, Problem> {
    let found = request.extensions().get::<Identified>().cloned();
    found.map_or_else(|| Err(denied("no bearer token was sent")), |found| found.0)
}

/// A request whose sender is known and may ask for it. A handler that takes this cannot be reached by others.
pub struct Caller<R> {
    pub identity: Identity,
    role: PhantomData<R>,
}

impl<R> Caller<R> {
    /// For the history.
    pub fn name(&self) -> String {
        self.identity.name()
    }
}

/// The least role that a handler asks for.
pub trait Least: 'static {
    const ROLE: Role;
}

pub enum Viewer {}
pub enum Operator {}
pub enum Admin {}

impl Least for Viewer {
    const ROLE: Role = Role::Viewer;
}

impl Least for Operator {
    const ROLE: Role = Role::Operator;
}

impl Least for Admin {
    const ROLE: Role = Role::Admin;
}

impl<R: Least> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(allowed(request, R::ROLE).map(|identity| Self {
            identity,
            role: PhantomData,
        }))
    }
}

fn allowed(request: &HttpRequest, least: Role) -> Result<Identity, Problem> {
    let identity = sender(request)?;
    if identity.role < least {
        let detail = format!("this asks for the role {least}, {} has {}", identity.who, identity.role);
        return Err(Problem::role_too_low(detail));
    }
    Ok(identity)
}

/// One more changing request of this sender.
pub fn count_change(request: &HttpRequest, identity: &Identity) -> Result<(), Problem> {
    let counted = access(request)?.changes.count(identity.prefix.clone());
    counted.map_err(|wait| Problem::too_often("too many changes were asked for in a minute", wait))
}

fn identity(request: &HttpRequest) -> Result<Identity, Problem> {
    let Some(sent) = request.headers().get(header::AUTHORIZATION) else {
        return match session::sent(request) {
            Some(text) => by_session(request, text),
            None => peer(request).ok_or_else(|| denied("no bearer token was sent")),
        };
    };
    // Names of schemes are read in any case (RFC 9110).
    let token = sent
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| denied("what was sent as `Authorization` is no bearer token"))?;
    let admission = access(request)?.gate.admit(token)?;
    let detail = match admission {
        Admission::As {
            prefix,
            name,
            role,
            expires_at,
        } => return Ok(let_in(request, (prefix, &name, role), Means::Token { expires_at })),
        Admission::Unknown => "the bearer token is none of this installation",
        Admission::Expired => {
            "the bearer token has expired; an administrator makes new ones with `netlink token create`"
        }
        Admission::Revoked => "the bearer token was revoked",
    };
    let counted = access(request)?.failures.count(address(request));
    counted.map_err(|wait| Problem::too_often("too many wrong tokens came from this address", wait))?;
    Err(Problem::wrong_token(detail))
}

/// A browser sends a session by itself, whoever made it ask: only what the page asks for is answered.
fn by_session(request: &HttpRequest, text: SessionText) -> Result<Identity, Problem> {
    session::only_from_the_page(request)?;
    match access(request)?.gate.admit_session(&text)? {
        Admission::As { prefix, name, role, .. } => Ok(let_in(request, (prefix, &name, role), Means::Session(text))),
        Admission::Unknown | Admission::Expired => Err(denied("the session has ended; log in with a token again")),
        Admission::Revoked => Err(denied("the token of this session was revoked")),
    }
}

fn let_in(request: &HttpRequest, (prefix, name, role): (String, &str, Role), by: Means) -> Identity {
    Identity {
        who: format!("{prefix} ({name})"),
        prefix,
        from: origin(request),
        role,
        by,
    }
}

/// Who has connected to the Unix socket, as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub user: u32,
}

/// Root, and who the server runs as, could do everything without asking.
fn peer(request: &HttpRequest) -> Option<Identity> {
    let user = request.conn_data::<Peer>()?.user;
    (user == 0 || user == host::user_id()).then(|| Identity {
        who: format!("uid {user}"),
        prefix: format!("uid-{user}"),
        from: "the socket".into(),
        role: Role::Admin,
        by: Means::Peer,
    })
}

fn access(request: &HttpRequest) -> Result<&web::Data<Access>, Problem> {
    let access = request.app_data::<web::Data<Access>>();
    access.ok_or_else(|| denied("no token is set"))
}

fn address(request: &HttpRequest) -> IpAddr {
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    request.peer_addr().map_or(nowhere, |peer| peer.ip())
}

/// The address, and whom the client's certificate is for where it has shown one.
fn origin(request: &HttpRequest) -> String {
    let address = address(request);
    match secure::client(request) {
        Some(subject) => format!("{address} (certificate {subject})"),
        None => address.to_string(),
    }
}

fn denied(detail: &str) -> Problem {
    Problem::new("NL0701", detail.to_owned())
}
