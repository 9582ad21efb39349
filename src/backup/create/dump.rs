//! Dumps of databases on servers, from the tool straight into chunks.

use crate::backup::chunk::{Cut, Cutter};
use crate::backup::entry::{Content, Dump, Entry, Name, What};
use crate::backup::repository::Shelf;
use crate::backup::server::{DUMPS, Server};
use crate::backup::{BackupError, Request, Result};
use crate::host;
use crate::release::{NameError, RelPath};

use super::Making;

/// The trees whose files are read: dumps have one of their own.
pub fn trees_of_files(request: &Request, mut trees: Vec<RelPath>) -> Vec<RelPath> {
    trees.retain(|tree| request.servers.is_empty() || tree.as_str() != DUMPS);
    trees
}

impl Making<'_, '_> {
    /// One of each server, in the order of their paths.
    pub fn add_dumps(&mut self) -> Result<()> {
        let mut servers: Vec<&Server> = self.request.servers.iter().collect();
        servers.sort_by_key(|server| server.dump_path());
        if !servers.is_empty() {
            let folder = self.entry(DUMPS, What::Folder, 0o700);
            self.list.add(self.to, &folder, &[])?;
            self.counts.trees.push(
                DUMPS
                    .parse()
                    .map_err(|e: NameError| BackupError::damaged(&self.request.root, e.to_string()))?,
            );
        }
        servers.into_iter().try_for_each(|server| self.add_dump(server))
    }

    fn add_dump(&mut self, server: &Server) -> Result<()> {
        // Only to choose how long chunks are: what it is now says enough.
        let cut = Cut::of(&[], server.size()?);
        let mut cutter = Cutter::new(self.chunking, cut);
        let (mut chunks, mut size, done) = (Vec::new(), 0, self.counts.bytes);
        let (to, progress) = (&mut *self.to, &mut *self.progress);
        let mut put = |chunk: &[u8]| {
            chunks.push(to.put(Shelf::Content, chunk)?);
            Ok::<_, BackupError>(())
        };
        let note = server.dump(&mut |piece| {
            size += piece.len() as u64;
            progress(done + size);
            cutter.take(piece, &mut put)
        })?;
        cutter.finish(&mut put)?;
        let content = Content {
            size,
            chunks: chunks.len() as u64,
            ..Content::default()
        };
        let what = What::Dump(Box::new(Dump { content, dump: note }));
        let entry = self.entry(&server.dump_path(), what, 0o600);
        self.counts.dumps += 1;
        self.add_entry(&entry, &chunks)
    }

    fn entry(&self, path: &str, what: What, mode: u32) -> Entry {
        Entry {
            path: Name::Text(path.to_owned()),
            what,
            mode,
            modified: (self.request.created.as_second(), 0),
            user: host::user_id(),
            group: host::group_id(),
            attributes: Default::default(),
        }
    }
}
