//! What comes from those who publish components. The first byte says what it is: a source, checksums, a list of releases, or an archive of
//! some kind. An archive is either wholly in its folder as the list says, or nothing of it is there.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use netlink::component::{ArchiveKind, Offers, Source, SourceLimits, sum_of};
use netlink::crypt::digest_of;
use netlink::package::{ForeignOptions, unpack_foreign};
use netlink::release::FileKind;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    match first % 8 {
        0 => drop(Source::parse(&text)),
        1 => sums(&text),
        2 => offers(rest),
        3 => archive(rest, ArchiveKind::Zip),
        4 => archive(rest, ArchiveKind::TarGz),
        5 => archive(rest, ArchiveKind::TarXz),
        6 => archive(rest, ArchiveKind::TarZst),
        _ => archive(&zstd::encode_all(rest, 1).unwrap(), ArchiveKind::TarZst),
    }
});

/// A line for another file changes nothing.
fn sums(text: &str) {
    let found = sum_of(text, "tool");
    if text.lines().filter(|line| !line.trim().is_empty()).count() > 1 {
        let more = format!("{text}\n{}  another\n", digest_of(b"x"));
        assert_eq!(sum_of(&more, "tool"), found);
    }
}

fn offers(page: &[u8]) {
    let mut offers = Offers::default();
    if offers.add_page(page).is_ok() {
        let sorted = offers.sorted(true);
        assert!(sorted.is_sorted_by(|a, b| a.version >= b.version));
        let once = offers.clone();
        offers.add_page(page).unwrap();
        assert_eq!(offers.offers, once.offers);
    }
}

fn archive(bytes: &[u8], kind: ArchiveKind) {
    let (file, work) = (DIR.path().join("archive"), DIR.path().join("work"));
    fs::write(&file, bytes).unwrap();
    let options = ForeignOptions {
        kind,
        program: "tool",
        strip: bytes.len().is_multiple_of(2),
        limits: SourceLimits {
            download: 1 << 20,
            unpacked: 1 << 16,
            files: 50,
        },
    };
    match unpack_foreign(&file, &work, &options) {
        Err(_) => assert!(!work.exists()),
        Ok(unpacked) => {
            for entry in &unpacked.files {
                let path = unpacked.tree.join(entry.path.as_str());
                match &entry.kind {
                    FileKind::File { size, sha256, .. } => {
                        let content = fs::read(&path).unwrap();
                        assert_eq!((content.len() as u64, digest_of(&content)), (*size, *sha256));
                    }
                    FileKind::Link { target } => assert_eq!(fs::read_link(&path).unwrap().to_str(), Some(&**target)),
                }
            }
        }
    }
}
