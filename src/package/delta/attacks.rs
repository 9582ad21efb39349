//! Patches that somebody signed and that are still not what they should be: refused with the reason, with nothing left behind.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::write::{Writer, number};
use super::{MAGIC, PatchHeader};
use crate::crypt::digest_of;
use crate::package::{self, Expect, MANIFEST_LIMIT, Packing, Staged, apply_patch};
use crate::release::{FileEntry, FileKind, Platform, ReleaseManifest};

const OLD: &[u8] = b"the old content of a file, long enough to copy from";
const NEW: &[u8] = b"the new content of a file, long enough to copy from";

/// A release on disk, and what is asked of the patch to the next one.
struct Scene {
    dir: tempfile::TempDir,
    old: Staged,
    expect: Expect,
    manifest: ReleaseManifest,
}

type Rest = Box<dyn Fn(&mut Writer<Vec<u8>>)>;

/// The pieces of a patch, to be changed by a test.
struct Parts {
    header: PatchHeader,
    json: Vec<u8>,
    /// What comes after the manifest.
    rest: Rest,
    /// Behind the last group, in the frame.
    tail: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let old = release(dir.path(), "0a1", OLD);
        let new = release(dir.path(), "0b1", NEW);
        let manifest = new.manifest().clone();
        let expect = Expect {
            product: manifest.product.clone(),
            version: manifest.version.clone(),
            platform: Platform::this_host(),
            rules: manifest.rules.clone(),
            unpacked: manifest.unpacked_size(),
        };
        Self {
            dir,
            old,
            expect,
            manifest,
        }
    }

    fn parts(&self, change: impl FnOnce(&mut ReleaseManifest)) -> Parts {
        let mut manifest = self.manifest.clone();
        change(&mut manifest);
        self.parts_of(serde_json::to_vec(&manifest).unwrap())
    }

    fn parts_of(&self, json: Vec<u8>) -> Parts {
        let base = fs::read(self.old.dir().join(crate::release::MANIFEST_NAME)).unwrap();
        let header = PatchHeader {
            product: self.manifest.product.clone(),
            from: self.old.manifest().version.clone(),
            to: self.manifest.version.clone(),
            platform: self.manifest.platform.clone(),
            base: digest_of(&base),
            manifest_size: json.len() as u64,
            manifest: digest_of(&json),
        };
        Parts {
            header,
            json,
            rest: Box::new(|writer| {
                writer.begin(Some(0));
                writer.add(0, OLD, NEW).unwrap();
            }),
            tail: Vec::new(),
        }
    }

    fn apply(&self, patch: &[u8]) -> Result<Staged, String> {
        let dest = self.dir.path().join("made");
        let from = &self.old.manifest().version;
        let made = apply_patch(patch, (from, self.old.dir()), &dest, &self.expect, &mut |_| ());
        if made.is_err() {
            assert!(!dest.exists(), "a tree is left behind");
        }
        made.map_err(|e| {
            let cause = std::error::Error::source(&e).map(|cause| format!(": {cause}"));
            format!("{e}{}", cause.unwrap_or_default())
        })
    }

    #[track_caller]
    fn refuses(&self, parts: &Parts, words: &str) {
        let said = self.apply(&written(parts)).expect_err(words);
        assert!(said.contains(words), "{said}, expected: {words}");
    }
}

fn release(dir: &Path, version: &str, content: &[u8]) -> Staged {
    let source = dir.join(format!("source-{version}"));
    fs::create_dir_all(source.join("sub")).unwrap();
    let description = format!("product = \"thing\"\nversion = \"{version}\"\nplatform = \"any\"\n");
    fs::write(source.join("release.toml"), description).unwrap();
    fs::write(source.join("file"), content).unwrap();
    fs::write(source.join("sub/same"), b"unchanged").unwrap();
    symlink("file", source.join("link")).unwrap();
    fs::set_permissions(source.join("file"), fs::Permissions::from_mode(0o755)).unwrap();
    let file: PathBuf = dir.join(format!("{version}.tar.zst"));
    let manifest = package::read_source(&source).unwrap();
    let packed = package::pack(&source, manifest, &file, Packing::default()).unwrap();
    let expect = Expect {
        product: packed.manifest.product.clone(),
        version: packed.manifest.version.clone(),
        platform: Platform::this_host(),
        rules: packed.manifest.rules.clone(),
        unpacked: packed.manifest.unpacked_size(),
    };
    let package = fs::File::open(file).unwrap();
    package::unpack(package, &dir.join(version), &expect, &mut |_| ()).unwrap()
}

fn written(parts: &Parts) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    writer.begin(None);
    for piece in parts.json.chunks(1 << 20) {
        writer.add(0, &[], piece).unwrap();
    }
    (parts.rest)(&mut writer);
    framed(
        &parts.header,
        &[writer.finish().unwrap(), parts.tail.clone()].concat(),
        20,
    )
}

fn framed(header: &PatchHeader, groups: &[u8], window: u32) -> Vec<u8> {
    let header = serde_json::to_vec(header).unwrap();
    let mut content = Vec::new();
    number(&mut content, header.len() as u64);
    content.extend(header);
    content.extend_from_slice(groups);
    let mut zstd = zstd::Encoder::new(MAGIC.to_vec(), 1).unwrap();
    zstd.window_log(window).unwrap();
    std::io::Write::write_all(&mut zstd, &content).unwrap();
    zstd.finish().unwrap()
}

fn entry(path: &str, kind: FileKind) -> FileEntry {
    let path = path.parse().unwrap();
    FileEntry { path, kind }
}

fn file_of(content: &[u8], mode: u32) -> FileKind {
    FileKind::File {
        mode,
        size: content.len() as u64,
        sha256: digest_of(content),
    }
}

fn link_to(target: &str) -> FileKind {
    FileKind::Link { target: target.into() }
}

#[test]
fn the_patch_as_it_should_be_is_applied() {
    let scene = Scene::new();
    let made = scene.apply(&written(&scene.parts(|_| ()))).unwrap();
    assert_eq!(fs::read(made.dir().join("file")).unwrap(), NEW);
    assert_eq!(made.manifest(), &scene.manifest);
    assert!(package::verify_tree(made.dir()).unwrap().is_clean());
}

#[test]
fn lists_that_no_release_may_have() {
    let scene = Scene::new();
    for (path, kind, words) in [
        ("a", link_to("/etc/passwd"), "absolute"),
        ("a", link_to("../../x"), "leaves the tree"),
        ("link/x", file_of(b"x", 0o644), "below a file or link"),
        ("FILE", file_of(b"x", 0o644), "case only"),
        ("s", file_of(b"x", 0o4755), "mode"),
    ] {
        let parts = scene.parts(|manifest| {
            manifest.files.push(entry(path, kind));
            manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
        });
        scene.refuses(&parts, words);
    }
    scene.refuses(
        &scene.parts(|manifest| {
            let again = manifest.files[0].clone();
            manifest.files.insert(0, again);
        }),
        "twice",
    );
    let json = String::from_utf8(serde_json::to_vec(&scene.manifest).unwrap()).unwrap();
    for bad in ["../file", "/file", "a/../../file", "a//file"] {
        let json = json.replace("\"path\":\"file\"", &format!("\"path\":\"{bad}\""));
        scene.refuses(&scene.parts_of(json.into_bytes()), "not valid");
    }
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    scene.refuses(&scene.parts_of(deep), "not valid");
}

#[test]
fn sizes_and_digests_that_lie() {
    let scene = Scene::new();
    let huge = scene.parts(|manifest| {
        manifest.files[0].kind = FileKind::File {
            mode: 0o755,
            size: 1 << 50,
            sha256: digest_of(NEW),
        }
    });
    scene.refuses(&huge, "size when unpacked");
    let other = scene.parts(|manifest| manifest.files[0].kind = file_of(&[b'x'; NEW.len()], 0o755));
    scene.refuses(&other, "not the listed one");
    let mut large = scene.parts(|_| ());
    large.header.manifest_size = MANIFEST_LIMIT + 1;
    scene.refuses(&large, "are allowed");
    let mut odd = scene.parts(|_| ());
    odd.header.manifest = digest_of(b"something else");
    scene.refuses(&odd, "not the one it names");
}

#[test]
fn another_way_than_the_one_asked_for() {
    let scene = Scene::new();
    let mut parts = scene.parts(|_| ());
    parts.header.from = "0b9".parse().unwrap();
    scene.refuses(&parts, "version to start from");
    let mut parts = scene.parts(|_| ());
    parts.header.to = "0b9".parse().unwrap();
    scene.refuses(&parts, "its version is 0b9");
    let mut parts = scene.parts(|_| ());
    parts.header.product = "other".parse().unwrap();
    scene.refuses(&parts, "its product is other");
    let mut parts = scene.parts(|_| ());
    parts.header.base = digest_of(b"another release");
    scene.refuses(&parts, "does not fit the installed release");
    let foreign = scene.parts(|manifest| manifest.platform = "plan9-mips".parse().unwrap());
    scene.refuses(&foreign, "its platform");
}

#[test]
fn steps_that_lead_nowhere() {
    let scene = Scene::new();
    let cases: Vec<(Rest, &str)> = vec![
        (Box::new(|w| w.begin(Some(99))), "an old file that there is not"),
        (Box::new(|w| w.begin(Some(1))), "an old file that there is not"),
        (Box::new(|_| ()), "it ends before the last file"),
        (
            Box::new(|w| {
                w.begin(Some(0));
                w.add(1 << 40, OLD, NEW).unwrap();
            }),
            "no bytes at",
        ),
        (
            Box::new(|w| {
                w.begin(Some(0));
                w.add(u64::MAX - 4, OLD, NEW).unwrap();
            }),
            "copies from",
        ),
        (
            Box::new(|w| {
                w.begin(None);
                w.add(0, OLD, NEW).unwrap();
            }),
            "a new file copies from an old one",
        ),
        (
            Box::new(|w| {
                w.begin(Some(0));
                w.add(0, &[], &[]).unwrap();
            }),
            "a step gives no bytes",
        ),
        (
            Box::new(|w| {
                w.begin(None);
                w.add(0, &[], &[b'x'; NEW.len() + 1]).unwrap();
            }),
            "more than the file has",
        ),
        (
            Box::new(|w| {
                w.begin(Some(0));
                w.add(0, OLD, NEW).unwrap();
                w.begin(None);
            }),
            "behind the last file",
        ),
    ];
    for (rest, words) in cases {
        let parts = Parts {
            rest,
            ..scene.parts(|_| ())
        };
        scene.refuses(&parts, words);
    }
}

#[test]
fn bytes_where_none_belong_and_lengths_without_bytes() {
    let scene = Scene::new();
    let good = scene.parts(|_| ());
    let tail = Parts {
        tail: b"more".to_vec(),
        ..scene.parts(|_| ())
    };
    scene.refuses(&tail, "bytes follow its end");
    let behind = [written(&good), b"more".to_vec()].concat();
    assert!(scene.apply(&behind).unwrap_err().contains("bytes follow its end"));
    let whole = written(&good);
    for end in 0..whole.len() {
        scene.apply(&whole[..end]).unwrap_err();
    }
    let mut lengths = Vec::new();
    [1 << 60, 0, 0, 0]
        .iter()
        .for_each(|length| number(&mut lengths, *length));
    let said = scene.apply(&framed(&good.header, &lengths, 20)).unwrap_err();
    assert!(said.contains("are allowed"), "{said}");
    let said = scene.apply(&framed(&good.header, &[0xff; 40], 20)).unwrap_err();
    assert!(said.contains("a number is not written"), "{said}");
    scene.apply(b"").unwrap_err();
    scene.apply(b"NLPATCH\x02").unwrap_err();
}

#[test]
fn bombs_and_windows_that_need_too_much_memory() {
    let scene = Scene::new();
    let bomb = Parts {
        rest: Box::new(|w| {
            w.begin(None);
            let zeros = vec![0; 1 << 20];
            (0..64).for_each(|_| w.add(0, &[], &zeros).unwrap());
        }),
        ..scene.parts(|_| ())
    };
    let packed = written(&bomb);
    assert!(packed.len() < 64 << 10);
    assert!(scene.apply(&packed).unwrap_err().contains("more than the file has"));
    let wide = framed(&bomb.header, &vec![0; 1 << 20], 27);
    let said = scene.apply(&wide).unwrap_err();
    assert!(said.contains("cannot be read to its end"), "{said}");
}

#[test]
fn an_old_tree_that_is_not_what_it_was() {
    let scene = Scene::new();
    let parts = scene.parts(|_| ());
    let same = scene.old.dir().join("sub/same");
    fs::write(&same, b"unchangeD").unwrap();
    scene.refuses(&parts, "`sub/same` is not what it was");
    fs::remove_file(&same).unwrap();
    scene.refuses(&parts, "cannot open");
    symlink("/etc/passwd", &same).unwrap();
    scene.refuses(&parts, "not a file any more");
    fs::remove_file(&same).unwrap();
    fs::write(&same, b"unchanged").unwrap();
    fs::write(scene.old.dir().join("file"), b"short").unwrap();
    scene.refuses(&parts, "no bytes at");
}
