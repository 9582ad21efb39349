//! Bundles. With a first byte 0 the rest is the archive; else it is lines, each the name of a file, a blank and its content, of
//! which one is made. What is listed can be read, is read as another reader of archives reads it, and nothing else is there.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use netlink::fetch::{Limits, Location, Network, Proxies, Sources, names_in_bundle, read_small};

/// More than this is only slow.
const LARGEST: u64 = 1 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bundle");
    if *first == 0 {
        fs::write(&path, rest).unwrap();
        read(&path);
    } else {
        let files = files(&String::from_utf8_lossy(rest));
        fs::write(&path, archive(&files)).unwrap();
        assert_eq!(read(&path), Some(files));
    }
});

/// Names that may be long, and may have anything in them but what an archive cannot hold.
fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
    let named = text.lines().filter_map(|line| line.split_once(' '));
    let sound = named.filter(|(name, _)| {
        let parts = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        parts && name.len() <= 4000 && !name.chars().any(|c| c.is_control() || c == '\\')
    });
    sound
        .map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()))
        .collect()
}

fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

/// All files of a bundle; none when it is refused. Whoever is refused the list may still be given a file that comes before what is
/// wrong, so only what was listed is read.
fn read(path: &Path) -> Option<BTreeMap<String, Vec<u8>>> {
    let names = names_in_bundle(path).ok()?;
    let network = Network {
        limits: Limits::default(),
        proxies: Proxies::of(&Default::default()),
    };
    let sources = Sources::new(Location::bundle(path.to_owned()), Vec::new(), network);
    let others = by_another_reader(path);
    let mut files = BTreeMap::new();
    for name in names {
        // Some names have no place in a repository.
        let Ok(found) = read_small(&sources, &name, LARGEST) else {
            continue;
        };
        let content = found.unwrap_or_else(|| panic!("{name:?} is listed, and not there"));
        if let Some(other) = others.get(&name) {
            assert_eq!(content, *other, "{name:?}");
        }
        files.insert(name, content);
    }
    let stranger = "targets/that/nobody/has/packed";
    assert!(files.contains_key(stranger) || matches!(read_small(&sources, stranger, LARGEST), Ok(None)));
    Some(files)
}

/// The first file of each name, as far as the other reader comes.
fn by_another_reader(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    for entry in archive.entries().unwrap() {
        let Ok(entry) = entry else { break };
        let Ok(name) = String::from_utf8(entry.path_bytes().into_owned()) else {
            break;
        };
        let mut content = Vec::new();
        if entry.take(LARGEST).read_to_end(&mut content).is_err() {
            break;
        }
        files.entry(name).or_insert(content);
    }
    files
}
