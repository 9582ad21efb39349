//! Files that are read into memory whole, with a limit.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::unreadable;
use super::http::Client;
use super::location::{InBundle, Source};
use super::sources::Place;
use super::{FetchError, Location, Network, Sources, bundle};

/// The content of a file of at most `limit` bytes; none when there is no such file.
pub fn read_small(sources: &Sources, name: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    sources.each(|place| {
        let source = place.location.file(name)?;
        read_from(place, &sources.network, source, limit)
    })
}

/// As [`read_small`], for a file of a folder of this program's choice whose name others chose and that may hold anything: one
/// part of a URL, quoted. Whoever may not see it is told that it is not there.
pub fn read_named(sources: &Sources, folder: &str, name: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    sources.each(|place| {
        let source = place.location.join(folder).named(name)?;
        match read_from(place, &sources.network, source, limit) {
            // So object stores answer for what is not there when nobody may list their files. The next root is such a file.
            Err(FetchError::Status { status: 403, .. }) => Ok(None),
            read => read,
        }
    })
}

fn read_from(place: &Place, network: &Network, source: Source, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    match source {
        Source::Path(path) => read_file(place, &path, limit),
        Source::InBundle(file) => read_in_bundle(&file, limit),
        Source::Web(web) => {
            let client = place.client(web, network, network.limits.small())?;
            client.with_tries(&Cell::new(0), || read_web(&client, limit))
        }
    }
}

fn read_web(client: &Client<'_>, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let too_long = || FetchError::TooLong {
        url: client.shown().to_owned(),
        limit,
    };
    let Some(response) = client.get(&[])? else {
        return Ok(None);
    };
    if response.status().as_u16() != 200 {
        return Err(client.unexpected(&response));
    }
    if response.body().content_length().is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    let mut reader = client.body(response);
    let read = read_up_to(&mut reader, limit).map_err(|e| client.broken(e))?;
    read.map(Some).ok_or_else(too_long)
}

fn read_file(place: &Place, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let Some(file) = open_plain(&place.location, path)? else {
        return Ok(None);
    };
    let read = read_up_to(&mut place.meter.over(file), limit).map_err(|e| unreadable(path, e))?;
    let too_long = || FetchError::TooLong {
        url: path.display().to_string(),
        limit,
    };
    read.map(Some).ok_or_else(too_long)
}

fn read_in_bundle(file: &InBundle, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let Some((mut content, length)) = bundle::open(&file.bundle, &file.name)? else {
        return Ok(None);
    };
    let too_long = || FetchError::TooLong {
        url: file.to_string(),
        limit,
    };
    let read = read_up_to(&mut content, limit).map_err(|e| unreadable(&file.bundle, e))?;
    let read = read.filter(|read| read.len() as u64 == length);
    read.map(Some).ok_or_else(too_long)
}

/// None when there is more than `limit`.
pub(super) fn read_up_to(from: &mut dyn Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
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
