//! Bins hold what they are asked for, for our client as for the rules of the specification.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp as Time;

use super::super::{Editor, Lifetimes, Signatories, Standing};
use super::{FULL, digits_for, names};
use crate::crypt::{SigningKey, digest_of};
use crate::release::{TargetCustom, TargetRef};
use crate::tuf::client::repository::refresh;
use crate::tuf::{MetadataSource, Role, Signer, SourceError, all, find, init};

struct Folder<'a>(&'a Path);

impl MetadataSource for Folder<'_> {
    fn get(&self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(std::fs::read(self.0.join(name)).ok())
    }
}

fn now() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn publish(editor: &mut Editor, metadata: &Path, keys: &[SigningKey]) {
    assert_eq!(editor.sign(keys, now()).unwrap(), Standing::Ready);
    editor.write(metadata, &metadata.join("draft")).unwrap();
}

fn add(editor: &mut Editor, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let target = TargetRef {
            name: format!("guestbook/{n}/changelog.md"),
            length: 1,
            sha256: digest_of(b"x"),
        };
        let custom = TargetCustom::Changelog {
            product: "guestbook".parse().unwrap(),
            version: "0a1".parse().unwrap(),
        };
        // Not through `add_target`, which looks at all targets each time.
        let file = crate::tuf::catalog::described(&target, &custom).unwrap();
        editor.added.insert(target.name.clone(), file);
    }
}

#[test]
fn there_are_as_many_bins_as_targets_need() {
    for (count, digits) in [
        (0, 0),
        (FULL, 0),
        (FULL + 1, 1),
        (16 * FULL, 1),
        (16 * FULL + 1, 2),
        (usize::MAX >> 9, 2),
    ] {
        assert_eq!(digits_for(count), digits, "{count}");
    }
}

#[test]
fn many_targets_are_divided_and_clients_find_each() {
    let dir = tempfile::tempdir().unwrap();
    let (metadata, trust) = (dir.path().join("metadata"), dir.path().join("trust"));
    let keys: [SigningKey; 2] = std::array::from_fn(|_| SigningKey::generate());
    let signatories = Signatories {
        root: keys[0].public().into(),
        targets: keys[1].public().into(),
        snapshot: keys[1].public().into(),
        timestamp: keys[1].public().into(),
    };
    publish(
        &mut Editor::create(&signatories, Lifetimes::default(), now()).unwrap(),
        &metadata,
        &keys,
    );
    init(&trust, &std::fs::read(metadata.join("1.root.json")).unwrap()).unwrap();
    let source = Folder(&metadata);
    let files_of = |editor: &Editor| {
        let top = editor.published.as_ref().unwrap().targets[Role::Targets.name()].clone();
        (names(&top.content).len(), top.content.targets.len())
    };
    let mut last = 0;
    for (count, bins) in [(FULL, 0), (FULL + 200, 16), (FULL + 203, 16)] {
        let mut editor = Editor::open(&metadata, None).unwrap();
        let before: BTreeMap<_, _> = editor
            .published
            .as_ref()
            .unwrap()
            .targets
            .iter()
            .map(|(name, role)| (name.clone(), role.version))
            .collect();
        add(&mut editor, last..count);
        publish(&mut editor, &metadata, &keys);
        let editor = Editor::open(&metadata, None).unwrap();
        assert_eq!(files_of(&editor), (bins, if bins == 0 { count } else { 0 }));
        assert_eq!(editor.targets().len(), count);
        let refreshed = refresh(&trust, &source, now()).unwrap();
        let listing = all(&refreshed, "guestbook").unwrap();
        assert_eq!(listing.len(), count);
        for n in [0, last, count - 1] {
            assert!(
                find(&refreshed, &format!("guestbook/{n}/changelog.md"))
                    .unwrap()
                    .is_some(),
                "{n} of {count}"
            );
        }
        assert!(find(&refreshed, "guestbook/none").unwrap().is_none());
        // Three targets more change three bins at most, and not the role that names the bins.
        if last == FULL + 200 {
            let after = &editor.published.as_ref().unwrap().targets;
            let changed = after
                .iter()
                .filter(|(name, role)| before[*name] != role.version)
                .count();
            assert!((1..=3).contains(&changed), "{changed}");
        }
        last = count;
    }
    let mut editor = Editor::open(&metadata, None).unwrap();
    add(&mut editor, last..16 * FULL + 1);
    publish(&mut editor, &metadata, &keys);
    let editor = Editor::open(&metadata, None).unwrap();
    assert_eq!(files_of(&editor), (256, 0));
    let refreshed = refresh(&trust, &source, now()).unwrap();
    let listing = all(&refreshed, "guestbook").unwrap();
    assert_eq!(listing.len(), 16 * FULL + 1);
}

#[test]
fn bins_follow_the_keys_of_targets() {
    let dir = tempfile::tempdir().unwrap();
    let (metadata, trust) = (dir.path().join("metadata"), dir.path().join("trust"));
    let keys: [SigningKey; 3] = std::array::from_fn(|_| SigningKey::generate());
    let mut signatories = Signatories {
        root: keys[0].public().into(),
        targets: keys[1].public().into(),
        snapshot: keys[0].public().into(),
        timestamp: keys[0].public().into(),
    };
    let mut editor = Editor::create(&signatories, Lifetimes::default(), now()).unwrap();
    publish(&mut editor, &metadata, &keys);
    init(&trust, &std::fs::read(metadata.join("1.root.json")).unwrap()).unwrap();
    add(&mut editor, 0..FULL + 1);
    publish(&mut editor, &metadata, &keys[..2]);
    refresh(&trust, &Folder(&metadata), now()).unwrap();
    signatories.targets.keys = vec![keys[2].key()];
    let mut editor = Editor::open(&metadata, None).unwrap();
    editor.change_keys(&signatories, now()).unwrap();
    publish(&mut editor, &metadata, &keys);
    let editor = Editor::open(&metadata, None).unwrap();
    assert!(
        editor
            .published
            .as_ref()
            .unwrap()
            .targets
            .values()
            .all(|role| role.version >= 2)
    );
    let source = Folder(&metadata);
    let refreshed = refresh(&trust, &source, now()).unwrap();
    assert_eq!(all(&refreshed, "guestbook").unwrap().len(), FULL + 1);
}
