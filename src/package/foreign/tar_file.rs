//! Tar streams of others. Read header by header, so that extended headers too are limited before they are believed.

use std::io::{self, Read};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::super::PackageError;
use super::fill::Filling;
use super::{refused, unreadable};

/// A name, or what an extended header holds of one file.
const EXTENSION: u64 = 64 << 10;

/// What extended headers say of the entry that follows them.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

pub(super) fn read(stream: impl Read, filling: &mut Filling<'_>) -> Result<(), PackageError> {
    let mut archive = Archive::new(stream);
    let mut said = Said::default();
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        filling.count()?;
        match entry.header().entry_type() {
            EntryType::GNULongName => said.name = Some(without_end(extension(&mut entry)?)),
            EntryType::GNULongLink => said.link = Some(without_end(extension(&mut entry)?)),
            EntryType::XHeader => take(&mut said, &mut entry)?,
            // Of the whole archive: a comment, as a rule.
            EntryType::XGlobalHeader => drop(extension(&mut entry)?),
            kind => {
                let said = std::mem::take(&mut said);
                one(kind, said, &mut entry, filling)?;
            }
        }
    }
    // To its end, where formats have the checksum of what was read.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(unreadable)?;
    Ok(())
}

fn one<R: Read>(
    kind: EntryType,
    said: Said,
    entry: &mut Entry<'_, R>,
    filling: &mut Filling<'_>,
) -> Result<(), PackageError> {
    let name = text(said.name.unwrap_or_else(|| entry.header().path_bytes().into_owned()))?;
    let mode = entry.header().mode().map_err(unreadable)?;
    match kind {
        EntryType::Directory => filling.folder(&name),
        // Before there was a kind for folders, they were told by their names.
        EntryType::Regular if name.ends_with('/') => filling.folder(&name),
        EntryType::Regular | EntryType::Continuous => filling.file(&name, Some(mode), entry),
        EntryType::Symlink => {
            let header = entry.header().link_name_bytes().map(std::borrow::Cow::into_owned);
            let target = text(said.link.or(header).unwrap_or_default())?;
            filling.link(&name, &target)
        }
        other => {
            let what = match other {
                EntryType::Link => "a hard link",
                EntryType::Char | EntryType::Block => "a device",
                EntryType::Fifo => "a pipe",
                EntryType::GNUSparse => "a sparse file",
                _ => "something unknown",
            };
            Err(refused(format!("{name:?} is {what}")))
        }
    }
}

/// Takes names from an extended header; what would make other sizes of the entry than its header has is refused.
fn take<R: Read>(said: &mut Said, entry: &mut Entry<'_, R>) -> Result<(), PackageError> {
    let bytes = extension(entry)?;
    for field in PaxExtensions::new(&bytes) {
        let field = field.map_err(unreadable)?;
        match field.key_bytes() {
            b"path" => said.name = Some(field.value_bytes().to_vec()),
            b"linkpath" => said.link = Some(field.value_bytes().to_vec()),
            b"size" => return Err(refused("an extended header gives another size")),
            key if key.starts_with(b"GNU.sparse") => return Err(refused("it has a sparse file")),
            _ => {}
        }
    }
    Ok(())
}

fn extension<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, PackageError> {
    let mut bytes = Vec::new();
    entry.take(EXTENSION + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > EXTENSION {
        return Err(refused("an extended header is too long"));
    }
    Ok(bytes)
}

fn without_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

fn text(bytes: Vec<u8>) -> Result<String, PackageError> {
    String::from_utf8(bytes).map_err(|e| refused(format!("{:?} is not UTF-8", String::from_utf8_lossy(e.as_bytes()))))
}
