//! The backup before this one, read along with the walk: what has not changed since is taken over without being read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::Timestamp;

use crate::backup::Result;
use crate::backup::entry::{Seen, nanos};
use crate::backup::listing::{ListReader, Listed};

/// A file changed so shortly before the earlier backup began may have been changed again within the same tick of the clock
/// that file systems go by.
const TICK_SECONDS: i64 = 2;

pub struct Parent<'a> {
    list: ListReader<'a>,
    next: Option<Listed>,
    began: Timestamp,
}

impl<'a> Parent<'a> {
    /// None when its list cannot be read to its end: then all is read anew.
    pub fn new(mut list: ListReader<'a>, began: Timestamp) -> Result<Option<Self>> {
        match list.next().transpose() {
            Err(e) if e.is_damage() => Ok(None),
            next => Ok(Some(Self {
                next: next?,
                list,
                began,
            })),
        }
    }

    /// What was noted of the file at `path`, if it is as it was then. Paths must be asked for in their order.
    pub fn unchanged(&mut self, path: &Path, meta: &Metadata, seen: &Seen) -> Result<Option<Listed>> {
        while let Some((entry, _)) = &self.next
            && entry.path.path().as_path() < path
        {
            self.next = self.list.next().transpose()?;
        }
        let Some((entry, chunks)) = self.next.take_if(|(entry, _)| entry.path.path() == path) else {
            return Ok(None);
        };
        self.next = self.list.next().transpose()?;
        let same = entry.modified == (meta.mtime(), nanos(meta.mtime_nsec()));
        let unchanged = entry.content().is_some_and(|content| {
            let same_size = content.size == meta.len() || content.database;
            same && same_size && !content.unsettled && content.seen == *seen && self.is_settled(seen, meta.mtime())
        });
        Ok(unchanged.then_some((entry, chunks)))
    }

    fn is_settled(&self, seen: &Seen, modified: i64) -> bool {
        let before = |seconds: i64| seconds.saturating_add(TICK_SECONDS) < self.began.as_second();
        before(seen.changed.0) && before(modified) && seen.log.is_none_or(|(_, seconds, _)| before(seconds))
    }
}
