//! Files that are in memory alone: for secrets that a program takes from a file only, and for what a program prints that outlives us.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

use super::{Result, at};

/// Programs of the same user can open it by its path while this lives. It has no name on any disk, and is gone with our process however
/// that ends.
#[derive(Debug)]
pub struct MemoryFile {
    _file: File,
    path: PathBuf,
}

/// A file in memory that has no name: who holds it open has it, also when we are gone.
pub fn nameless_file() -> Result<File> {
    let made = memfd_create("netlink", MemfdFlags::CLOEXEC).map_err(Into::into);
    Ok(File::from(at("make", Path::new("a file in memory"), made)?))
}

impl MemoryFile {
    pub fn new(content: &[u8]) -> Result<Self> {
        let nowhere = Path::new("a file in memory");
        let mut file = nameless_file()?;
        // Programs refuse a file with secrets that others may read.
        let only_ours = fchmod(&file, Mode::RUSR | Mode::WUSR).map_err(Into::into);
        at("protect", nowhere, only_ours)?;
        at("write", nowhere, file.write_all(content))?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let path = format!("/proc/{}/fd/{number}", std::process::id()).into();
        Ok(Self { _file: file, path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn others_read_it_from_its_beginning_as_long_as_it_lives() {
        let file = MemoryFile::new(b"a secret").unwrap();
        let path = file.path().to_path_buf();
        for _ in 0..2 {
            let read = Command::new("cat").arg(&path).output().unwrap();
            assert_eq!(read.stdout, b"a secret");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        drop(file);
        assert!(!std::fs::read(&path).is_ok_and(|found| found == b"a secret"));
    }
}
