//! The installation's backup key: 32 random bytes in a file that only its owner reads.

use std::fs::{File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{BackupError, Result, list};
use crate::clock::Deadline;
use crate::crypt::{Hasher, Secret, random};
use crate::disk;

const LENGTH: usize = 32;
/// How long another process may take to make the key.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Key {
    pub(super) secret: Secret,
    pub(super) path: PathBuf,
}

impl Key {
    /// The key at `path`, which must be there.
    pub fn existing(path: &Path) -> Result<Self> {
        let missing = || BackupError::NoKey {
            path: path.to_path_buf(),
        };
        Self::load(path)?.ok_or_else(missing)
    }

    /// The key at `path`; made when there is none. Not when `own`, a folder that nobody else puts backups into, has some: those
    /// are of a key that was lost, and a new one would hide that.
    pub fn load_or_create(path: &Path, own: Option<&Path>) -> Result<Self> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        if let Some(dir) = own
            && list::holds_any(dir)?
        {
            return Self::existing(path);
        }
        let above = path.parent().unwrap_or(Path::new("/"));
        disk::create_dir_all(above)?;
        // Two that both find no key would else make two, and one of them a backup that nobody can open again.
        let _lock = lock_folder(above)?;
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let bytes = Zeroizing::new(random::<LENGTH>());
        let text = Zeroizing::new(hex::encode(bytes.as_slice()) + "\n");
        disk::write_atomic(path, text.as_bytes(), 0o600)?;
        Ok(Self {
            secret: Secret::new(bytes.to_vec()),
            path: path.to_path_buf(),
        })
    }

    /// Tells one key from another without telling anything of it.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.mark())
    }

    pub(super) fn mark(&self) -> [u8; 8] {
        let mut hasher = Hasher::default();
        hasher.update(b"netlink backup key fingerprint\n");
        hasher.update(self.secret.expose());
        let mut mark = [0; 8];
        mark.copy_from_slice(&hasher.finish().as_bytes()[..8]);
        mark
    }

    fn load(path: &Path) -> Result<Option<Self>> {
        let mode = match std::fs::metadata(path) {
            Ok(meta) => meta.permissions().mode() & 0o7777,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(BackupError::io("look at", path, e)),
        };
        if mode & 0o077 != 0 {
            return Err(BackupError::KeyExposed {
                path: path.to_path_buf(),
                mode,
            });
        }
        let text = Zeroizing::new(disk::read_text_limited(path, 4096)?);
        let wrong = |problem: &str| BackupError::Key {
            path: path.to_path_buf(),
            problem: problem.to_owned(),
        };
        let mut bytes = Zeroizing::new([0; LENGTH]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice())
            .map_err(|_| wrong("expected 64 hex digits; put the right file back, a new key opens no old backup"))?;
        Ok(Some(Self {
            secret: Secret::new(bytes.to_vec()),
            path: path.to_path_buf(),
        }))
    }
}

/// An advisory lock on the folder itself: it leaves no file behind and ends with the process.
fn lock_folder(folder: &Path) -> Result<File> {
    let file = File::open(folder).map_err(|e| BackupError::io("open", folder, e))?;
    let deadline = Deadline::after(PATIENCE);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if !deadline.has_passed() => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::WouldBlock) => {
                return Err(BackupError::Key {
                    path: folder.to_path_buf(),
                    problem: "another process keeps the folder locked".into(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(BackupError::io("lock", folder, e)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/backup.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| Key::load_or_create(&path, None).unwrap().fingerprint()))
                .collect();
            made.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|one| *one == keys[0]), "{keys:?}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_cut_off_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("backup.key");
        Key::load_or_create(&path, None).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = Key::load_or_create(&path, None).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "abcd\n").unwrap();
        assert!(matches!(Key::load_or_create(&path, None), Err(BackupError::Key { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"abcd\n");
    }
}
