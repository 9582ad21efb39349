//! The session of the page: a token is exchanged for a cookie that scripts cannot read and other sites cannot use.

use std::path::Path;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, NotLetIn, Viewer, sender};
use super::answer::{Answer, blocking};
use super::problem::{Problem, Refusals};
use crate::app::{self, SessionText};
use crate::crypt::digest_of;
use crate::serving::{Identity, Means, Refusal, Work};
use crate::store::Role;

/// What the session's cookie is called at one server. Browsers share cookies between all ports of a host, and behind each may be another
/// installation, or a copy of the same one.
#[derive(Debug, Clone)]
pub struct CookieName {
    /// What tells the installation from others, and its place from that of copies.
    of: String,
}

impl CookieName {
    pub fn of(installation: &str, root: &Path) -> Self {
        let place = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        Self {
            of: format!("{installation} {}", place.display()),
        }
    }

    /// Over TLS browsers take the cookie from this host alone, and from no other below or beside it.
    fn at(request: &HttpRequest) -> String {
        let of = request.app_data::<web::Data<Self>>();
        let of = of.map_or("", |name| name.of.as_str());
        let port = port(request.connection_info().host()).to_owned();
        let digest = digest_of(format!("{of} {port}").as_bytes()).to_string();
        let name = format!("netlink_session_{}", &digest[..8]);
        match is_secure(request) {
            true => format!("__Host-{name}"),
            false => name,
        }
    }
}

/// The port that a browser has asked at; empty where it is that of the scheme.
fn port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => port,
        _ => "",
    }
}

fn is_secure(request: &HttpRequest) -> bool {
    request.connection_info().scheme() == "https"
}

/// Who is let in with what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// How the token begins, and its name.
    #[schema(example = "nlk_1f2e3d4c (dashboard)")]
    who: String,
    role: Role,
    /// When a new session ends at the latest, or the token that was sent; absent where nothing is known of an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Exchanges the bearer token for a session: a cookie that lets in as the token does, until either ends.
#[utoipa::path(post, operation_id = "begin_session", tag = "access", path = "/api/v1/system/session", security(("token" = ["viewer"])), responses(
    (status = 201, description = "The session, in a cookie", body = Session,
        headers(("Set-Cookie" = String, description = "`netlink_session_` and what tells this server from others of the host (over TLS with `__Host-` before it), HttpOnly and SameSite=Strict"))),
    Refusals))]
pub async fn begin(caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let Identity {
        who, prefix, role, by, ..
    } = caller.identity;
    if !matches!(by, Means::Token { .. }) {
        let detail = "a session is begun with a bearer token, sent as `Authorization`";
        return Err(Problem::malformed(detail.to_owned()));
    }
    let begun = blocking(move || app::begin_session(&work.open()?, &prefix)).await?;
    let session = Session {
        who,
        role,
        expires_at: Some(begun.expires_at),
    };
    Ok(HttpResponse::Created()
        .insert_header((header::SET_COOKIE, cookie(&request, begun.text.reveal(), None)))
        .json(session))
}

/// Who is let in with what was sent; nobody when that is nothing, or a session that has ended.
#[utoipa::path(get, operation_id = "session", tag = "access", path = "/api/v1/system/session", security(()), responses(
    (status = 200, description = "Who it is, and what that one may", body = Session),
    (status = 204, description = "Nobody"),
    Refusals))]
pub async fn look(request: HttpRequest) -> Answer {
    let Identity { who, role, by, .. } = match sender(&request) {
        Ok(identity) => identity,
        Err(NotLetIn::Refused(Refusal::Nobody(_))) => return Ok(HttpResponse::NoContent().finish()),
        Err(no) => return Err(no.into()),
    };
    let expires_at = match by {
        Means::Token { expires_at } => expires_at,
        Means::Session(_) | Means::Peer | Means::Nothing => None,
    };
    Ok(HttpResponse::Ok().json(Session { who, role, expires_at }))
}

/// Ends the session whose cookie was sent; the token stays as it is.
#[utoipa::path(delete, operation_id = "end_session", tag = "access", path = "/api/v1/system/session", security(("token" = ["viewer"])), responses(
    (status = 204, description = "It is over", headers(("Set-Cookie" = String, description = "Takes the cookie away"))),
    Refusals))]
pub async fn end(caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    if let Means::Session(text) = caller.identity.by {
        blocking(move || app::end_session(&work.open()?, &text)).await?;
    }
    Ok(HttpResponse::NoContent()
        .insert_header((header::SET_COOKIE, cookie(&request, "", Some(0))))
        .finish())
}

/// Gone with the browser; the server knows better how long it lasts.
fn cookie(request: &HttpRequest, text: &str, seconds: Option<u32>) -> String {
    let life = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    let secure = if is_secure(request) { "; Secure" } else { "" };
    let name = CookieName::at(request);
    format!("{name}={text}; Path=/; HttpOnly; SameSite=Strict{life}{secure}")
}

/// The session that a request brings along.
pub fn sent(request: &HttpRequest) -> Option<SessionText> {
    let name = CookieName::at(request);
    let headers = request.headers().get_all(header::COOKIE);
    let mut pairs = headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    pairs.find_map(|pair| SessionText::parse(pair.trim().strip_prefix(name.as_str())?.strip_prefix('=')?))
}

/// Browsers say where a request comes from (`Sec-Fetch-Site`), older ones at least for those that change something (`Origin`).
pub fn is_from_the_page(request: &HttpRequest) -> bool {
    let named = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let changes = !request.method().is_safe();
    match (named("Sec-Fetch-Site"), named("Origin")) {
        (Some("same-origin"), _) => true,
        // Typed, or out of a bookmark.
        (Some("none"), _) => !changes,
        (Some(_), _) => false,
        (None, Some(origin)) => is_origin_of(origin, request.connection_info().host()),
        (None, None) => !changes,
    }
}

pub fn from_elsewhere() -> Problem {
    let detail =
        "the session is for NetLink's own page, and this request comes from elsewhere; send a bearer token instead";
    Problem::new("NL0731", detail.into())
}

fn is_origin_of(origin: &str, host: &str) -> bool {
    let named = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    !host.is_empty() && named.is_some_and(|named| named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn ours(method: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut request = TestRequest::default()
            .method(method.parse().unwrap())
            .insert_header(("Host", "box:8690"));
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        is_from_the_page(&request.to_http_request())
    }

    #[test]
    fn only_the_page_itself_is_answered_by_session() {
        for (method, headers, expected) in [
            ("GET", &[][..], true),
            ("POST", &[][..], false),
            ("POST", &[("Sec-Fetch-Site", "same-origin")][..], true),
            ("DELETE", &[("Sec-Fetch-Site", "same-origin")][..], true),
            ("POST", &[("Sec-Fetch-Site", "same-site")][..], false),
            ("POST", &[("Sec-Fetch-Site", "cross-site")][..], false),
            ("POST", &[("Sec-Fetch-Site", "none")][..], false),
            ("GET", &[("Sec-Fetch-Site", "none")][..], true),
            ("GET", &[("Sec-Fetch-Site", "same-site")][..], false),
            ("GET", &[("Sec-Fetch-Site", "cross-site")][..], false),
            ("POST", &[("Origin", "http://box:8690")][..], true),
            ("POST", &[("Origin", "https://BOX:8690")][..], true),
            ("POST", &[("Origin", "http://box:8691")][..], false),
            ("POST", &[("Origin", "http://box:8690.evil.example")][..], false),
            ("POST", &[("Origin", "null")][..], false),
            // What says most counts.
            (
                "POST",
                &[("Sec-Fetch-Site", "cross-site"), ("Origin", "http://box:8690")][..],
                false,
            ),
        ] {
            assert_eq!(ours(method, headers), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn each_server_of_a_host_has_a_cookie_of_its_own() {
        let request = |installation: &str, root: &str, host: &'static str, scheme| {
            TestRequest::default()
                .insert_header(("Host", host))
                .insert_header(("X-Forwarded-Proto", scheme))
                .app_data(web::Data::new(CookieName::of(installation, Path::new(root))))
                .to_http_request()
        };
        let name = |installation, root, host| CookieName::at(&request(installation, root, host, "http"));
        let one = name("a", "/x", "box:8690");
        assert!(one.starts_with("netlink_session_") && one.len() == 24, "{one}");
        assert_eq!(name("a", "/x", "other:8690"), one);
        // Another installation, a copy beside it, and a copy at the same place of another machine behind the same name.
        for other in [
            name("b", "/x", "box:8690"),
            name("a", "/y", "box:8690"),
            name("a", "/x", "box:8691"),
            name("a", "/x", "box"),
        ] {
            assert_ne!(other, one);
        }
        let made = |scheme| cookie(&request("a", "/x", "box:8690", scheme), "x", None);
        assert_eq!(made("http"), format!("{one}=x; Path=/; HttpOnly; SameSite=Strict"));
        assert_eq!(
            made("https"),
            format!("__Host-{one}=x; Path=/; HttpOnly; SameSite=Strict; Secure")
        );
    }

    #[test]
    fn the_port_is_the_last_part_of_a_host() {
        for (host, expected) in [
            ("box:8690", "8690"),
            ("box", ""),
            ("[::1]:8690", "8690"),
            ("[::1]", ""),
            ("[2001:db8::8690]", ""),
            ("", ""),
        ] {
            assert_eq!(port(host), expected, "{host}");
        }
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let text = "0f".repeat(32);
        let name = CookieName::at(&TestRequest::default().to_http_request());
        let found = |cookies: &str| {
            sent(
                &TestRequest::default()
                    .insert_header(("Cookie", cookies))
                    .to_http_request(),
            )
        };
        let expected = SessionText::parse(&text);
        assert!(expected.is_some());
        assert_eq!(found(&format!("a=b; {name}={text}; c=d")), expected);
        assert_eq!(found(&format!("{name}={text}")), expected);
        for wrong in [
            format!("{name}s={text}"),
            format!("netlink_session={text}"),
            format!("x{text}"),
            format!("{name}=1"),
            String::new(),
        ] {
            assert_eq!(found(&wrong), None, "{wrong}");
        }
    }
}
