//! Writes that are either wholly there or not at all, also after a power cut.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{Result, at};

/// The ending of every temporary name, so that what a crash leaves behind is recognised.
pub const PART: &str = ".netlink-part";

/// Whether a file of this name is what a write left that did not come to its end.
pub fn is_part(name: &str) -> bool {
    name.ends_with(PART)
}

/// A file being written beside its final name; nobody sees it before [`NewFile::commit`].
#[derive(Debug)]
#[must_use = "a new file is discarded unless committed"]
pub struct NewFile {
    file: Option<File>,
    part: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Starts a file that will appear at `target` with permission bits `mode`. A left-over part of an earlier try is replaced.
    pub fn create(target: &Path, mode: u32) -> Result<Self> {
        let part = part_name(target);
        match fs::remove_file(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return at("replace", &part, Err(e)),
            _ => {}
        }
        let open = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&part);
        let file = at("create", &part, open)?;
        let set = file.set_permissions(fs::Permissions::from_mode(mode));
        // From here on dropping it removes the part.
        let new = Self {
            file: Some(file),
            part,
            target: target.to_path_buf(),
        };
        at("set the mode of", &new.part, set)?;
        Ok(new)
    }

    /// Marks the part as being written, for others who clear away what the dead have left in the same folder.
    pub fn lock(&self) -> Result<()> {
        let locked = self.file.as_ref().map_or(Ok(()), File::lock);
        at("lock", &self.part, locked)
    }

    /// As [`NewFile::create`], with the permission bits of `model` and, as far as we may give it, its owner.
    pub fn create_like(target: &Path, model: &fs::Metadata) -> Result<Self> {
        let new = Self::create(target, model.mode() & 0o7777)?;
        give_owner(&new.part, model)?;
        Ok(new)
    }

    /// Where it lies until then.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// Makes the content durable, then visible under its final name, then the name durable.
    pub fn commit(mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let synced = if super::seeded::skip_fsync() {
            Ok(())
        } else {
            file.sync_all()
        };
        at("make durable", &self.part, synced).inspect_err(|_| drop(fs::remove_file(&self.part)))?;
        drop(file);
        at("put in place", &self.target, fs::rename(&self.part, &self.target))
            .inspect_err(|_| drop(fs::remove_file(&self.part)))?;
        sync_dir(parent(&self.target))
    }
}

impl Write for NewFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.flush()
    }
}

/// For formats whose beginning is known only at their end.
impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.seek(to)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// An error unless a file can be made in this folder and written to. Leaves nothing: the file never has a name where the file
/// system can do that.
pub fn try_writing(folder: &Path) -> Result<()> {
    let written = tempfile::tempfile_in(folder).and_then(|mut file| file.write_all(b"x"));
    at("write to", folder, written)
}

/// Replaces the content of `path` in one piece.
pub fn write_atomic(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let mut file = NewFile::create(path, mode)?;
    at("write", path, file.write_all(content))?;
    file.commit()
}

/// Replaces the content of `path` in one piece, giving it the permission bits and the owner of `model`.
pub fn replace_content(path: &Path, content: &[u8], model: &Path) -> Result<()> {
    let model = at("look at", model, fs::metadata(model))?;
    let mut file = NewFile::create_like(path, &model)?;
    at("write", path, file.write_all(content))?;
    file.commit()
}

/// Gives a new file that only we use yet the permission bits and the owner of `model`.
pub fn make_like(path: &Path, model: &Path) -> Result<()> {
    let model = at("look at", model, fs::metadata(model))?;
    super::set_mode(path, model.mode() & 0o7777)?;
    give_owner(path, &model)
}

/// Only root may give files away; for everybody else what they write is their own. A change of owner clears setuid and
/// setgid, so the mode is set again.
fn give_owner(path: &Path, model: &fs::Metadata) -> Result<()> {
    let now = at("look at", path, fs::metadata(path))?;
    if (now.uid(), now.gid()) == (model.uid(), model.gid()) || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    super::set_owner(path, model.uid(), model.gid())?;
    super::set_mode(path, model.mode() & 0o7777)
}

/// Where `path` really lies when it is a symbolic link, so that a replacement goes there and the link stays.
pub fn followed(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Creates the folder that `path` lies in.
pub fn create_dir_of(path: &Path) -> Result<()> {
    create_dir_all(parent(path))
}

/// Opens a log to add lines at its end; not durable line by line.
pub fn append(path: &Path) -> Result<File> {
    at(
        "open",
        path,
        fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path),
    )
}

/// Moves within one file system and makes both folders durable.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    at("move", from, fs::rename(from, to))?;
    sync_dir(parent(to))?;
    if parent(from) != parent(to) {
        sync_dir(parent(from))?;
    }
    Ok(())
}

/// Puts the file or folder `new` in the place `place` on the same file system. What was there is then where `new` was, so that a
/// folder too is replaced in one step; only a file system that cannot exchange names shows nothing at `place` for a moment.
/// When it was cut off there, [`end_exchange`] says so and goes on.
pub fn exchange(new: &Path, place: &Path) -> Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::NOENT) => at("put in place", place, fs::rename(new, place))?,
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            let aside = part_name(new);
            super::remove_tree(&aside)?;
            super::rename(place, &aside)?;
            return end_exchange(new, place);
        }
        Err(e) => at("put in place", place, Err(e.into()))?,
    }
    sync_dir(parent(place))?;
    sync_dir(parent(new))
}

/// Goes on with an exchange that was cut off between two of its renames; without one nothing is done.
pub fn end_exchange(new: &Path, place: &Path) -> Result<()> {
    let aside = part_name(new);
    if !super::exists(&aside)? {
        return Ok(());
    }
    if !super::exists(place)? {
        rename(new, place)?;
    }
    rename(&aside, new)
}

/// Points the symbolic link `link` at `target` in one step: readers see the old or the new target, never none.
pub fn switch_link(link: &Path, target: &Path) -> Result<()> {
    let part = part_name(link);
    match fs::remove_file(&part) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return at("replace", &part, Err(e)),
        _ => {}
    }
    at("link", &part, symlink(target, &part))?;
    at("put in place", link, fs::rename(&part, link)).inspect_err(|_| drop(fs::remove_file(&part)))?;
    sync_dir(parent(link))
}

/// Creates a folder and what is missing above it; each new name is made durable.
pub fn create_dir_all(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    create_dir_all(above)?;
    match fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => at("create the folder", path, other),
    }?;
    sync_dir(above)
}

/// Makes the names in a folder durable.
pub fn sync_dir(path: &Path) -> Result<()> {
    if super::seeded::skip_fsync() {
        return Ok(());
    }
    at("make durable", path, File::open(path).and_then(|dir| dir.sync_all()))
}

/// Makes everything written so far to the file system of `path` durable; for trees of many files, in place of an fsync each.
pub fn sync_filesystem(path: &Path) -> Result<()> {
    if super::seeded::skip_fsync() {
        return Ok(());
    }
    let dir = at("open", path, File::open(path))?;
    at("make durable", path, rustix::fs::syncfs(&dir).map_err(io::Error::from))
}

/// The temporary name under which `target` is written.
pub(super) fn part_name(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(PART);
    target.with_file_name(name)
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_new_file_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut file = NewFile::create(&path, 0o600).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_write_replaces_content_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_atomic(&path, b"one", 0o644).unwrap();
        write_atomic(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_full_folder_is_exchanged_for_another_and_an_empty_place_is_filled() {
        let dir = tempfile::tempdir().unwrap();
        let (new, place) = (dir.path().join("new"), dir.path().join("place"));
        for folder in [&new, &place] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("who"), folder.to_str().unwrap()).unwrap();
        }
        exchange(&new, &place).unwrap();
        assert_eq!(fs::read_to_string(place.join("who")).unwrap(), new.to_str().unwrap());
        assert_eq!(fs::read_to_string(new.join("who")).unwrap(), place.to_str().unwrap());
        fs::remove_dir_all(&place).unwrap();
        exchange(&new, &place).unwrap();
        assert!(place.join("who").exists() && !new.exists());
    }

    #[test]
    fn a_link_is_switched_over_an_old_part() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("current");
        symlink("left over", part_name(&link)).unwrap();
        switch_link(&link, Path::new("releases/0a1")).unwrap();
        switch_link(&link, Path::new("releases/0b1")).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("releases/0b1"));
    }
}
