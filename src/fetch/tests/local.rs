//! Repositories that are folders of this machine.

use std::fs;
use std::ops::ControlFlow;

use super::{QUICK, sources};
use crate::crypt::digest_of;
use crate::fetch::{Expected, FetchError, download, read_small};

#[test]
fn small_files_are_read_and_a_repository_that_is_gone_is_no_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("metadata")).unwrap();
    fs::write(dir.path().join("metadata/root.json"), b"123").unwrap();
    let repository = sources(QUICK, &[dir.path().to_str().unwrap()]);
    let read_small = |name: &str, limit| read_small(&repository, name, limit);
    assert_eq!(read_small("metadata/root.json", 3).unwrap().unwrap(), b"123");
    assert!(matches!(
        read_small("metadata/root.json", 2),
        Err(FetchError::TooLong { .. })
    ));
    assert_eq!(read_small("metadata/2.root.json", 3).unwrap(), None);
    let nowhere = sources(QUICK, &[dir.path().join("x").to_str().unwrap()]);
    assert!(matches!(
        super::super::read_small(&nowhere, "a", 3),
        Err(FetchError::NoFolder { .. })
    ));
    fs::create_dir(dir.path().join("metadata/folder")).unwrap();
    assert!(matches!(
        read_small("metadata/folder", 3),
        Err(FetchError::NotAFile { .. })
    ));
}

#[test]
fn a_file_is_copied_only_when_every_byte_is_the_signed_one() {
    let dir = tempfile::tempdir().unwrap();
    let repository = sources(QUICK, &[dir.path().to_str().unwrap()]);
    let to = dir.path().join("to");
    fs::write(dir.path().join("package"), b"right").unwrap();
    let expected = |content: &[u8]| Expected {
        length: content.len() as u64,
        sha256: digest_of(content),
    };
    let get = |content: &[u8]| {
        let mut on = |_, _| ControlFlow::Continue(());
        download(&repository, "package", &expected(content), &to, &mut on)
    };
    assert!(matches!(get(b"wrong"), Err(FetchError::Digest { .. })));
    assert!(matches!(get(b"rights"), Err(FetchError::Length { found: 5, .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    get(b"right").unwrap();
    assert_eq!(fs::read(&to).unwrap(), b"right");
    fs::remove_file(dir.path().join("package")).unwrap();
    get(b"right").unwrap();
    fs::write(&to, b"wrong").unwrap();
    assert!(matches!(get(b"right"), Err(FetchError::Missing { .. })));
}
