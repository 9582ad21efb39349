//! Patches against one small release. The first byte says how much of a patch is given: all, the content that is compressed, or
//! its groups. The new tree is either as its manifest says, or not there.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use netlink::crypt::digest_of;
use netlink::package::{
    Expect, Packing, Staged, apply_patch, pack, read_patch_header, read_source, unpack, verify_tree,
};
use netlink::release::{MANIFEST_NAME, Platform};

/// The releases that patches lead between; the old one is on disk for as long as the program runs.
static RELEASES: LazyLock<(tempfile::TempDir, Staged, Expect, String)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (old, _) = release(dir.path(), "0a1", "the old content of a file, long enough to copy from");
    let (new, expect) = release(dir.path(), "0b1", "the new content of a file, long enough to copy from");
    let sum = |tree: &Staged| digest_of(&fs::read(tree.dir().join(MANIFEST_NAME)).unwrap()).to_string();
    let size = fs::metadata(new.dir().join(MANIFEST_NAME)).unwrap().len();
    let header = format!(
        r#"{{"product":"thing","from":"0a1","to":"0b1","platform":"any","base":"{}","manifest_size":{size},"manifest":"{}"}}"#,
        sum(&old),
        sum(&new)
    );
    (dir, old, expect, header)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (dir, old, expect, header) = &*RELEASES;
    let patch = match first % 3 {
        0 => rest.to_vec(),
        1 => framed(rest),
        _ => framed(&[&number(header.len()), header.as_bytes(), rest].concat()),
    };
    let _ = read_patch_header(&patch[..]);
    let made = dir.path().join("made");
    match apply_patch(
        &patch[..],
        (&old.manifest().version, old.dir()),
        &made,
        expect,
        &mut |_| {},
    ) {
        Ok(staged) => {
            assert_eq!(staged.manifest().version, expect.version);
            assert!(verify_tree(&made).unwrap().is_as_published());
        }
        Err(_) => assert!(!made.exists()),
    }
    assert!(verify_tree(old.dir()).unwrap().is_clean());
});

fn framed(content: &[u8]) -> Vec<u8> {
    let mut patch = b"NLPATCH\x01".to_vec();
    patch.extend(zstd::encode_all(content, 1).unwrap());
    patch
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn release(dir: &Path, version: &str, content: &str) -> (Staged, Expect) {
    let source = dir.join(format!("source-{version}"));
    fs::create_dir_all(&source).unwrap();
    let description = format!("product = \"thing\"\nversion = \"{version}\"\nplatform = \"any\"\n");
    fs::write(source.join("release.toml"), description).unwrap();
    fs::write(source.join("file"), content).unwrap();
    fs::write(source.join("same"), "unchanged").unwrap();
    let file = dir.join(format!("{version}.tar.zst"));
    let packed = pack(&source, read_source(&source).unwrap(), &file, Packing::default()).unwrap();
    let expect = Expect {
        product: packed.manifest.product.clone(),
        version: packed.manifest.version.clone(),
        platform: Platform::this_host(),
        rules: packed.manifest.rules.clone(),
        unpacked: packed.manifest.unpacked_size(),
    };
    let package = fs::File::open(file).unwrap();
    let tree = unpack(package, &dir.join(version), &expect, &mut |_| {}).unwrap();
    (tree, expect)
}
