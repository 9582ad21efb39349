//! The tar headers that belong to an entry of the list, and what to say when others are found.

use std::path::Path;

use tar::{EntryType, Header};

use crate::release::{FileEntry, FileKind};

pub(super) const BLOCK: usize = 512;

/// The end of a tar stream.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Room for a name in an ordinary header; longer ones go into an entry of their own before it.
const NAME_ROOM: usize = 100;

/// The header blocks of one entry; its content follows, padded to a block.
pub(super) fn headers(entry: &FileEntry) -> Vec<u8> {
    match &entry.kind {
        FileKind::File { mode, size, .. } => file_headers(entry.path.as_str(), *mode, *size),
        FileKind::Link { target } => {
            let mut blocks = long_name(EntryType::GNULongLink, target);
            blocks.extend(long_name(EntryType::GNULongName, entry.path.as_str()));
            blocks.extend(block(EntryType::Symlink, entry.path.as_str(), target, 0o777, 0));
            blocks
        }
    }
}

pub(super) fn file_headers(path: &str, mode: u32, size: u64) -> Vec<u8> {
    let mut blocks = long_name(EntryType::GNULongName, path);
    blocks.extend(block(EntryType::Regular, path, "", mode, size));
    blocks
}

/// Zeros that fill the last block of a content of `size` bytes.
pub(super) fn padding(size: u64) -> usize {
    let over = size % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK - over as usize }
}

fn long_name(kind: EntryType, name: &str) -> Vec<u8> {
    if name.len() <= NAME_ROOM {
        return Vec::new();
    }
    let size = name.len() as u64 + 1;
    let mut blocks = block(kind, "././@LongLink", "", 0o644, size).to_vec();
    blocks.extend_from_slice(name.as_bytes());
    blocks.resize(blocks.len() + 1 + padding(size), 0);
    blocks
}

fn block(kind: EntryType, name: &str, link: &str, mode: u32, size: u64) -> [u8; BLOCK] {
    let mut header = Header::new_gnu();
    let gnu = header.as_gnu_mut();
    if let Some(gnu) = gnu {
        put(&mut gnu.name, name);
        put(&mut gnu.linkname, link);
    }
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    *header.as_bytes()
}

fn put(field: &mut [u8; NAME_ROOM], text: &str) {
    let n = text.len().min(NAME_ROOM);
    field[..n].copy_from_slice(&text.as_bytes()[..n]);
}

/// What a header block is, in words, for the message that refuses it.
pub(super) fn describe(block: &[u8]) -> String {
    if block.iter().all(|b| *b == 0) {
        return "the end of the archive".to_owned();
    }
    let header = Header::from_byte_slice(block);
    let kind = match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => "a file",
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::Directory => "a folder",
        EntryType::GNULongName | EntryType::GNULongLink => "a long name",
        EntryType::XHeader | EntryType::XGlobalHeader => "an extended header",
        _ => "something unknown",
    };
    let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
    let path = Path::new(&name);
    let place = if path.is_absolute() {
        " at an absolute path"
    } else if path.components().any(|part| part == std::path::Component::ParentDir) {
        " at a path that leaves the tree"
    } else {
        ""
    };
    let size = header
        .size()
        .map_or_else(|_| "no readable size".into(), |n| format!("{n} bytes"));
    let mode = header
        .mode()
        .map_or_else(|_| "none readable".into(), |m| format!("{m:o}"));
    format!("{kind}{place}: {name:?}, {size}, mode {mode}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn other_tar_readers_understand_long_names_and_links() {
        let path = format!("{}/x", "d".repeat(150));
        let target = format!("{}/y", "e".repeat(150));
        let link = FileEntry {
            path: path.parse().unwrap(),
            kind: FileKind::Link { target: target.clone() },
        };
        let mut stream = file_headers(&path, 0o755, 3);
        stream.extend_from_slice(b"abc");
        stream.resize(stream.len() + padding(3), 0);
        stream.extend(headers(&link));
        stream.extend(END);
        let mut archive = tar::Archive::new(stream.as_slice());
        let mut entries = archive.entries().unwrap();
        let mut file = entries.next().unwrap().unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        assert_eq!(
            (file.path().unwrap().to_str(), content.as_str()),
            (Some(path.as_str()), "abc")
        );
        let found = entries.next().unwrap().unwrap();
        assert_eq!(found.link_name().unwrap().unwrap().to_str(), Some(target.as_str()));
        assert!(entries.next().is_none());
    }
}
