//! Who asks: what a request brings along to be let in, and the role that each handler names.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError, web};

use super::problem::Problem;
use super::{secure, session};
use crate::relay;
use crate::serving::{Access, Credential, End, Identity, Peer, Refusal, Said};
use crate::store::Role;

/// What a request's sender was found to be, for the handlers.
#[derive(Clone)]
struct Identified(Result<Identity, NotLetIn>);

/// A session is let in for the page alone; that is said in a code of its own.
#[derive(Clone)]
pub enum NotLetIn {
    Refused(Refusal),
    FromElsewhere,
}

impl From<NotLetIn> for Problem {
    fn from(no: NotLetIn) -> Self {
        match no {
            NotLetIn::Refused(refusal) => refusal.into(),
            NotLetIn::FromElsewhere => session::from_elsewhere(),
        }
    }
}

/// Finds out who asks, once for each request.
pub async fn identify<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let peer = match peer(request.request()) {
        Ok(peer) => peer,
        Err(problem) => {
            let response = problem.error_response();
            return Ok(request.into_response(response).map_into_right_body());
        }
    };
    let identified = Identified(identity(request.request(), &peer));
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(identified);
    Ok(next.call(request).await?.map_into_left_body())
}

/// Who sends this request, as [`identify`] found.
pub fn sender(request: &HttpRequest) -> Result<Identity, NotLetIn> {
    let found = request.extensions().get::<Identified>().cloned();
    found.map_or_else(|| Err(nobody()), |found| found.0)
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
    identity.may(least)?;
    Ok(identity)
}

/// Who has connected, or is passed on by a relay.
fn peer(request: &HttpRequest) -> Result<Peer, Problem> {
    let access = request.app_data::<web::Data<Access>>();
    let access = access.ok_or_else(|| Problem::from(nobody()))?;
    let said = |name| {
        let values = request.headers().get_all(name);
        values.map(header::HeaderValue::as_bytes).collect()
    };
    let said = Said {
        from: said(relay::FROM),
        certificate: said(relay::CERTIFICATE),
    };
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let end = request.conn_data::<End>().copied();
    let end = end.unwrap_or_else(|| End::Network(request.peer_addr().map_or(nowhere, |peer| peer.ip())));
    access
        .peer(end, &said)
        .map_err(|unbelieved| Problem::unbelieved(&unbelieved))
}

fn identity(request: &HttpRequest, peer: &Peer) -> Result<Identity, NotLetIn> {
    let access = request.app_data::<web::Data<Access>>().ok_or_else(nobody)?;
    let sent = match request.headers().get(header::AUTHORIZATION) {
        Some(sent) => bearer(sent),
        None => match session::sent(request) {
            // A browser sends a session by itself, whoever made it ask: only what the page asks for is answered.
            Some(_) if !session::is_from_the_page(request) => return Err(NotLetIn::FromElsewhere),
            Some(text) => Credential::Session(text),
            None => match peer {
                Peer::User(user) => Credential::Peer(*user),
                Peer::Network(_) | Peer::Behind { .. } => Credential::Nothing,
            },
        },
    };
    let identity = access.admit(sent, peer.address()).map_err(NotLetIn::Refused)?;
    let certificate = match peer {
        Peer::Behind { certificate, .. } => certificate.clone(),
        Peer::Network(_) | Peer::User(_) => secure::client(request),
    };
    Ok(identity.showing(certificate.as_deref()))
}

/// Names of schemes are read in any case (RFC 9110).
fn bearer(sent: &header::HeaderValue) -> Credential<'_> {
    let parts = sent.to_str().ok().and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Credential::Token(token.trim()),
        _ => Credential::NoToken,
    }
}

fn nobody() -> NotLetIn {
    NotLetIn::Refused(Refusal::nothing_sent())
}

/// Where a request comes from, as [`identify`] found.
pub fn address(request: &HttpRequest) -> IpAddr {
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    request.extensions().get::<Peer>().map_or(nowhere, Peer::address)
}
