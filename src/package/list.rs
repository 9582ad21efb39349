//! The rules of a manifest's file list: what holds for it holds for every tree that is packed, unpacked or checked.

use std::path::Path;

use super::names::Names;
use crate::release::{FileEntry, FileKind, MANIFEST_NAME};

/// Where and why a list breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub path: String,
    pub problem: String,
}

/// Checks the whole list and gives the bytes of its files.
pub(super) fn check(files: &[FileEntry]) -> Result<u64, Fault> {
    let mut names = Names::default();
    let mut total: u64 = 0;
    for (i, entry) in files.iter().enumerate() {
        let fail = |problem: &str| {
            Err(Fault {
                path: entry.path.to_string(),
                problem: problem.to_owned(),
            })
        };
        let path = entry.path.as_str();
        if i > 0 && files[i - 1].path >= entry.path {
            return fail("it is listed twice or out of order");
        }
        if path.eq_ignore_ascii_case(MANIFEST_NAME) {
            return fail("this name is the manifest's own");
        }
        if let Err(problem) = names.add(path) {
            return fail(problem);
        }
        match &entry.kind {
            FileKind::File { mode, .. } if !matches!(mode, 0o644 | 0o755) => return fail("its mode is not 644 or 755"),
            FileKind::File { size, .. } => match total.checked_add(*size) {
                Some(sum) => total = sum,
                None => return fail("the sizes of all files do not add up"),
            },
            FileKind::Link { target } => {
                if let Err(problem) = link_stays_inside(path, target) {
                    return fail(problem);
                }
            }
        }
    }
    Ok(total)
}

/// `..` may stand only at the start of a target: behind a name that is itself a link it would mean something else than it says.
pub(super) fn link_stays_inside(path: &str, target: &str) -> Result<(), &'static str> {
    if target.is_empty() || target.len() > 4096 || target.chars().any(char::is_control) {
        return Err("the target of the link is empty, too long or has control characters");
    }
    if Path::new(target).is_absolute() {
        return Err("the link points to an absolute path");
    }
    let depth = path.matches('/').count();
    let ups = target
        .split('/')
        .take_while(|part| matches!(*part, ".." | "."))
        .filter(|part| *part == "..")
        .count();
    if ups > depth {
        return Err("the link leaves the tree");
    }
    let named = target.split('/').skip_while(|part| matches!(*part, ".." | "."));
    if named.clone().any(|part| part == "..") {
        return Err("the target of the link has `..` behind a name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypt::digest_of;

    fn file(path: &str, size: u64) -> FileEntry {
        let sha256 = digest_of(b"");
        let kind = FileKind::File {
            mode: 0o644,
            size,
            sha256,
        };
        FileEntry {
            path: path.parse().unwrap(),
            kind,
        }
    }

    fn link(path: &str, target: &str) -> FileEntry {
        let kind = FileKind::Link { target: target.into() };
        FileEntry {
            path: path.parse().unwrap(),
            kind,
        }
    }

    #[test]
    fn a_sound_list_gives_its_size() {
        let list = [link("a/l", "../b/../b").clone(), file("b", 3)];
        assert!(check(&list).is_err(), "`..` behind a name");
        assert_eq!(check(&[link("a/l", "../b"), file("b", 3), file("c/d", 4)]), Ok(7));
    }

    #[test]
    fn every_rule_refuses() {
        let mut odd = file("a", 1);
        odd.kind = FileKind::File {
            mode: 0o4755,
            size: 1,
            sha256: digest_of(b""),
        };
        for (list, what) in [
            (vec![file("b", 1), file("a", 1)], "out of order"),
            (vec![file("a", 1), file("a", 1)], "twice"),
            (vec![file("A", 1), file("a", 1)], "case"),
            (vec![file("A/x", 1), file("a/y", 1)], "folders that differ in case"),
            (
                vec![file("A", 1), file("a/y", 1)],
                "a folder and a file that differ in case",
            ),
            (vec![file("a", 1), file("a/b", 1)], "below a file"),
            (vec![link("a", "b"), file("a/b", 1)], "below a link"),
            (vec![file("netlink-release.json", 1)], "the manifest"),
            (vec![file("a", u64::MAX), file("b", 1)], "overflow"),
            (vec![odd], "setuid"),
            (vec![link("a", "/etc/passwd")], "absolute"),
            (vec![link("a", "../x")], "leaves"),
            (vec![link("a/b", "../../x")], "leaves from a folder"),
            (vec![link("a", "./../x")], "leaves behind a dot"),
            (vec![link("a", "")], "empty"),
        ] {
            assert!(check(&list).is_err(), "{what}");
        }
    }
}
