//! What a rotation of the master key leaves, however often it is interrupted.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Files that are not sealed with the current key.
fn older(place: &Place) -> u64 {
    let current = Some(place.repository.master().fingerprint());
    let others = sealed_by(place.repository.dir()).unwrap().into_iter();
    others.filter(|one| one.key != current).map(|one| one.files).sum()
}

fn reseal_all(place: &Place) -> Resealed {
    reseal(&place.repository, None, &mut |_| {}).unwrap()
}

#[test]
fn everything_is_sealed_anew_and_the_old_key_is_needed_no_more() {
    let mut place = Place::filled();
    place.write("data/large", &noise(3 << 20, 1));
    let first = place.create_later();
    drill(
        &place.repository,
        &first.id,
        &place.dir.path().join("scratch"),
        first.created,
        &[],
    )
    .unwrap();
    let ring = place.repository.keyring().rotated();
    place.open_with(ring.clone());
    assert_eq!(older(&place), sealed_by(place.repository.dir()).unwrap()[0].files);
    // Until then what is known stays known.
    let second = place.create_later();
    assert!(second.new_bytes < 5000, "{second:?}");
    let mut heard = Vec::new();
    let resealed = reseal(&place.repository, None, &mut |left| heard.push(left)).unwrap();
    assert_eq!((resealed.left_files, resealed.problems.len()), (0, 0), "{resealed:?}");
    assert!(
        resealed.bytes > 3 << 20 && heard.last() == Some(&0),
        "{resealed:?} {heard:?}"
    );
    assert_eq!(older(&place), 0);

    place.open_with(ring.without_all_after(1));
    let verified = place.verified();
    assert!(verified.is_whole() && verified.whole.len() == 2, "{verified:?}");
    assert!(verified.whole.iter().all(|one| one.key == ring.current().fingerprint()));
    assert!(list(&place.repository).unwrap()[1].drilled.is_some());
    let before = picture(&place.root());
    for record in [&first, &second] {
        fs::remove_dir_all(place.root()).unwrap();
        place.restore(&record.id, &Selection::All).unwrap();
        assert_eq!(picture(&place.root()), before);
    }
    let third = place.create_later();
    assert!(third.new_bytes < 5000, "{third:?}");
    let again = reseal_all(&place);
    assert_eq!((again.files, again.left_files), (0, 0));
    // And without the new one nothing opens.
    place.open_with(Keyring::generate());
    assert!(verify(&place.repository, &third.id).is_err());
}

#[test]
fn what_is_damaged_stays_and_is_named_and_the_rest_is_sealed_anew() {
    let mut place = Place::filled();
    place.write("data/large", &noise(300_000, 1));
    let first = place.create(Kind::Manual).unwrap();
    place.write("data/large", &noise(300_000, 2));
    let second = place.create(Kind::Manual).unwrap();
    let largest = |place: &Place| {
        let packs = place.files_below("packs").into_iter();
        packs.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
    };
    let pack = largest(&place);
    let mut bytes = fs::read(&pack).unwrap();
    bytes[100] ^= 1;
    fs::write(&pack, bytes).unwrap();
    let document = place.repository.snapshot_path(&second.id);
    let mut bytes = fs::read(&document).unwrap();
    bytes[30] ^= 1;
    fs::write(&document, bytes).unwrap();
    let damage = place.verified();
    place.open_with(place.repository.keyring().rotated());
    let resealed = reseal_all(&place);
    assert_eq!((resealed.left_files, resealed.problems.len()), (2, 2), "{resealed:?}");
    assert!(pack.exists() && document.exists());
    let found = place.verified();
    assert_eq!(found.damaged, damage.damaged);
    repair(&place.repository, &place.request(Kind::Manual)).unwrap();
    reseal_all(&place);
    assert_eq!(older(&place), 0);
    let _ = verify(&place.repository, &first.id);
}

/// What may come between, before and after pieces of the work.
#[derive(Debug, Clone)]
enum Move {
    Write(u8),
    Create,
    Rotate,
    Piece,
    All,
    Prune,
    /// A kill after the new packs were durable, and before any index speaks of them.
    LoseNewest,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        any::<u8>().prop_map(Move::Write),
        Just(Move::Create),
        Just(Move::Rotate),
        Just(Move::Piece),
        Just(Move::Piece),
        Just(Move::All),
        Just(Move::Prune),
        Just(Move::LoseNewest),
    ];
    prop::collection::vec(one, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_comes_between_every_backup_restores_as_it_was(moves in moves()) {
        let mut place = Place::filled();
        let mut made = vec![(place.create_later().id, picture(&place.root()))];
        for one in moves.into_iter().chain([Move::All]) {
            match one {
                Move::Write(seed) => place.write("data/large", &noise(70_000, seed.into())),
                Move::Create => made.push((place.create_later().id, picture(&place.root()))),
                Move::Rotate => place.open_with(place.repository.keyring().rotated()),
                Move::Piece => drop(reseal(&place.repository, Some(Duration::from_nanos(1)), &mut |_| {}).unwrap()),
                Move::All => drop(reseal_all(&place)),
                Move::Prune => {
                    let root = place.root().to_string_lossy().into_owned();
                    let keep = Keep { last: 2, ..Keep::default() };
                    let pruned = prune(&place.repository, &root, &keep, "2200-01-01T00:00:00Z".parse().unwrap()).unwrap();
                    made.retain(|(id, _)| !pruned.removed.contains(id));
                }
                Move::LoseNewest => {
                    for packed in place.repository.indexed().unwrap() {
                        place.repository.reseal_pack(&packed).unwrap();
                    }
                }
            }
            prop_assert!(place.verified().is_whole());
        }
        prop_assert_eq!(older(&place), 0);
        place.open_with(place.repository.keyring().without_all_after(1));
        prop_assert!(place.verified().is_whole());
        prop_assert_eq!(list(&place.repository).unwrap().len(), made.len());
        for (id, was) in made {
            let elsewhere = place.dir.path().join("elsewhere");
            restore(&place.repository, &id, &Selection::All, &elsewhere, Dumps::AsFiles).unwrap();
            prop_assert_eq!(picture(&elsewhere), was);
            fs::remove_dir_all(elsewhere).unwrap();
        }
    }
}
