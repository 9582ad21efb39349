//! From trees to a backup file, in one streaming pass.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::contents::{ContentsWriter, Entry, Name, What};
use super::format::{self, BODY, BODY_AT, Header, PRELUDE, Prelude};
use super::{BackupError, BackupId, Key, Record, Request, Result};
use crate::crypt::{Digest, DigestReader, Sealer, digest_of};
use crate::disk::{self, EntryKind, NewFile};
use crate::release::RelPath;
use crate::store;

const LEVEL: i32 = 3;
/// Files up to this size are read whole, so that one which changes meanwhile can be read again.
const SMALL: u64 = 4 << 20;
const READINGS: u32 = 3;

pub fn write(
    dir: &Path,
    key: &Key,
    request: &Request,
    id: &BackupId,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Record> {
    let path = id.file_in(dir);
    let wrote = |e| BackupError::io("write", &path, e);
    let (trees, planned) = plan(request, dir)?;
    let total = 2 * planned.iter().map(|one| one.size).sum::<u64>();
    let prelude = Prelude::new(key);
    let mut file = NewFile::create(&path, 0o600)?;
    file.lock()?;
    file.write_all(prelude.bytes()).map_err(wrote)?;
    file.seek(SeekFrom::Start(BODY_AT)).map_err(wrote)?;
    let sealer = prelude.seal(file, key, BODY).map_err(wrote)?;
    let zstd = zstd::Encoder::new(sealer, LEVEL).map_err(wrote)?;
    let mut pack = Pack {
        path: &path,
        request,
        tar: tar::Builder::new(zstd),
        contents: ContentsWriter::new(&prelude, key).map_err(wrote)?,
        files: 0,
        bytes: 0,
        unsettled: 0,
    };
    for one in &planned {
        pack.add(one, &mut |n| progress(n, total.max(2 * n)))?;
    }
    let record = Record {
        id: id.clone(),
        kind: request.kind.clone(),
        version: request.version.clone(),
        by: request.by.clone(),
        created: request.created,
        trees,
        files: pack.files,
        bytes: pack.bytes,
        unsettled: pack.unsettled,
    };
    let sealer = pack.tar.into_inner().and_then(zstd::Encoder::finish).map_err(wrote)?;
    let mut file = sealer.finish().map_err(wrote)?;
    let body_length = file.stream_position().map_err(wrote)? - BODY_AT;
    let contents = pack.contents.finish().map_err(wrote)?;
    file.write_all(&contents).map_err(wrote)?;
    file.seek(SeekFrom::Start(PRELUDE as u64)).map_err(wrote)?;
    let header = Header {
        record,
        body_length,
        contents_length: contents.len() as u64,
    };
    format::write_header(&mut file, &prelude, key, &header, &path)?;
    file.commit()?;
    Ok(header.record)
}

/// An entry as it was when the trees were listed.
struct Planned {
    /// Relative to the root.
    path: PathBuf,
    kind: EntryKind,
    size: u64,
    database: bool,
}

/// The trees that are there, and all that is in them but special files, side files of databases, backups and scratch.
fn plan(request: &Request, dir: &Path) -> Result<(Vec<RelPath>, Vec<Planned>)> {
    let side_files: Vec<PathBuf> = request
        .databases
        .iter()
        .flat_map(|path| ["-wal", "-shm", "-journal"].map(|ending| PathBuf::from(format!("{path}{ending}"))))
        .collect();
    let not_ours: Vec<PathBuf> = [dir, &request.scratch]
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mut trees: Vec<_> = request.trees.clone();
    trees.sort();
    trees.dedup();
    let nested = |path: &Path| {
        trees
            .iter()
            .any(|t| Path::new(t.as_str()) != path && path.starts_with(t.as_str()))
    };
    let (mut there, mut planned) = (Vec::new(), Vec::new());
    for tree in trees.iter().filter(|tree| !nested(Path::new(tree.as_str()))) {
        let full = tree.under(&request.root);
        let Some(meta) = unless_missing(std::fs::metadata(&full)).map_err(|e| BackupError::io("look at", &full, e))?
        else {
            continue;
        };
        let real = full.canonicalize().map_err(|e| BackupError::io("look at", &full, e))?;
        there.push(tree.clone());
        let is_folder = meta.is_dir();
        planned.push(Planned {
            path: tree.as_str().into(),
            kind: if is_folder { EntryKind::Folder } else { EntryKind::File },
            size: if is_folder { 0 } else { meta.len() },
            database: request.databases.contains(tree),
        });
        let inside = if is_folder { walk(&full)? } else { Vec::new() };
        planned.extend(inside.into_iter().filter_map(|entry| {
            let path = Path::new(tree.as_str()).join(&entry.path);
            let kept = entry.kind != EntryKind::Special
                && !side_files.contains(&path)
                && !not_ours.iter().any(|folder| real.join(&entry.path).starts_with(folder));
            kept.then(|| Planned {
                database: entry.kind == EntryKind::File
                    && request.databases.iter().any(|one| Path::new(one.as_str()) == path),
                path,
                kind: entry.kind,
                size: entry.size,
            })
        }));
    }
    Ok((there, planned))
}

/// A tree in which something vanished while it was listed is to be listed again.
fn walk(tree: &Path) -> Result<Vec<disk::Entry>> {
    disk::walk(tree).map_err(|e| match e.is_missing() {
        true => BackupError::Unsteady { path: e.path },
        false => e.into(),
    })
}

struct Pack<'a> {
    path: &'a Path,
    request: &'a Request,
    tar: tar::Builder<zstd::Encoder<'static, Sealer<NewFile>>>,
    contents: ContentsWriter,
    files: u64,
    bytes: u64,
    unsettled: u64,
}

impl Pack<'_> {
    fn add(&mut self, one: &Planned, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let full = self.request.root.join(&one.path);
        match &one.kind {
            EntryKind::Special => Ok(()),
            EntryKind::Folder => {
                let meta =
                    unless_missing(std::fs::metadata(&full)).map_err(|e| BackupError::io("look at", &full, e))?;
                let Some(meta) = meta else {
                    return Err(BackupError::Unsteady { path: full });
                };
                let mut header = header(&meta, tar::EntryType::Directory, 0);
                let result = self.tar.append_data(&mut header, &one.path, io::empty());
                result.map_err(|e| BackupError::io("write", self.path, e))?;
                self.list(&one.path, &meta, What::Folder)
            }
            EntryKind::Link(target) => {
                let meta = std::fs::symlink_metadata(&full);
                let Some(meta) = unless_missing(meta).map_err(|e| BackupError::io("look at", &full, e))? else {
                    return Ok(());
                };
                let mut header = header(&meta, tar::EntryType::Symlink, 0);
                let result = self.tar.append_link(&mut header, &one.path, target);
                result.map_err(|e| BackupError::io("write", self.path, e))?;
                self.files += 1;
                self.list(
                    &one.path,
                    &meta,
                    What::Link {
                        target: Name::of(target),
                    },
                )
            }
            EntryKind::File if one.database => self.add_database(&one.path, &full, progress),
            EntryKind::File => {
                let Some((mut file, meta)) = open(&full)? else {
                    return Ok(());
                };
                if meta.len() <= SMALL {
                    self.add_small(&one.path, &full, &mut file, meta, progress)
                } else {
                    self.add_large(&one.path, &full, &mut file, &meta, false, progress)
                }
            }
        }
    }

    fn add_database(&mut self, path: &Path, full: &Path, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let Some((_, meta)) = open(full)? else { return Ok(()) };
        disk::create_dir_all(&self.request.scratch)?;
        let copy = self.request.scratch.join("database");
        store::copy_live(full, &copy)?;
        let Some((mut file, of_copy)) = open(&copy)? else {
            return Err(BackupError::Unsteady { path: copy });
        };
        let header = header(&meta, tar::EntryType::Regular, of_copy.len());
        let sha256 = self.stream(path, &copy, &mut file, header, of_copy.len(), progress)?;
        let what = What::File {
            size: of_copy.len(),
            sha256,
            database: true,
            unsettled: false,
        };
        store::remove(&copy)?;
        self.list(path, &meta, what)
    }

    fn add_small(
        &mut self,
        path: &Path,
        full: &Path,
        file: &mut File,
        meta: Metadata,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let read = |e| BackupError::io("read", full, e);
        let mut meta = meta;
        let mut content = Vec::new();
        let mut unsettled = true;
        for _ in 0..READINGS {
            content.clear();
            file.seek(SeekFrom::Start(0)).map_err(read)?;
            Read::by_ref(file)
                .take(SMALL + 1)
                .read_to_end(&mut content)
                .map_err(read)?;
            let now = file.metadata().map_err(read)?;
            unsettled = state(&now) != state(&meta) || content.len() as u64 != now.len();
            meta = now;
            if !unsettled {
                break;
            }
        }
        if content.len() as u64 > SMALL {
            file.seek(SeekFrom::Start(0)).map_err(read)?;
            return self.add_large(path, full, file, &meta, true, progress);
        }
        let size = content.len() as u64;
        let mut header = header(&meta, tar::EntryType::Regular, size);
        let result = self.tar.append_data(&mut header, path, content.as_slice());
        result.map_err(|e| BackupError::io("write", self.path, e))?;
        self.count(size, progress);
        let what = What::File {
            size,
            sha256: digest_of(&content),
            database: false,
            unsettled,
        };
        self.list(path, &meta, what)
    }

    /// As many bytes as the file has now: what a log gains meanwhile belongs to the next backup.
    fn add_large(
        &mut self,
        path: &Path,
        full: &Path,
        file: &mut File,
        meta: &Metadata,
        unsettled: bool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let header = header(meta, tar::EntryType::Regular, meta.len());
        let sha256 = self.stream(path, full, file, header, meta.len(), progress)?;
        let now = file.metadata().map_err(|e| BackupError::io("look at", full, e))?;
        let what = What::File {
            size: meta.len(),
            sha256,
            database: false,
            unsettled: unsettled || state(&now) != state(meta),
        };
        self.list(path, meta, what)
    }

    fn stream(
        &mut self,
        path: &Path,
        full: &Path,
        file: &mut File,
        mut header: tar::Header,
        size: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Digest> {
        let done = self.bytes;
        let mut heard = |left| progress(done + size - left);
        let mut content = DigestReader::new(Exact {
            file,
            left: size,
            failed: None,
            heard: &mut heard,
        });
        let result = self.tar.append_data(&mut header, path, &mut content);
        let (exact, _, sha256) = content.finish();
        match exact.failed {
            Some(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(BackupError::Unsteady {
                    path: full.to_path_buf(),
                });
            }
            Some(e) => return Err(BackupError::io("read", full, e)),
            None => result.map_err(|e| BackupError::io("write", self.path, e))?,
        }
        self.count(size, progress);
        Ok(sha256)
    }

    fn count(&mut self, size: u64, progress: &mut dyn FnMut(u64)) {
        self.files += 1;
        self.bytes += size;
        progress(self.bytes);
    }

    fn list(&mut self, path: &Path, meta: &Metadata, what: What) -> Result<()> {
        self.unsettled += u64::from(matches!(what, What::File { unsettled: true, .. }));
        let entry = Entry {
            path: Name::of(path),
            what,
            mode: meta.mode() & 0o7777,
            modified: (meta.mtime(), u32::try_from(meta.mtime_nsec()).unwrap_or(0)),
            user: meta.uid(),
            group: meta.gid(),
        };
        self.contents
            .add(&entry)
            .map_err(|e| BackupError::io("write", self.path, e))
    }
}

/// Exactly `left` bytes of a file, or an error that is kept apart from those of the sink.
struct Exact<'a> {
    file: &'a mut File,
    left: u64,
    failed: Option<io::Error>,
    heard: &'a mut dyn FnMut(u64),
}

impl Read for Exact<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let read = match self.file.read(&mut buf[..most]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            other => other,
        };
        match read {
            Ok(n) => {
                self.left -= n as u64;
                (self.heard)(self.left);
                Ok(n)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(e),
            Err(e) => {
                let kind = e.kind();
                self.failed = Some(e);
                Err(kind.into())
            }
        }
    }
}

/// What changes when a file is written to.
fn state(meta: &Metadata) -> (u64, i64, i64, i64, i64) {
    (
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    )
}

/// Opens a regular file; none when it is gone or has become something else, which must not be followed or hung on.
fn open(path: &Path) -> Result<Option<(File, Metadata)>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(e) => return Err(BackupError::io("open", path, e.into())),
    };
    let meta = file.metadata().map_err(|e| BackupError::io("look at", path, e))?;
    Ok(meta.is_file().then_some((file, meta)))
}

fn header(meta: &Metadata, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(meta.mode() & 0o7777);
    header.set_mtime(u64::try_from(meta.mtime()).unwrap_or(0));
    header.set_uid(meta.uid().into());
    header.set_gid(meta.gid().into());
    header
}

fn unless_missing(found: io::Result<Metadata>) -> io::Result<Option<Metadata>> {
    match found {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
