//! Packages. The first byte says how much of one is given: all, the archive that is compressed, or its manifest and what follows.
//! A tree is either as its manifest says, or not there.
#![no_main]

use std::path::{Component, Path};

use netlink::package::{Expect, manifest_in, unpack, verify_tree};
use netlink::release::{FileKind, MANIFEST_NAME, Platform, ReleaseManifest};
use netlink_fuzz::survives_json;

/// More than this is only slow.
const LARGEST: u64 = 1 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let package = match first % 3 {
        0 => rest.to_vec(),
        1 => compressed(rest),
        _ => compressed(&with_header(rest)),
    };
    let Ok(manifest) = manifest_in(&package[..]) else {
        return;
    };
    survives_json(&manifest);
    manifest.files.iter().for_each(|file| match &file.kind {
        FileKind::Link { target } => stays_inside(&file.path.under(Path::new("")), target),
        FileKind::File { .. } => {}
    });
    if manifest.unpacked_size() <= LARGEST {
        whole(&package, &manifest);
    }
});

fn compressed(archive: &[u8]) -> Vec<u8> {
    zstd::encode_all(archive, 1).unwrap()
}

/// Up to the first byte 0 the manifest, which gets the header that packing writes; then whatever follows.
fn with_header(text: &[u8]) -> Vec<u8> {
    let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
    let mut header = tar::Header::new_gnu();
    header.set_path(MANIFEST_NAME).unwrap();
    header.set_mode(0o644);
    header.set_size(end as u64);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend_from_slice(&text[..end]);
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive.extend_from_slice(text.get(end + 1..).unwrap_or_default());
    // Most inputs end here.
    archive.extend_from_slice(&[0; 1024]);
    archive
}

fn stays_inside(link: &Path, target: &str) {
    let mut depth = link.components().count() - 1;
    for part in Path::new(target).components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => {
                depth = depth
                    .checked_sub(1)
                    .unwrap_or_else(|| panic!("{link:?} leads out by {target}"));
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => panic!("{link:?} leads to {target}"),
        }
    }
}

fn whole(package: &[u8], manifest: &ReleaseManifest) {
    let expect = Expect {
        unpacked: manifest.unpacked_size(),
        product: manifest.product.clone(),
        version: manifest.version.clone(),
        platform: Platform::this_host(),
        rules: manifest.rules.clone(),
    };
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    match unpack(package, &tree, &expect, &mut |_| {}) {
        Ok(staged) => {
            assert_eq!(staged.manifest(), manifest);
            assert!(verify_tree(&tree).unwrap().is_as_published());
        }
        Err(_) => assert!(!tree.exists()),
    }
}
