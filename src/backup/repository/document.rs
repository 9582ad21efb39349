//! The small files of a repository, an index or a snapshot each: compressed and sealed whole, under their own name.

use std::io::{Read, Write};
use std::path::Path;

use crate::backup::keys::{Fingerprint, Keyring, Master};
use crate::backup::{BackupError, Result};
use crate::crypt::{Opener, Sealer};
use crate::disk;

pub(super) const MAGIC: &[u8; 8] = b"NLBKUP02";
const HEAD: usize = 16;
const LEVEL: i32 = 3;
/// On disk, and as it is read.
const LIMIT: u64 = 1 << 30;

/// What a document is. It is part of the key that seals it, as is its name, so that none can stand in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Index,
    Snapshot,
    Failure,
    Drill,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Snapshot => "snapshot",
            Self::Failure => "failure",
            Self::Drill => "drill",
        }
    }
}

/// Writes the document durably. Its name is that of the file without its ending.
pub fn write(path: &Path, kind: Kind, master: &Master, content: &[u8]) -> Result<()> {
    let head = head(master.fingerprint());
    let written = |e| BackupError::io("write", path, e);
    let sealer = Sealer::new(Vec::new(), master.secret(), &context(path, kind, &head)).map_err(written)?;
    let mut zstd = zstd::Encoder::new(sealer, LEVEL).map_err(written)?;
    zstd.write_all(content).map_err(written)?;
    let sealed = zstd.finish().and_then(Sealer::finish).map_err(written)?;
    Ok(disk::write_atomic(path, &[&head[..], &sealed].concat(), 0o600)?)
}

pub fn read(path: &Path, kind: Kind, keyring: &Keyring) -> Result<Vec<u8>> {
    let file = disk::read_limited(path, LIMIT)?;
    let wrong = |problem: &str| BackupError::damaged(path, problem);
    let (head, sealed) = file.split_at_checked(HEAD).ok_or_else(|| wrong("it is cut off"))?;
    if head[..8] != MAGIC[..] {
        return Err(wrong(
            "it does not begin as a file of a backup repository of this format does",
        ));
    }
    let mut mark = [0; 8];
    mark.copy_from_slice(&head[8..]);
    let mark = Fingerprint::from_bytes(mark);
    let master = keyring.find(mark).ok_or_else(|| BackupError::OtherKey {
        path: path.to_path_buf(),
        mark,
    })?;
    let reading = |e| BackupError::reading(path, e);
    let opener = Opener::new(sealed, master.secret(), &context(path, kind, head)).map_err(reading)?;
    let mut zstd = zstd::Decoder::new(opener).map_err(reading)?;
    let mut content = Vec::new();
    // Only at the checked end of the sealed stream does the decoder end too.
    Read::by_ref(&mut zstd)
        .take(LIMIT)
        .read_to_end(&mut content)
        .map_err(reading)?;
    if content.len() as u64 == LIMIT {
        return Err(wrong("it is larger than any that is written"));
    }
    Ok(content)
}

fn head(mark: Fingerprint) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(MAGIC);
    head[8..].copy_from_slice(&mark.bytes());
    head
}

fn context(path: &Path, kind: Kind, head: &[u8]) -> Vec<u8> {
    let name = path.file_stem().unwrap_or_default().as_encoded_bytes();
    [b"netlink backup 2 ", kind.word().as_bytes(), b" ", name, b"\n", head].concat()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_the_name_and_the_kind_of_a_document_matter() {
        let dir = tempfile::tempdir().unwrap();
        let keyring = Keyring::generate();
        let path = dir.path().join("one.index");
        write(&path, Kind::Index, keyring.current(), b"some content").unwrap();
        assert_eq!(read(&path, Kind::Index, &keyring).unwrap(), b"some content");
        assert!(read(&path, Kind::Snapshot, &keyring).is_err());
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bent = whole.clone();
                bent[at] ^= 1 << bit;
                std::fs::write(&path, &bent).unwrap();
                assert!(read(&path, Kind::Index, &keyring).is_err(), "bit {bit} of byte {at}");
            }
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path, Kind::Index, &keyring).is_err(), "cut at {at}");
        }
        std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(read(&path, Kind::Index, &keyring).is_err());
        std::fs::write(&path, &whole).unwrap();
        let other = dir.path().join("two.index");
        std::fs::rename(&path, &other).unwrap();
        assert!(read(&other, Kind::Index, &keyring).is_err());
    }
}
