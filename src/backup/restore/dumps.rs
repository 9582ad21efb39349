//! Dumps on their way back to servers: every chunk is checked before any tool is given a byte, and the live database stays until what
//! was loaded beside it is complete.

use crate::backup::chunk::{ChunkId, Chunking};
use crate::backup::listing::ListReader;
use crate::backup::repository::{BlockReader, Index, Repository};
use crate::backup::server::{Beside, DumpNote, Purpose, Server, ServerError, Take};
use crate::backup::{BackupError, Result};

/// Where the dumps of a backup go.
#[derive(Debug, Clone, Copy)]
pub enum Dumps<'a> {
    /// Into the folder, as the files that they are.
    AsFiles,
    /// Each to its server, unless only some paths are restored.
    ToServers(&'a [Server]),
}

/// A dump of a backup and its server.
pub struct Dump<'a> {
    server: &'a Server,
    note: DumpNote,
    source: Source<'a>,
}

struct Source<'a> {
    repository: &'a Repository,
    index: &'a Index,
    chunking: &'a Chunking,
    chunks: Vec<ChunkId>,
}

impl Source<'_> {
    fn each(&self, take: Take<'_>) -> Result<()> {
        let mut blocks = BlockReader::new(self.repository, self.index, self.chunking)?;
        self.chunks.iter().try_for_each(|id| take(blocks.chunk(*id)?))
    }
}

impl<'a> Dump<'a> {
    /// All of a backup, read to their ends: what comes back from here is whole.
    pub fn find(
        repository: &'a Repository,
        index: &'a Index,
        chunking: &'a Chunking,
        list: ListReader<'_>,
        servers: &'a [Server],
    ) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for listed in list {
            let (entry, chunks) = listed?;
            let Some(note) = entry.dump() else { continue };
            let path = entry.path.path().display().to_string();
            let server = servers.iter().find(|server| server.dump_path() == path);
            let server = server.ok_or_else(|| ServerError::NoServer { dump: path.clone() })?;
            let source = Source {
                repository,
                index,
                chunking,
                chunks,
            };
            let mut size = 0;
            source.each(&mut |chunk| {
                size += chunk.len() as u64;
                Ok(())
            })?;
            if size != entry.size() {
                let problem = format!("{path} has {} bytes and chunks of {size}", entry.size());
                return Err(BackupError::damaged(repository.dir(), problem));
            }
            found.push(Self {
                server,
                note: note.clone(),
                source,
            });
        }
        Ok(found)
    }

    fn load(&self, purpose: Purpose) -> Result<Beside> {
        self.server
            .load(&self.note, purpose, &mut |take| self.source.each(take))
    }
}

/// Dumps that lie loaded beside their live databases.
pub struct Loaded<'a>(Vec<(Dump<'a>, Beside)>);

impl<'a> Loaded<'a> {
    pub fn load(dumps: Vec<Dump<'a>>) -> Result<Self> {
        let mut loaded = Self(Vec::new());
        for dump in dumps {
            match dump.load(Purpose::Restore) {
                Ok(beside) => loaded.0.push((dump, beside)),
                Err(e) => {
                    // The first error is the one to hear; the next restore removes what this could not.
                    let _ = loaded.forget();
                    return Err(e);
                }
            }
        }
        Ok(loaded)
    }

    /// Each in the place of its live one. `begun` is whether one was exchanged before another failed.
    pub fn exchange(&self, begun: &mut bool) -> Result<()> {
        for (dump, beside) in &self.0 {
            dump.server.exchange(beside, &mut |take| dump.source.each(take))?;
            *begun = true;
        }
        Ok(())
    }

    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn forget(&self) -> Result<()> {
        for (dump, beside) in &self.0 {
            dump.server.forget(beside)?;
        }
        Ok(())
    }
}

/// Loads each dump beside its live database and drops it again. Returns how many.
pub fn drill_dumps(
    repository: &Repository,
    index: &Index,
    chunking: &Chunking,
    list: ListReader<'_>,
    servers: &[Server],
) -> Result<u64> {
    let dumps = Dump::find(repository, index, chunking, list, servers)?;
    for dump in &dumps {
        let beside = dump.load(Purpose::Drill)?;
        dump.server.forget(&beside)?;
    }
    Ok(dumps.len() as u64)
}
