//! The head of what is passed on, written anew: what holds between two neighbours alone is left out (RFC 9110, 7.6.1), what only a relay
//! may say is said by this one alone, and where a message ends is told by what was read of it, never by what it said.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use hyper::http::request::Parts;
use hyper::{Method, Version};

use super::no::No;

/// Who is behind the relay: an address.
pub const FROM: &str = "netlink-from";
/// Whom the certificate is for that the client has shown to the relay.
pub const CERTIFICATE: &str = "netlink-certificate";
/// Nobody outside says anything under such a name.
const OURS: &str = "netlink-";
/// What proxies in front say, which is believed where there is no TLS here.
const OF_PROXIES: &str = "x-forwarded-";

const BETWEEN_NEIGHBOURS: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// One who has connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub from: IpAddr,
    pub in_tls: Option<InTls>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTls {
    /// Whom the certificate is for that was shown.
    pub certificate: Option<String>,
    /// Browsers are to come back in TLS alone.
    pub is_strict: bool,
}

/// The head of a request as it goes on.
pub fn asked(mut head: Parts, client: &Client) -> Result<Parts, No> {
    if head.method == Method::CONNECT {
        return Err(No::Tunnel);
    }
    let host = host(&head)?;
    let Some(place) = head.uri.path_and_query().cloned() else {
        return Err(No::Malformed("the request names no place"));
    };
    let fields = &mut head.headers;
    say_whom(fields, client)?;
    fields.insert(HOST, host);
    fields.append(VIA, HeaderValue::from_static("1.1 netlink"));
    fields.insert(CONNECTION, HeaderValue::from_static("close"));
    head.uri = Uri::from(place);
    head.version = Version::HTTP_11;
    head.extensions.clear();
    Ok(head)
}

/// The head of a call of gRPC as it goes on.
pub fn called(mut head: Parts, client: &Client) -> Result<Parts, No> {
    let of_grpc = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    if head.method != Method::POST || !head.headers.get(CONTENT_TYPE).is_some_and(of_grpc) {
        return Err(No::OtherThanGrpc);
    }
    let authority = host(&head)?;
    let Some(place) = head.uri.path_and_query().cloned() else {
        return Err(No::Malformed("the call names no place"));
    };
    let fields = &mut head.headers;
    say_whom(fields, client)?;
    fields.remove(HOST);
    fields.append(VIA, HeaderValue::from_static("2 netlink"));
    fields.insert(TE, HeaderValue::from_static("trailers"));
    let uri = Uri::builder().scheme("http").authority(authority.as_bytes());
    let uri = uri.path_and_query(place).build();
    head.uri = uri.map_err(|_| No::Malformed("the call names no host"))?;
    head.version = Version::HTTP_2;
    head.extensions.clear();
    Ok(head)
}

/// Says for whom this is passed on; what only the relay says is said by nobody else.
fn say_whom(fields: &mut HeaderMap, client: &Client) -> Result<(), No> {
    keep_between_neighbours(fields);
    for name in [EXPECT, CONTENT_LENGTH] {
        fields.remove(name);
    }
    drop_all(fields, OURS);
    fields.insert(FROM, text(&client.from.to_canonical().to_string())?);
    if let Some(in_tls) = &client.in_tls {
        drop_all(fields, OF_PROXIES);
        fields.remove(FORWARDED);
        fields.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        if let Some(certificate) = &in_tls.certificate {
            fields.insert(CERTIFICATE, text(certificate)?);
        }
    }
    Ok(())
}

/// Leaves out of an answer, or a request, what is between two neighbours.
pub fn keep_between_neighbours(fields: &mut HeaderMap) {
    let named = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|text| text.split(','));
    let named: Vec<HeaderName> = named
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&BETWEEN_NEIGHBOURS) {
        fields.remove(name);
    }
}

/// That of the address where it names one, else the one that was sent (RFC 9112, 3.2).
fn host(head: &Parts) -> Result<HeaderValue, No> {
    let mut sent = head.headers.get_all(HOST).iter();
    let (first, second) = (sent.next(), sent.next());
    if second.is_some() {
        return Err(No::Malformed("the request names several hosts"));
    }
    match (head.uri.authority(), first) {
        (None, None) if head.version >= Version::HTTP_2 => Err(No::Malformed("the call names no host")),
        (_, None) if head.version == Version::HTTP_11 => Err(No::Malformed("the request names no host")),
        (Some(authority), _) => text(authority.as_str()),
        (None, Some(host)) => Ok(host.clone()),
        (None, None) => Ok(HeaderValue::from_static("")),
    }
}

fn drop_all(fields: &mut HeaderMap, beginning: &str) {
    let names: Vec<HeaderName> = fields
        .keys()
        .filter(|name| name.as_str().starts_with(beginning))
        .cloned()
        .collect();
    for name in names {
        fields.remove(name);
    }
}

fn text(value: &str) -> Result<HeaderValue, No> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| No::Malformed("the request cannot be passed on"))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn client(in_tls: bool) -> Client {
        Client {
            from: "::ffff:192.0.2.7".parse().unwrap(),
            in_tls: in_tls.then(|| InTls {
                certificate: Some("CN=Jürgen".into()),
                is_strict: true,
            }),
        }
    }

    fn passed(target: &str, sent: &[(&str, &str)], in_tls: bool) -> Result<Parts, No> {
        let mut request = Request::builder().method("POST").uri(target);
        for (name, value) in sent {
            request = request.header(*name, *value);
        }
        asked(request.body(()).unwrap().into_parts().0, &client(in_tls))
    }

    fn lines(head: &Parts) -> Vec<String> {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        let mut lines: Vec<String> = head.headers.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn what_is_between_neighbours_or_a_relays_own_is_not_passed_on() {
        let sent = [
            ("host", "box"),
            ("connection", "close, X-Mine"),
            ("connection", "netlink-from,host ,,?"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
            ("netlink-from", "203.0.113.9"),
            ("Netlink-Certificate", "CN=admin"),
            ("netlink-later", "x"),
            ("authorization", "Bearer nlk_1"),
            ("last-event-id", "7"),
            ("x-forwarded-proto", "https"),
            ("via", "1.0 other"),
        ];
        let head = passed("/a?b=%20", &sent, false).unwrap();
        let expected = [
            "authorization: Bearer nlk_1",
            "connection: close",
            "host: box",
            "last-event-id: 7",
            "netlink-from: 192.0.2.7",
            "via: 1.0 other",
            "via: 1.1 netlink",
            "x-forwarded-proto: https",
        ];
        assert_eq!(lines(&head), expected);
        assert_eq!(head.uri, "/a?b=%20");
    }

    #[test]
    fn in_tls_the_relay_alone_says_so_and_whom_the_certificate_is_for() {
        let sent = [
            ("host", "box"),
            ("forwarded", "proto=http"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "evil.example"),
        ];
        let expected = [
            "connection: close",
            "host: box",
            "netlink-certificate: CN=Jürgen",
            "netlink-from: 192.0.2.7",
            "via: 1.1 netlink",
            "x-forwarded-proto: https",
        ];
        assert_eq!(lines(&passed("/", &sent, true).unwrap()), expected);
    }

    #[test]
    fn there_is_one_host() {
        let host = |target: &str, sent: &[(&str, &str)]| {
            let passed = passed(target, sent, false);
            passed.map(|head| (head.headers[HOST].to_str().unwrap().to_owned(), head.uri.to_string()))
        };
        let of = |host: &str, place: &str| Ok((host.to_owned(), place.to_owned()));
        assert_eq!(host("/a", &[("host", "box:1")]), of("box:1", "/a"));
        assert_eq!(host("http://other:2/a", &[("host", "box")]), of("other:2", "/a"));
        assert_eq!(host("http://other", &[("host", "box")]), of("other", "/"));
        assert!(host("/a", &[]).is_err());
        assert!(host("/a", &[("host", "a"), ("host", "b")]).is_err());
        assert!(host("/a", &[("host", "a"), ("host", "a")]).is_err());
    }

    #[test]
    fn nobody_gets_a_tunnel() {
        let request = Request::builder()
            .method("CONNECT")
            .uri("box:22")
            .header("host", "box:22");
        let head = request.body(()).unwrap().into_parts().0;
        assert_eq!(asked(head, &client(false)).unwrap_err(), No::Tunnel);
    }
}
