//! From a tree to a package: one pass to list and hash, one to write. The same tree gives the same bytes anywhere.

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::path::Path;
use std::thread;

use zstd::zstd_safe::CParameter;

use super::{MANIFEST_LIMIT, PackageError, SOURCE_NAME, entry, io_at, list, source};
use crate::crypt::{Digest, DigestReader, Hasher};
use crate::disk::{self, EntryKind, NewFile};
use crate::release::{FileEntry, FileKind, MANIFEST_NAME, RelPath, ReleaseManifest};

/// Beside `release.toml`, for the publisher only.
const CHANGELOG_NAME: &str = "changelog.md";

/// A package as it lies on disk now.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// The given one with its file list.
    pub manifest: ReleaseManifest,
    pub length: u64,
    pub sha256: Digest,
}

/// Bytes that one thread compresses at a time; a few of these are in memory for each of them.
const PART: u32 = 4 << 20;

/// More threads than these are taken only by whoever says so.
const MOST_THREADS: u32 = 8;

/// How a tree is packed. The bytes depend on the level, never on the number of threads.
#[derive(Debug, Clone, Copy)]
pub struct Packing {
    /// zstd level.
    pub level: i32,
    pub threads: NonZeroU32,
}

impl Default for Packing {
    fn default() -> Self {
        let all = thread::available_parallelism().ok();
        Self {
            level: 9,
            threads: all
                .and_then(|all| u32::try_from(all.get()).ok())
                .and_then(|all| NonZeroU32::new(all.min(MOST_THREADS)))
                .unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// Packs `tree` into the file `out`.
pub fn pack(tree: &Path, manifest: ReleaseManifest, out: &Path, packing: Packing) -> Result<Packed, PackageError> {
    refuse_inside(tree, out)?;
    source::check_against(tree, &manifest).map_err(|fault| fault.at(tree))?;
    let mut manifest = manifest;
    manifest.files = list_tree(tree)?;
    list::check(&manifest.files).map_err(|fault| unpackable(&fault.path, &fault.problem))?;
    let mut json = serde_json::to_vec(&manifest).map_err(|e| unpackable(MANIFEST_NAME, &e.to_string()))?;
    json.push(b'\n');
    if json.len() as u64 > MANIFEST_LIMIT {
        return Err(unpackable(
            MANIFEST_NAME,
            "the tree has too many files for one manifest",
        ));
    }
    let mut file = DigestWriter::new(NewFile::create(out, 0o644)?);
    write_stream(tree, &manifest, &json, &mut file, packing, out)?;
    let (file, length, sha256) = file.finish();
    file.commit()?;
    Ok(Packed {
        manifest,
        length,
        sha256,
    })
}

fn write_stream<W: Write>(
    tree: &Path,
    manifest: &ReleaseManifest,
    json: &[u8],
    sink: W,
    packing: Packing,
    out: &Path,
) -> Result<(), PackageError> {
    let wrote = |result| io_at("write", out, result);
    let mut zstd = io_at("write", out, zstd::Encoder::new(sink, packing.level))?;
    wrote(zstd.include_checksum(true))?;
    // With workers zstd cuts the stream into parts, so one worker gives the bytes of many. Without any it would not cut at all, and
    // give others.
    wrote(zstd.multithread(packing.threads.get()))?;
    wrote(zstd.set_parameter(CParameter::JobSize(PART)))?;
    let size = json.len() as u64;
    wrote(zstd.write_all(&entry::file_headers(MANIFEST_NAME, 0o644, size)))?;
    wrote(zstd.write_all(json))?;
    wrote(zstd.write_all(&entry::END[..entry::padding(size)]))?;
    for file in &manifest.files {
        wrote(zstd.write_all(&entry::headers(file)))?;
        if let FileKind::File { size, sha256, .. } = file.kind {
            write_file(tree, &file.path, size, sha256, &mut zstd, out)?;
        }
    }
    wrote(zstd.write_all(&entry::END))?;
    wrote(zstd.finish().map(drop))
}

/// Writes a file's content, which must still be the one that was listed.
fn write_file<W: Write>(
    tree: &Path,
    path: &RelPath,
    size: u64,
    sha256: Digest,
    sink: &mut W,
    out: &Path,
) -> Result<(), PackageError> {
    let full = path.under(tree);
    let mut file = io_at("open", &full, File::open(&full))?;
    let mut content = DigestReader::new(Read::by_ref(&mut file).take(size));
    io_at("write", out, io::copy(&mut content, sink))?;
    let (_, count, found) = content.finish();
    let more = io_at("read", &full, file.read(&mut [0]))?;
    if count != size || found != sha256 || more != 0 {
        return Err(PackageError::ChangedWhilePacked { path: path.to_string() });
    }
    io_at("write", out, sink.write_all(&entry::END[..entry::padding(size)]))
}

fn list_tree(tree: &Path) -> Result<Vec<FileEntry>, PackageError> {
    let mut files = Vec::new();
    for found in disk::walk(tree)? {
        let shown = found.path.display().to_string();
        let Some(name) = found.path.to_str() else {
            return Err(unpackable(&shown, "its name is not UTF-8"));
        };
        if name == SOURCE_NAME || name == CHANGELOG_NAME || found.kind == EntryKind::Folder {
            continue;
        }
        let path: RelPath = name
            .parse()
            .map_err(|_| unpackable(&shown, "its name has control characters"))?;
        let kind = match found.kind {
            EntryKind::Folder => continue,
            EntryKind::File if found.mode & 0o7000 != 0 => {
                return Err(unpackable(&shown, "it has a setuid, setgid or sticky bit"));
            }
            EntryKind::File => hash(&path.under(tree), found.mode)?,
            EntryKind::Link(target) => match target.to_str() {
                Some(target) => FileKind::Link {
                    target: target.to_owned(),
                },
                None => return Err(unpackable(&shown, "the target of the link is not UTF-8")),
            },
            EntryKind::Special => return Err(unpackable(&shown, "it is a device, pipe or socket")),
        };
        files.push(FileEntry { path, kind });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn hash(path: &Path, mode: u32) -> Result<FileKind, PackageError> {
    let mut content = DigestReader::new(io_at("open", path, File::open(path))?);
    io_at("read", path, io::copy(&mut content, &mut io::sink()))?;
    let (_, size, sha256) = content.finish();
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    Ok(FileKind::File { mode, size, sha256 })
}

/// A package inside its own tree would be part of the next one.
fn refuse_inside(tree: &Path, out: &Path) -> Result<(), PackageError> {
    let above = out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let above = io_at("look at", above, above.canonicalize())?;
    let tree = io_at("look at", tree, tree.canonicalize())?;
    if above.starts_with(tree) {
        return Err(unpackable(
            &out.display().to_string(),
            "the package would lie in the tree that it packs",
        ));
    }
    Ok(())
}

fn unpackable(path: &str, problem: &str) -> PackageError {
    PackageError::Unpackable {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}

/// Passes bytes on and knows their count and digest.
pub(super) struct DigestWriter<W> {
    inner: W,
    hasher: Hasher,
    count: u64,
}

impl<W: Write> DigestWriter<W> {
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Hasher::default(),
            count: 0,
        }
    }

    pub fn finish(self) -> (W, u64, Digest) {
        (self.inner, self.count, self.hasher.finish())
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.hasher.update(&buf[..n]);
        self.count += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
