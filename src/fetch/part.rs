//! What has arrived of a download: counted and hashed as it is written, continued after a crash.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Expected, FetchError};
use crate::crypt::Hasher;
use crate::disk::{self, PartFile};

/// Smaller left-overs are fetched anew: that costs less than the care of continuing.
const RESUME_FROM: u64 = 1 << 20;
const BUFFER: usize = 64 * 1024;
const VALIDATOR_LIMIT: u64 = 1024;

/// The part of a file that is here.
pub(super) struct Arriving<'a> {
    part: PartFile,
    hasher: Hasher,
    count: u64,
    expected: &'a Expected,
    validator: PathBuf,
}

impl<'a> Arriving<'a> {
    pub fn open(to: &Path, expected: &'a Expected) -> Result<Self, FetchError> {
        let mut name = to.file_name().unwrap_or_default().to_os_string();
        name.push(".validator");
        Ok(Self {
            part: PartFile::open(to, 0o644)?,
            hasher: Hasher::default(),
            count: 0,
            expected,
            validator: to.with_file_name(name),
        })
    }

    /// Goes on from what an earlier try left, where that is worth it.
    pub fn take_up(&mut self) -> Result<(), FetchError> {
        match self.part.size()? {
            0 => {}
            size if (RESUME_FROM..=self.expected.length).contains(&size) => {
                self.part.read_arrived(|bytes| self.hasher.update(bytes))?;
                self.count = size;
            }
            _ => self.part.restart()?,
        }
        Ok(())
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The `ETag` or date of the file that the part came from, when the server gave one.
    pub fn validator(&self) -> Option<String> {
        let text = disk::read_text_limited(&self.validator, VALIDATOR_LIMIT).ok()?;
        Some(text).filter(|text| !text.is_empty() && text.bytes().all(|b| matches!(b, b' '..=b'~')))
    }

    /// Starts anew with a file that has this validator. Emptied first: a part never meets the validator of another file.
    pub fn restart(&mut self, validator: Option<&str>) -> Result<(), FetchError> {
        self.part.restart()?;
        self.hasher = Hasher::default();
        self.count = 0;
        match validator {
            Some(text) => disk::write_atomic(&self.validator, text.as_bytes(), 0o644)?,
            None => disk::remove_file(&self.validator)?,
        }
        Ok(())
    }

    /// Adds everything that `from` gives; stops at the first byte too many.
    pub fn take(
        &mut self,
        from: &mut dyn Read,
        progress: &mut dyn FnMut(u64, u64),
        broken: impl Fn(io::Error) -> FetchError,
        too_long: impl Fn() -> FetchError,
    ) -> Result<(), FetchError> {
        let mut buffer = vec![0; BUFFER];
        progress(self.count, self.expected.length);
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(broken(e)),
            };
            if self.count + n as u64 > self.expected.length {
                return Err(too_long());
            }
            self.part.append(&buffer[..n])?;
            self.hasher.update(&buffer[..n]);
            self.count += n as u64;
            progress(self.count, self.expected.length);
        }
    }

    /// Puts the whole file in place, or removes it when it is not what was signed.
    pub fn finish(self, url: &str) -> Result<(), FetchError> {
        let found = self.hasher.clone().finish();
        if found != self.expected.sha256 {
            let expected = self.expected.sha256;
            self.discard()?;
            return Err(FetchError::Digest {
                url: url.to_owned(),
                expected,
                found,
            });
        }
        // First, so that a crash in between leaves nothing beside the file; a whole part needs no validator.
        disk::remove_file(&self.validator)?;
        Ok(self.part.commit()?)
    }

    pub fn discard(self) -> Result<(), FetchError> {
        self.part.discard()?;
        Ok(disk::remove_file(&self.validator)?)
    }
}
