//! What goes in comes out: all of it, or what is asked for.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

#[test]
fn a_whole_restore_gives_back_what_was_and_nothing_else() {
    let place = Place::filled();
    fs::set_permissions(place.root().join("data/deep"), fs::Permissions::from_mode(0o750)).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd \xff name");
    fs::write(place.root().join("data").join(odd), "odd").unwrap();
    fs::write(place.root().join("data").join("n".repeat(200)), "long").unwrap();
    fs::write(place.root().join("data/empty"), "").unwrap();
    let pipe = place.root().join("data/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let mut heard = (0, 0);
    let record = create(&place.repository, &place.request(Kind::Manual), &mut |done, total| {
        assert!(done >= heard.0 && done <= total, "{done} of {total} after {heard:?}");
        heard = (done, total);
    })
    .unwrap();
    assert_eq!(heard.0, record.size);
    assert_eq!((record.files, record.special), (7, 1));
    assert_eq!(record.size, 5 + 5000 + 6 + 3 + 4);
    assert_eq!(record.key, place.repository.master().fingerprint());
    let mut before = picture(&place.root());
    before.remove(Path::new("data/pipe"));
    place.write("data/a", b"second");
    place.write("data/new", b"not in the backup");
    fs::remove_dir_all(place.root().join("config")).unwrap();
    let restored = place.restore(&record.id, &Selection::All).unwrap();
    assert_eq!((restored.files, restored.bytes), (7, record.size));
    assert_eq!(picture(&place.root()), before);

    let contents = show(&place.repository, &record.id).unwrap();
    let special: Vec<_> = contents.files.iter().filter(|file| file.special).collect();
    assert_eq!(special.len(), 1);
    assert_eq!(special[0].path, "data/pipe");
}

#[test]
fn only_what_is_asked_for_is_restored_here_or_elsewhere() {
    let place = Place::filled();
    let record = place.create(Kind::Manual).unwrap();
    place.write("data/a", b"second");
    place.write("data/deep/er/b", b"changed");
    place.write("config/app.toml", b"x = 2\n");
    place
        .restore(
            &record.id,
            &only(&["data/deep/er", "config/app.toml", "data/deep/er/b"]),
        )
        .unwrap();
    let read = |path: &str| fs::read(place.root().join(path)).unwrap();
    assert_eq!(read("data/a"), b"second");
    assert_eq!(read("data/deep/er/b"), [7; 5000]);
    assert_eq!(read("config/app.toml"), b"x = 1\n");
    let elsewhere = place.dir.path().join("else/where");
    restore(
        &place.repository,
        &record.id,
        &only(&["data/a"]),
        &elsewhere,
        Dumps::AsFiles,
    )
    .unwrap();
    let files: Vec<_> = disk::walk(&elsewhere)
        .unwrap()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(files, [Path::new("data"), Path::new("data/a")]);
    let error = place.restore(&record.id, &only(&["data/none"])).unwrap_err();
    assert!(matches!(error, BackupError::NotInBackup { .. }), "{error}");
    assert_eq!(read("data/a"), b"second");
}

#[test]
fn several_names_holes_and_attributes_come_back() {
    let place = Place::filled();
    let root = place.root();
    fs::hard_link(root.join("data/a"), root.join("data/deep/again")).unwrap();
    let sparse = fs::File::create(root.join("data/sparse")).unwrap();
    sparse.set_len(40 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"in the midst", 20 << 20).unwrap();
    drop(sparse);
    let attribute = rustix::fs::setxattr(
        root.join("data/a"),
        "user.colour",
        b"blue\0",
        rustix::fs::XattrFlags::empty(),
    );
    attribute.unwrap();
    let before = picture(&root);
    let record = place.create(Kind::Manual).unwrap();
    assert!(record.new_bytes < 100_000, "{record:?}");
    fs::remove_dir_all(&root).unwrap();
    place.restore(&record.id, &Selection::All).unwrap();
    assert_eq!(picture(&root), before);
    let meta = |path: &str| fs::metadata(root.join(path)).unwrap();
    assert_eq!(meta("data/a").ino(), meta("data/deep/again").ino());
    assert!(
        meta("data/sparse").blocks() * 512 < 1 << 20,
        "its holes are holes again"
    );
    let mut value = [0; 16];
    let length = rustix::fs::getxattr(root.join("data/a"), "user.colour", &mut value).unwrap();
    assert_eq!(&value[..length], b"blue\0");

    fs::remove_dir_all(&root).unwrap();
    place.restore(&record.id, &only(&["data/deep/again"])).unwrap();
    assert_eq!(fs::read(root.join("data/deep/again")).unwrap(), b"first");
}

#[test]
fn links_and_backups_in_the_way_stop_a_restore_before_it_begins() {
    let place = Place::filled();
    let record = place.create(Kind::Manual).unwrap();
    let moved = place.dir.path().join("moved");
    fs::rename(place.root().join("data"), &moved).unwrap();
    symlink(&moved, place.root().join("data")).unwrap();
    for selection in [Selection::All, only(&["data/a"])] {
        let error = place.restore(&record.id, &selection).unwrap_err();
        assert!(matches!(error, BackupError::InTheWay { .. }), "{error}");
    }
    fs::remove_file(place.root().join("data")).unwrap();
    fs::rename(&moved, place.root().join("data")).unwrap();

    let inside = place.root().join("data/backups");
    let home = inside.join("own");
    Repository::make(&home).unwrap();
    let repository = Repository::open(&home, place.repository.keyring().clone()).unwrap();
    let request = Request {
        backups: inside,
        ..place.request(Kind::Manual)
    };
    let first = create(&repository, &request, &mut |_, _| {}).unwrap();
    let second = create(&repository, &request, &mut |_, _| {}).unwrap();
    assert_eq!(first.files, second.files);
    let error = restore(&repository, &second.id, &Selection::All, &place.root(), Dumps::AsFiles).unwrap_err();
    assert!(matches!(error, BackupError::InTheWay { .. }), "{error}");
    assert!(repository.snapshot(&first.id).is_ok());
}

/// Holes take no room, a file of several names once, and what an earlier try has left is room.
#[test]
fn the_room_that_a_restore_needs_is_what_it_takes() {
    let place = Place::filled();
    let sparse = fs::File::create(place.root().join("data/sparse")).unwrap();
    sparse.set_len(400 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, &noise(1 << 20, 1), 20 << 20).unwrap();
    drop(sparse);
    fs::write(place.root().join("data/large"), noise(5 << 20, 2)).unwrap();
    for n in 0..4 {
        fs::hard_link(
            place.root().join("data/large"),
            place.root().join(format!("data/large{n}")),
        )
        .unwrap();
    }
    let record = place.create(Kind::Manual).unwrap();
    let (repository, chunking) = (&place.repository, place.repository.chunking());
    let (index, snapshot) = (repository.index().unwrap(), repository.snapshot(&record.id).unwrap());
    let room = |paths: &[crate::release::RelPath]| {
        let list = listing::ListReader::open(repository, &index, &chunking, &snapshot).unwrap();
        let mut zeros = restore::Zeros::new(&index, &chunking);
        restore::Wanted::find(&record, list, paths, &mut zeros).unwrap().room
    };
    let all = room(&record.trees);
    assert!((6 << 20..8 << 20).contains(&all), "{all}");
    // Alone the other name is a file of its own.
    let one = room(&["data/large3".parse().unwrap()]);
    assert!((5 << 20..6 << 20).contains(&one), "{one}");
    place.restore(&record.id, &Selection::All).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_tree_comes_back(files in prop::collection::btree_map("[a-c]{1,2}(/[a-cé ]{1,3}){0,2}", (prop::collection::vec(any::<u8>(), 0..3000), 0_u32..8, 0_usize..3), 0..12)) {
        let place = Place::new();
        for (path, (content, mode, times)) in &files {
            let full = place.root().join("data").join(path);
            let content = content.repeat(times * 200 + 1);
            // A name that is a file already cannot be a folder too.
            if fs::create_dir_all(full.parent().unwrap()).is_ok() && fs::write(&full, content).is_ok() {
                fs::set_permissions(&full, fs::Permissions::from_mode(0o600 | mode)).unwrap();
            }
        }
        let before = picture(&place.root());
        let record = place.create(Kind::Manual).unwrap();
        fs::remove_dir_all(place.root()).unwrap();
        place.restore(&record.id, &Selection::All).unwrap();
        prop_assert_eq!(picture(&place.root()), before);
        prop_assert!(place.verified().is_whole());
    }
}
