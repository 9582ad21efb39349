//! Packages: what is packed comes back whole, and nothing that packing did not write is accepted.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use netlink::disk::TreeWriter;
use netlink::package::{
    Expect, Manner, PackageError, Packed, Packing, Staged, looks_whole, pack, read_manifest, read_source, unpack,
    unpack_as, verify_tree,
};
use netlink::release::{FileKind, MANIFEST_NAME, Platform, ReleaseManifest, ReleaseRules};
use tar::{EntryType, Header};

use crate::world::{Installation, Lamp, Publisher, put, run};

const SOURCE: &str = r#"
product = "guestbook"
version = "0b1"
config = ["app.toml"]
[rules]
schema_level = 1
[run]
command = ["{release}/bin/guestbook", "--root", "{root}"]
[database]
path = "guestbook.db"
migrations = "migrations"
"#;

struct Fixture {
    dir: tempfile::TempDir,
}

fn at_level(level: i32) -> Packing {
    let threads = NonZeroU32::MIN;
    Packing { level, threads }
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        for folder in ["bin", "config", "migrations"] {
            fs::create_dir_all(tree.join(folder)).unwrap();
        }
        fs::write(tree.join("release.toml"), SOURCE).unwrap();
        fs::write(tree.join("changelog.md"), "# news").unwrap();
        fs::write(tree.join("bin/guestbook"), vec![7; 70_000]).unwrap();
        fs::set_permissions(tree.join("bin/guestbook"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(tree.join("config/app.toml"), "port = 1\n").unwrap();
        fs::write(tree.join("migrations/V1__a.sql"), "").unwrap();
        fs::create_dir_all(tree.join("n".repeat(120))).unwrap();
        fs::write(tree.join("n".repeat(120)).join("long"), "x".repeat(512)).unwrap();
        symlink("../config/app.toml", tree.join("bin/conf")).unwrap();
        Self { dir }
    }

    fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    fn package(&self) -> PathBuf {
        self.dir.path().join("p.tar.zst")
    }

    fn dest(&self) -> PathBuf {
        self.dir.path().join("dest")
    }

    fn pack(&self) -> Packed {
        pack(
            &self.tree(),
            read_source(&self.tree()).unwrap(),
            &self.package(),
            at_level(9),
        )
        .unwrap()
    }

    fn expect(&self, manifest: &ReleaseManifest) -> Expect {
        Expect {
            product: manifest.product.clone(),
            version: manifest.version.clone(),
            platform: Platform::this_host(),
            rules: manifest.rules.clone(),
            unpacked: manifest.unpacked_size(),
        }
    }

    /// Unpacks bytes as the packed release and makes sure that a refusal leaves nothing.
    fn unpack(&self, bytes: &[u8], expect: &Expect) -> Result<Staged, PackageError> {
        let result = unpack(bytes, &self.dest(), expect, &mut |_| {});
        assert_eq!(result.is_ok(), self.dest().exists(), "a refused package leaves no tree");
        result
    }
}

#[test]
fn a_tree_comes_back_whole_over_a_left_over() {
    let fixture = Fixture::new();
    let packed = fixture.pack();
    fs::create_dir_all(fixture.dest().join("left/over")).unwrap();
    let bytes = fs::read(fixture.package()).unwrap();
    assert_eq!(packed.length, bytes.len() as u64);
    assert_eq!(packed.sha256, netlink::crypt::digest_of(&bytes));
    let mut last = 0;
    let staged = unpack(
        &bytes[..],
        &fixture.dest(),
        &fixture.expect(&packed.manifest),
        &mut |n| last = n,
    )
    .unwrap();
    assert_eq!(last, packed.manifest.unpacked_size());
    assert_eq!(*staged.manifest(), packed.manifest);
    assert_eq!(read_manifest(&fixture.package()).unwrap(), packed.manifest);
    let dest = fixture.dest();
    assert_eq!(
        fs::metadata(dest.join("bin/guestbook")).unwrap().permissions().mode() & 0o7777,
        0o755
    );
    assert_eq!(
        fs::read_link(dest.join("bin/conf")).unwrap(),
        Path::new("../config/app.toml")
    );
    assert!(!dest.join("release.toml").exists() && !dest.join("changelog.md").exists() && !dest.join("left").exists());
    assert_eq!(Staged::check(&dest).unwrap(), staged);
    assert!(looks_whole(&dest, staged.manifest()));
}

#[test]
fn packing_is_deterministic() {
    let (one, two) = (Fixture::new(), Fixture::new());
    fs::set_permissions(two.tree().join("bin/guestbook"), fs::Permissions::from_mode(0o775)).unwrap();
    fs::File::open(two.tree().join("config/app.toml"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(one.pack(), two.pack());
    assert_eq!(fs::read(one.package()).unwrap(), fs::read(two.package()).unwrap());
}

#[test]
fn threads_do_not_show_in_the_bytes() {
    let fixture = Fixture::new();
    // Several of the parts that a level as low as this cuts a stream into.
    let mut state = 1u64;
    let noise: Vec<u8> = (0..9_000_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 60) as u8
        })
        .collect();
    fs::write(fixture.tree().join("bin/noise"), noise).unwrap();
    let package = fixture.package();
    let packed = |level: &str, threads: &[&str]| {
        let tree = fixture.tree();
        let args = [
            "release",
            "pack",
            tree.to_str().unwrap(),
            "--out",
            package.to_str().unwrap(),
        ];
        run(&[&args[..], &["--level", level], threads].concat()).ok();
        fs::read(&package).unwrap()
    };
    for level in ["1", "9"] {
        let one = packed(level, &["--threads", "1"]);
        for threads in [&["--threads", "2"][..], &["--threads", "4"], &["--threads", "1"], &[]] {
            assert!(packed(level, threads) == one, "level {level}, {threads:?}");
        }
    }
    assert!(packed("1", &[]) != packed("9", &[]));
    let manifest = read_manifest(&package).unwrap();
    let bytes = fs::read(&package).unwrap();
    fixture.unpack(&bytes, &fixture.expect(&manifest)).unwrap();
}

#[test]
fn a_changed_tree_is_named_file_by_file() {
    let fixture = Fixture::new();
    let packed = fixture.pack();
    let bytes = fs::read(fixture.package()).unwrap();
    let _ = fixture.unpack(&bytes, &fixture.expect(&packed.manifest)).unwrap();
    let dest = fixture.dest();
    fs::write(dest.join("config/app.toml"), "port = 2\n").unwrap();
    fs::remove_file(dest.join("migrations/V1__a.sql")).unwrap();
    fs::write(dest.join("bin/new"), "").unwrap();
    let report = verify_tree(&dest).unwrap();
    assert_eq!(report.changed, ["config/app.toml"]);
    assert_eq!(report.missing, ["migrations/V1__a.sql"]);
    assert_eq!(report.extra, ["bin/new"]);
    assert!(matches!(Staged::check(&dest), Err(PackageError::Damaged { .. })));
    assert!(!looks_whole(&dest, &packed.manifest));
}

#[test]
fn every_flipped_byte_and_every_truncation_is_refused() {
    let fixture = Fixture::new();
    let packed = fixture.pack();
    let expect = fixture.expect(&packed.manifest);
    let bytes = fs::read(fixture.package()).unwrap();
    let mut harmless = 0;
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1 << (at % 8);
        // A few bits of zstd's headers mean nothing, or only how much memory to take: then the tree must be the very same.
        if let Ok(staged) = fixture.unpack(&bent, &expect) {
            harmless += 1;
            assert_eq!(*staged.manifest(), packed.manifest);
            assert!(verify_tree(staged.dir()).unwrap().is_clean());
            fs::remove_dir_all(fixture.dest()).unwrap();
        }
    }
    assert!(harmless <= 8, "{harmless} of {} bytes", bytes.len());
    for length in (0..bytes.len()).step_by(7) {
        fixture.unpack(&bytes[..length], &expect).unwrap_err();
    }
    fixture.unpack(&[&bytes[..], b"x"].concat(), &expect).unwrap_err();
    fixture.unpack(&[&bytes[..], &bytes[..]].concat(), &expect).unwrap_err();
}

#[test]
fn a_package_that_is_not_the_announced_one_is_refused() {
    let fixture = Fixture::new();
    let packed = fixture.pack();
    let bytes = fs::read(fixture.package()).unwrap();
    let good = fixture.expect(&packed.manifest);
    let refused = |what: &str, expect: Expect| match fixture.unpack(&bytes, &expect).unwrap_err() {
        PackageError::NotAnnounced { what: found, .. } => assert_eq!(found, what),
        other => panic!("{what}: {other}"),
    };
    refused(
        "product",
        Expect {
            product: "other".parse().unwrap(),
            ..good.clone()
        },
    );
    refused(
        "version",
        Expect {
            version: "0r1".parse().unwrap(),
            ..good.clone()
        },
    );
    refused(
        "rules",
        Expect {
            rules: ReleaseRules::default(),
            ..good.clone()
        },
    );
    refused(
        "size when unpacked",
        Expect {
            unpacked: good.unpacked - 1,
            ..good
        },
    );
}

#[test]
fn a_package_for_another_platform_is_refused() {
    let fixture = Fixture::new();
    let mut manifest = read_source(&fixture.tree()).unwrap();
    manifest.platform = "plan9-mips".parse().unwrap();
    let packed = pack(&fixture.tree(), manifest, &fixture.package(), at_level(1)).unwrap();
    let bytes = fs::read(fixture.package()).unwrap();
    let refused = fixture.unpack(&bytes, &fixture.expect(&packed.manifest)).unwrap_err();
    assert!(
        matches!(refused, PackageError::NotAnnounced { what: "platform", .. }),
        "{refused}"
    );
}

/// A tar header as an attacker would write it, with any name.
fn header(kind: EntryType, name: &str, link: &str, size: u64) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..name.len()].copy_from_slice(name.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A file `a` of one byte with other permission bits.
fn with_mode(mode: u32) -> Vec<u8> {
    let mut blocks = with_content(EntryType::Regular, "a", b"x");
    let mut header = Header::from_byte_slice(&blocks[..512]).clone();
    header.set_mode(mode);
    header.set_cksum();
    blocks[..512].copy_from_slice(header.as_bytes());
    blocks
}

fn with_content(kind: EntryType, name: &str, content: &[u8]) -> Vec<u8> {
    let mut blocks = header(kind, name, "", content.len() as u64);
    blocks.extend_from_slice(content);
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    blocks
}

/// A package with `manifest` in front and `entries` behind it.
fn forged(manifest: &ReleaseManifest, entries: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(manifest).unwrap();
    let tar = [
        &with_content(EntryType::Regular, MANIFEST_NAME, &json),
        entries,
        &[0; 1024],
    ]
    .concat();
    zstd::encode_all(&tar[..], 1).unwrap()
}

fn one_file(content: &[u8]) -> ReleaseManifest {
    let mut manifest: ReleaseManifest = serde_json::from_str(r#"{"product":"guestbook","version":"0b1"}"#).unwrap();
    let sha256 = netlink::crypt::digest_of(content);
    let kind = FileKind::File {
        mode: 0o644,
        size: content.len() as u64,
        sha256,
    };
    manifest.files = vec![netlink::release::FileEntry {
        path: "a".parse().unwrap(),
        kind,
    }];
    manifest
}

#[test]
fn hand_built_attacks_are_refused_with_their_name() {
    let fixture = Fixture::new();
    let manifest = one_file(b"x");
    let expect = fixture.expect(&manifest);
    let good = with_content(EntryType::Regular, "a", b"x");
    fixture.unpack(&forged(&manifest, &good), &expect).unwrap();
    fs::remove_dir_all(fixture.dest()).unwrap();
    let after = |more: Vec<u8>| [good.clone(), more].concat();
    for (entries, said) in [
        (with_content(EntryType::Regular, "/etc/x", b"x"), "an absolute path"),
        (with_content(EntryType::Regular, "../x", b"x"), "leaves the tree"),
        (header(EntryType::Symlink, "a", "/etc", 0), "a link"),
        (header(EntryType::Link, "a", "/etc/passwd", 0), "a hard link"),
        (header(EntryType::Char, "a", "", 0), "a device"),
        (header(EntryType::Block, "a", "", 0), "a device"),
        (header(EntryType::Fifo, "a", "", 0), "a pipe"),
        (header(EntryType::GNUSparse, "a", "", 1), "a file"),
        (
            header(EntryType::Regular, "a", "", 1 << 62),
            "4611686018427387904 bytes",
        ),
        (with_mode(0o4755), "lists `a`"),
        (with_mode(0o755), "lists `a`"),
        (header(EntryType::Directory, "a/", "", 0), "a folder"),
        (
            with_content(EntryType::XHeader, "a", b"16 path=/etc/x\n\n"),
            "an extended header",
        ),
        (
            header(EntryType::GNULongName, "././@LongLink", "", u64::from(u32::MAX)),
            "a long name",
        ),
        (with_content(EntryType::Regular, "a", b"xy"), "2 bytes"),
        (with_content(EntryType::Regular, "a", b"y"), "not the listed one"),
        (with_content(EntryType::Regular, "b", b"x"), "lists `a`"),
        (after(good.clone()), "behind the last listed file"),
        (
            after(header(EntryType::Symlink, "b", "/", 0)),
            "behind the last listed file",
        ),
        (Vec::new(), "the end of the archive"),
    ] {
        let refused = fixture
            .unpack(&forged(&manifest, &entries), &expect)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(said), "{said}: {refused}");
    }
}

#[test]
fn a_manifest_that_lists_an_escape_is_refused() {
    let fixture = Fixture::new();
    let mut manifest = one_file(b"x");
    manifest.files[0].kind = FileKind::Link {
        target: "../outside".into(),
    };
    let expect = fixture.expect(&manifest);
    let refused = fixture.unpack(
        &forged(&manifest, &header(EntryType::Symlink, "a", "../outside", 0)),
        &expect,
    );
    assert!(refused.unwrap_err().to_string().contains("leaves the tree"));
}

/// Counts what is read, so that a bomb that is refused late is noticed.
struct Counting<R>(R, u64);

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.read(buf)?;
        self.1 += n as u64;
        Ok(n)
    }
}

#[test]
fn a_bomb_is_refused_early() {
    let fixture = Fixture::new();
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    zstd.write_all(&header(EntryType::Regular, MANIFEST_NAME, "", 1 << 30))
        .unwrap();
    for _ in 0..1024 {
        zstd.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = zstd.finish().unwrap();
    let mut reader = Counting(&bomb[..], 0);
    let expect = fixture.expect(&one_file(b"x"));
    let refused = unpack(&mut reader, &fixture.dest(), &expect, &mut |_| {});
    assert!(refused.unwrap_err().to_string().contains("manifest of at most"));
    assert!(
        reader.1 < bomb.len() as u64 / 2 + 200_000 && !fixture.dest().exists(),
        "{} of {}",
        reader.1,
        bomb.len()
    );
}

#[test]
fn trees_that_must_not_be_published_are_refused() {
    fn check(said: &str, spoil: impl Fn(&Path)) {
        let fixture = Fixture::new();
        spoil(&fixture.tree());
        let packed =
            read_source(&fixture.tree()).and_then(|m| pack(&fixture.tree(), m, &fixture.package(), at_level(1)));
        let refused = packed.unwrap_err().to_string();
        assert!(refused.contains(said), "{said}: {refused}");
        assert!(!fixture.package().exists());
    }
    check("leaves the tree", |tree| {
        symlink("../../x", tree.join("bin/out")).unwrap();
    });
    check("absolute path", |tree| {
        symlink("/etc/passwd", tree.join("out")).unwrap();
    });
    check("setuid", |tree| {
        fs::set_permissions(tree.join("bin/guestbook"), fs::Permissions::from_mode(0o4755)).unwrap();
    });
    check("differs from it in case", |tree| {
        fs::write(tree.join("bin/Guestbook"), "").unwrap();
    });
    check("form of its letters", |tree| {
        fs::write(tree.join("bin/caf\u{e9}"), "").unwrap();
        fs::write(tree.join("bin/cafe\u{301}"), "").unwrap();
    });
    check("hide or turn round", |tree| {
        fs::write(tree.join("bin/a\u{202e}txt.sh"), "").unwrap();
    });
    check("64 folders deep", |tree| {
        let deep = tree.join("d/".repeat(64));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("x"), "").unwrap();
    });
    check("manifest's own", |tree| {
        fs::write(tree.join(MANIFEST_NAME), "{}").unwrap();
    });
    check("device, pipe or socket", |tree| {
        drop(std::os::unix::net::UnixListener::bind(tree.join("socket")).unwrap());
    });
    check("not UTF-8", |tree| {
        use std::os::unix::ffi::OsStrExt;
        fs::write(tree.join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    });
    check("no file config/app.toml", |tree| {
        fs::remove_file(tree.join("config/app.toml")).unwrap();
    });
    check("migrations", |tree| {
        fs::remove_dir_all(tree.join("migrations")).unwrap();
    });
    check("not executable", |tree| {
        fs::set_permissions(tree.join("bin/guestbook"), fs::Permissions::from_mode(0o644)).unwrap();
    });
    check("unknown field", |tree| {
        fs::write(tree.join("release.toml"), format!("colour = 1\n{SOURCE}")).unwrap();
    });
}

#[test]
fn the_next_release_is_begun_from_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let last = publisher.lamp(&Lamp::A1);
    let source = fs::read_to_string(last.join("release.toml")).unwrap();
    put(
        &last.join("release.toml"),
        &source.replace("\"0a1\"\n", "\"0a1\" # this one\n"),
        0o644,
    );
    let next = dir.path().join("trees/next");
    let begin = |more: &[&str]| {
        let args = [
            "release",
            "new",
            next.to_str().unwrap(),
            "--from",
            last.to_str().unwrap(),
        ];
        run(&[&args, more].concat())
    };
    begin(&["--version", "0a1"]).no(2, &["NL0501", "0a1 is not above 0a1"]);
    assert!(!next.exists());
    assert!(begin(&[]).ok().out.contains("for 0b1 from 0a1"));
    let made = fs::read_to_string(next.join("release.toml")).unwrap();
    assert!(made.contains("version = \"0b1\" # this one\n"), "{made}");
    assert!(
        fs::read_to_string(next.join("changelog.md"))
            .unwrap()
            .starts_with("# 0b1\n")
    );
    assert_eq!(
        fs::read(next.join("bin/lamp")).unwrap(),
        fs::read(last.join("bin/lamp")).unwrap()
    );
    begin(&[]).no(2, &["NL0501", "is there already"]);
    let left = fs::read_dir(dir.path().join("trees")).unwrap().count();
    assert_eq!(left, 2);
    publisher
        .try_publish(&next)
        .no(2, &["the changelog of 0b1 has no entry"]);
    put(
        &next.join("changelog.md"),
        "# 0b1\n\n### Added\n\n- More light\n",
        0o644,
    );
    publisher.publish(&next);
}

/// Whether files here can share blocks without being one file.
fn can_clone(dir: &Path) -> bool {
    let source = dir.join("clone-source");
    fs::write(&source, "x").unwrap();
    let tree = TreeWriter::fresh(&dir.join("clone")).unwrap();
    let clone = tree.file(Path::new("x"), 0o644).unwrap();
    clone.share(&fs::File::open(&source).unwrap()).unwrap()
}

/// Which files of the new tree are files of the old one too.
fn shared(old: &Path, new: &Path, names: &[&str]) -> Vec<bool> {
    let inode = |tree: &Path, name: &str| fs::metadata(tree.join(name)).unwrap().ino();
    names.iter().map(|name| inode(old, name) == inode(new, name)).collect()
}

#[test]
fn what_an_installed_release_has_is_taken_over_only_when_it_is_what_was_signed() {
    let fixture = Fixture::new();
    let packed = fixture.pack();
    let bytes = fs::read(fixture.package()).unwrap();
    let expect = fixture.expect(&packed.manifest);
    let old = fixture.dir.path().join("old");
    unpack(&bytes[..], &old, &expect, &mut |_| {}).unwrap();
    // Another content of the same size, another mode, a link, and nothing at all in the place of a file.
    fs::write(old.join("bin/guestbook"), vec![8; 70_000]).unwrap();
    let long = "n".repeat(120) + "/long";
    fs::set_permissions(old.join(&long), fs::Permissions::from_mode(0o600)).unwrap();
    let (sound, names) = ("config/app.toml", ["config/app.toml", "bin/guestbook", long.as_str()]);
    let links = !can_clone(fixture.dir.path());
    for hard_links in [false, true] {
        let manner = Manner {
            like: Some(&old),
            hard_links,
            ..Manner::default()
        };
        let mut last = 0;
        let staged = unpack_as(&bytes[..], &fixture.dest(), &expect, &manner, &mut |done| last = done).unwrap();
        assert_eq!(Staged::check(&fixture.dest()).unwrap(), staged);
        assert_eq!(last, packed.manifest.unpacked_size());
        let is_one = shared(&old, &fixture.dest(), &names);
        assert_eq!(is_one, [hard_links && links, false, false], "hard links: {hard_links}");
    }
    for damage in [(|path: &Path| fs::remove_file(path).unwrap()) as fn(&Path), |path| {
        symlink("/etc/hostname", path).unwrap();
    }] {
        damage(&old.join(sound));
        let manner = Manner {
            like: Some(&old),
            hard_links: true,
            ..Manner::default()
        };
        let staged = unpack_as(&bytes[..], &fixture.dest(), &expect, &manner, &mut |_| {}).unwrap();
        assert_eq!(Staged::check(&fixture.dest()).unwrap(), staged);
        let meta = fixture.dest().join(sound).symlink_metadata().unwrap();
        assert!(meta.is_file() && meta.nlink() == 1);
    }
    fs::write(old.join(MANIFEST_NAME), "{}").unwrap();
    let manner = Manner {
        like: Some(&old),
        ..Manner::default()
    };
    unpack_as(&bytes[..], &fixture.dest(), &expect, &manner, &mut |_| {}).unwrap();
}

#[test]
fn hard_links_between_releases_are_made_for_whoever_wants_them() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    publisher.patch("0b1", "0r1").ok();
    let wanted = !can_clone(dir.path());
    for hard_links in [false, true] {
        let lamp = Installation::of_lamp(&dir.path().join(format!("lamp-{hard_links}")), &publisher, "0a1");
        let settings = format!("update_system: {{behavior: {{hard_links: {hard_links}}}}}\n");
        put(&lamp.path("config/update.yml"), &settings, 0o644);
        for (from, to, strategy) in [("0a1", "0b1", "full"), ("0b1", "0r1", "patch")] {
            let args = ["update", "upgrade", "--to", to, "--yes", "--output", "json"];
            let said = lamp.run(&[&args[..]].concat()).ok().out;
            assert!(said.contains(&format!("\"strategy\":\"{strategy}\"")), "{said}");
            lamp.assert_at(to);
            let (old, new) = (lamp.path("releases").join(from), lamp.path("releases").join(to));
            let names = ["bin/lamp", "migrations/V1__switches.sql"];
            assert_eq!(shared(&old, &new, &names), [hard_links && wanted; 2], "{from} -> {to}");
        }
    }
}
