//! A file that grows over several tries: unlike [`super::NewFile`], what is there survives a crash and is continued.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::atomic::{parent, part_name};
use super::{Result, at, remove_file, sync_dir};

/// The part of `target` that has arrived; nobody sees it under its final name before [`PartFile::commit`].
#[derive(Debug)]
#[must_use = "a part is not seen unless committed"]
pub struct PartFile {
    file: File,
    part: PathBuf,
    target: PathBuf,
}

impl PartFile {
    /// Opens the part that an earlier try left, else an empty one. Writes go to its end.
    pub fn open(target: &Path, mode: u32) -> Result<Self> {
        let part = part_name(target);
        let open = fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(mode)
            .open(&part);
        Ok(Self {
            file: at("open", &part, open)?,
            part,
            target: target.to_path_buf(),
        })
    }

    /// Bytes that have arrived.
    pub fn size(&self) -> Result<u64> {
        Ok(at("look at", &self.part, self.file.metadata())?.len())
    }

    /// Passes the first `length` bytes of what has arrived to `each`, piece by piece.
    pub fn read_arrived(&mut self, length: u64, mut each: impl FnMut(&[u8])) -> Result<()> {
        at("read", &self.part, self.file.seek(SeekFrom::Start(0)))?;
        let mut arrived = (&mut self.file).take(length);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match at("read", &self.part, arrived.read(&mut buffer))? {
                0 => return Ok(()),
                n => each(&buffer[..n]),
            }
        }
    }

    /// Forgets all but the first `length` bytes of what has arrived.
    pub fn cut(&mut self, length: u64) -> Result<()> {
        at("shorten", &self.part, self.file.set_len(length))
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        at("write", &self.part, self.file.write_all(bytes))
    }

    pub fn discard(self) -> Result<()> {
        remove_file(&self.part)
    }

    /// Makes the content durable, then visible under its final name, then the name durable.
    pub fn commit(self) -> Result<()> {
        let synced = if super::seeded::skip_fsync() {
            Ok(())
        } else {
            self.file.sync_all()
        };
        at("make durable", &self.part, synced)?;
        at("put in place", &self.target, fs::rename(&self.part, &self.target))?;
        sync_dir(parent(&self.target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_outlives_a_try_and_is_continued() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("package");
        let mut first = PartFile::open(&target, 0o644).unwrap();
        first.append(b"one ").unwrap();
        drop(first);
        let mut second = PartFile::open(&target, 0o644).unwrap();
        let mut arrived = Vec::new();
        second
            .read_arrived(3, |bytes| arrived.extend_from_slice(bytes))
            .unwrap();
        assert_eq!(arrived, b"one");
        second.append(b"two").unwrap();
        assert!(!target.exists());
        second.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"one two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_part_that_is_cut_holds_nothing_of_behind_the_cut() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("package");
        let mut part = PartFile::open(&target, 0o644).unwrap();
        part.append(b"right or wrong").unwrap();
        part.cut(6).unwrap();
        part.append(b"new").unwrap();
        part.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"right new");
    }
}
