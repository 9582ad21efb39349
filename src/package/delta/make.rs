//! Makes a patch out of two trees: how each file comes about, on all threads, and meanwhile the file in one pass.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;
use zstd::zstd_safe::CParameter;

use super::index::Index;
use super::moves::{Move, moves};
use super::similar::{Known, Sketch, Sketching};
use super::write::{STEP, Writer, number};
use super::{MAGIC, PatchHeader};
use crate::crypt::Digest;
use crate::disk::NewFile;
use crate::package::base::Base;
use crate::package::pack::DigestWriter;
use crate::package::{PackageError, Staged, io_at};
use crate::release::{FileEntry, FileKind, MANIFEST_NAME};

/// Powers of two that decide how much memory zstd takes to compress: about 16 MiB of window, 16 and 8 of tables. The streams are
/// short, and alike at short distances; the larger ones of a high level take four times as much to save nothing to speak of.
struct Compressing {
    window: u32,
    chain: u32,
    hash: u32,
}

const COMPRESSING: Compressing = Compressing {
    window: 24,
    chain: 22,
    hash: 21,
};

/// How a patch is made.
#[derive(Debug, Clone, Copy)]
pub struct Making {
    /// zstd level.
    pub level: i32,
    /// Bytes that all threads together may use to compare files. Larger files are compared in windows.
    pub memory: usize,
    pub threads: NonZeroUsize,
}

impl Default for Making {
    fn default() -> Self {
        Self {
            level: 19,
            memory: 64 << 20,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// How many files of the new release come about in which way, and how many of the old one are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// As they were, where they were.
    pub unchanged: usize,
    /// As they were, elsewhere.
    pub renamed: usize,
    /// Made of the old file of the same path.
    pub changed: usize,
    /// Made of an old file of another path.
    pub renamed_and_changed: usize,
    pub new: usize,
    pub links: usize,
    pub removed: usize,
}

/// A patch as it lies on disk now.
#[derive(Debug, Clone, PartialEq)]
pub struct MadePatch {
    pub header: PatchHeader,
    pub length: u64,
    pub sha256: Digest,
    pub counts: Counts,
}

/// A content that has to be described, and what of. Opened only while it is looked at: there may be more of them than one may
/// have open.
struct Pair<'a> {
    /// None for the list of files.
    new: Option<&'a FileEntry>,
    /// Place in the old list, as the patch names it.
    base: Option<usize>,
}

impl Pair<'_> {
    fn path(&self) -> &Path {
        self.new.map_or(Path::new(MANIFEST_NAME), |entry| entry.path.as_ref())
    }
}

/// The two trees.
#[derive(Clone, Copy)]
struct Trees<'a> {
    old: &'a Base,
    new: &'a Base,
}

impl Trees<'_> {
    fn open(self, pair: &Pair<'_>) -> Result<(File, Option<File>), PackageError> {
        let Some(entry) = pair.new else {
            return Ok((self.new.open_manifest()?, Some(self.old.open_manifest()?)));
        };
        let old = pair.base.and_then(|at| self.old.files().get(at));
        let old = old.map(|old| self.old.open_file(old)).transpose()?;
        Ok((self.new.open_file(entry)?, old))
    }
}

/// Writes the patch that leads from `old` to `new` into the file `out`.
pub fn make_patch(old: &Staged, new: &Staged, out: &Path, making: &Making) -> Result<MadePatch, PackageError> {
    let (base, target) = (Base::open(old.dir())?, Base::open(new.dir())?);
    let header = PatchHeader {
        product: new.manifest().product.clone(),
        from: old.manifest().version.clone(),
        to: new.manifest().version.clone(),
        platform: new.manifest().platform.clone(),
        base: base.manifest_digest(),
        manifest_size: target.manifest_size(),
        manifest: target.manifest_digest(),
    };
    let mut counts = Counts::default();
    let files = chosen(&base, &target, making, &mut counts)?;
    counts.removed = removed(&base, &target);
    let list = Pair {
        new: None,
        base: Some(0),
    };
    let files = files.into_iter().map(|(entry, base)| Pair { new: Some(entry), base });
    let pairs: Vec<Pair<'_>> = [list].into_iter().chain(files).collect();
    let trees = Trees {
        old: &base,
        new: &target,
    };
    let mut file = DigestWriter::new(NewFile::create(out, 0o644)?);
    let mut writer = begin(&header, &mut file, making.level).map_err(|e| not_written(out, e))?;
    let describe = |pair: &Pair<'_>| {
        let (new, old) = trees.open(pair)?;
        io_at("compare", pair.path(), describe(&new, old.as_ref(), making))
    };
    in_order(making.threads, &pairs, describe, |pair, moves| {
        let (new, old) = trees.open(pair)?;
        writer.begin(pair.base);
        io_at("compare", pair.path(), write(&new, old.as_ref(), &moves?, &mut writer))
    })?;
    let ended = writer.finish().and_then(zstd::Encoder::finish);
    ended.map_err(|e| not_written(out, e))?;
    let (file, length, sha256) = file.finish();
    file.commit()?;
    Ok(MadePatch {
        header,
        length,
        sha256,
        counts,
    })
}

const fn size_of(entry: &FileEntry) -> u64 {
    match entry.kind {
        FileKind::File { size, .. } => size,
        FileKind::Link { .. } => 0,
    }
}

/// The new files that the old tree does not have, in the order of the list, with the old file that each is made of.
fn chosen<'a>(
    base: &Base,
    target: &'a Base,
    making: &Making,
    counts: &mut Counts,
) -> Result<Vec<(&'a FileEntry, Option<usize>)>, PackageError> {
    let mut files = Vec::new();
    for entry in target.files() {
        if matches!(entry.kind, FileKind::Link { .. }) {
            counts.links += 1;
            continue;
        }
        match base.same_as(entry) {
            Some(same) if same.path == entry.path => counts.unchanged += 1,
            Some(_) => counts.renamed += 1,
            None => files.push((entry, base.place_of(entry))),
        }
    }
    counts.changed = files.iter().filter(|(_, at)| at.is_some()).count();
    let strangers: Vec<&FileEntry> = files
        .iter()
        .filter(|(_, at)| at.is_none())
        .map(|(entry, _)| *entry)
        .collect();
    let mut similar = similar(base, target, &strangers, making)?.into_iter();
    for (_, at) in files.iter_mut().filter(|(_, at)| at.is_none()) {
        *at = similar.next().flatten();
        *(if at.is_some() {
            &mut counts.renamed_and_changed
        } else {
            &mut counts.new
        }) += 1;
    }
    Ok(files)
}

/// For each of these new files the old one that it resembles most.
fn similar(
    base: &Base,
    target: &Base,
    strangers: &[&FileEntry],
    making: &Making,
) -> Result<Vec<Option<usize>>, PackageError> {
    if strangers.is_empty() {
        return Ok(Vec::new());
    }
    let old: Vec<usize> = (0..base.files().len())
        .filter(|at| size_of(&base.files()[*at]) > 0)
        .collect();
    let mut known = Known::default();
    for (at, sketch) in old
        .iter()
        .zip(on_all(making.threads, &old, |at| sketch_of(base, &base.files()[*at])))
    {
        known.add(*at, &sketch?);
    }
    let sketches = on_all(making.threads, strangers, |entry| sketch_of(target, entry));
    sketches
        .into_iter()
        .map(|sketch| Ok(known.most_similar(&sketch?)))
        .collect()
}

fn sketch_of(tree: &Base, entry: &FileEntry) -> Result<Sketch, PackageError> {
    let mut file = tree.open_file(entry)?;
    let mut sketching = Sketching::new();
    let mut buffer = vec![0; STEP.min(usize::try_from(size_of(entry)).unwrap_or(STEP)) + 1];
    loop {
        match io_at("read", entry.path.as_ref(), file.read(&mut buffer))? {
            0 => return Ok(sketching.finish()),
            count => sketching.update(&buffer[..count]),
        }
    }
}

fn removed(base: &Base, target: &Base) -> usize {
    let is_gone = |entry: &&FileEntry| {
        target
            .files()
            .binary_search_by(|new| new.path.cmp(&entry.path))
            .is_err()
    };
    base.files().iter().filter(is_gone).count()
}

/// The moves of a file, in windows when it is too large for the memory that there is for it.
fn describe(new_file: &File, old: Option<&File>, making: &Making) -> io::Result<Vec<Move>> {
    let size = usize::try_from(new_file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let Some(old) = old else {
        return Ok(vec![Move {
            from: 0,
            copy: 0,
            extra: size,
        }]);
    };
    let old_size = usize::try_from(old.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let room = Room::of(making.memory / making.threads.get(), size, old_size);
    let mut all = Vec::new();
    let (mut at, mut expected) = (0, 0usize);
    while at < size {
        let new = read(new_file, at, room.new.min(size - at))?;
        let begin = expected
            .saturating_sub(room.old / 4)
            .min(old_size.saturating_sub(room.old));
        let window = read(old, begin, room.old.min(old_size - begin))?;
        let found = moves(&Index::of(&window, room.stride), &window, &new);
        all.extend(found.iter().map(|one| Move {
            from: begin + one.from,
            ..*one
        }));
        at += new.len();
        let last = found.iter().rfind(|one| one.copy > 0);
        expected = last.map_or(expected + new.len(), |one| begin + one.from + one.copy + one.extra);
    }
    Ok(all)
}

/// How much of a file and its base is looked at at once, and how closely.
struct Room {
    new: usize,
    old: usize,
    stride: usize,
}

impl Room {
    /// As closely as fits; if need be in windows, of which that of the base is larger: contents move.
    fn of(memory: usize, new: usize, old: usize) -> Self {
        const COARSEST: usize = 8;
        let memory = memory.max(1 << 20);
        let fits = |stride: &usize| new.saturating_add(old).saturating_add(Index::memory(old, *stride)) <= memory;
        if let Some(stride) = [1, 2, 4, COARSEST].into_iter().find(fits) {
            return Self { new, old, stride };
        }
        let (new, old) = (memory / 8, memory / 4);
        let stride = COARSEST;
        Self { new, old, stride }
    }
}

fn read(file: &File, at: usize, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    file.read_exact_at(&mut bytes, at as u64)?;
    Ok(bytes)
}

/// The head of a patch; the groups follow.
fn begin<W: Write>(header: &PatchHeader, mut sink: W, level: i32) -> io::Result<Writer<zstd::Encoder<'static, W>>> {
    sink.write_all(MAGIC)?;
    let mut zstd = zstd::Encoder::new(sink, level)?;
    zstd.include_checksum(true)?;
    zstd.set_parameter(CParameter::WindowLog(COMPRESSING.window))?;
    zstd.set_parameter(CParameter::ChainLog(COMPRESSING.chain))?;
    zstd.set_parameter(CParameter::HashLog(COMPRESSING.hash))?;
    let json = serde_json::to_vec(header)?;
    let mut length = Vec::new();
    number(&mut length, json.len() as u64);
    zstd.write_all(&length)?;
    zstd.write_all(&json)?;
    Ok(Writer::new(zstd))
}

fn write<W: Write>(new_file: &File, old: Option<&File>, moves: &[Move], writer: &mut Writer<W>) -> io::Result<()> {
    let mut at = 0;
    for one in moves {
        let mut left = *one;
        while left.copy + left.extra > 0 {
            let piece = left.first(STEP);
            let new = read(new_file, at, piece.copy + piece.extra)?;
            let old = match old {
                Some(old) => read(old, piece.from, piece.copy)?,
                None => Vec::new(),
            };
            writer.add(piece.from as u64, &old, &new)?;
            at += new.len();
            left = left.behind(piece);
        }
    }
    Ok(())
}

fn not_written(out: &Path, source: io::Error) -> PackageError {
    PackageError::Io {
        action: "write",
        path: out.to_path_buf(),
        source,
    }
}

/// What `each` gives for every item, in their order; worked out on so many threads.
fn on_all<T: Sync, O: Send>(threads: NonZeroUsize, items: &[T], each: impl Fn(&T) -> O + Sync) -> Vec<O> {
    let mut all = Vec::with_capacity(items.len());
    let Ok(()) = in_order(threads, items, each, |_, found| {
        all.push(found);
        Ok::<(), Infallible>(())
    });
    all
}

/// Works out `each` item on so many threads, and meanwhile hands over here what came of them, in their order.
fn in_order<T: Sync, O: Send, E>(
    threads: NonZeroUsize,
    items: &[T],
    each: impl Fn(&T) -> O + Sync,
    mut hand_over: impl FnMut(&T, O) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, found) = mpsc::channel();
        for _ in 0..threads.get().min(items.len()) {
            let (sender, next, each) = (sender.clone(), &next, &each);
            scope.spawn(move || {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    if sender.send((at, each(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        // Whoever fails here drops the receiver: then nobody works on.
        for (at, one) in found {
            early.insert(at, one);
            while let Some(one) = early.remove(&due) {
                hand_over(&items[due], one)?;
                due += 1;
            }
        }
        Ok(())
    })
}
