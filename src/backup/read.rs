//! Reading a backup: the body against its list of contents, entry by entry, to the checked end of both.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::contents::{ContentsReader, Entry, What};
use super::format::Opened;
use super::{BackupError, BackupId, ContentFile, Contents, Key, Record, Result};
use crate::crypt::DigestReader;

/// What is in a backup, by its list; reads no more than that.
pub fn show(dir: &Path, key: &Key, id: &BackupId) -> Result<Contents> {
    let opened = Opened::open(dir, key, id)?;
    let mut files = Vec::new();
    for entry in ContentsReader::open(&opened)? {
        let entry = entry?;
        let link = match &entry.what {
            What::Folder => continue,
            What::Link { target } => Some(target.path().to_string_lossy().into_owned()),
            What::File { .. } => None,
        };
        files.push(ContentFile {
            path: entry.path.path().to_string_lossy().into_owned(),
            size: entry.size(),
            mode: entry.mode,
            link,
            unsettled: matches!(entry.what, What::File { unsettled: true, .. }),
        });
    }
    Ok(Contents {
        record: opened.header.record,
        files,
    })
}

/// Reads every byte.
pub fn verify(dir: &Path, key: &Key, id: &BackupId) -> Result<Record> {
    check(&Opened::open(dir, key, id)?, &mut |_| {})
}

/// Reads every byte of the opened backup; `progress` hears the bytes of files seen.
pub fn check(opened: &Opened, progress: &mut dyn FnMut(u64)) -> Result<Record> {
    let mut done = 0;
    each_entry(opened, &mut |entry, _| {
        done += entry.size();
        progress(done);
        Ok(())
    })?;
    Ok(opened.header.record.clone())
}

/// Calls `visit` with each entry and its content, which need not be read to its end. Only when all is over without an error is
/// everything that was seen known to be true.
pub fn each_entry(opened: &Opened, visit: &mut dyn FnMut(&Entry, &mut dyn Read) -> Result<()>) -> Result<()> {
    let reading = |e| BackupError::reading(&opened.path, e);
    let wrong = |problem: String| BackupError::damaged(&opened.path, problem);
    let mut contents = ContentsReader::open(opened)?;
    let zstd = zstd::Decoder::new(opened.body()?).map_err(reading)?;
    let mut tar = tar::Archive::new(zstd);
    let (mut files, mut bytes) = (0, 0);
    for found in tar.entries().map_err(reading)? {
        let found = found.map_err(reading)?;
        let entry = contents
            .next()
            .ok_or_else(|| wrong("it holds more than it lists".into()))??;
        let path = entry.path.path();
        let kind = match &entry.what {
            What::Folder => tar::EntryType::Directory,
            What::Link { .. } => tar::EntryType::Symlink,
            What::File { .. } => tar::EntryType::Regular,
        };
        let same = *found.path_bytes() == *path.as_os_str().as_bytes()
            && found.header().entry_type() == kind
            && found.size() == entry.size();
        if !same {
            return Err(wrong(format!(
                "it holds something else where it lists {}",
                path.display()
            )));
        }
        let mut content = DigestReader::new(found);
        visit(&entry, &mut content)?;
        io::copy(&mut content, &mut io::sink()).map_err(reading)?;
        let (_, size, digest) = content.finish();
        if let What::File { sha256, .. } = entry.what
            && (digest != sha256 || size != entry.size())
        {
            return Err(wrong(format!(
                "the content of {} is not the listed one",
                path.display()
            )));
        }
        files += u64::from(entry.what != What::Folder);
        bytes += size;
    }
    if let Some(entry) = contents.next() {
        let path = entry?.path.path();
        return Err(wrong(format!("it lists {}, which it does not hold", path.display())));
    }
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(reading)?;
    let record = &opened.header.record;
    if (files, bytes) != (record.files, record.bytes) {
        return Err(wrong("its header counts other files than it holds".into()));
    }
    Ok(())
}
