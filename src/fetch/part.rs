//! What has arrived of a download: counted and hashed as it is written, continued after a crash.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::resume::{Kept, Origin, go_on_from, is_due};
use super::{Expected, FetchError};
use crate::clock;
use crate::crypt::Hasher;
use crate::disk::{self, PartFile};

const BUFFER: usize = 64 * 1024;
/// A record of what has arrived is at most this long.
const KEPT_LIMIT: u64 = 16 * 1024;
/// How the record beside a part is called: the file's name with this ending.
pub(super) const KEPT: &str = ".resume";

/// Is told of bytes done and in total; what it answers says whether to go on.
pub type Progress<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// The part of a file that is here.
pub(super) struct Arriving<'a> {
    part: PartFile,
    hasher: Hasher,
    count: u64,
    expected: &'a Expected,
    resume_from: u64,
    origin: Option<Origin>,
    record: PathBuf,
    /// How much was written down, and when.
    kept: (u64, Instant),
}

impl<'a> Arriving<'a> {
    /// Goes on from what an earlier run left, where that is vouched for and worth it.
    pub fn open(to: &Path, expected: &'a Expected, resume_from: u64) -> Result<Self, FetchError> {
        let mut name = to.file_name().unwrap_or_default().to_os_string();
        name.push(KEPT);
        let mut arriving = Self {
            part: PartFile::open(to, 0o644)?,
            hasher: Hasher::default(),
            count: 0,
            expected,
            resume_from,
            origin: None,
            record: to.with_file_name(name),
            kept: (0, clock::monotonic()),
        };
        arriving.take_up()?;
        Ok(arriving)
    }

    fn take_up(&mut self) -> Result<(), FetchError> {
        let size = self.part.size()?;
        let kept = read_kept(&self.record);
        let (part, hasher) = (&mut self.part, &mut self.hasher);
        let mut digest = |length| {
            part.read_arrived(length, |bytes| hasher.update(bytes))?;
            Ok::<_, FetchError>(hasher.clone().finish())
        };
        self.count = go_on_from(self.expected, self.resume_from, size, kept.as_ref(), &mut digest)?;
        if self.count == 0 {
            return if size == 0 { Ok(()) } else { self.restart(None) };
        }
        self.kept.0 = self.count;
        self.origin = kept.and_then(|kept| kept.origin);
        Ok(self.part.cut(self.count)?)
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes that a request may go on from; none when it is better to begin anew.
    pub fn continued(&self) -> Option<u64> {
        Some(self.count).filter(|count| *count > 0 && *count >= self.resume_from)
    }

    /// The `ETag` or date of the file that the part came from, when it came from this server.
    pub fn validator(&self, url: &str) -> Option<&str> {
        let origin = self.origin.as_ref().filter(|origin| origin.url == url)?;
        Some(origin.validator.as_str())
    }

    /// Starts anew with a file of this origin. Emptied first: a part never meets the record of another file.
    pub fn restart(&mut self, origin: Option<Origin>) -> Result<(), FetchError> {
        self.part.cut(0)?;
        disk::remove_file(&self.record)?;
        self.hasher = Hasher::default();
        self.count = 0;
        self.kept = (0, clock::monotonic());
        self.origin = origin;
        Ok(())
    }

    /// Adds everything that `from` gives; stops before the first byte too many.
    pub fn take(
        &mut self,
        from: &mut dyn Read,
        progress: &mut Progress<'_>,
        broken: impl Fn(io::Error) -> FetchError,
        too_long: impl Fn() -> FetchError,
    ) -> Result<(), FetchError> {
        let mut buffer = vec![0; BUFFER];
        self.tell(progress)?;
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
            if is_due(
                self.kept.0,
                self.count,
                self.resume_from,
                self.kept.1.elapsed().as_secs(),
            ) {
                self.keep()?;
            }
            self.tell(progress)?;
        }
    }

    pub fn tell(&self, progress: &mut Progress<'_>) -> Result<(), FetchError> {
        match progress(self.count, self.expected.length) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FetchError::Stopped),
        }
    }

    /// Whether what arrived is what was signed; if not, it is forgotten.
    pub fn check(&mut self, url: &str) -> Result<(), FetchError> {
        let (found, expected) = (self.hasher.clone().finish(), self.expected.sha256);
        if found == expected {
            return Ok(());
        }
        self.restart(None)?;
        let url = url.to_owned();
        Err(FetchError::Digest { url, expected, found })
    }

    /// Puts the whole file in place.
    pub fn finish(self) -> Result<(), FetchError> {
        // First, so that a crash in between leaves nothing beside the file.
        disk::remove_file(&self.record)?;
        Ok(self.part.commit()?)
    }

    /// Leaves what a later run can go on with, and nothing else.
    pub fn leave(mut self) -> Result<(), FetchError> {
        if self.continued().is_some() {
            return self.keep();
        }
        self.part.discard()?;
        Ok(disk::remove_file(&self.record)?)
    }

    fn keep(&mut self) -> Result<(), FetchError> {
        let kept = Kept {
            length: self.expected.length,
            sha256: self.expected.sha256,
            arrived: self.count,
            prefix: self.hasher.clone().finish(),
            origin: self.origin.clone(),
        };
        let text = serde_json::to_vec(&kept).unwrap_or_default();
        disk::write_atomic(&self.record, &text, 0o644)?;
        self.kept = (self.count, clock::monotonic());
        Ok(())
    }
}

/// A record that cannot be read is none. What it says goes into a request, so it is checked.
fn read_kept(path: &Path) -> Option<Kept> {
    let text = disk::read_text_limited(path, KEPT_LIMIT).ok()?;
    let mut kept: Kept = serde_json::from_str(&text).ok()?;
    kept.origin = kept.origin.filter(|origin| {
        let text = &origin.validator;
        !text.is_empty() && text.bytes().all(|b| matches!(b, b' '..=b'~'))
    });
    Some(kept)
}
