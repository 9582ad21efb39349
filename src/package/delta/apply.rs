//! From the old tree and a patch to a checked new tree, in one streaming pass.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::read::{Reader, broken, number_of};
use super::{HEADER_LIMIT, MAGIC, PatchHeader};
use crate::crypt::{Digest, Hasher};
use crate::disk::{self, TreeWriter};
use crate::named;
use crate::package::base::Base;
use crate::package::taking::{Manner, Same, Taking, Wanted, take_all};
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
    apply_patch_as(patch, (from, old), dest, expect, &Manner::default(), progress)
}

/// The same in a certain manner; the tree that it is like is the old one in any case.
pub fn apply_patch_as<R: Read>(
    patch: R,
    (from, old): (&Version, &Path),
    dest: &Path,
    expect: &Expect,
    manner: &Manner<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Staged, PackageError> {
    let applied = write_tree(patch, (from, old), (dest, manner), expect, progress);
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
    let header = named::from_json(&json).map_err(|e| broken(format!("its header is not valid: {e}")))?;
    Ok((header, frame))
}

fn write_tree<R: Read>(
    patch: R,
    (from, old): (&Version, &Path),
    (dest, manner): (&Path, &Manner<'_>),
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
    let tree = TreeWriter::fresh(dest)?;
    let taking = Taking::new(&base, tree.beside(), dest, manner.hard_links);
    let mut work = Work {
        base: &base,
        tree,
        dest,
        buffer,
    };
    let (same, others) = parted(&base, &manifest);
    let mut done = 0;
    let mut took = |size| {
        done += size;
        progress(done);
    };
    let make = |made: &mut dyn FnMut(u64)| {
        for entry in others {
            made(work.entry(&mut reader, entry)?);
        }
        Ok(())
    };
    take_all(taking, &same, make, &mut took)?;
    end(reader.finish()?)?;
    let mut out = work.tree.file(Path::new(MANIFEST_NAME), 0o644)?;
    io_at("write", &dest.join(MANIFEST_NAME), out.write_all(&json))?;
    if manner.durable {
        disk::sync_filesystem(dest)?;
    }
    Ok(manifest)
}

/// What the old tree has already, and what comes from the patch, each in the order of the list.
fn parted<'a>(base: &'a Base, manifest: &'a ReleaseManifest) -> (Vec<Same<'a>>, Vec<&'a FileEntry>) {
    let (mut same, mut others) = (Vec::new(), Vec::new());
    for entry in &manifest.files {
        match (&entry.kind, base.same_as(entry)) {
            (FileKind::File { mode, size, .. }, Some(old)) => {
                let (mode, size) = (*mode, *size);
                same.push((Wanted { entry, mode, size }, old));
            }
            _ => others.push(entry),
        }
    }
    (same, others)
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
        named::from_json(&json).map_err(|e| broken(format!("the manifest that it gives is not valid: {e}")))?;
    list::check(&manifest.files).map_err(|f| broken(format!("`{}`: {}", f.path, f.problem)))?;
    Ok((manifest, json))
}

/// A tree being made.
struct Work<'a> {
    base: &'a Base,
    tree: TreeWriter,
    dest: &'a Path,
    buffer: Vec<u8>,
}

impl Work<'_> {
    /// Makes a link, or a file that the old tree does not have; gives its bytes.
    fn entry<R: Read>(&mut self, reader: &mut Reader<R>, entry: &FileEntry) -> Result<u64, PackageError> {
        let (mode, size, sha256) = match &entry.kind {
            FileKind::Link { target } => {
                self.tree.link(entry.path.as_ref(), Path::new(target))?;
                return Ok(0);
            }
            FileKind::File { mode, size, sha256 } => (*mode, *size, *sha256),
        };
        if self.made_anew(reader, entry, mode, size)? != sha256 {
            let path = &entry.path;
            return Err(broken(format!(
                "the content that it gives `{path}` is not the listed one"
            )));
        }
        Ok(size)
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
