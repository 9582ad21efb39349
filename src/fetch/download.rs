//! Large files: streamed to disk, continued after a cut, in place only when every byte is the signed one.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::error::unreadable;
use super::http::Client;
use super::location::Source;
use super::part::{Arriving, Progress};
use super::resume::Origin;
use super::small::open_plain;
use super::sources::Place;
use super::{FetchError, Network, Sources, bundle};
use crate::crypt::{Digest, DigestReader};
use crate::disk;

/// What the publisher signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub length: u64,
    pub sha256: Digest,
}

/// Fetches `name` to the file `to`, telling of bytes done and in total. Repeatable: what is there already is not fetched again,
/// and a part that an earlier run left is continued. A failure leaves at most a part that is worth continuing.
pub fn download(
    sources: &Sources,
    name: &str,
    expected: &Expected,
    to: &Path,
    progress: &mut Progress<'_>,
) -> Result<(), FetchError> {
    if is_there(to, expected)? {
        let _ = progress(expected.length, expected.length);
        return Ok(());
    }
    let mut arriving = Arriving::open(to, expected, sources.network.limits.resume_from)?;
    let fetched = room(to, expected.length - arriving.count())
        .and_then(|()| sources.each(|place| from(place, &sources.network, name, expected, &mut arriving, progress)));
    match fetched {
        Ok(()) => arriving.finish(),
        Err(error) => {
            // The reason of the failure is what a person needs to know; a part that stays is found by a later run.
            let _ = arriving.leave();
            Err(error)
        }
    }
}

/// Found before the first byte is asked for, not when the disk is full.
fn room(to: &Path, needed: u64) -> Result<(), FetchError> {
    let path = to.parent().unwrap_or(to);
    let free = disk::free_space(path)?;
    if free >= needed {
        return Ok(());
    }
    Err(FetchError::NoRoom {
        path: path.to_owned(),
        needed,
        free,
        source: io::ErrorKind::StorageFull.into(),
    })
}

fn from(
    place: &Place,
    network: &Network,
    name: &str,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    progress: &mut Progress<'_>,
) -> Result<(), FetchError> {
    match place.location.file(name)? {
        Source::Path(path) => {
            let url = path.display().to_string();
            let missing = || FetchError::Missing { url: url.clone() };
            let file = open_plain(&place.location, &path)?.ok_or_else(missing)?;
            let length = file.metadata().map_err(|e| unreadable(&path, e))?.len();
            copy(
                (&path, &url),
                (place.meter.over(file), length),
                expected,
                arriving,
                progress,
            )
        }
        Source::InBundle(file) => {
            let url = file.to_string();
            let missing = || FetchError::Missing { url: url.clone() };
            let content = bundle::open(&file.bundle, &file.name)?.ok_or_else(missing)?;
            copy((&file.bundle, &url), content, expected, arriving, progress)
        }
        Source::Web(web) => {
            let client = place.client(web, network, network.limits)?;
            let arrived = Cell::new(arriving.count());
            client.with_tries(&arrived, || {
                let fetched = fetch(&client, expected, arriving, progress);
                arrived.set(arriving.count());
                fetched
            })
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
    (path, url): (&Path, &str),
    (mut content, length): (impl Read, u64),
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    progress: &mut Progress<'_>,
) -> Result<(), FetchError> {
    if length != expected.length {
        return Err(wrong_length(url, expected, length));
    }
    arriving.restart(None)?;
    let taken = arriving.take(
        &mut content,
        progress,
        |e| unreadable(path, e),
        || too_long(url, expected),
    );
    if taken.is_ok() && arriving.count() < expected.length {
        return Err(wrong_length(url, expected, arriving.count()));
    }
    taken.and_then(|()| arriving.check(url))
}

/// One try. A continued file with a wrong digest may be put together from two, so it is fetched once more, whole.
fn fetch(
    client: &Client<'_>,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    progress: &mut Progress<'_>,
) -> Result<(), FetchError> {
    let continued = fetch_rest(client, expected, arriving, progress)?;
    match arriving.check(client.shown()) {
        Err(FetchError::Digest { .. }) if continued => {
            fetch_rest(client, expected, arriving, progress)?;
            arriving.check(client.shown())
        }
        checked => checked,
    }
}

/// Fetches what is missing of the part; true when an earlier part was continued.
fn fetch_rest(
    client: &Client<'_>,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    progress: &mut Progress<'_>,
) -> Result<bool, FetchError> {
    if arriving.continued() == Some(expected.length) {
        arriving.tell(progress)?;
        return Ok(true);
    }
    let (response, continued) = ask(client, expected, arriving)?;
    let mut body = client.body(response);
    let url = client.shown();
    let taken = arriving.take(&mut body, progress, |e| client.broken(e), || too_long(url, expected));
    if matches!(taken, Err(FetchError::TooLong { .. })) {
        arriving.restart(None)?;
    }
    taken?;
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
    let Some(had) = arriving.continued() else {
        return begin_whole(client, expected, arriving, get(client, &[])?);
    };
    let range = format!("bytes={had}-");
    let mut headers = vec![("range", range.as_str())];
    headers.extend(
        arriving
            .validator(client.shown())
            .map(|validator| ("if-range", validator)),
    );
    let response = get(client, &headers)?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(response.headers(), had, expected.length) => Ok((response, true)),
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            begin_whole(client, expected, arriving, get(client, &[])?)
        }
        _ => begin_whole(client, expected, arriving, response),
    }
}

fn begin_whole(
    client: &Client<'_>,
    expected: &Expected,
    arriving: &mut Arriving<'_>,
    response: Response<Body>,
) -> Result<(Response<Body>, bool), FetchError> {
    if response.status() != StatusCode::OK {
        return Err(client.unexpected(&response));
    }
    if let Some(length) = response
        .body()
        .content_length()
        .filter(|length| *length != expected.length)
    {
        return Err(wrong_length(client.shown(), expected, length));
    }
    let origin = validator_of(response.headers()).map(|validator| Origin {
        url: client.shown().to_owned(),
        validator: validator.to_owned(),
    });
    arriving.restart(origin)?;
    Ok((response, false))
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
    let url = || client.shown().to_owned();
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
