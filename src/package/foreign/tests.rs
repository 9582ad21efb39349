//! Archives that mean well, and those that do not.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tar::{EntryType, Header};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;
use crate::release::FileKind;

const LIMITS: SourceLimits = SourceLimits {
    download: 1 << 30,
    unpacked: 1 << 20,
    files: 100,
};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir }
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn unpack(&self, bytes: &[u8], kind: ArchiveKind) -> Result<UnpackedForeign, String> {
        let file = self.dir.path().join("archive");
        fs::write(&file, bytes).unwrap();
        let options = ForeignOptions {
            kind,
            program: "tool",
            strip: true,
            limits: LIMITS,
        };
        let shown = |e: PackageError| match std::error::Error::source(&e) {
            Some(source) => format!("{e}: {source}"),
            None => e.to_string(),
        };
        unpack_foreign(&file, &self.work(), &options).map_err(shown)
    }
}

/// One entry of a tar as it stands there, however odd.
struct One<'a> {
    name: &'a str,
    kind: EntryType,
    mode: u32,
    link: &'a str,
    content: &'a [u8],
}

fn file<'a>(name: &'a str, content: &'a [u8]) -> One<'a> {
    One {
        name,
        kind: EntryType::Regular,
        mode: 0o644,
        link: "",
        content,
    }
}

fn link<'a>(name: &'a str, to: &'a str) -> One<'a> {
    One {
        kind: EntryType::Symlink,
        link: to,
        ..file(name, b"")
    }
}

fn tar_of(entries: &[One<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for one in entries {
        let mut header = Header::new_gnu();
        {
            let gnu = header.as_gnu_mut().unwrap();
            gnu.name[..one.name.len()].copy_from_slice(one.name.as_bytes());
            gnu.linkname[..one.link.len()].copy_from_slice(one.link.as_bytes());
        }
        header.set_entry_type(one.kind);
        header.set_mode(one.mode);
        header.set_size(one.content.len() as u64);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(one.content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[track_caller]
fn assert_refused(bytes: &[u8], kind: ArchiveKind, said: &str) {
    let place = Place::new();
    let error = place.unpack(bytes, kind).unwrap_err();
    assert!(error.contains(said), "{error}");
    assert!(!place.work().exists(), "{said}: something is left behind");
}

fn shown(unpacked: &UnpackedForeign) -> Vec<String> {
    let one = |entry: &FileEntry| match &entry.kind {
        FileKind::File { mode, size, .. } => format!("{} {mode:o} {size}", entry.path),
        FileKind::Link { target } => format!("{} -> {target}", entry.path),
    };
    unpacked.files.iter().map(one).collect()
}

#[test]
fn the_single_folder_at_the_top_is_left_out_and_only_that() {
    let program = One {
        mode: 0o775,
        ..file("./tool-1.7/bin/tool", b"#!")
    };
    let folder = One {
        kind: EntryType::Directory,
        ..file("./tool-1.7/", b"")
    };
    let entries = [
        folder,
        program,
        file("./tool-1.7/LICENSE", b"MIT"),
        link("./tool-1.7/run", "bin/tool"),
    ];
    let place = Place::new();
    let unpacked = place.unpack(&gz(&tar_of(&entries)), ArchiveKind::TarGz).unwrap();
    assert_eq!(shown(&unpacked), ["LICENSE 644 3", "bin/tool 755 2", "run -> bin/tool"]);
    assert_eq!(fs::read(unpacked.tree.join("run")).unwrap(), b"#!");
    let mode = fs::metadata(unpacked.tree.join("bin/tool"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o755);
    let two = Place::new();
    let entries = [file("a/x", b"1"), file("b", b"2")];
    let unpacked = two.unpack(&gz(&tar_of(&entries)), ArchiveKind::TarGz).unwrap();
    assert_eq!(shown(&unpacked), ["a/x 644 1", "b 644 1"]);
}

#[test]
fn zips_bare_programs_and_zstd_are_read_too() {
    let place = Place::new();
    let bytes = zip_of(&[("t/tool", 0o755, b"run"), ("t/read.me", 0o600, b"x")]);
    let unpacked = place.unpack(&bytes, ArchiveKind::Zip).unwrap();
    assert_eq!(shown(&unpacked), ["read.me 644 1", "tool 755 3"]);
    let unpacked = place.unpack(b"\x7fELF", ArchiveKind::Binary).unwrap();
    assert_eq!(shown(&unpacked), ["tool 755 4"]);
    let zstd = zstd::encode_all(&*tar_of(&[file("t/a", b"1")]), 3).unwrap();
    let unpacked = place.unpack(&zstd, ArchiveKind::TarZst).unwrap();
    assert_eq!(shown(&unpacked), ["a 644 1"]);
}

#[test]
fn long_names_are_taken_from_the_headers_before_them() {
    let long = format!("t/{}/x", "d".repeat(120));
    let mut bytes = long.clone().into_bytes();
    bytes.push(0);
    let gnu = One {
        kind: EntryType::GNULongName,
        ..file("././@LongLink", &bytes)
    };
    let field = format!("path={long}y\n");
    let record = format!("{} {field}", field.len() + 4);
    let pax = One {
        kind: EntryType::XHeader,
        ..file("pax", record.as_bytes())
    };
    let entries = [gnu, file("short", b"1"), pax, file("other", b"2")];
    let unpacked = Place::new().unpack(&gz(&tar_of(&entries)), ArchiveKind::TarGz).unwrap();
    let name = long.strip_prefix(&format!("t/{}/", "d".repeat(120))).unwrap();
    assert_eq!(unpacked.files.len(), 2);
    assert!(unpacked.files[0].path.as_str().ends_with(name));
}

#[test]
fn what_leads_out_of_the_tree_is_refused() {
    let tar = |entries: &[One<'_>]| gz(&tar_of(entries));
    for (bytes, said) in [
        (tar(&[file("../x", b"1")]), "not a path inside a tree"),
        (tar(&[file("/etc/passwd", b"1")]), "not a path inside a tree"),
        (tar(&[file("a/../../x", b"1")]), "not a path inside a tree"),
        (tar(&[link("a", "/etc"), file("b", b"1")]), "absolute path"),
        (tar(&[link("a", "../x"), file("b", b"1")]), "leaves the tree"),
        // Inside the archive but outside what is left when its top folder is left out.
        (tar(&[link("t/a", "../t/b"), file("t/b", b"1")]), "leaves the tree"),
        (tar(&[link("a", "b"), file("a/x", b"1")]), "below a file or link"),
        (tar(&[file("a", b"1"), file("a/x", b"1")]), "both a file and a folder"),
        (tar(&[file("a", b"1"), file("./a", b"1")]), "twice"),
        (tar(&[file("A", b"1"), file("a", b"1")]), "in case only"),
        (tar(&[file("x/release.toml", b"1")]), "by the publisher alone"),
        (tar(&[file("x/Netlink-Component.json", b"1")]), "by the publisher alone"),
        (tar(&[]), "no files"),
    ] {
        assert_refused(&bytes, ArchiveKind::TarGz, said);
    }
    let zip = |name: &str| zip_of(&[(name, 0o644, b"1")]);
    assert_refused(&zip("../x"), ArchiveKind::Zip, "not a path inside a tree");
    assert_refused(&zip("/x"), ArchiveKind::Zip, "not a path inside a tree");
    assert_refused(&zip("a\\..\\x"), ArchiveKind::Zip, "backslash");
    let mut linked = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    linked
        .add_symlink("a", "../../etc", SimpleFileOptions::default())
        .unwrap();
    let linked = linked.finish().unwrap().into_inner();
    assert_refused(&linked, ArchiveKind::Zip, "leaves the tree");
}

#[test]
fn what_is_not_a_plain_file_is_refused() {
    for (kind, said) in [
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a device"),
        (EntryType::Block, "a device"),
        (EntryType::Fifo, "a pipe"),
        (EntryType::GNUSparse, "a sparse file"),
    ] {
        let one = One {
            kind,
            link: "x",
            ..file("a", b"")
        };
        assert_refused(&gz(&tar_of(&[one])), ArchiveKind::TarGz, said);
    }
    for mode in [0o4755, 0o2755, 0o1644] {
        let one = One {
            mode,
            ..file("a", b"1")
        };
        assert_refused(&gz(&tar_of(&[one])), ArchiveKind::TarGz, "setuid");
        let zip = zip_of(&[("a", 0o755, b"1")]);
        // The writer gives permission bits only; in the directory they are the upper half of the attributes.
        let at = zip
            .windows(4)
            .rposition(|four| four == (0o100_755u32 << 16).to_le_bytes())
            .unwrap();
        let mut odd = zip.clone();
        odd[at..at + 4].copy_from_slice(&((0o100_000 | mode) << 16).to_le_bytes());
        assert_refused(&odd, ArchiveKind::Zip, "setuid");
    }
    for record in ["14 size=99999\n", "21 GNU.sparse.name=x\n"] {
        let pax = One {
            kind: EntryType::XHeader,
            ..file("pax", record.as_bytes())
        };
        let bytes = gz(&tar_of(&[pax, file("a", b"1")]));
        let place = Place::new();
        assert!(place.unpack(&bytes, ArchiveKind::TarGz).is_err(), "{record}");
    }
}

#[test]
fn bombs_end_at_the_limits() {
    let zeros = vec![0; 8 << 20];
    let too_much = "more than may come of it";
    assert_refused(&gz(&tar_of(&[file("a", &zeros)])), ArchiveKind::TarGz, too_much);
    assert_refused(&zip_of(&[("a", 0o644, &zeros)]), ArchiveKind::Zip, too_much);
    let many: Vec<String> = (0..101).map(|n| format!("f{n}")).collect();
    let files: Vec<One<'_>> = many.iter().map(|name| file(name, b"")).collect();
    assert_refused(&gz(&tar_of(&files)), ArchiveKind::TarGz, "more than 100 entries");
    let files: Vec<(&str, u32, &[u8])> = many.iter().map(|name| (name.as_str(), 0o644, &b""[..])).collect();
    assert_refused(&zip_of(&files), ArchiveKind::Zip, "more than 100 entries");
    let name = One {
        kind: EntryType::GNULongName,
        ..file("././@LongLink", &zeros[..1 << 17])
    };
    assert_refused(&gz(&tar_of(&[name])), ArchiveKind::TarGz, "header is too long");
    let deep = "d/".repeat(40) + "f";
    let mut bytes = ("e/".repeat(40) + &deep).into_bytes();
    bytes.push(0);
    let name = One {
        kind: EntryType::GNULongName,
        ..file("././@LongLink", &bytes)
    };
    assert_refused(
        &gz(&tar_of(&[name, file("x", b"")])),
        ArchiveKind::TarGz,
        "folders deep",
    );
    // A stream of empty blocks is neither a file nor the end of anything.
    assert_refused(&gz(&vec![0x41; 8 << 20]), ArchiveKind::TarGz, "cannot be read");
}

#[test]
fn what_is_cut_or_changed_is_not_read_to_its_end() {
    let place = Place::new();
    let tar = tar_of(&[file("a", &[7; 3000])]);
    let whole = gz(&tar);
    for end in [0, 5, whole.len() / 2, whole.len() - 1] {
        assert!(place.unpack(&whole[..end], ArchiveKind::TarGz).is_err(), "{end}");
    }
    let mut odd = whole.clone();
    let at = odd.len() - 6;
    odd[at] ^= 1;
    assert!(
        place.unpack(&odd, ArchiveKind::TarGz).is_err(),
        "the checksum at its end"
    );
    let zip = zip_of(&[("a", 0o644, &[7; 3000])]);
    for end in [0, 5, zip.len() / 2, zip.len() - 1] {
        assert!(place.unpack(&zip[..end], ArchiveKind::Zip).is_err(), "{end}");
    }
    assert!(!place.work().exists());
}
