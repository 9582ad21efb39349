//! Whether a package can be unpacked: read to its end as unpacking reads it, without a tree.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::{PackageError, WINDOW_LOG, entry, io_at, read_manifest, refused};
use crate::crypt::Hasher;
use crate::release::{FileEntry, FileKind, ReleaseManifest};

const CHUNK: usize = 128 << 10;

/// The manifest of a package whose every byte is as that says.
pub fn check_package(package: &Path) -> Result<ReleaseManifest, PackageError> {
    let manifest = read_manifest(package)?;
    let file = BufReader::new(io_at("open", package, File::open(package))?);
    let mut stream = zstd::Decoder::with_buffer(file)
        .map_err(PackageError::Unreadable)?
        .single_frame();
    stream.window_log_max(WINDOW_LOG).map_err(PackageError::Unreadable)?;
    pass_manifest(&mut stream)?;
    for file in &manifest.files {
        one(&mut stream, file)?;
    }
    let mut end = [0; entry::END.len()];
    stream.read_exact(&mut end).map_err(PackageError::Unreadable)?;
    let more = stream.read(&mut [0]).map_err(PackageError::Unreadable)?;
    let behind = stream.finish().read(&mut [0]).map_err(PackageError::Unreadable)?;
    if end != entry::END || more != 0 || behind != 0 {
        return Err(refused("something follows the last file that its manifest lists"));
    }
    Ok(manifest)
}

/// The manifest was read before; here it only stands in the way.
fn pass_manifest(stream: &mut dyn Read) -> Result<(), PackageError> {
    let mut block = [0; entry::BLOCK];
    stream.read_exact(&mut block).map_err(PackageError::Unreadable)?;
    let size = tar::Header::from_byte_slice(&block)
        .size()
        .map_err(PackageError::Unreadable)?;
    let all = size.saturating_add(entry::padding(size) as u64);
    std::io::copy(&mut stream.take(all), &mut std::io::sink()).map_err(PackageError::Unreadable)?;
    Ok(())
}

fn one(stream: &mut dyn Read, file: &FileEntry) -> Result<(), PackageError> {
    for wanted in entry::headers(file).chunks(entry::BLOCK) {
        let mut block = [0; entry::BLOCK];
        stream.read_exact(&mut block).map_err(PackageError::Unreadable)?;
        if block != wanted {
            let found = entry::describe(&block);
            return Err(refused(format!(
                "where the manifest lists `{}` it has {found}",
                file.path
            )));
        }
    }
    let FileKind::File { size, sha256, .. } = &file.kind else {
        return Ok(());
    };
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; CHUNK];
    let mut left = *size;
    while left > 0 {
        let n = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        stream.read_exact(&mut chunk[..n]).map_err(PackageError::Unreadable)?;
        hasher.update(&chunk[..n]);
        left -= n as u64;
    }
    if hasher.finish() != *sha256 {
        return Err(refused(format!("the content of `{}` is not the listed one", file.path)));
    }
    let mut padding = [0; entry::BLOCK];
    let padding = &mut padding[..entry::padding(*size)];
    stream.read_exact(padding).map_err(PackageError::Unreadable)?;
    match padding.iter().all(|b| *b == 0) {
        true => Ok(()),
        false => Err(refused("bytes are hidden behind a file's content")),
    }
}
