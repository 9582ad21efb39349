//! Single files of others, by their whole address: lists in pages, and files whose length nobody signed.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::error::unreadable;
use super::http::Client;
use super::location::Source;
use super::part::Progress;
use super::small::{open_plain, read_up_to};
use super::{FetchError, Location, LocationError, Network, Sources};
use crate::clock;
use crate::disk::PartFile;

/// One answer of an interface that gives lists in pages.
#[derive(Debug)]
pub struct Page {
    pub body: Vec<u8>,
    /// The address of the next page.
    pub next: Option<String>,
}

/// A page of at most `limit` bytes.
pub fn read_page(url: &str, network: &Network, limit: u64) -> Result<Page, FetchError> {
    let sources = sources(url, network)?;
    sources.each(|place| match place.location.file(ANY)? {
        Source::Web(web) => {
            let client = place.client(web, network, network.limits.small())?;
            client.with_tries(&Cell::new(0), || {
                let response = asked(&client, &[("accept", "application/json")])?;
                let next = next_of(response.headers());
                let mut reader = client.body(response);
                let read = read_up_to(&mut reader, limit).map_err(|e| client.broken(e))?;
                let body = read.ok_or_else(|| too_long(client.shown(), limit))?;
                Ok(Page { body, next })
            })
        }
        _ => {
            let read = super::small::read_small(&sources, ANY, limit)?;
            let body = read.ok_or_else(|| missing(url))?;
            Ok(Page { body, next: None })
        }
    })
}

/// How long the file is, as far as its server says it; at most `limit`.
pub fn length_of(url: &str, network: &Network, limit: u64) -> Result<u64, FetchError> {
    let sources = sources(url, network)?;
    let length = sources.each(|place| match place.location.file(ANY)? {
        Source::Web(web) => {
            let client = place.client(web, network, network.limits.small())?;
            client.with_tries(&Cell::new(0), || {
                // Not HEAD, which addresses that are signed for GET do not answer.
                let response = asked(&client, &[("range", "bytes=0-0")])?;
                announced(&response).ok_or_else(|| FetchError::NoLength {
                    url: client.shown().to_owned(),
                })
            })
        }
        Source::Path(path) => {
            let file = open_plain(&place.location, &path)?.ok_or_else(|| missing(url))?;
            Ok(file.metadata().map_err(|e| unreadable(&path, e))?.len())
        }
        Source::InBundle(_) => Err(missing(url)),
    })?;
    if length > limit {
        return Err(too_long(url, limit));
    }
    Ok(length)
}

/// Fetches a file that nothing vouches for, anew at every try.
pub fn download_unverified(
    url: &str,
    network: &Network,
    length: u64,
    to: &Path,
    progress: &mut Progress<'_>,
) -> Result<(), FetchError> {
    let sources = sources(url, network)?;
    let mut part = PartFile::open(to, 0o644)?;
    let fetched = sources.each(|place| match place.location.file(ANY)? {
        Source::Web(web) => {
            let client = place.client(web, network, network.limits)?;
            client.with_tries(&Cell::new(0), || {
                let response = asked(&client, &[])?;
                let mut body = client.body(response);
                let broken = |e| client.broken(e);
                copy(&mut body, client.shown(), length, &mut part, progress, &broken)
            })
        }
        Source::Path(path) => {
            let file = open_plain(&place.location, &path)?.ok_or_else(|| missing(url))?;
            let mut file = place.meter.over(file);
            copy(&mut file, url, length, &mut part, progress, &|e| unreadable(&path, e))
        }
        Source::InBundle(_) => Err(missing(url)),
    });
    match fetched {
        Ok(()) => Ok(part.commit()?),
        Err(error) => {
            // The reason of the failure is what a person needs to know.
            let _ = part.discard();
            Err(error)
        }
    }
}

fn copy(
    from: &mut dyn Read,
    url: &str,
    length: u64,
    part: &mut PartFile,
    progress: &mut Progress<'_>,
    broken: &dyn Fn(io::Error) -> FetchError,
) -> Result<(), FetchError> {
    part.cut(0)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut done = 0;
    loop {
        if progress(done, length).is_break() {
            return Err(FetchError::Stopped);
        }
        match from.read(&mut buffer).map_err(broken)? {
            0 if done == length => return Ok(()),
            0 => {
                return Err(FetchError::Cut {
                    url: url.to_owned(),
                    reason: format!("{done} of {length} bytes arrived"),
                });
            }
            n => {
                done += n as u64;
                if done > length {
                    return Err(too_long(url, length));
                }
                part.append(&buffer[..n])?;
            }
        }
    }
}

/// One file by its whole address, for [`super::download`]; the name that is asked for there means nothing.
pub fn sources(url: &str, network: &Network) -> Result<Sources, FetchError> {
    let location = Location::of_file(url).map_err(|e: LocationError| FetchError::Address { reason: e.to_string() })?;
    Ok(Sources::new(location, Vec::new(), network.clone()))
}

/// What is asked for where the location is one file.
pub const ANY: &str = "file";

fn asked(client: &Client<'_>, headers: &[(&str, &str)]) -> Result<Response<Body>, FetchError> {
    let response = client.get(headers)?.ok_or_else(|| missing(client.shown()))?;
    match response.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(response),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => match used_up(response.headers()) {
            Some(wait) => Err(FetchError::UsedUp {
                url: client.shown().to_owned(),
                wait,
            }),
            None => Err(client.unexpected(&response)),
        },
        _ => Err(client.unexpected(&response)),
    }
}

/// How long a server that has answered too often asks to wait: by `retry-after`, or as GitHub says when its count begins anew.
fn used_up(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let seconds = number("retry-after").or_else(|| {
        number("x-ratelimit-remaining").filter(|left| *left == 0)?;
        Some(number("x-ratelimit-reset")? - clock::now().as_second())
    })?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn announced(response: &Response<Body>) -> Option<u64> {
    if response.status() == StatusCode::OK {
        return response.body().content_length();
    }
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.rsplit_once('/')?.1.parse().ok()
}

/// RFC 8288: the address with the relation `next`.
fn next_of(headers: &HeaderMap) -> Option<String> {
    let links = headers
        .get_all(header::LINK)
        .into_iter()
        .filter_map(|link| link.to_str().ok());
    links.flat_map(|links| links.split(',')).find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|one| matches!(one.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| address.to_owned())
    })
}

fn missing(url: &str) -> FetchError {
    FetchError::Missing { url: url.to_owned() }
}

fn too_long(url: &str, limit: u64) -> FetchError {
    FetchError::TooLong {
        url: url.to_owned(),
        limit,
    }
}
