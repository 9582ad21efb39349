//! The frame of a backup file: prelude, then three sealed streams: header of fixed length, body, list of contents.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{BackupError, BackupId, Key, Record, Result};
use crate::crypt::{Opener, Sealer, random};

const MAGIC: &[u8; 8] = b"NLBACKUP";
const FORMAT: u32 = 1;
pub const PRELUDE: usize = 36;
/// Plain bytes of the header; fixed so that it can be written last.
pub const HEADER_PLAIN: usize = 8192;
/// With salt and tag.
const HEADER_SEALED: usize = 32 + HEADER_PLAIN + 16;
pub const BODY_AT: u64 = (PRELUDE + HEADER_SEALED) as u64;

pub const HEADER: &str = "header";
pub const BODY: &str = "body";
pub const CONTENTS: &str = "contents";

/// What the header stream holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    pub record: Record,
    /// Sealed bytes.
    pub body_length: u64,
    pub contents_length: u64,
}

/// The plain beginning. It is part of the context of each stream, so it is authenticated with them and they belong together.
#[derive(Clone)]
pub struct Prelude([u8; PRELUDE]);

impl Prelude {
    pub fn new(key: &Key) -> Self {
        let mut bytes = [0; PRELUDE];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_be_bytes());
        bytes[12..20].copy_from_slice(&key.mark());
        bytes[20..].copy_from_slice(&random::<16>());
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn seal<W: Write>(&self, sink: W, key: &Key, part: &str) -> io::Result<Sealer<W>> {
        Sealer::new(sink, &key.secret, &self.context(part))
    }

    fn open<R: Read>(&self, source: R, key: &Key, part: &str) -> io::Result<Opener<R>> {
        Opener::new(source, &key.secret, &self.context(part))
    }

    fn context(&self, part: &str) -> Vec<u8> {
        [b"netlink backup ", part.as_bytes(), b"\n", &self.0].concat()
    }

    fn read(file: &mut File, path: &Path, key: &Key) -> Result<Self> {
        let mut bytes = [0; PRELUDE];
        file.read_exact(&mut bytes).map_err(|e| BackupError::reading(path, e))?;
        if bytes[..8] != MAGIC[..] {
            return Err(BackupError::damaged(path, "it does not begin as a backup does"));
        }
        if bytes[8..12] != FORMAT.to_be_bytes() {
            return Err(BackupError::damaged(
                path,
                "it is of a format that this NetLink does not know",
            ));
        }
        if bytes[12..20] != key.mark() {
            return Err(BackupError::OtherKey {
                path: path.to_path_buf(),
                key: key.path.clone(),
                found: hex::encode(&bytes[12..20]),
                expected: key.fingerprint(),
            });
        }
        Ok(Self(bytes))
    }
}

/// The header stream, padded with spaces to its fixed length.
pub fn write_header<W: Write>(sink: W, prelude: &Prelude, key: &Key, header: &Header, path: &Path) -> Result<W> {
    let too_long = || BackupError::RecordTooLong { limit: HEADER_PLAIN };
    let mut json = serde_json::to_vec(header).map_err(|_| too_long())?;
    if json.len() > HEADER_PLAIN {
        return Err(too_long());
    }
    json.resize(HEADER_PLAIN, b' ');
    let sealed = prelude.seal(sink, key, HEADER).and_then(|mut sealer| {
        sealer.write_all(&json)?;
        sealer.finish()
    });
    sealed.map_err(|e| BackupError::io("write", path, e))
}

/// A backup file whose header is checked; the rest is checked while it is read.
pub struct Opened {
    pub path: PathBuf,
    pub header: Header,
    prelude: Prelude,
    key: Key,
}

impl Opened {
    pub fn open(dir: &Path, key: &Key, id: &BackupId) -> Result<Self> {
        let path = id.file_in(dir);
        let mut file = File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => BackupError::Unknown {
                id: id.clone(),
                dir: dir.to_path_buf(),
            },
            _ => BackupError::io("open", &path, e),
        })?;
        let size = file.metadata().map_err(|e| BackupError::io("look at", &path, e))?.len();
        let prelude = Prelude::read(&mut file, &path, key)?;
        let mut json = Vec::new();
        prelude
            .open(file.take(HEADER_SEALED as u64), key, HEADER)
            .and_then(|mut opener| opener.read_to_end(&mut json))
            .map_err(|e| BackupError::reading(&path, e))?;
        let header: Header = serde_json::from_slice(&json)
            .map_err(|e| BackupError::damaged(&path, format!("its header is not understood: {e}")))?;
        if header.record.id != *id {
            let problem = format!("it is {} under another name", header.record.id);
            return Err(BackupError::damaged(&path, problem));
        }
        let expected = [header.body_length, header.contents_length]
            .iter()
            .try_fold(BODY_AT, |sum, part| sum.checked_add(*part));
        if expected != Some(size) {
            let expected = expected.unwrap_or(u64::MAX);
            let problem = format!("it has {size} bytes where {expected} were written");
            return Err(BackupError::damaged(&path, problem));
        }
        Ok(Self {
            path,
            header,
            prelude,
            key: key.clone(),
        })
    }

    pub fn body(&self) -> Result<Opener<io::Take<File>>> {
        self.part(BODY_AT, self.header.body_length, BODY)
    }

    pub fn contents(&self) -> Result<Opener<io::Take<File>>> {
        let at = BODY_AT + self.header.body_length;
        self.part(at, self.header.contents_length, CONTENTS)
    }

    fn part(&self, at: u64, length: u64, part: &str) -> Result<Opener<io::Take<File>>> {
        let mut file = File::open(&self.path).map_err(|e| BackupError::io("open", &self.path, e))?;
        file.seek(SeekFrom::Start(at))
            .and_then(|_| self.prelude.open(file.take(length), &self.key, part))
            .map_err(|e| BackupError::reading(&self.path, e))
    }
}
