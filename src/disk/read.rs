//! Reading whole files, with the limit that every read of outside data has.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{Result, at};

/// Whether something is there; an error when that cannot be seen, e.g. because a folder above is closed to us.
pub fn exists(path: &Path) -> Result<bool> {
    at("look at", path, path.try_exists())
}

/// The content of a file of at most `limit` bytes; a longer one is an error, not a truncation.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut content));
    at("read", path, read)?;
    if content.len() as u64 > limit {
        let larger = io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than the {limit} bytes allowed here"),
        );
        return at("read", path, Err(larger));
    }
    Ok(content)
}

/// As [`read_limited`], for UTF-8 text.
pub fn read_text_limited(path: &Path, limit: u64) -> Result<String> {
    let content = read_limited(path, limit)?;
    at(
        "read",
        path,
        String::from_utf8(content).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e)),
    )
}
