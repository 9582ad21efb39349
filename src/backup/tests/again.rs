//! The second backup and those after it: little is added, nothing that is needed goes.

use std::collections::BTreeSet;

use super::*;
use crate::backup::repository::Purpose;

#[test]
fn what_has_not_changed_is_neither_written_nor_read_again() {
    let place = Place::filled();
    place.write("data/large", &noise(3 << 20, 1));
    let first = place.create_later();
    assert!(first.new_bytes > 3 << 20);
    // What is not read cannot be missed: the unchanged file is taken for what it was.
    let read = |full| {
        let mut read = 0;
        let request = Request {
            full,
            ..place.request(Kind::Manual)
        };
        let record = create(&place.repository, &request, &mut |done, _| read = done).unwrap();
        assert_eq!(read, record.size);
        record
    };
    let second = read(false);
    assert_eq!((second.size, second.files), (first.size, first.files));
    assert!(second.new_bytes < 1000, "{second:?}");
    let third = read(true);
    // But for its lists, which are written anew.
    assert!(third.new_bytes < 5000, "{third:?}");
    for record in [&first, &second, &third] {
        assert_eq!(verify(&place.repository, &record.id).unwrap(), *record);
    }
}

#[test]
fn a_page_that_changes_in_a_database_adds_little() {
    let place = Place::new();
    let mut pages = b"SQLite format 3\0".to_vec();
    pages.extend(noise(8 << 20, 3));
    place.write("data/other.db", &pages);
    let first = place.create(Kind::Manual).unwrap();
    for at in [1 << 20, 3 << 20, 5 << 20] {
        pages[at] ^= 1;
    }
    place.write("data/other.db", &pages);
    let second = place.create(Kind::Manual).unwrap();
    assert!(
        second.new_bytes < first.new_bytes / 50,
        "{} after {}",
        second.new_bytes,
        first.new_bytes
    );
    fs::remove_dir_all(place.root()).unwrap();
    place.restore(&second.id, &Selection::All).unwrap();
    assert_eq!(fs::read(place.root().join("data/other.db")).unwrap(), pages);
}

#[test]
fn one_step_of_an_update_has_one_backup_however_often_it_is_tried() {
    let place = Place::filled();
    let kind = || Kind::BeforeUpdate("update_1".into());
    let first = place.create(kind()).unwrap();
    let left = place.repository.packs().join("left.pack.netlink-part");
    fs::write(&left, "half").unwrap();
    place.write("data/a", b"written since");
    let again = place.create(kind()).unwrap();
    assert!(!left.exists());
    let listed = list(&place.repository).unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].is_for("update_1") && !listed[0].is_for("update_2"));
    assert_eq!(verify(&place.repository, &again.id).unwrap(), again);
    assert_ne!(again.size, first.size);
}

#[test]
fn what_a_killed_run_has_written_is_not_written_again() {
    let place = Place::filled();
    place.write("data/large", &noise(3 << 20, 2));
    let first = place.create(Kind::Manual).unwrap();
    // As a kill leaves it that came before the index: packs that nothing speaks of.
    for folder in ["index", "snapshots"] {
        for file in place.files_below(folder) {
            fs::remove_file(file).unwrap();
        }
    }
    assert!(place.verified().is_whole());
    let second = place.create(Kind::Manual).unwrap();
    assert!(
        second.new_bytes < 2000,
        "{} after {}",
        second.new_bytes,
        first.new_bytes
    );
    assert_eq!(verify(&place.repository, &second.id).unwrap(), second);
}

#[test]
fn pruning_lets_go_of_what_no_backup_needs_and_of_nothing_else() {
    let place = Place::new();
    let at = |n: u32| -> jiff::Timestamp { format!("2026-01-{n:02}T12:00:00Z").parse().unwrap() };
    let mut made = Vec::new();
    for day in 1..=8_u32 {
        place.write("data/same", &noise(1 << 20, 0));
        place.write("data/changing", &noise(1 << 20, u64::from(day)));
        let request = Request {
            created: at(day),
            ..place.request(Kind::Manual)
        };
        made.push(create(&place.repository, &request, &mut |_, _| {}).unwrap());
    }
    let root = place.root().to_string_lossy().into_owned();
    let keep = Keep {
        days: 2,
        needed: BTreeSet::from([made[1].id.clone()]),
        ..Keep::default()
    };
    let pruned = prune(&place.repository, &root, &keep, at(8)).unwrap();
    let gone: Vec<_> = [4, 3, 2, 0].iter().map(|n| made[*n].id.clone()).collect();
    assert_eq!(pruned.removed, gone);
    assert_eq!(pruned.kept, 4);
    assert!(pruned.freed_bytes > 3 << 20, "{pruned:?}");
    let verified = place.verified();
    assert!(verified.is_whole(), "{verified:?}");
    assert_eq!(verified.whole.len(), 4);
    place.restore(&made[1].id, &Selection::All).unwrap();
    assert_eq!(fs::read(place.root().join("data/changing")).unwrap(), noise(1 << 20, 2));
    let again = prune(&place.repository, &root, &keep, at(8)).unwrap();
    assert_eq!((again.removed.len(), again.freed_bytes), (0, 0));
    // Those of another installation are not ours to judge.
    let nothing = prune(&place.repository, "/elsewhere", &Keep::default(), at(28)).unwrap();
    assert_eq!(nothing.removed.len(), 0);
    let all = prune(&place.repository, &root, &Keep::default(), at(28)).unwrap();
    assert_eq!(all.kept, 1, "the newest stays");
    assert!(place.verified().is_whole());
}

/// Whoever reads lists does not drag content along, whoever wrote them last.
#[test]
fn lists_and_content_lie_in_blocks_of_their_own_also_after_pruning_and_repairing() {
    let place = Place::filled();
    let now = "2026-02-01T12:00:00Z".parse().unwrap();
    let mixed = |what: &str| {
        let repository = &place.repository;
        let lists: BTreeSet<_> = list::of(repository)
            .unwrap()
            .into_iter()
            .flat_map(|(_, snapshot)| snapshot.unwrap().lists().copied().collect::<Vec<_>>())
            .collect();
        for packed in repository.indexed().unwrap() {
            for block in packed.blocks {
                let of_lists = block.chunks.iter().filter(|(id, _)| lists.contains(id)).count();
                assert!(of_lists == 0 || of_lists == block.chunks.len(), "{what}");
            }
        }
    };
    for n in 0..3 {
        place.write("data/large", &noise(300_000, n));
        place.create(Kind::Manual).unwrap();
        mixed("made");
    }
    let root = place.root().to_string_lossy().into_owned();
    let pruned = prune(&place.repository, &root, &Keep::default(), now).unwrap();
    assert!(pruned.freed_bytes > 300_000);
    mixed("pruned");
    let pack = &place.files_below("packs")[0];
    let whole = fs::read(pack).unwrap();
    fs::write(pack, &whole[..whole.len() - 3]).unwrap();
    repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    mixed("repaired");
    assert!(place.verified().is_whole());
}

#[test]
fn backups_of_days_weeks_and_months_are_kept() {
    let day = |n: i64| -> jiff::Timestamp {
        let first: jiff::Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        first + jiff::SignedDuration::from_hours(24 * n)
    };
    let place = Place::filled();
    let mut made = Vec::new();
    for n in 0..70 {
        let request = Request {
            created: day(n),
            ..place.request(Kind::Manual)
        };
        made.push(create(&place.repository, &request, &mut |_, _| {}).unwrap().id);
    }
    let keep = Keep {
        daily: 3,
        weekly: 2,
        monthly: 3,
        ..Keep::default()
    };
    let root = place.root().to_string_lossy().into_owned();
    let gone = expired(&list(&place.repository).unwrap(), &root, &keep, day(70));
    let kept: Vec<usize> = (0..70).filter(|n| !gone.contains(&made[*n])).collect();
    // The last of January and of February, the last Sunday before, and three days.
    assert_eq!(kept, [30, 58, 66, 67, 68, 69]);
}

#[test]
fn two_at_once_wait_for_each_other() {
    let place = Place::filled();
    let reading = place.repository.lock(Purpose::Read).unwrap();
    let also = place.repository.lock(Purpose::Read).unwrap();
    std::thread::scope(|scope| {
        let made = [0, 1].map(|_| scope.spawn(|| place.create(Kind::Manual).unwrap()));
        drop((reading, also));
        let ids: BTreeSet<_> = made.into_iter().map(|one| one.join().unwrap().id).collect();
        assert_eq!(ids.len(), 2);
    });
    assert_eq!(place.verified().whole.len(), 2);
}

#[test]
fn a_list_waits_for_nobody_and_what_goes_meanwhile_is_not_in_it() {
    let place = Place::filled();
    let first = place.create(Kind::Manual).unwrap();
    let snapshot = place.repository.snapshot(&first.id).unwrap();
    let _writing = place.repository.lock(Purpose::Write).unwrap();
    let id: BackupId = "backup_0b1_20260401_120000".parse().unwrap();
    let record = Record {
        id: id.clone(),
        ..first
    };
    let coming_and_going = crate::backup::repository::Snapshot { record, ..snapshot };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..300 {
                place.repository.write_snapshot(&coming_and_going).unwrap();
                place.repository.remove_snapshot(&id).unwrap();
            }
        });
        while !writer.is_finished() {
            assert!((1..=2).contains(&list(&place.repository).unwrap().len()));
        }
    });
}

#[test]
fn two_that_begin_at_once_end_with_one_repository() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let home = Home {
            folder: dir.path().join("backups"),
            private: true,
            unlock: keys::Unlock::KeyFile(dir.path().join("backup.key")),
        };
        let author = keys::Author {
            by: "a test".into(),
            at: "2026-01-31T12:00:00Z".parse().unwrap(),
        };
        std::thread::scope(|scope| {
            let made = [0; 4].map(|_| scope.spawn(|| home::find_or_make(&home, &author).unwrap()));
            let dirs = made.map(|one| one.join().unwrap().dir().to_path_buf());
            assert!(dirs.iter().all(|dir| *dir == dirs[0]), "{dirs:?}");
        });
        assert_eq!(Repository::all_in(&home.folder).unwrap().len(), 1);
    }
}
