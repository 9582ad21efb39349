//! Whole trees: walk in a fixed order, measure, copy, remove.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{NewFile, Result, at, create_dir_all, sync_dir};

/// The most bytes that Linux gives the names or one value of the extended attributes of a file.
const ATTRIBUTE_LIMIT: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    File,
    /// Where the link points, as written in it.
    Link(PathBuf),
    /// Socket, pipe or device.
    Special,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the walked folder.
    pub path: PathBuf,
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Bytes; zero unless a file.
    pub size: u64,
}

/// Everything below `root`, folders before what is in them, siblings by name. Links are not followed.
pub fn walk(root: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    walk_into(root, Path::new(""), &mut entries)?;
    Ok(entries)
}

fn walk_into(root: &Path, below: &Path, entries: &mut Vec<Entry>) -> Result<()> {
    let folder = root.join(below);
    let listed = at(
        "list",
        &folder,
        fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>),
    )?;
    let mut names: Vec<_> = listed.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    for name in names {
        let path = below.join(name);
        let entry = look(root, path)?;
        let is_folder = entry.kind == EntryKind::Folder;
        let path = entry.path.clone();
        entries.push(entry);
        if is_folder {
            walk_into(root, &path, entries)?;
        }
    }
    Ok(())
}

fn look(root: &Path, path: PathBuf) -> Result<Entry> {
    let full = root.join(&path);
    let meta = at("look at", &full, fs::symlink_metadata(&full))?;
    let kind = if meta.is_dir() {
        EntryKind::Folder
    } else if meta.is_file() {
        EntryKind::File
    } else if meta.is_symlink() {
        EntryKind::Link(at("read the link", &full, fs::read_link(&full))?)
    } else {
        EntryKind::Special
    };
    let size = if kind == EntryKind::File { meta.len() } else { 0 };
    Ok(Entry {
        path,
        kind,
        mode: meta.mode() & 0o7777,
        size,
    })
}

/// Bytes of all files below `root`; zero when it is not there.
pub fn tree_size(root: &Path) -> Result<u64> {
    if !root.exists() {
        return Ok(0);
    }
    Ok(walk(root)?.iter().map(|entry| entry.size).sum())
}

/// Copies one file durably, keeping its permission bits and, as far as we may give it, its owner.
pub fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let mut source = at("open", from, fs::File::open(from))?;
    let mut file = NewFile::create_like(to, &at("look at", from, source.metadata())?)?;
    at("copy", from, io::copy(&mut source, &mut file))?;
    file.commit()
}

/// As [`copy_file`], for a file of somebody else that is replaced: its extended attributes stay, and where its name cannot be
/// taken, because it is mounted there by itself, it is written in place. Such a write can be cut off: whoever does it keeps a copy.
pub fn replace_file(from: &Path, to: &Path) -> Result<()> {
    let mut source = at("open", from, fs::File::open(from))?;
    let mut file = NewFile::create_like(to, &at("look at", from, source.metadata())?)?;
    at("copy", from, io::copy(&mut source, &mut file))?;
    if to.exists() {
        at("copy the attributes of", to, copy_attributes(to, file.part()))?;
    }
    match file.commit() {
        Err(e) if e.source.kind() == io::ErrorKind::ResourceBusy => write_in_place(from, to),
        committed => committed,
    }
}

fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    let unsupported = |e: rustix::io::Errno| matches!(e, rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS);
    let mut names = vec![0; ATTRIBUTE_LIMIT];
    let length = match rustix::fs::listxattr(from, &mut names[..]) {
        Err(e) if unsupported(e) => return Ok(()),
        listed => listed?,
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = OsStr::from_bytes(name);
        let mut value = vec![0; ATTRIBUTE_LIMIT];
        let length = rustix::fs::getxattr(from, name, &mut value[..])?;
        match rustix::fs::setxattr(to, name, &value[..length], rustix::fs::XattrFlags::empty()) {
            // What only the system may set is set by the system.
            Err(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => {}
            Err(e) if unsupported(e) => {}
            set => set?,
        }
    }
    Ok(())
}

fn write_in_place(from: &Path, to: &Path) -> Result<()> {
    let content = at("read", from, fs::read(from))?;
    let mut file = at("open", to, fs::OpenOptions::new().write(true).open(to))?;
    at("write", to, file.write_all(&content))?;
    at("write", to, file.set_len(content.len() as u64))?;
    at("make durable", to, file.sync_all())
}

/// Moves a file, also to another file system.
pub fn move_across(from: &Path, to: &Path) -> Result<()> {
    match super::rename(from, to) {
        Err(e) if e.source.kind() == io::ErrorKind::CrossesDevices => {
            copy_file(from, to)?;
            remove_file(from)
        }
        other => other,
    }
}

/// Copies folders, files and links below `from` to `to`, which may exist. Special files are left out.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    create_dir_all(to)?;
    for entry in walk(from)? {
        let target = to.join(&entry.path);
        match entry.kind {
            EntryKind::Folder => {
                create_dir_all(&target)?;
                set_mode(&target, entry.mode)?;
            }
            EntryKind::File => copy_file(&from.join(&entry.path), &target)?,
            EntryKind::Link(points_to) => at("link", &target, symlink(points_to, &target))?,
            EntryKind::Special => {}
        }
    }
    Ok(())
}

pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    at(
        "set the mode of",
        path,
        fs::set_permissions(path, fs::Permissions::from_mode(mode)),
    )
}

/// Removes a file or link; not an error when it is gone already.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => at("remove", path, other)?,
    }
    sync_dir(super::atomic::parent(path))
}

/// Removes a folder if it is empty; not an error when it is not, or gone already.
pub fn remove_empty(path: &Path) -> Result<()> {
    match fs::remove_dir(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => Ok(()),
        other => at("remove", path, other),
    }
}

/// Removes a folder with all that is in it, read-only folders too; not an error when it is gone already.
pub fn remove_tree(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return at("look at", path, Err(e)),
        Ok(meta) if !meta.is_dir() => return remove_file(path),
        Ok(_) => {}
    }
    for entry in walk(path)?
        .iter()
        .filter(|e| e.kind == EntryKind::Folder && e.mode & 0o300 != 0o300)
    {
        set_mode(&path.join(&entry.path), entry.mode | 0o700)?;
    }
    at("remove", path, fs::remove_dir_all(path))?;
    sync_dir(super::atomic::parent(path))
}
