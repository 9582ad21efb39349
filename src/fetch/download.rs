//! Large files: streamed to disk, continued after a cut, in place only when every byte is the signed one.

use std::fs::File;
use std::io;
use std::path::Path;

use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::http::{Client, Limits};
use super::location::Source;
use super::part::Arriving;
use super::small::{open_plain, unreadable};
use super::{FetchError, Location};
use crate::crypt::{Digest, DigestReader};

/// What the publisher signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub length: u64,
    pub sha256: Digest,
}

/// Fetches `name` to the file `to`, telling of bytes done and in total. Repeatable: what is there already is not fetched again.
pub fn download(
    location: &Location,
    name: &str,
    expected: &Expected,
    to: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), FetchError> {
    download_within(Limits::LARGE, location, name, expected, to, progress)
}

pub(super) fn download_within(
    limits: Limits,
    location: &Location,
    name: &str,
    expected: &Expected,
    to: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), FetchError> {
    let source = location.file(name)?;
    if is_there(to, expected)? {
        progress(expected.length, expected.length);
        return Ok(());
    }
    match source {
        Source::Path(path) => copy(location, &path, expected, to, progress),
        Source::Url(url) => {
            let client = Client::new(&url, limits);
            client.with_tries(|| fetch(&client, expected, to, progress))
        }
    }
}

fn is_there(to: &Path, expected: &Expected) -> Result<bool, FetchError> {
    match std::fs::symlink_metadata(to) {
        Ok(meta) if meta.is_file() && meta.len() == expected.length => {}
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unreadable(to, e)),
        _ => return Ok(false),
    }
    let mut reader = DigestReader::new(File::open(to).map_err(|e| unreadable(to, e))?);
    io::copy(&mut reader, &mut io::sink()).map_err(|e| unreadable(to, e))?;
    Ok(reader.finish().2 == expected.sha256)
}

fn copy(
    location: &Location,
    path: &Path,
    expected: &Expected,
    to: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), FetchError> {
    let url = path.display().to_string();
    let mut file = open_plain(location, path)?.ok_or_else(|| FetchError::Missing { url: url.clone() })?;
    let length = file.metadata().map_err(|e| unreadable(path, e))?.len();
    if length != expected.length {
        return Err(wrong_length(&url, expected, length));
    }
    let mut arriving = Arriving::open(to, expected)?;
    arriving.restart(None)?;
    let taken = arriving.take(
        &mut file,
        progress,
        |e| unreadable(path, e),
        || too_long(&url, expected),
    );
    match taken {
        Ok(()) if arriving.count() == expected.length => arriving.finish(&url),
        Ok(()) => {
            let found = arriving.count();
            arriving.discard()?;
            Err(wrong_length(&url, expected, found))
        }
        Err(error) => {
            arriving.discard()?;
            Err(error)
        }
    }
}

/// One try. A continued file with a wrong digest may be put together from two, so it is fetched once more, whole.
fn fetch(
    client: &Client<'_>,
    expected: &Expected,
    to: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), FetchError> {
    let mut arriving = Arriving::open(to, expected)?;
    arriving.take_up()?;
    let empty = arriving.count() == 0;
    let continued = fetch_rest(client, expected, &mut arriving, progress);
    match continued {
        Err(error @ (FetchError::TooLong { .. } | FetchError::Length { .. })) => {
            arriving.discard()?;
            Err(error)
        }
        // A file that is not there has no part to go on from; one that was there a moment ago may come back.
        Err(error @ FetchError::Missing { .. }) if empty => {
            arriving.discard()?;
            Err(error)
        }
        Err(error) => Err(error),
        Ok(continued) => match arriving.finish(client.url()) {
            Err(FetchError::Digest { .. }) if continued => fetch(client, expected, to, progress),
            finished => finished,
        },
    }
}

/// Fetches what is missing of the part; true when the part of an earlier try was continued.
fn fetch_rest(
    client: &Client<'_>,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<bool, FetchError> {
    let had = arriving.count();
    if had == expected.length {
        progress(had, had);
        return Ok(had > 0);
    }
    let (response, continued) = ask(client, expected, arriving)?;
    let mut body = response.into_body().into_reader();
    let url = client.url();
    arriving.take(&mut body, progress, |e| client.broken(e), || too_long(url, expected))?;
    if arriving.count() < expected.length {
        let reason = format!("{} of {} bytes arrived", arriving.count(), expected.length);
        let url = url.to_owned();
        return Err(FetchError::Cut { url, reason });
    }
    Ok(continued)
}

/// The answer to take bytes from; true when it begins where the part ends, else the part is emptied for it.
fn ask(
    client: &Client<'_>,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
) -> Result<(Response<Body>, bool), FetchError> {
    let had = arriving.count();
    let range = format!("bytes={had}-");
    let validator = arriving.validator();
    let mut headers = Vec::new();
    if had > 0 {
        headers.push(("range", range.as_str()));
        headers.extend(validator.as_deref().map(|validator| ("if-range", validator)));
    }
    let mut response = get(client, &headers)?;
    if had > 0 && response.status() == StatusCode::PARTIAL_CONTENT {
        if starts_at(response.headers(), had, expected.length) {
            return Ok((response, true));
        }
        response = get(client, &[])?;
    } else if had > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        response = get(client, &[])?;
    }
    begin_whole(client, expected, arriving, &response)?;
    Ok((response, false))
}

fn begin_whole(
    client: &Client<'_>,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    response: &Response<Body>,
) -> Result<(), FetchError> {
    if response.status() != StatusCode::OK {
        return Err(client.unexpected(response));
    }
    match response.body().content_length() {
        Some(length) if length != expected.length => Err(wrong_length(client.url(), expected, length)),
        _ => arriving.restart(validator_of(response.headers())),
    }
}

/// Whether `content-range` is the rest of a file of `length` bytes from byte `from` on.
fn starts_at(headers: &HeaderMap, from: u64, length: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range
        .is_some_and(|range| range.eq_ignore_ascii_case(&format!("bytes {from}-{}/{length}", length.saturating_sub(1))))
}

/// A weak tag does not promise the same bytes, so it is not one to continue by.
fn validator_of(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::ETAG)
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| text(header::LAST_MODIFIED))
}

fn get(client: &Client<'_>, headers: &[(&str, &str)]) -> Result<Response<Body>, FetchError> {
    let url = || client.url().to_owned();
    client.get(headers)?.ok_or_else(|| FetchError::Missing { url: url() })
}

fn wrong_length(url: &str, expected: &Expected, found: u64) -> FetchError {
    FetchError::Length {
        url: url.to_owned(),
        expected: expected.length,
        found,
    }
}

fn too_long(url: &str, expected: &Expected) -> FetchError {
    FetchError::TooLong {
        url: url.to_owned(),
        limit: expected.length,
    }
}
