//! A repository in one file, for machines without network: a tar archive with the folders `metadata/` and `targets/` in it.
//!
//! It is trusted no more than a server: what it gives is checked like everything else. So only what is looked for is found:
//! plain files by name, of a size that is known before the first byte.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::Path;

use tar::{EntryType, Header};

use super::FetchError;
use super::error::unreadable;

const BLOCK: u64 = 512;
/// The longest name; what a location names is not longer.
const NAME_LIMIT: u64 = 4096;
const FILES_LIMIT: usize = 1_000_000;

/// The content of a file of the bundle, with its length; none when there is no such file.
pub(super) fn open(bundle: &Path, name: &str) -> Result<Option<(Take<File>, u64)>, FetchError> {
    let mut file = plain(bundle)?;
    while let Some((found, length)) = next(bundle, &mut file)? {
        let start = file.stream_position().map_err(|e| unreadable(bundle, e))?;
        pass(bundle, &mut file, length)?;
        if found == name {
            file.seek(SeekFrom::Start(start)).map_err(|e| unreadable(bundle, e))?;
            return Ok(Some((file.take(length), length)));
        }
    }
    Ok(None)
}

/// The files of the bundle.
pub fn names_in_bundle(bundle: &Path) -> Result<BTreeSet<String>, FetchError> {
    let mut names = BTreeSet::new();
    let mut file = plain(bundle)?;
    while let Some((name, length)) = next(bundle, &mut file)? {
        pass(bundle, &mut file, length)?;
        names.insert(name);
        if names.len() > FILES_LIMIT {
            return Err(broken(bundle, "it has too many files"));
        }
    }
    Ok(names)
}

/// Goes past a content of this length, all of which must be there.
fn pass(bundle: &Path, file: &mut File, length: u64) -> Result<(), FetchError> {
    let read = |e| unreadable(bundle, e);
    let start = file.stream_position().map_err(read)?;
    let whole = file.metadata().map_err(read)?.len();
    let end = start.checked_add(length).filter(|end| *end <= whole);
    let end = end.ok_or_else(|| broken(bundle, "it is cut off"))?;
    file.seek(SeekFrom::Start(end.next_multiple_of(BLOCK))).map_err(read)?;
    Ok(())
}

fn plain(bundle: &Path) -> Result<File, FetchError> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let meta = std::fs::metadata(bundle).map_err(|e| unreadable(bundle, e))?;
    if !meta.is_file() {
        let path = bundle.to_owned();
        return Err(FetchError::NotAFile { path });
    }
    File::open(bundle).map_err(|e| unreadable(bundle, e))
}

/// Name and length of the next file, whose content follows; none at the end.
fn next(bundle: &Path, file: &mut File) -> Result<Option<(String, u64)>, FetchError> {
    let mut long_name = None;
    loop {
        let mut block = [0; BLOCK as usize];
        file.read_exact(&mut block).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => broken(bundle, "it is cut off, or no bundle"),
            _ => unreadable(bundle, e),
        })?;
        if block == [0; BLOCK as usize] {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block);
        let size = checked_size(bundle, header)?;
        match (header.entry_type(), &long_name) {
            (EntryType::Regular, None) => return Ok(Some((text(bundle, header.path_bytes().into_owned())?, size))),
            (EntryType::Regular, Some(_)) => return Ok(long_name.map(|name| (name, size))),
            (EntryType::GNULongName, None) => long_name = Some(read_name(bundle, file, size)?),
            _ => return Err(broken(bundle, "it holds something other than plain files")),
        }
    }
}

fn checked_size(bundle: &Path, header: &Header) -> Result<u64, FetchError> {
    let mut blank = header.clone();
    blank.set_cksum();
    let sums = header.cksum().ok().zip(blank.cksum().ok());
    if sums.is_none_or(|(there, right)| there != right) {
        return Err(broken(bundle, "it is no bundle, or it is damaged"));
    }
    header.size().map_err(|_| broken(bundle, "a file in it has no size"))
}

fn read_name(bundle: &Path, file: &mut File, size: u64) -> Result<String, FetchError> {
    if size > NAME_LIMIT {
        return Err(broken(bundle, "a name in it is too long"));
    }
    let mut bytes = Vec::new();
    let padded = size.next_multiple_of(BLOCK);
    file.take(padded)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(bundle, e))?;
    if (bytes.len() as u64) < padded {
        return Err(broken(bundle, "it is cut off"));
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    text(bundle, bytes)
}

fn text(bundle: &Path, name: Vec<u8>) -> Result<String, FetchError> {
    String::from_utf8(name).map_err(|_| broken(bundle, "a name in it is not UTF-8"))
}

fn broken(bundle: &Path, reason: &str) -> FetchError {
    FetchError::Bundle {
        path: bundle.to_owned(),
        reason: reason.to_owned(),
    }
}
