//! The list of contents: a line of JSON for each entry, in the order of the body, compressed and sealed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::format::{CONTENTS, Opened, Prelude};
use super::{BackupError, Key, Result};
use crate::crypt::{Digest, Opener, Sealer};

/// A line longer than this was not written by us: two paths of 4096 bytes in hex and the rest.
const LINE_LIMIT: u64 = 64 << 10;

/// A name of any bytes: text where it is UTF-8, else hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    Text(String),
    Bytes { hex: String },
}

impl Name {
    pub fn of(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes {
                hex: hex::encode(path.as_os_str().as_bytes()),
            },
        }
    }

    pub fn path(&self) -> PathBuf {
        match self {
            Self::Text(text) => PathBuf::from(text),
            Self::Bytes { hex } => OsString::from_vec(hex::decode(hex).unwrap_or_default()).into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    Folder,
    Link {
        target: Name,
    },
    File {
        size: u64,
        sha256: Digest,
        /// A consistent copy of a live SQLite database; its side files are not in the backup.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        database: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unsettled: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: Name,
    #[serde(flatten)]
    pub what: What,
    pub mode: u32,
    /// Seconds since 1970 and nanoseconds after them.
    pub modified: (i64, u32),
    pub user: u32,
    pub group: u32,
}

impl Entry {
    pub fn modified(&self) -> SystemTime {
        let (seconds, nanos) = self.modified;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(whole)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        };
        base.and_then(|base| base.checked_add(Duration::from_nanos(nanos.into())))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    pub fn size(&self) -> u64 {
        match self.what {
            What::File { size, .. } => size,
            _ => 0,
        }
    }
}

/// Collects the list while the body is written.
pub struct ContentsWriter {
    zstd: zstd::Encoder<'static, Sealer<Vec<u8>>>,
}

impl ContentsWriter {
    pub fn new(prelude: &Prelude, key: &Key) -> io::Result<Self> {
        let zstd = zstd::Encoder::new(prelude.seal(Vec::new(), key, CONTENTS)?, 3)?;
        Ok(Self { zstd })
    }

    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.zstd.write_all(&line)
    }

    /// The sealed stream.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        self.zstd.finish()?.finish()
    }
}

type Source = zstd::Decoder<'static, BufReader<Opener<io::Take<File>>>>;

/// Gives the entries one by one; ends only at the checked end of the stream.
pub struct ContentsReader {
    lines: BufReader<Source>,
    path: PathBuf,
}

impl ContentsReader {
    pub fn open(opened: &Opened) -> Result<Self> {
        let zstd = zstd::Decoder::new(opened.contents()?).map_err(|e| BackupError::reading(&opened.path, e))?;
        Ok(Self {
            lines: BufReader::new(zstd),
            path: opened.path.clone(),
        })
    }

    fn read(&mut self) -> Result<Option<Entry>> {
        let mut line = Vec::new();
        Read::by_ref(&mut self.lines)
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut line)
            .map_err(|e| BackupError::reading(&self.path, e))?;
        if line.is_empty() {
            return Ok(None);
        }
        let wrong = |problem: &str| BackupError::damaged(&self.path, format!("its list of contents {problem}"));
        let entry: Entry = serde_json::from_slice(&line).map_err(|e| wrong(&format!("is not understood: {e}")))?;
        let path = entry.path.path();
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || path.as_os_str().is_empty() {
            return Err(wrong("names a path outside the installation"));
        }
        Ok(Some(entry))
    }
}

impl Iterator for ContentsReader {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
