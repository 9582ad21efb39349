//! The bearer token (RFC 6750): every address of the interface but those that say nothing of the installation.

use std::future::{Ready, ready};

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, dev, web};

use super::problem::Problem;
use crate::crypt::{Digest, Secret, digest_of};

pub struct Access {
    /// Digests are compared, so that the time it takes says nothing of the token.
    token: Digest,
}

impl Access {
    pub fn new(token: &Secret) -> Self {
        Self {
            token: digest_of(token.expose()),
        }
    }
}

/// A request whose sender is known. A handler that asks for it cannot be reached without the token.
pub struct Caller {
    /// For the history.
    pub name: String,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(caller(request))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller, Problem> {
    let denied = |message: &str| Problem::new("NL0701", message.to_owned());
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    // Names of schemes are read in any case (RFC 9110).
    let token = sent
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or_else(|| denied("no bearer token was sent"))?;
    let access = request
        .app_data::<web::Data<Access>>()
        .ok_or_else(|| denied("no token is set"))?;
    if digest_of(token.trim().as_bytes()) != access.token {
        return Err(Problem::wrong_token(
            "the bearer token is not the one of this installation",
        ));
    }
    let from = request
        .peer_addr()
        .map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string());
    Ok(Caller {
        name: format!("REST from {from}"),
    })
}
