//! Archives of others, for which there is no signed list: what is in them is written only within limits and by rules, and
//! listed as it is written.

mod fill;
mod tar_file;
#[cfg(test)]
mod tests;
mod zip_file;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{PackageError, io_at};
use crate::component::{ArchiveKind, SourceLimits};
use crate::disk;
use crate::release::FileEntry;
use fill::Filling;

/// The most memory that reading a compressed stream may take; compressors at their usual highest levels stay below.
const MEMORY_KIB: u32 = 256 << 10;
/// The same for zstd, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 27;
/// What a stream may have besides contents, for each file.
const HEADERS: u64 = 4096;

/// How an archive of others is to be unpacked.
#[derive(Debug, Clone, Copy)]
pub struct ForeignOptions<'a> {
    pub kind: ArchiveKind,
    /// What a bare program is called, and what is executable in archives that know no modes.
    pub program: &'a str,
    /// Whether the single folder at the top is left out.
    pub strip: bool,
    pub limits: SourceLimits,
}

/// A tree of an archive of others.
#[derive(Debug)]
pub struct UnpackedForeign {
    /// Below the folder that was given.
    pub tree: PathBuf,
    pub files: Vec<FileEntry>,
}

/// Unpacks into the fresh folder `work`; on any doubt nothing of it is left.
pub fn unpack_foreign(
    archive: &Path,
    work: &Path,
    options: &ForeignOptions<'_>,
) -> Result<UnpackedForeign, PackageError> {
    let unpacked = fill(archive, work, options);
    if unpacked.is_err() {
        // The reason of the failure is what a person needs to know.
        let _ = disk::remove_tree(work);
    }
    unpacked
}

fn fill(archive: &Path, work: &Path, options: &ForeignOptions<'_>) -> Result<UnpackedForeign, PackageError> {
    let open = || io_at("open", archive, File::open(archive));
    let mut filling = Filling::new(work, options)?;
    let stream = |decoder: Box<dyn Read>| Limited {
        inner: decoder,
        left: options
            .limits
            .unpacked
            .saturating_add(HEADERS * options.limits.files as u64),
    };
    let file = BufReader::new(open()?);
    match options.kind {
        ArchiveKind::TarGz => {
            let gzip = flate2::bufread::MultiGzDecoder::new(file);
            tar_file::read(stream(Box::new(gzip)), &mut filling)?;
        }
        ArchiveKind::TarXz => {
            let xz = lzma_rust2::XzReader::new_mem_limit(file, true, MEMORY_KIB);
            tar_file::read(stream(Box::new(xz)), &mut filling)?;
        }
        ArchiveKind::TarZst => {
            let mut zstd = zstd::Decoder::with_buffer(file).map_err(unreadable)?;
            zstd.window_log_max(ZSTD_WINDOW_LOG).map_err(unreadable)?;
            tar_file::read(stream(Box::new(zstd)), &mut filling)?;
        }
        ArchiveKind::Zip => zip_file::read(open()?, open()?, &mut filling)?,
        ArchiveKind::Binary => filling.file(options.program, Some(0o755), &mut open()?)?,
    }
    let unpacked = filling.finish(options.strip && options.kind != ArchiveKind::Binary)?;
    disk::sync_filesystem(work)?;
    Ok(unpacked)
}

/// Ends a stream that holds more than may come of it.
struct Limited {
    inner: Box<dyn Read>,
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        match self.left.checked_sub(n as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(io::Error::other(
                    "it unpacks to more than may come of it (`max_unpacked_mib`)",
                ));
            }
        }
        Ok(n)
    }
}

fn unreadable(source: io::Error) -> PackageError {
    PackageError::ForeignUnreadable(source)
}

fn refused(problem: impl Into<String>) -> PackageError {
    PackageError::ForeignRefused {
        problem: problem.into(),
    }
}
