//! Makes a patch out of two trees: first how each file comes about, on all threads, then the file in one pass.

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Serialize;

use super::base::Base;
use super::index::Index;
use super::moves::{Move, moves};
use super::similar::{Known, Sketch, Sketching};
use super::write::{STEP, Writer, number};
use super::{MAGIC, PatchHeader};
use crate::crypt::Digest;
use crate::disk::NewFile;
use crate::package::pack::DigestWriter;
use crate::package::{PackageError, Staged, WINDOW_LOG, io_at};
use crate::release::{FileEntry, FileKind};

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
            memory: 512 << 20,
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

/// A content that has to be described, and what of.
struct Pair {
    new: File,
    size: u64,
    /// Place in the old list, as the patch names it.
    base: Option<usize>,
    old: Option<File>,
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
        manifest_size: target.json.len() as u64,
        manifest: target.manifest_digest(),
    };
    let mut counts = Counts::default();
    let files = chosen(&base, &target, making, &mut counts)?;
    counts.removed = removed(&base, &target);
    let mut pairs = vec![Pair {
        size: header.manifest_size,
        new: target.open_manifest()?,
        base: Some(0),
        old: Some(base.open_manifest()?),
    }];
    for (entry, at) in &files {
        pairs.push(Pair {
            new: target.open_file(entry)?,
            size: size_of(entry),
            base: *at,
            old: at.map(|at| base.open_file(&base.files()[at])).transpose()?,
        });
    }
    let described = on_all(making.threads, &pairs, |pair| describe(pair, making));
    let mut file = DigestWriter::new(NewFile::create(out, 0o644)?);
    let written = write(&header, &pairs, described, &mut file, making.level);
    io_at("write", out, written)?;
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
fn describe(pair: &Pair, making: &Making) -> io::Result<Vec<Move>> {
    let size = usize::try_from(pair.size).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let Some(old) = &pair.old else {
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
        let new = read(&pair.new, at, room.new.min(size - at))?;
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

fn write<W: Write>(
    header: &PatchHeader,
    pairs: &[Pair],
    described: Vec<io::Result<Vec<Move>>>,
    mut sink: W,
    level: i32,
) -> io::Result<()> {
    sink.write_all(MAGIC)?;
    let mut zstd = zstd::Encoder::new(sink, level)?;
    zstd.include_checksum(true)?;
    zstd.window_log(WINDOW_LOG)?;
    let json = serde_json::to_vec(header)?;
    let mut length = Vec::new();
    number(&mut length, json.len() as u64);
    zstd.write_all(&length)?;
    zstd.write_all(&json)?;
    let mut writer = Writer::new(zstd);
    for (pair, moves) in pairs.iter().zip(described) {
        writer.begin(pair.base);
        let mut at = 0;
        for one in moves? {
            let mut left = one;
            while left.copy + left.extra > 0 {
                let piece = left.first(STEP);
                let new = read(&pair.new, at, piece.copy + piece.extra)?;
                let old = match &pair.old {
                    Some(old) => read(old, piece.from, piece.copy)?,
                    None => Vec::new(),
                };
                writer.add(piece.from as u64, &old, &new)?;
                at += new.len();
                left = left.behind(piece);
            }
        }
    }
    writer.finish()?.finish().map(drop)
}

/// What `each` gives for every item, in their order; worked out on so many threads.
fn on_all<T: Sync, O: Send>(threads: NonZeroUsize, items: &[T], each: impl Fn(&T) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.get().min(items.len()) {
            scope.spawn(|| {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    let found = each(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, found));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, found)| found).collect()
}
