//! Looking into a backup.

use super::entry::What;
use super::listing::ListReader;
use super::repository::{Purpose, Repository};
use super::{BackupId, ContentFile, Contents, Result};

/// What is in a backup, by its list; reads no more than that.
pub fn show(repository: &Repository, id: &BackupId) -> Result<Contents> {
    let _lock = repository.lock(Purpose::Read)?;
    let snapshot = repository.snapshot(id)?;
    let (index, chunking) = (repository.index()?, repository.chunking());
    let mut files = Vec::new();
    for listed in ListReader::open(repository, &index, &chunking, &snapshot)? {
        let (entry, _) = listed?;
        let link = match &entry.what {
            What::Folder => continue,
            What::Link { target } => Some(target.path().to_string_lossy().into_owned()),
            What::File(_) | What::Dump(_) | What::Special => None,
        };
        files.push(ContentFile {
            path: entry.path.path().to_string_lossy().into_owned(),
            size: entry.size(),
            mode: entry.mode,
            link,
            unsettled: entry.content().is_some_and(|content| content.unsettled),
            special: entry.what == What::Special,
            dump: entry.dump().cloned(),
        });
    }
    Ok(Contents {
        record: snapshot.record,
        files,
    })
}
