//! Files that are read into memory whole, with a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::http::{Client, Limits};
use super::location::Source;
use super::{FetchError, Location};

/// The content of a file of at most `limit` bytes; none when there is no such file.
pub fn read_small(location: &Location, name: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    read_small_within(Limits::SMALL, location, name, limit)
}

/// As [`read_small`], for a file whose name others chose and that may hold anything: one part of a URL, quoted.
pub fn read_named(location: &Location, name: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    read_source(Limits::SMALL, location, location.named(name)?, limit)
}

pub(super) fn read_small_within(
    limits: Limits,
    location: &Location,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, FetchError> {
    read_source(limits, location, location.file(name)?, limit)
}

fn read_source(limits: Limits, location: &Location, source: Source, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    match source {
        Source::Path(path) => read_file(location, &path, limit),
        Source::Url(url) => {
            let client = Client::new(&url, limits);
            client.with_tries(|| read_web(&client, limit))
        }
    }
}

fn read_web(client: &Client<'_>, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let too_long = || FetchError::TooLong {
        url: client.url().to_owned(),
        limit,
    };
    let Some(response) = client.get(&[])? else {
        return Ok(None);
    };
    if response.status().as_u16() != 200 {
        return Err(client.unexpected(&response));
    }
    let body = response.into_body();
    if body.content_length().is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    let read = read_up_to(&mut body.into_reader(), limit).map_err(|e| client.broken(e))?;
    read.map(Some).ok_or_else(too_long)
}

fn read_file(location: &Location, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let Some(mut file) = open_plain(location, path)? else {
        return Ok(None);
    };
    let read = read_up_to(&mut file, limit).map_err(|e| unreadable(path, e))?;
    let too_long = || FetchError::TooLong {
        url: path.display().to_string(),
        limit,
    };
    read.map(Some).ok_or_else(too_long)
}

/// None when there is more than `limit`.
fn read_up_to(from: &mut dyn Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    Ok(Some(content).filter(|content| content.len() as u64 <= limit))
}

/// Opens a file of a repository on this machine; none when it is not there although the repository is.
pub(super) fn open_plain(location: &Location, path: &Path) -> Result<Option<File>, FetchError> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => File::open(path).map(Some).map_err(|e| unreadable(path, e)),
        Ok(_) => Err(FetchError::NotAFile { path: path.to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => match location.folder() {
            Some(folder) if !folder.is_dir() => Err(FetchError::NoFolder {
                path: folder.to_owned(),
            }),
            _ => Ok(None),
        },
        Err(e) => Err(unreadable(path, e)),
    }
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> FetchError {
    FetchError::Read {
        path: path.to_owned(),
        source,
    }
}
