//! From a package to a checked tree, in one streaming pass. On any doubt the tree is removed and nothing is left.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use super::{MANIFEST_LIMIT, PackageError, Staged, WINDOW_LOG, entry, io_at, list, refused};
use crate::crypt::{Digest, Hasher, digest_of};
use crate::disk::{self, TreeWriter};
use crate::release::{FileEntry, FileKind, MANIFEST_NAME, Platform, ProductName, ReleaseManifest, ReleaseRules};
use crate::version::Version;

/// Bytes read at a time.
const CHUNK: usize = 128 << 10;

/// What the signed metadata said of the package, and the host that it must run on.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    pub product: ProductName,
    pub version: Version,
    /// This host.
    pub platform: Platform,
    pub rules: ReleaseRules,
    /// The most bytes that the files may have.
    pub unpacked: u64,
}

/// The manifest of a package file; reads no further than it.
pub fn read_manifest(package: &Path) -> Result<ReleaseManifest, PackageError> {
    manifest_in(io_at("open", package, File::open(package))?)
}

/// The digest of the manifest of a package file, as it is written there.
pub fn manifest_digest(package: &Path) -> Result<Digest, PackageError> {
    let file = io_at("open", package, File::open(package))?;
    Ok(digest_of(&first_entry(&mut decoder(file)?)?.1))
}

/// The same for a package that is being read.
pub fn manifest_in<R: Read>(package: R) -> Result<ReleaseManifest, PackageError> {
    Ok(first_entry(&mut decoder(package)?)?.0)
}

/// Unpacks into a fresh `dest`; `progress` hears the bytes of files written so far.
pub fn unpack<R: Read>(
    reader: R,
    dest: &Path,
    expect: &Expect,
    progress: &mut dyn FnMut(u64),
) -> Result<Staged, PackageError> {
    let unpacked = write_tree(reader, dest, expect, progress);
    match unpacked {
        Ok(manifest) => Ok(Staged::trusted(dest, manifest)),
        Err(e) => {
            disk::remove_tree(dest)?;
            Err(e)
        }
    }
}

fn write_tree<R: Read>(
    reader: R,
    dest: &Path,
    expect: &Expect,
    progress: &mut dyn FnMut(u64),
) -> Result<ReleaseManifest, PackageError> {
    let mut stream = decoder(reader)?;
    let (manifest, json) = first_entry(&mut stream)?;
    compare(&manifest, expect)?;
    let tree = TreeWriter::fresh(dest)?;
    let mut done = 0;
    for file in &manifest.files {
        expect_headers(&mut stream, file)?;
        match &file.kind {
            FileKind::Link { target } => tree.link(file.path.as_ref(), Path::new(target))?,
            FileKind::File { mode, size, sha256 } => {
                let out = tree.file(file.path.as_ref(), *mode)?;
                let found = copy(&mut stream, *size, out, &file.path.under(dest), &mut |n| {
                    done += n;
                    progress(done);
                })?;
                if found != *sha256 {
                    return Err(refused(format!("the content of `{}` is not the listed one", file.path)));
                }
                expect_zeros(&mut stream, entry::padding(*size))?;
            }
        }
    }
    expect_end(stream)?;
    let mut out = tree.file(Path::new(MANIFEST_NAME), 0o644)?;
    io_at("write", &dest.join(MANIFEST_NAME), out.write_all(&json))?;
    disk::sync_filesystem(dest)?;
    Ok(manifest)
}

type Stream<R> = zstd::Decoder<'static, BufReader<R>>;

fn decoder<R: Read>(reader: R) -> Result<Stream<R>, PackageError> {
    let mut stream = zstd::Decoder::new(reader)
        .map_err(PackageError::Unreadable)?
        .single_frame();
    stream.window_log_max(WINDOW_LOG).map_err(PackageError::Unreadable)?;
    Ok(stream)
}

/// Reads the manifest, parsed and as it is written.
fn first_entry<R: Read>(stream: &mut R) -> Result<(ReleaseManifest, Vec<u8>), PackageError> {
    let mut block = [0; entry::BLOCK];
    stream.read_exact(&mut block).map_err(PackageError::Unreadable)?;
    let size = tar::Header::from_byte_slice(&block).size().unwrap_or(u64::MAX);
    if size > MANIFEST_LIMIT || entry::file_headers(MANIFEST_NAME, 0o644, size) != block {
        let found = entry::describe(&block);
        return Err(refused(format!(
            "it begins with {found}, not with a manifest of at most {MANIFEST_LIMIT} bytes"
        )));
    }
    let mut json = Vec::new();
    stream
        .take(size)
        .read_to_end(&mut json)
        .map_err(PackageError::Unreadable)?;
    if json.len() as u64 != size {
        return Err(refused("it ends within the manifest"));
    }
    expect_zeros(stream, entry::padding(size))?;
    let manifest: ReleaseManifest =
        serde_json::from_slice(&json).map_err(|e| refused(format!("its manifest is not valid: {e}")))?;
    list::check(&manifest.files).map_err(|f| refused(format!("`{}`: {}", f.path, f.problem)))?;
    Ok((manifest, json))
}

pub(super) fn compare(manifest: &ReleaseManifest, expect: &Expect) -> Result<(), PackageError> {
    let differs = |what, expected: String, found: String| Err(PackageError::NotAnnounced { what, expected, found });
    if manifest.product != expect.product {
        return differs("product", expect.product.to_string(), manifest.product.to_string());
    }
    if manifest.version != expect.version {
        return differs("version", expect.version.to_string(), manifest.version.to_string());
    }
    if !manifest.platform.runs_on(&expect.platform) {
        return differs("platform", expect.platform.to_string(), manifest.platform.to_string());
    }
    if manifest.rules != expect.rules {
        let show = |rules| serde_json::to_string(rules).unwrap_or_default();
        return differs("rules", show(&expect.rules), show(&manifest.rules));
    }
    let size = list::check(&manifest.files).unwrap_or(u64::MAX);
    if size > expect.unpacked {
        return differs(
            "size when unpacked",
            format!("{} bytes", expect.unpacked),
            format!("{size} bytes"),
        );
    }
    Ok(())
}

/// The next blocks must be exactly those that packing `file` writes.
fn expect_headers<R: Read>(stream: &mut R, file: &FileEntry) -> Result<(), PackageError> {
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
    Ok(())
}

/// Copies `size` bytes and gives their digest.
fn copy<R: Read, W: Write>(
    stream: &mut R,
    size: u64,
    mut out: W,
    path: &Path,
    wrote: &mut dyn FnMut(u64),
) -> Result<Digest, PackageError> {
    let mut hasher = Hasher::default();
    let mut left = size;
    let mut chunk = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK))];
    while left > 0 {
        let n = chunk.len().min(usize::try_from(left).unwrap_or(CHUNK));
        stream.read_exact(&mut chunk[..n]).map_err(PackageError::Unreadable)?;
        hasher.update(&chunk[..n]);
        io_at("write", path, out.write_all(&chunk[..n]))?;
        left -= n as u64;
        wrote(n as u64);
    }
    Ok(hasher.finish())
}

fn expect_zeros<R: Read>(stream: &mut R, count: usize) -> Result<(), PackageError> {
    let mut block = [0; entry::BLOCK];
    stream
        .read_exact(&mut block[..count])
        .map_err(PackageError::Unreadable)?;
    if block[..count].iter().any(|b| *b != 0) {
        return Err(refused("bytes are hidden behind a file's content"));
    }
    Ok(())
}

/// Nothing may follow the last listed file, neither in the archive nor behind it.
fn expect_end<R: Read>(mut stream: Stream<R>) -> Result<(), PackageError> {
    let mut end = [0; entry::END.len()];
    stream.read_exact(&mut end).map_err(PackageError::Unreadable)?;
    if end != entry::END {
        let found = entry::describe(&end[..entry::BLOCK]);
        return Err(refused(format!("behind the last listed file it has {found}")));
    }
    let more = stream.read(&mut [0]).map_err(PackageError::Unreadable)?;
    let behind = stream.finish().read(&mut [0]).map_err(PackageError::Unreadable)?;
    if more != 0 || behind != 0 {
        return Err(refused("bytes follow its end"));
    }
    Ok(())
}
