//! From a package to a checked tree, in one streaming pass. On any doubt the tree is removed and nothing is left.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use super::base::Base;
use super::taking::{Manner, Taking, Wanted};
use super::{MANIFEST_LIMIT, PackageError, Staged, WINDOW_LOG, entry, io_at, list, refused};
use crate::crypt::{Digest, Hasher, digest_of};
use crate::disk::{self, TreeWriter};
use crate::named;
use crate::release::{FileEntry, FileKind, MANIFEST_NAME, Platform, ProductName, ReleaseManifest, ReleaseRules};
use crate::version::Version;

/// Bytes handed over at a time, and how many times before somebody has to wait.
const CHUNK: usize = 128 << 10;
const AHEAD: usize = 32;

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
pub fn unpack<R: Read + Send>(
    reader: R,
    dest: &Path,
    expect: &Expect,
    progress: &mut dyn FnMut(u64),
) -> Result<Staged, PackageError> {
    unpack_as(reader, dest, expect, &Manner::default(), progress)
}

/// The same in a certain manner.
pub fn unpack_as<R: Read + Send>(
    reader: R,
    dest: &Path,
    expect: &Expect,
    manner: &Manner<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Staged, PackageError> {
    let unpacked = write_tree(reader, (dest, manner), expect, progress);
    match unpacked {
        Ok(manifest) => Ok(Staged::trusted(dest, manifest)),
        Err(e) => {
            disk::remove_tree(dest)?;
            Err(e)
        }
    }
}

/// One thread decompresses and hashes, this one writes.
fn write_tree<R: Read + Send>(
    reader: R,
    (dest, manner): (&Path, &Manner<'_>),
    expect: &Expect,
    progress: &mut dyn FnMut(u64),
) -> Result<ReleaseManifest, PackageError> {
    let mut stream = decoder(reader)?;
    let (manifest, json) = first_entry(&mut stream)?;
    compare(&manifest, expect)?;
    let tree = TreeWriter::fresh(dest)?;
    // One that cannot be read is like nothing.
    let base = manner.like.and_then(|like| Base::open(like).ok());
    let taking = base
        .as_ref()
        .map(|base| Taking::new(base, tree.beside(), dest, manner.hard_links));
    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    let files = &manifest.files;
    thread::scope(|scope| {
        let reading = scope.spawn(move || read_files(stream, files, &sender));
        let mut writing = Writing {
            tree: &tree,
            dest,
            base: base.as_ref(),
            taking,
            receiver,
            done: 0,
            progress,
        };
        let written = files.iter().try_for_each(|file| writing.file(file));
        // Whoever still wants to hand something over hears that nobody takes it.
        drop(writing);
        let read = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
        match (read, written) {
            (read, Err(Unwritten::For(e))) => read.and(Err(e)),
            (read, Err(Unwritten::NoMore)) => read.and(Err(refused("it ends within a file"))),
            (read, Ok(())) => read,
        }
    })?;
    let mut out = tree.file(Path::new(MANIFEST_NAME), 0o644)?;
    io_at("write", &dest.join(MANIFEST_NAME), out.write_all(&json))?;
    if manner.durable {
        disk::sync_filesystem(dest)?;
    }
    Ok(manifest)
}

/// What the reading thread hands over: content, in pieces.
type Piece = Vec<u8>;

/// Reads all that follows the manifest: the content of every file, checked against its digest. Ends early, as if all was well,
/// when nobody takes it any more.
fn read_files<R: Read>(
    mut stream: Stream<R>,
    files: &[FileEntry],
    pieces: &mpsc::SyncSender<Piece>,
) -> Result<(), PackageError> {
    for file in files {
        expect_headers(&mut stream, file)?;
        if let FileKind::File { size, sha256, .. } = &file.kind {
            let mut hasher = Hasher::default();
            let mut left = *size;
            while left > 0 {
                let mut piece = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK))];
                stream.read_exact(&mut piece).map_err(PackageError::Unreadable)?;
                hasher.update(&piece);
                left -= piece.len() as u64;
                if pieces.send(piece).is_err() {
                    return Ok(());
                }
            }
            if hasher.finish() != *sha256 {
                return Err(refused(format!("the content of `{}` is not the listed one", file.path)));
            }
            expect_zeros(&mut stream, entry::padding(*size))?;
        }
    }
    expect_end(stream)
}

/// A tree being filled with what the other thread reads.
struct Writing<'a> {
    tree: &'a TreeWriter,
    dest: &'a Path,
    base: Option<&'a Base>,
    taking: Option<Taking<'a>>,
    receiver: mpsc::Receiver<Piece>,
    done: u64,
    progress: &'a mut dyn FnMut(u64),
}

enum Unwritten {
    For(PackageError),
    /// The reading thread has ended, and knows why.
    NoMore,
}

impl<E: Into<PackageError>> From<E> for Unwritten {
    fn from(error: E) -> Self {
        Self::For(error.into())
    }
}

impl Writing<'_> {
    fn file(&mut self, entry: &FileEntry) -> Result<(), Unwritten> {
        let (mode, size) = match &entry.kind {
            FileKind::Link { target } => return Ok(self.tree.link(entry.path.as_ref(), Path::new(target))?),
            FileKind::File { mode, size, .. } => (*mode, *size),
        };
        let mut out = match self.is_taken_over(Wanted { entry, mode, size })? {
            true => None,
            false => Some(self.tree.file(entry.path.as_ref(), mode)?),
        };
        let mut left = size;
        while left > 0 {
            let piece = self.receiver.recv().map_err(|_| Unwritten::NoMore)?;
            if let Some(out) = &mut out {
                io_at("write", &entry.path.under(self.dest), out.write_all(&piece))?;
            }
            left = left.saturating_sub(piece.len() as u64);
            self.done += piece.len() as u64;
            (self.progress)(self.done);
        }
        Ok(())
    }

    /// The old release shares the file. Where its own is not what it should be, or cannot be shared, nothing is taken: the package
    /// has it.
    fn is_taken_over(&mut self, wanted: Wanted<'_>) -> Result<bool, PackageError> {
        let (Some(base), Some(taking)) = (self.base, self.taking.as_mut().filter(|taking| taking.can_share())) else {
            return Ok(false);
        };
        let (Some(same), FileKind::File { sha256, .. }) = (base.same_as(wanted.entry), &wanted.entry.kind) else {
            return Ok(false);
        };
        match taking.take_shared(wanted, same) {
            Ok(Some(found)) if found == Some(*sha256) => Ok(true),
            Ok(Some(_)) => {
                taking.drop_again(wanted)?;
                Ok(false)
            }
            Ok(None) => Ok(false),
            // It may be gone, or unreadable, or half made.
            Err(_) => {
                let path = wanted.entry.path.under(self.dest);
                disk::remove_file(&path)?;
                Ok(false)
            }
        }
    }
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
        named::from_json(&json).map_err(|e| refused(format!("its manifest is not valid: {e}")))?;
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
