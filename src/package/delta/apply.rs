//! From the old tree and a patch to a checked new tree, in one streaming pass.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::base::Base;
use super::read::{Reader, broken, number_of};
use super::{HEADER_LIMIT, MAGIC, PatchHeader};
use crate::crypt::{Digest, Hasher};
use crate::disk::{self, TreeWriter};
use crate::package::unpack::compare;
use crate::package::{Expect, MANIFEST_LIMIT, PackageError, Staged, WINDOW_LOG, io_at, list};
use crate::release::{FileEntry, FileKind, MANIFEST_NAME, ReleaseManifest};
use crate::version::Version;

/// Bytes copied at a time.
const CHUNK: usize = 128 << 10;

type Frame<R> = zstd::Decoder<'static, BufReader<R>>;

/// The header of a patch file; reads no further than it.
pub fn read_patch_header<R: Read>(patch: R) -> Result<PatchHeader, PackageError> {
    Ok(header(patch)?.0)
}

/// Makes the tree that `expect` describes in a fresh `dest`, out of `patch` and the tree of release `from` in `old`; `progress`
/// hears the bytes of files written so far. On any doubt the new tree is removed and nothing is left.
pub fn apply_patch<R: Read>(
    patch: R,
    (from, old): (&Version, &Path),
    dest: &Path,
    expect: &Expect,
    progress: &mut dyn FnMut(u64),
) -> Result<Staged, PackageError> {
    let applied = write_tree(patch, (from, old), dest, expect, progress);
    match applied {
        Ok(manifest) => Ok(Staged::trusted(dest, manifest)),
        Err(e) => {
            disk::remove_tree(dest)?;
            Err(e)
        }
    }
}

fn header<R: Read>(mut patch: R) -> Result<(PatchHeader, Frame<R>), PackageError> {
    let mut magic = [0; MAGIC.len()];
    patch.read_exact(&mut magic).map_err(PackageError::PatchUnreadable)?;
    if magic != *MAGIC {
        return Err(broken("it does not begin as a patch of this kind does"));
    }
    let mut frame = zstd::Decoder::new(patch)
        .map_err(PackageError::PatchUnreadable)?
        .single_frame();
    frame
        .window_log_max(WINDOW_LOG)
        .map_err(PackageError::PatchUnreadable)?;
    let length = number_of(&mut frame)?;
    if length > HEADER_LIMIT {
        return Err(broken(format!(
            "its header has {length} bytes, {HEADER_LIMIT} are allowed"
        )));
    }
    let mut json = Vec::new();
    let read = Read::by_ref(&mut frame).take(length).read_to_end(&mut json);
    read.map_err(PackageError::PatchUnreadable)?;
    let header = serde_json::from_slice(&json).map_err(|e| broken(format!("its header is not valid: {e}")))?;
    Ok((header, frame))
}

fn write_tree<R: Read>(
    patch: R,
    (from, old): (&Version, &Path),
    dest: &Path,
    expect: &Expect,
    progress: &mut dyn FnMut(u64),
) -> Result<ReleaseManifest, PackageError> {
    let (header, frame) = header(patch)?;
    as_announced(&header, from, expect)?;
    let base = Base::open(old)?;
    if base.manifest_digest() != header.base {
        let problem = format!("the list of files of {} is not the one it was made from", header.from);
        return Err(PackageError::PatchBase { problem });
    }
    let mut reader = Reader::new(frame);
    let mut buffer = vec![0; CHUNK];
    let (manifest, json) = manifest(&mut reader, &base, &header, &mut buffer)?;
    compare(&manifest, expect)?;
    let mut work = Work {
        base: &base,
        tree: TreeWriter::fresh(dest)?,
        dest,
        buffer,
        done: 0,
        progress,
    };
    for entry in &manifest.files {
        work.entry(&mut reader, entry)?;
    }
    end(reader.finish()?)?;
    let mut out = work.tree.file(Path::new(MANIFEST_NAME), 0o644)?;
    io_at("write", &dest.join(MANIFEST_NAME), out.write_all(&json))?;
    disk::sync_filesystem(dest)?;
    Ok(manifest)
}

fn as_announced(header: &PatchHeader, from: &Version, expect: &Expect) -> Result<(), PackageError> {
    let found = [
        ("product", header.product.to_string(), expect.product.to_string()),
        ("version to start from", header.from.to_string(), from.to_string()),
        ("version", header.to.to_string(), expect.version.to_string()),
    ];
    match found.into_iter().find(|(_, found, expected)| found != expected) {
        Some((what, found, expected)) => Err(PackageError::NotAnnounced { what, expected, found }),
        None => Ok(()),
    }
}

/// The manifest of the new release, parsed and as it is written.
fn manifest<R: Read>(
    reader: &mut Reader<R>,
    base: &Base,
    header: &PatchHeader,
    buffer: &mut [u8],
) -> Result<(ReleaseManifest, Vec<u8>), PackageError> {
    let size = header.manifest_size;
    if size > MANIFEST_LIMIT {
        return Err(broken(format!(
            "its manifest has {size} bytes, {MANIFEST_LIMIT} are allowed"
        )));
    }
    let mut json = Vec::new();
    let old = match reader.begin()? {
        None => None,
        Some(0) => Some(base.open_manifest()?),
        Some(_) => return Err(broken("its manifest is made of something else than a manifest")),
    };
    let mut keep = |bytes: &[u8]| {
        json.extend_from_slice(bytes);
        Ok(())
    };
    let digest = rebuild(reader, size, old.as_ref(), buffer, &mut keep)?;
    if digest != header.manifest {
        return Err(broken("the manifest that it gives is not the one it names"));
    }
    let manifest: ReleaseManifest =
        serde_json::from_slice(&json).map_err(|e| broken(format!("the manifest that it gives is not valid: {e}")))?;
    list::check(&manifest.files).map_err(|f| broken(format!("`{}`: {}", f.path, f.problem)))?;
    Ok((manifest, json))
}

/// A tree being made.
struct Work<'a> {
    base: &'a Base,
    tree: TreeWriter,
    dest: &'a Path,
    buffer: Vec<u8>,
    done: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Work<'_> {
    fn entry<R: Read>(&mut self, reader: &mut Reader<R>, entry: &FileEntry) -> Result<(), PackageError> {
        let (mode, size, sha256) = match &entry.kind {
            FileKind::Link { target } => return Ok(self.tree.link(entry.path.as_ref(), Path::new(target))?),
            FileKind::File { mode, size, sha256 } => (*mode, *size, *sha256),
        };
        let found = match self.base.same_as(entry) {
            Some(same) => self.taken_over(entry, mode, same)?,
            None => self.made_anew(reader, entry, mode, size)?,
        };
        if found != sha256 {
            return Err(self.not_as_listed(entry));
        }
        self.done += size;
        (self.progress)(self.done);
        Ok(())
    }

    fn not_as_listed(&self, entry: &FileEntry) -> PackageError {
        let path = &entry.path;
        match self.base.same_as(entry) {
            Some(same) => PackageError::PatchBase {
                problem: format!("`{}` is not what it was when it was installed", same.path),
            },
            None => broken(format!("the content that it gives `{path}` is not the listed one")),
        }
    }

    /// The content is that of an old file.
    fn taken_over(&mut self, entry: &FileEntry, mode: u32, same: &FileEntry) -> Result<Digest, PackageError> {
        let source = self.base.open_file(same)?;
        let mut out = self.tree.file(entry.path.as_ref(), mode)?;
        let path = entry.path.under(self.dest);
        let is_shared = out.share(&source)?;
        // What counts is what is in the new tree now.
        let mut content = if is_shared {
            io_at("open", &path, File::open(&path))?
        } else {
            source
        };
        let mut hasher = Hasher::default();
        loop {
            let count = io_at("read", &path, content.read(&mut self.buffer))?;
            if count == 0 {
                return Ok(hasher.finish());
            }
            hasher.update(&self.buffer[..count]);
            if !is_shared {
                io_at("write", &path, out.write_all(&self.buffer[..count]))?;
            }
        }
    }

    /// The content comes from the patch, and from an old file as far as it is like that.
    fn made_anew<R: Read>(
        &mut self,
        reader: &mut Reader<R>,
        entry: &FileEntry,
        mode: u32,
        size: u64,
    ) -> Result<Digest, PackageError> {
        let old = match reader.begin()? {
            None => None,
            Some(at) => match self.base.files().get(at) {
                Some(old) if matches!(old.kind, FileKind::File { .. }) => Some(self.base.open_file(old)?),
                _ => {
                    return Err(broken(format!(
                        "`{}` is made of an old file that there is not",
                        entry.path
                    )));
                }
            },
        };
        let mut out = self.tree.file(entry.path.as_ref(), mode)?;
        let path = entry.path.under(self.dest);
        let mut write = |bytes: &[u8]| io_at("write", &path, out.write_all(bytes));
        rebuild(reader, size, old.as_ref(), &mut self.buffer, &mut write)
    }
}

type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), PackageError>;

/// Passes the `size` bytes of one file to `sink` and gives their digest.
fn rebuild<R: Read>(
    reader: &mut Reader<R>,
    size: u64,
    old: Option<&File>,
    buffer: &mut [u8],
    sink: Sink<'_>,
) -> Result<Digest, PackageError> {
    let mut hasher = Hasher::default();
    let mut left = size;
    while left > 0 {
        let step = reader.step(left)?;
        let (mut from, mut copy) = (step.from, step.copy);
        while copy > 0 {
            let old = old.ok_or_else(|| broken("a new file copies from an old one"))?;
            let count = usize::try_from(copy).map_or(buffer.len(), |copy| copy.min(buffer.len()));
            let piece = &mut buffer[..count];
            old.read_exact_at(piece, from).map_err(|e| PackageError::PatchBase {
                problem: format!("an old file has no bytes at {from}: {e}"),
            })?;
            reader.change(piece)?;
            hasher.update(piece);
            sink(piece)?;
            from += count as u64;
            copy -= count as u64;
        }
        let own = reader.extra(step.extra)?;
        hasher.update(own);
        sink(own)?;
        left -= step.copy + step.extra as u64;
    }
    Ok(hasher.finish())
}

/// Nothing may follow, neither in the frame nor behind it.
fn end<R: Read>(mut frame: Frame<R>) -> Result<(), PackageError> {
    let more = frame.read(&mut [0]).map_err(PackageError::PatchUnreadable)?;
    let behind = frame.finish().read(&mut [0]).map_err(PackageError::PatchUnreadable)?;
    if more != 0 || behind != 0 {
        return Err(broken("bytes follow its end"));
    }
    Ok(())
}
