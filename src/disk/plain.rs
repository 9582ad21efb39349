//! Filling a tree that nobody looks at yet: no fsync per file, the caller ends with one [`super::sync_filesystem`].

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Result, at};

/// Another file system, one without hard links, too many of them, or a file of somebody else.
const CANNOT_LINK: [io::ErrorKind; 4] = [
    io::ErrorKind::CrossesDevices,
    io::ErrorKind::Unsupported,
    io::ErrorKind::TooManyLinks,
    io::ErrorKind::PermissionDenied,
];

/// A folder being filled. Nothing that is there is ever overwritten or followed as a link when a file is made.
#[derive(Debug)]
pub struct TreeWriter {
    root: PathBuf,
    /// The folder that was made last; most files lie where the one before them does.
    last: RefCell<PathBuf>,
}

/// A file being written by a [`TreeWriter`].
#[derive(Debug)]
pub struct TreeFile {
    file: File,
    path: PathBuf,
}

impl TreeWriter {
    /// Starts with an empty folder at `root`: a left-over of an earlier try is removed, folders above are made.
    pub fn fresh(root: &Path) -> Result<Self> {
        super::remove_tree(root)?;
        super::create_dir_all(root)?;
        Ok(Self {
            root: root.to_path_buf(),
            last: RefCell::new(root.to_path_buf()),
        })
    }

    /// A new file with permission bits `mode`; folders above it are made with 0755.
    pub fn file(&self, path: &Path, mode: u32) -> Result<TreeFile> {
        let path = self.place(path)?;
        let open = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let file = at("create", &path, open)?;
        at(
            "set the mode of",
            &path,
            file.set_permissions(fs::Permissions::from_mode(mode)),
        )?;
        Ok(TreeFile { file, path })
    }

    /// A new symbolic link at `path` that reads `target`.
    pub fn link(&self, path: &Path, target: &Path) -> Result<()> {
        let path = self.place(path)?;
        at("link", &path, symlink(target, &path))
    }

    /// One more name for the file `source`, which it shares with the old one from then on, whatever happens to it. False, and
    /// nothing is made, where that cannot be.
    pub fn hard_link(&self, path: &Path, source: &Path) -> Result<bool> {
        let path = self.place(path)?;
        match fs::hard_link(source, &path) {
            Ok(()) => Ok(true),
            Err(e) if CANNOT_LINK.contains(&e.kind()) => Ok(false),
            Err(e) => at("link", &path, Err(e)),
        }
    }

    /// Takes back what was made at `path`.
    pub fn remove(&self, path: &Path) -> Result<()> {
        let path = self.root.join(path);
        at("remove", &path, fs::remove_file(&path))
    }

    /// Fills the same folder beside this one, for another thread.
    pub fn beside(&self) -> Self {
        Self {
            root: self.root.clone(),
            last: RefCell::new(self.root.clone()),
        }
    }

    /// A folder in the tree with those above it.
    pub fn folder(&self, folder: &Path) -> Result<()> {
        if *self.last.borrow() != *folder {
            make_folders(folder)?;
            *self.last.borrow_mut() = folder.to_path_buf();
        }
        Ok(())
    }

    fn place(&self, path: &Path) -> Result<PathBuf> {
        let full = self.root.join(path);
        full.parent().map_or(Ok(()), |above| self.folder(above))?;
        Ok(full)
    }
}

impl TreeFile {
    /// The file at `path` in a tree that is being filled, made if it is not there; for content that comes in any order.
    pub fn at(path: &Path) -> Result<Self> {
        let open = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(path);
        let file = at("create", path, open)?;
        let path = path.to_path_buf();
        Ok(Self { file, path })
    }

    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        at("write", &self.path, self.file.write_all_at(bytes, offset))
    }

    pub fn meta(&self) -> Result<fs::Metadata> {
        at("look at", &self.path, self.file.metadata())
    }

    /// What is added is a hole.
    pub fn set_size(&self, size: u64) -> Result<()> {
        at("set the size of", &self.path, self.file.set_len(size))
    }

    /// Sets an extended attribute.
    pub fn set_attribute(&self, name: &OsStr, value: &[u8]) -> Result<()> {
        let set = rustix::fs::fsetxattr(&self.file, name, value, rustix::fs::XattrFlags::empty());
        at("set an attribute of", &self.path, set.map_err(io::Error::from))
    }

    /// Gives the empty file the content of `source`, which both then share on disk until one of them is written to. False, and
    /// nothing is changed, where the file system cannot do that or the two lie on different ones.
    pub fn share(&self, source: &File) -> Result<bool> {
        use rustix::io::Errno;
        match rustix::fs::ioctl_ficlone(&self.file, source) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS | Errno::PERM) => Ok(false),
            Err(e) => at("share the content of another file with", &self.path, Err(e.into())),
        }
    }

    pub fn set_modified(&self, time: SystemTime) -> Result<()> {
        let times = FileTimes::new().set_modified(time);
        at("set the time of", &self.path, self.file.set_times(times))
    }

    /// Sets the permission bits again: a change of owner takes setuid and setgid away.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        let set = self.file.set_permissions(fs::Permissions::from_mode(mode));
        at("set the mode of", &self.path, set)
    }
}

impl Write for TreeFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes the folders up to `path`, without making their names durable.
pub fn make_folders(path: &Path) -> Result<()> {
    at(
        "create the folder",
        path,
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path),
    )
}

/// Moves within one file system; durable only after [`super::sync_filesystem`].
pub fn move_plain(from: &Path, to: &Path) -> Result<()> {
    at("move", from, fs::rename(from, to))
}

/// Gives a file, folder or link (itself, not what it points to) an owner.
pub fn set_owner(path: &Path, user: u32, group: u32) -> Result<()> {
    at("set the owner of", path, lchown(path, Some(user), Some(group)))
}

/// Sets an extended attribute of a file or folder.
pub fn set_attribute(path: &Path, name: &OsStr, value: &[u8]) -> Result<()> {
    let set = rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty());
    at("set an attribute of", path, set.map_err(io::Error::from))
}

/// Gives a file one more name.
pub fn add_name(file: &Path, name: &Path) -> Result<()> {
    at("add a name to", file, fs::hard_link(file, name))
}

/// Sets when a file or folder was last changed.
pub fn set_modified(path: &Path, time: SystemTime) -> Result<()> {
    let set = File::open(path).and_then(|file| file.set_times(FileTimes::new().set_modified(time)));
    at("set the time of", path, set)
}

/// The same of a link itself.
pub fn set_link_modified(link: &Path, time: SystemTime) -> Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
    let since = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
        Err(before) => match (before.duration().as_secs(), before.duration().subsec_nanos()) {
            (seconds, 0) => (-i64::try_from(seconds).unwrap_or(i64::MAX), 0),
            (seconds, nanos) => (
                -i64::try_from(seconds).unwrap_or(i64::MAX - 1) - 1,
                1_000_000_000 - nanos,
            ),
        },
    };
    let at_time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: at_time(0, UTIME_OMIT),
        last_modification: at_time(since.0, since.1.into()),
    };
    let set = utimensat(CWD, link, &times, AtFlags::SYMLINK_NOFOLLOW);
    at("set the time of", link, set.map_err(io::Error::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_tree_has_nothing_of_an_earlier_try_and_nothing_is_written_twice() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("old"), "x").unwrap();
        let tree = TreeWriter::fresh(&root).unwrap();
        assert!(!root.join("old").exists());
        tree.file(Path::new("a/b"), 0o755).unwrap();
        assert!(tree.file(Path::new("a/b"), 0o755).is_err());
        assert_eq!(
            fs::metadata(root.join("a/b")).unwrap().permissions().mode() & 0o777,
            0o755
        );
    }
}
