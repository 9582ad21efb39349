//! The trusted metadata on this disk: `root.json`, `timestamp.json`, `snapshot.json`, `targets.json`, bytes as received.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Deadline;
use crate::disk::{self, Lock, LockAttempt};
use crate::tuf::TufError;
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{Content, MetaFile, Role, Root, Signed};

/// The root that the operator gave, to know it again after the publisher rotated its keys.
///
/// Without the ending of metadata: other programs take each `*.json` here for a trusted role.
const GIVEN: &str = "given.root";

const LOCK: &str = "trust.lock";
const LOCK_WAIT: Duration = Duration::from_secs(60);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct Trust {
    dir: PathBuf,
    /// Two refreshes at a time would write over each other's temporary files.
    _lock: Option<Lock>,
}

impl Trust {
    pub fn open(dir: &Path) -> Result<Self, TufError> {
        disk::create_dir_all(dir)?;
        let deadline = Deadline::after(LOCK_WAIT);
        loop {
            if let LockAttempt::Held(lock) = disk::try_lock(&dir.join(LOCK))? {
                return Ok(Self {
                    dir: dir.to_path_buf(),
                    _lock: Some(lock),
                });
            }
            if deadline.has_passed() {
                return Err(TufError::Busy { path: dir.into() });
            }
            std::thread::sleep(LOCK_PAUSE);
        }
    }

    pub fn read_only(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            _lock: None,
        }
    }

    pub fn begin_with(&self, root: &[u8]) -> Result<(), TufError> {
        let given = self.read(GIVEN, Role::Root)?;
        let current = self.read(&Role::Root.file(), Role::Root)?;
        if self.root().is_ok() && (given.as_deref() == Some(root) || current.as_deref() == Some(root)) {
            return self.write(GIVEN, root);
        }
        // In this order a crash leaves the old trust without what it had seen, or the new one; never a mixture.
        disk::remove_file(&self.dir.join(GIVEN))?;
        for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
            self.forget(role)?;
        }
        self.store(Role::Root, root)?;
        self.write(GIVEN, root)
    }

    /// 5.2: the trusted root, whose expiry does not matter yet.
    pub fn root(&self) -> Result<Verified<Signed<Root>>, TufError> {
        let file = Role::Root.file();
        let bytes = self.read(&file, Role::Root)?.ok_or(TufError::NoRoot)?;
        let parsed = Document::parse(&bytes).and_then(Document::verified_by_itself);
        parsed.map_err(|e| TufError::DamagedRoot {
            path: self.dir.join(file),
            reason: e.to_string(),
        })
    }

    /// Trusted metadata of another role; none when there is none that `root` believes (any more).
    pub fn load<C: Content>(&self, root: &Signed<Root>) -> Result<Option<Verified<Signed<C>>>, TufError> {
        let bytes = self.read(&C::ROLE.file(), C::ROLE)?;
        Ok(bytes.and_then(|bytes| believed(&bytes, root)))
    }

    /// The same, when it is what `meta` announces: told by its digest first, which costs far less than reading it.
    pub fn announced<C: Content>(
        &self,
        root: &Signed<Root>,
        meta: &MetaFile,
    ) -> Result<Option<Verified<Signed<C>>>, TufError> {
        let bytes = self.read(&C::ROLE.file(), C::ROLE)?;
        let bytes = bytes.filter(|bytes| meta.difference(bytes).is_none());
        let signed = bytes.and_then(|bytes| believed::<C>(&bytes, root));
        Ok(signed.filter(|signed| signed.version == meta.version))
    }

    pub fn store(&self, role: Role, bytes: &[u8]) -> Result<(), TufError> {
        self.write(&role.file(), bytes)
    }

    pub fn forget(&self, role: Role) -> Result<(), TufError> {
        Ok(disk::remove_file(&self.dir.join(role.file()))?)
    }

    /// The file of a delegated role, which nobody has verified again yet.
    pub fn read_delegated(&self, file: &str) -> Result<Option<Vec<u8>>, TufError> {
        self.read(file, Role::Targets)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TufError> {
        Ok(disk::write_atomic(&self.dir.join(name), bytes, 0o644)?)
    }

    fn read(&self, name: &str, role: Role) -> Result<Option<Vec<u8>>, TufError> {
        match disk::read_limited(&self.dir.join(name), role.limit()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.is_missing() => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

fn believed<C: Content>(bytes: &[u8], root: &Signed<Root>) -> Option<Verified<Signed<C>>> {
    let document = Document::parse(bytes).ok()?;
    document.verified_by(root).ok()
}
