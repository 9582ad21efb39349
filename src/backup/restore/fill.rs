//! Unpacking what is wanted of a backup into a folder where nobody looks yet: block by block on all cores, each block opened once
//! for all the files that have a part of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Settle, Wanted, Zeros, finish};
use crate::backup::chunk::{ChunkId, Chunking};
use crate::backup::cores::on_all_cores;
use crate::backup::entry::{Content, Entry, What};
use crate::backup::listing::ListReader;
use crate::backup::repository::{BlockReader, Index, Repository};
use crate::backup::{BackupError, Result};
use crate::disk::{self, TreeFile, TreeWriter};

/// Pieces and files that are written before more are looked up, so that memory is bounded.
const PIECES: usize = 1 << 16;
const FILES: usize = 1 << 14;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Files and links.
    pub files: u64,
    pub bytes: u64,
}

/// Fills a fresh `new`. Not durable yet.
pub fn fill(
    repository: &Repository,
    index: &Index,
    chunking: &Chunking,
    list: ListReader<'_>,
    wanted: &Wanted,
    (new, settle): (&Path, &Settle),
) -> Result<Filled> {
    let mut filling = Filling {
        repository,
        index,
        chunking,
        settle,
        tree: TreeWriter::fresh(new)?,
        files: Vec::new(),
        pieces: Vec::new(),
        zeros: Zeros::new(index, chunking),
        filled: Filled::default(),
    };
    let (mut folders, mut again) = (Vec::new(), Vec::new());
    for listed in list {
        let (entry, chunks) = listed?;
        let path = entry.path.path();
        if !wanted.has(&path) {
            continue;
        }
        let full = new.join(&path);
        match &entry.what {
            What::Special => continue,
            What::Folder => {
                disk::make_folders(&full)?;
                folders.push((full, entry));
                continue;
            }
            What::Link { target } => {
                filling.tree.link(&path, &target.path())?;
                finish::owner(&full, &entry)?;
                disk::set_link_modified(&full, entry.modified())?;
            }
            What::File(_) | What::Dump(_) => {
                let Some(content) = entry.content() else { continue };
                match first_name(content, wanted) {
                    Some(first) => again.push((new.join(first), full)),
                    None => filling.file(&path, full, entry.clone(), content, &chunks)?,
                }
            }
        }
        filling.filled.files += 1;
        filling.filled.bytes += entry.size();
    }
    filling.write()?;
    for (first, name) in again {
        refuse_through_links(new, &first)?;
        disk::add_name(&first, &name)?;
    }
    // Innermost first: filling a folder changes its time, and a read-only one cannot be filled.
    for (folder, entry) in folders.iter().rev() {
        finish::folder(folder, entry)?;
    }
    Ok(filling.filled)
}

/// A list that is not genuine could name a file that is not of this backup.
fn refuse_through_links(new: &Path, first: &Path) -> Result<()> {
    let folders = first.ancestors().skip(1).take_while(|above| *above != new);
    let is = |path: &Path, right: fn(&std::fs::FileType) -> bool| {
        std::fs::symlink_metadata(path).is_ok_and(|meta| right(&meta.file_type()))
    };
    let mut folders = folders.filter(|above| !is(above, std::fs::FileType::is_dir));
    match (is(first, std::fs::FileType::is_file), folders.next()) {
        (true, None) => Ok(()),
        _ => Err(BackupError::damaged(
            first,
            "a file is said to be another name of it, and it is no file",
        )),
    }
}

/// The other name of the same file, if that is restored too.
fn first_name(content: &Content, wanted: &Wanted) -> Option<PathBuf> {
    let first = content.same_as.as_ref()?.path();
    wanted.has(&first).then_some(first)
}

struct Filling<'a> {
    repository: &'a Repository,
    index: &'a Index,
    chunking: &'a Chunking,
    settle: &'a Settle,
    tree: TreeWriter,
    files: Vec<Target>,
    pieces: Vec<Piece>,
    zeros: Zeros<'a>,
    filled: Filled,
}

/// A file to be made.
struct Target {
    full: PathBuf,
    entry: Entry,
    /// What is still to be done before it has all of its content: its pieces, and its being looked up.
    left: AtomicU32,
}

/// A chunk and where it goes.
#[derive(Clone, Copy)]
struct Piece {
    block: u32,
    /// Where it begins in the block.
    at: u32,
    length: u32,
    file: u32,
    /// Where it begins in the file.
    offset: u64,
    id: ChunkId,
}

impl Filling<'_> {
    fn file(&mut self, path: &Path, full: PathBuf, entry: Entry, content: &Content, chunks: &[ChunkId]) -> Result<()> {
        if let Some(above) = full.parent() {
            self.tree.folder(above)?;
        }
        self.files.push(Target {
            full,
            entry,
            left: AtomicU32::new(1),
        });
        let file = self.files.len() - 1;
        let mut offset = 0;
        for id in chunks {
            let Some(place) = self.index.find(*id) else {
                return Err(BackupError::missing_chunk(self.repository.dir(), *id));
            };
            if !(content.sparse && self.zeros.are(*id, place.length)) {
                self.files[file].left.fetch_add(1, Ordering::Relaxed);
                self.pieces.push(Piece {
                    block: place.block,
                    at: place.at,
                    length: place.length,
                    file: u32::try_from(file).unwrap_or(u32::MAX),
                    offset,
                    id: *id,
                });
            }
            offset += u64::from(place.length);
            if self.pieces.len() >= PIECES {
                self.write()?;
            }
        }
        if offset != content.size {
            let problem = format!("{} has {} bytes and chunks of {offset}", path.display(), content.size);
            return Err(BackupError::damaged(self.repository.dir(), problem));
        }
        let target = &self.files[file];
        if target.is_last() {
            target.finish(&TreeFile::at(&target.full)?)?;
        }
        if self.files.len() >= FILES {
            self.write()?;
            self.files.clear();
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.pieces.sort_unstable_by_key(|piece| (piece.block, piece.at));
        let blocks: Vec<&[Piece]> = self.pieces.chunk_by(|a, b| a.block == b.block).collect();
        let (repository, index, chunking, files) = (self.repository, self.index, self.chunking, &self.files);
        let settle = self.settle;
        on_all_cores(
            &blocks,
            || Ok((BlockReader::new(repository, index, chunking)?, None)),
            |(reader, open): &mut (BlockReader<'_>, Option<(u32, TreeFile)>), pieces| {
                let block = reader.block(pieces[0].block)?;
                for piece in *pieces {
                    let chunk = block.get(piece.at as usize..piece.at as usize + piece.length as usize);
                    let Some(chunk) = chunk.filter(|chunk| chunking.id(chunk) == piece.id) else {
                        let problem = format!("chunk {:?} is not what its name says", piece.id);
                        return Err(BackupError::damaged(repository.dir(), problem));
                    };
                    let target = &files[piece.file as usize];
                    let file = match open.take_if(|(file, _)| *file == piece.file) {
                        Some((_, file)) => file,
                        None => TreeFile::at(&target.full)?,
                    };
                    file.write_at(chunk, piece.offset)?;
                    settle.wrote(u64::from(piece.length));
                    if target.is_last() {
                        target.finish(&file)?;
                    } else {
                        *open = Some((piece.file, file));
                    }
                }
                Ok(())
            },
        )?;
        self.pieces.clear();
        Ok(())
    }
}

impl Target {
    /// Counts one thing as done; whether it was the last.
    fn is_last(&self) -> bool {
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    fn finish(&self, file: &TreeFile) -> Result<()> {
        finish::file(file, &self.full, &self.entry)
    }
}
