//! A dump as a file, for what has to be undone soon: the repository need not be there for it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Beside, Checked, DumpNote, Purpose, Server, Take};
use crate::backup::{BackupError, Result};
use crate::crypt::{Digest, Hasher};
use crate::disk::{self, NewFile};

/// Read at once.
const PIECE: usize = 1 << 20;

/// What is known of such a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpFile {
    pub note: DumpNote,
    pub length: u64,
    pub sha256: Digest,
}

impl Server {
    /// There is room for it, or nothing is written. The file is there when it is whole.
    pub fn dump_to(&self, path: &Path) -> Result<DumpFile> {
        disk::create_dir_of(path)?;
        let (needed, place) = (self.size()?, path.parent().unwrap_or(path));
        let free = disk::free_space(place)?;
        if needed > free {
            return Err(BackupError::NoRoom {
                place: place.to_path_buf(),
                needed,
                free,
            });
        }
        let mut file = NewFile::create(path, 0o600)?;
        let (mut hasher, mut length) = (Hasher::default(), 0);
        let note = self.dump(&mut |piece| {
            hasher.update(piece);
            length += piece.len() as u64;
            file.write_all(piece).map_err(|e| BackupError::io("write", path, e))
        })?;
        file.commit()?;
        let sha256 = hasher.finish();
        Ok(DumpFile { note, length, sha256 })
    }

    /// Puts it in the place of the live database. Every byte is looked at before any tool is given one. Repeatable.
    pub fn put_back(&self, path: &Path, dump: &DumpFile) -> Result<()> {
        let (mut hasher, mut length) = (Hasher::default(), 0);
        each_piece(path, &mut |piece| {
            hasher.update(piece);
            length += piece.len() as u64;
            Ok(())
        })?;
        if (length, hasher.finish()) != (dump.length, dump.sha256) {
            return Err(BackupError::damaged(path, "it is not what was dumped".to_owned()));
        }
        let beside = self.load(&dump.note, Purpose::Restore, &mut |take| each_piece(path, take))?;
        self.exchange(&beside, &mut |take| each_piece(path, take))?;
        Ok(self.forget(&beside)?)
    }

    /// A copy of the live database beside it, straight from one tool into the other. What a run that was killed left there is replaced.
    pub fn copy(&self, purpose: Purpose) -> Result<Beside> {
        let Checked { server, tool } = self.check()?;
        let note = DumpNote {
            engine: self.login.engine,
            database: self.login.database.clone(),
            server,
            tool,
            counted: None,
        };
        self.load(&note, purpose, &mut |take| self.dump(take).map(drop))
    }
}

fn each_piece(path: &Path, take: Take<'_>) -> Result<()> {
    let failed = |e| BackupError::io("read", path, e);
    let mut file = File::open(path).map_err(failed)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => return Ok(()),
            length => take(&piece[..length])?,
        }
    }
}
