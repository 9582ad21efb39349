//! Zip files of others, read entry by entry from their directory.

use std::fs::File;
use std::io::Read;

use zip::read::Config;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, System, ZipReadOptions};

use super::super::PackageError;
use super::fill::Filling;
use super::{refused, unreadable};

/// The target of a link.
const LINK: u64 = 4096;

/// `directory` and `contents` are the same file, opened twice.
pub(super) fn read(directory: File, contents: File, filling: &mut Filling<'_>) -> Result<(), PackageError> {
    let mut archive = ZipIterable::try_new(directory, Config::default()).map_err(broken)?;
    // What says one thing in its directory and another before the content is made to deceive somebody.
    let options = ZipReadOptions::new().enforce_header_consistency(true);
    let mut entries = archive.files_with_reader(contents, options).map_err(broken)?;
    while let Some(mut entry) = entries.next().transpose().map_err(broken)? {
        filling.count()?;
        let name = entry.name().map_err(broken)?.into_owned();
        if name.contains('\\') {
            return Err(refused(format!("{name:?} has a backslash")));
        }
        if entry.encrypted() {
            return Err(refused(format!("`{name}` is encrypted")));
        }
        if !matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            let method = entry.compression();
            return Err(refused(format!(
                "`{name}` is compressed by {method}, which is not read"
            )));
        }
        // As it stands there: the library leaves out the bits that are to be refused.
        let mode = match entry.system() {
            System::Unix => Some(entry.external_attributes() >> 16),
            _ => entry.unix_mode(),
        };
        let kind = mode.unwrap_or(0) & 0o170_000;
        match kind {
            _ if entry.is_dir() => filling.folder(&name)?,
            0o120_000 => {
                let mut target = String::new();
                entry
                    .by_ref()
                    .take(LINK + 1)
                    .read_to_string(&mut target)
                    .map_err(unreadable)?;
                filling.link(&name, &target)?;
            }
            0 | 0o100_000 => filling.file(&name, mode, &mut entry)?,
            _ => return Err(refused(format!("`{name}` is a device, pipe or socket"))),
        }
    }
    Ok(())
}

fn broken(error: ZipError) -> PackageError {
    match error {
        ZipError::Io(source) => unreadable(source),
        other => refused(other.to_string()),
    }
}
