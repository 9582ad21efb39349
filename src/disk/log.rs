//! Log files: appended to by processes that keep them open, kept below a size, read from their end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Result, at};

/// Opens a log for appending, creating it with permission bits `mode`. Not durable: a log may lose its end in a power cut.
pub fn open_log(path: &Path, mode: u32) -> Result<File> {
    let open = OpenOptions::new().append(true).create(true).mode(mode).open(path);
    at("open the log", path, open)
}

/// Once the log is larger than `limit`, keeps its content as `<name>.1` and starts it anew. Processes that have it
/// open for appending go on in the emptied file, so it is copied and not renamed; what they write during the copy is lost.
pub fn rotate_log(path: &Path, limit: u64) -> Result<bool> {
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => {
            if at("look at", path, other)?.len() <= limit {
                return Ok(false);
            }
        }
    }
    let old = previous(path);
    let mut from = at("open", path, File::open(path))?;
    let to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(&old);
    let mut to = at("open the log", &old, to)?;
    at("copy", path, io::copy(&mut from, &mut to))?;
    let emptied = OpenOptions::new().write(true).open(path).and_then(|log| log.set_len(0));
    at("empty", path, emptied)?;
    Ok(true)
}

/// The last `lines` lines of a log and the one kept before it, out of the last `limit` bytes; empty when there is no log.
pub fn log_tail(path: &Path, lines: usize, limit: u64) -> Result<Vec<String>> {
    let mut text = end_of(path, limit)?;
    if text.lines().count() < lines {
        let before = end_of(&previous(path), limit.saturating_sub(text.len() as u64))?;
        text.insert_str(0, &before);
    }
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    Ok(all[from..].iter().map(|line| (*line).to_owned()).collect())
}

fn end_of(path: &Path, limit: u64) -> Result<String> {
    let mut file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        other => at("open", path, other)?,
    };
    let mut content = Vec::new();
    let length = at("look at", path, file.metadata())?.len();
    let read = file
        .seek(SeekFrom::Start(length.saturating_sub(limit)))
        .and_then(|_| Read::by_ref(&mut file).take(limit).read_to_end(&mut content));
    at("read", path, read)?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".1");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_open_writer_goes_on_after_rotation_and_the_tail_spans_both() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("product.log");
        let mut log = open_log(&path, 0o640).unwrap();
        writeln!(log, "one\ntwo").unwrap();
        assert!(!rotate_log(&path, 100).unwrap());
        assert!(rotate_log(&path, 3).unwrap());
        writeln!(log, "three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(log_tail(&path, 2, 1024).unwrap(), ["two", "three"]);
        assert_eq!(log_tail(&dir.path().join("none"), 2, 1024).unwrap(), [""; 0]);
    }
}
