//! Flipped bits, cut files, missing and exchanged ones: all found, and nothing is restored from them.

use proptest::prelude::*;

use super::*;

fn with_two_backups() -> (Place, Record, Record) {
    let place = Place::filled();
    place.write("data/large", &noise(200_000, 5));
    let first = place.create(Kind::Manual).unwrap();
    place.write("data/large", &noise(200_000, 6));
    let second = place.create(Kind::Manual).unwrap();
    (place, first, second)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_changed_bit_is_found(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<bool>()) {
        thread_local!(static PLACE: (Place, Record, Record) = with_two_backups());
        PLACE.with(|(place, _, _)| {
            let files = place.files();
            let path = &files[which.index(files.len())];
            let whole = fs::read(path).unwrap();
            let at = at.index(whole.len());
            let mut bent = whole.clone();
            if cut {
                bent.truncate(at);
            } else {
                bent[at] ^= 1 << bit;
            }
            fs::write(path, &bent).unwrap();
            let found = Repository::open(place.repository.dir(), place.repository.keyring().clone())
                .and_then(|repository| verify_all(&repository, Percent::ALL));
            fs::write(path, &whole).unwrap();
            let what = if cut { "cut" } else { "bent" };
            assert!(!found.is_ok_and(|found| found.is_whole()), "{} {what} at {at}", path.display());
        });
    }
}

#[test]
fn a_damaged_pack_is_named_with_the_backups_that_it_hurts_and_restores_nothing() {
    let (place, first, second) = with_two_backups();
    let before = picture(&place.root());
    let packs = place.files_below("packs");
    for pack in &packs {
        let whole = fs::read(pack).unwrap();
        let mut bent = whole.clone();
        bent[60] ^= 1;
        fs::write(pack, &bent).unwrap();
        let found = place.verified();
        assert!(!found.damaged.is_empty() && !found.problems.is_empty(), "{found:?}");
        for backup in &found.damaged {
            assert!(verify(&place.repository, &backup.id).is_err());
            let refused = place.restore(&backup.id, &Selection::All).unwrap_err();
            assert_eq!(refused.code(), "NL0602", "{refused}");
        }
        assert_eq!(picture(&place.root()), before);
        fs::remove_file(pack).unwrap();
        assert!(!place.verified().is_whole());
        assert!(
            first.id == second.id
                || place.restore(&first.id, &Selection::All).is_err()
                || place.restore(&second.id, &Selection::All).is_err()
        );
        fs::write(pack, &whole).unwrap();
        place.restore(&second.id, &Selection::All).unwrap();
    }
    assert!(place.verified().is_whole());
}

#[test]
fn exchanged_packs_and_documents_of_another_name_are_found() {
    let (place, first, second) = with_two_backups();
    let exchange = |one: &Path, other: &Path| {
        let (a, b) = (fs::read(one).unwrap(), fs::read(other).unwrap());
        fs::write(one, b).unwrap();
        fs::write(other, a).unwrap();
    };
    let packs = place.files_below("packs");
    exchange(&packs[0], &packs[1]);
    assert!(!place.verified().is_whole());
    assert!(place.restore(&first.id, &Selection::All).is_err());
    exchange(&packs[0], &packs[1]);
    assert!(place.verified().is_whole());

    let snapshots = place.files_below("snapshots");
    exchange(&snapshots[0], &snapshots[1]);
    assert!(place.restore(&first.id, &Selection::All).is_err());
    let listed = list(&place.repository).unwrap();
    assert!(
        listed.iter().all(|one| matches!(one.state, State::Damaged(_))),
        "{listed:?}"
    );
    exchange(&snapshots[0], &snapshots[1]);
    assert_eq!(verify(&place.repository, &second.id).unwrap(), second);
}

#[test]
fn a_document_of_a_backup_that_was_let_go_does_not_pass_for_one_when_it_is_put_back() {
    let (place, first, second) = with_two_backups();
    let old = place.repository.snapshot_path(&first.id);
    let document = fs::read(&old).unwrap();
    let root = place.root().to_string_lossy().into_owned();
    let keep = Keep {
        last: 1,
        ..Keep::default()
    };
    prune(&place.repository, &root, &keep, "2027-01-01T00:00:00Z".parse().unwrap()).unwrap();
    fs::write(&old, document).unwrap();
    let found = place.verified();
    assert_eq!(found.damaged.len(), 1);
    assert_eq!((&found.damaged[0].id, &found.whole), (&first.id, &vec![second]));
    assert!(place.restore(&first.id, &Selection::All).is_err());
}

#[test]
fn another_key_opens_nothing() {
    let (place, first, _) = with_two_backups();
    let other = Keyring::generate();
    let repository = Repository::open(place.repository.dir(), other).unwrap();
    let error = verify(&repository, &first.id).unwrap_err().to_string();
    assert!(error.contains("not on the key ring"), "{error}");
}

#[test]
fn a_backup_that_fails_is_in_the_list_with_its_reason_and_leaves_the_others() {
    let place = Place::filled();
    let first = place.create(Kind::Manual).unwrap();
    let packs = place.repository.packs();
    place.write("data/more", b"something new");
    // A file in place of the folder: nothing can be written there, by whomever.
    let aside = place.dir.path().join("aside");
    fs::rename(&packs, &aside).unwrap();
    fs::write(&packs, "").unwrap();
    assert!(place.create(Kind::Manual).is_err());
    fs::remove_file(&packs).unwrap();
    fs::rename(&aside, &packs).unwrap();
    let listed = list(&place.repository).unwrap();
    assert_eq!(listed.len(), 2);
    let State::Failed(failure) = &listed[0].state else {
        panic!("{listed:?}")
    };
    assert!(!failure.failed.is_empty());
    let json = serde_json::to_value(&listed).unwrap();
    assert!(json[0]["failed"].is_string() && json[1]["id"] == first.id.as_str() && json[1]["kind"] == "manual");
    let third = place.create(Kind::Manual).unwrap();
    assert_eq!(verify(&place.repository, &third.id).unwrap(), third);
}

#[test]
fn an_interrupted_restore_is_neither_hidden_nor_hard_to_finish() {
    let place = Place::filled();
    let record = place.create(Kind::Manual).unwrap();
    let before = picture(&place.root());
    place.write("data/a", b"second");
    // As a kill between the two swaps leaves it.
    let staging = place.root().join(".netlink-restore");
    fs::create_dir_all(staging.join("new/data")).unwrap();
    let mark = format!(r#"{{"backup":"{}","only":null}}"#, record.id);
    fs::write(staging.join("swapping"), mark).unwrap();
    fs::remove_dir_all(place.root().join("config")).unwrap();
    let refused = place.create(Kind::Manual).unwrap_err().to_string();
    assert!(
        refused.contains(&format!("netlink backup restore {}", record.id)),
        "{refused}"
    );
    assert!(matches!(
        place.restore(&record.id, &only(&["data/a"])),
        Err(BackupError::Interrupted { .. })
    ));
    place.restore(&record.id, &Selection::All).unwrap();
    assert_eq!(picture(&place.root()), before);
    place.create(Kind::Manual).unwrap();
}

#[test]
fn a_new_backup_does_not_stand_on_packs_that_are_gone() {
    let (place, _, second) = with_two_backups();
    for pack in place.files_below("packs") {
        fs::remove_file(pack).unwrap();
    }
    assert!(place.restore(&second.id, &Selection::All).is_err());
    let third = place.create_later();
    assert!(third.new_bytes > 200_000, "what is gone is written again: {third:?}");
    place.restore(&third.id, &Selection::All).unwrap();
    assert!(
        verify(&place.repository, &second.id).is_ok(),
        "its content is there again"
    );
}

#[test]
fn a_lost_index_costs_nothing_and_pruning_removes_nothing_that_is_needed() {
    let (place, first, second) = with_two_backups();
    fs::remove_file(&place.files_below("index")[0]).unwrap();
    let root = place.root().to_string_lossy().into_owned();
    let keep = Keep {
        days: 10_000,
        ..Keep::default()
    };
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    place.restore(&first.id, &Selection::All).unwrap();
    prune(&place.repository, &root, &keep, now).unwrap();
    for record in [&first, &second] {
        assert_eq!(verify(&place.repository, &record.id).unwrap(), *record);
        place.restore(&record.id, &Selection::All).unwrap();
    }
    assert!(place.verified().is_whole());
}

#[test]
fn pruning_beside_damage_frees_nothing_and_a_new_backup_does_not_go_by_a_damaged_list() {
    let (place, first, _) = with_two_backups();
    for pack in place.files_below("packs") {
        let mut bytes = fs::read(&pack).unwrap();
        for at in (60..bytes.len() - 200).step_by(500) {
            bytes[at] ^= 1;
        }
        fs::write(&pack, bytes).unwrap();
    }
    let root = place.root().to_string_lossy().into_owned();
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    let pruned = prune(&place.repository, &root, &Keep::default(), now).unwrap();
    assert_eq!((pruned.removed, pruned.freed_bytes), (vec![first.id], 0));
    assert!(pruned.left.is_some());
    // Its lists are written anew; its content is damaged where it is, which `verify` names and `repair` mends.
    let third = place.create_later();
    assert!(show(&place.repository, &third.id).is_ok());
    repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    assert_eq!(verify(&place.repository, &third.id).unwrap(), third);
}

#[test]
fn a_pipe_that_is_asked_for_is_refused_before_anything_is_touched() {
    let place = Place::filled();
    let pipe = place.root().join("data/pipe");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let record = place.create(Kind::Manual).unwrap();
    let error = place.restore(&record.id, &only(&["data/pipe"])).unwrap_err();
    assert!(matches!(error, BackupError::Special { .. }), "{error}");
    place.create(Kind::Manual).unwrap();
}
