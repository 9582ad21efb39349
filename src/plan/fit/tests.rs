//! Against a search by brute force over small stacks, and what is said where nothing fits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// `("db", Some(0), [("14", []), ("16", [])])`; a need is a part, a range as written, and the positions that fit.
type Row<'a> = (&'a str, Option<u32>, &'a [ReleaseRow<'a>]);
type ReleaseRow<'a> = (&'a str, &'a [NeedRow<'a>]);
type NeedRow<'a> = (usize, &'a str, &'a [u32]);

type Bars = BTreeSet<(usize, u32)>;
type Wishes = Vec<(usize, PartWish)>;

fn parts(rows: &[Row<'_>]) -> Vec<Part> {
    let need = |(part, range, fits): &NeedRow<'_>| PartNeed {
        part: *part,
        range: (*range).to_owned(),
        fits: fits.iter().copied().collect(),
    };
    let release = |(version, needs): &ReleaseRow<'_>| PartRelease {
        version: (*version).to_owned(),
        needs: needs.iter().map(need).collect(),
    };
    let part = |(name, installed, releases): &Row<'_>| Part {
        name: (*name).to_owned(),
        releases: releases.iter().map(release).collect(),
        installed: *installed,
    };
    rows.iter().map(part).collect()
}

fn free(_: usize, _: u32) -> Option<String> {
    None
}

const WEB_AND_DB: &[Row<'_>] = &[
    ("db", Some(0), &[("14", &[]), ("15", &[]), ("16", &[])]),
    (
        "web",
        Some(0),
        &[
            ("0a1", &[(0, "<16", &[0, 1])]),
            ("0b1", &[(0, ">=15", &[1, 2])]),
            ("0r1", &[(0, ">=17", &[])]),
        ],
    ),
    ("cache", Some(1), &[("6", &[]), ("7", &[(0, "<16", &[0, 1])])]),
];

#[test]
fn the_wish_is_as_new_as_can_be_and_the_rest_changes_as_little_as_can_be() {
    let parts = parts(WEB_AND_DB);
    let newest = fit(&parts, &[(1, PartWish::Newest)], &free).unwrap();
    // The database goes one up, not two, so that the cache can stay.
    assert_eq!(newest.chosen, [Some(1), Some(1), Some(1)]);
    assert!(newest.is_least);
    let why = &newest.passed_over[0];
    assert_eq!((why.part, why.newest), (1, 2));
    assert_eq!(
        why.why.0,
        ["Because web 0r1 needs db >=17, which there is none of and web 0r1 is wished for, no versions fit together."]
    );
    let stays = fit(&parts, &[(2, PartWish::Newest)], &free).unwrap();
    assert_eq!(stays.chosen, [Some(0), Some(0), Some(1)]);
}

#[test]
fn why_nothing_fits_is_said_in_sentences_with_the_demands_as_they_are_written() {
    let rows: &[Row<'_>] = &[
        ("db", Some(0), &[("14", &[]), ("15", &[]), ("16", &[])]),
        (
            "web",
            Some(0),
            &[("0a1", &[(0, "<16", &[0, 1])]), ("0b1", &[(0, ">=16", &[2])])],
        ),
        (
            "cache",
            Some(0),
            &[("6", &[(0, "<15", &[0])]), ("7", &[(0, "<16", &[0, 1])])],
        ),
    ];
    let NoFit(why) = fit(&parts(rows), &[(1, PartWish::To(1))], &free).unwrap_err();
    let said = why.0.join(" ");
    for demand in [
        "web 0b1 needs db >=16",
        "cache 7 needs db <16",
        "cache 6 needs db <15",
        "web 0b1 is wished for",
    ] {
        assert!(said.contains(demand), "`{demand}` is not in {said}");
    }
    assert!(said.ends_with("no versions fit together."), "{said}");
    let barred = |part: usize, at: u32| (part == 0 && at > 0).then(|| "there is no way up from 14".to_owned());
    let NoFit(why) = fit(&parts(WEB_AND_DB), &[(1, PartWish::To(1))], &barred).unwrap_err();
    assert!(
        why.0
            .iter()
            .any(|line| line.contains("cannot be taken: there is no way up from 14")),
        "{why:?}"
    );
}

#[test]
fn what_is_not_installed_comes_only_where_it_is_needed() {
    let rows: &[Row<'_>] = &[
        ("queue", None, &[("1", &[]), ("2", &[])]),
        ("web", Some(0), &[("0a1", &[]), ("0b1", &[(0, "*", &[0, 1])])]),
    ];
    let parts = parts(rows);
    assert_eq!(fit(&parts, &[], &free).unwrap().chosen, [None, Some(0)]);
    assert_eq!(
        fit(&parts, &[(1, PartWish::Newest)], &free).unwrap().chosen,
        [Some(1), Some(1)]
    );
    assert_eq!(
        fit(&parts, &[(0, PartWish::To(0))], &free).unwrap().chosen,
        [Some(0), Some(0)]
    );
}

/// A small stack, what is barred, and what is wished for.
fn any_stack() -> impl Strategy<Value = (Vec<Part>, Bars, Wishes)> {
    const PARTS: usize = 4;
    let sizes = proptest::collection::vec(1..4_u32, PARTS);
    sizes.prop_flat_map(|sizes| {
        let all: u32 = sizes.iter().sum();
        let need = (0..PARTS, proptest::collection::btree_set(0..3_u32, 0..4));
        let needs = proptest::collection::vec(proptest::collection::vec(need, 0..3), all as usize);
        let installed = proptest::collection::vec(proptest::option::weighted(0.8, 0..3_u32), PARTS);
        let barred = proptest::collection::btree_set((0..PARTS, 0..3_u32), 0..3);
        let wish = prop_oneof![Just(PartWish::Newest), (0..3_u32).prop_map(PartWish::To)];
        let wishes = proptest::collection::btree_map(0..PARTS, wish, 0..3);
        (Just(sizes), needs, installed, barred, wishes).prop_map(|(sizes, needs, installed, barred, wishes)| {
            let mut needs = needs.into_iter();
            let parts: Vec<Part> = (0..PARTS)
                .map(|at| Part {
                    name: format!("part{at}"),
                    installed: installed[at].map(|position| position % sizes[at]),
                    releases: (0..sizes[at])
                        .map(|version| PartRelease {
                            version: version.to_string(),
                            needs: distinct(at, needs.next().unwrap_or_default(), &sizes),
                        })
                        .collect(),
                })
                .collect();
            let within = |(part, wish): (usize, PartWish)| match wish {
                PartWish::To(position) => (part, PartWish::To(position % sizes[part])),
                PartWish::Newest => (part, wish),
            };
            (parts, barred, wishes.into_iter().map(within).collect())
        })
    })
}

/// One need of each other part, of releases that there are.
fn distinct(own: usize, needs: Vec<(usize, BTreeSet<u32>)>, sizes: &[u32]) -> Vec<PartNeed> {
    let mut seen = BTreeSet::from([own]);
    let fresh = needs.into_iter().filter(|(part, _)| seen.insert(*part));
    fresh
        .map(|(part, fits)| PartNeed {
            part,
            range: format!("{fits:?}"),
            fits: fits.into_iter().filter(|at| *at < sizes[part]).collect(),
        })
        .collect()
}

/// Every assignment, also with parts left out.
fn assignments(parts: &[Part]) -> Vec<Vec<Option<u32>>> {
    parts.iter().fold(vec![Vec::new()], |begun, part| {
        let count = u32::try_from(part.releases.len()).unwrap();
        let choices = std::iter::once(None).chain((0..count).map(Some));
        let longer = |chosen: &Vec<Option<u32>>| {
            let chosen = chosen.clone();
            choices.clone().map(move |choice| [&chosen[..], &[choice]].concat())
        };
        begun.iter().flat_map(longer).collect()
    })
}

fn is_sound(
    parts: &[Part],
    barred: &BTreeSet<(usize, u32)>,
    wishes: &[(usize, PartWish)],
    chosen: &[Option<u32>],
) -> bool {
    let required = |part: usize| parts[part].installed.is_some() || wishes.iter().any(|(wished, _)| *wished == part);
    let mut needed = BTreeSet::new();
    for (part, position) in chosen.iter().enumerate() {
        let Some(position) = position else {
            if required(part) {
                return false;
            }
            continue;
        };
        for need in &parts[part].releases[*position as usize].needs {
            needed.insert((part, need.part));
            if chosen[need.part].is_none_or(|other| !need.fits.contains(&other)) {
                return false;
            }
        }
        if barred.contains(&(part, *position)) {
            return false;
        }
    }
    let exact = |(part, wish): &(usize, PartWish)| match wish {
        PartWish::To(position) => chosen[*part] == Some(*position),
        PartWish::Newest => true,
    };
    // What nobody wants is reached from what is required.
    let mut reached: BTreeSet<usize> = (0..parts.len()).filter(|part| required(*part)).collect();
    while needed
        .iter()
        .any(|(from, to)| reached.contains(from) && reached.insert(*to))
    {}
    wishes.iter().all(exact) && (0..parts.len()).all(|part| chosen[part].is_none() || reached.contains(&part))
}

/// Less is better, from the left.
fn cost(parts: &[Part], wishes: &[(usize, PartWish)], chosen: &[Option<u32>]) -> Vec<u32> {
    let missing =
        |part: usize| u32::try_from(parts[part].releases.len()).unwrap() - chosen[part].map_or(0, |at| at + 1);
    let is_wished = |part: usize| wishes.iter().any(|(wished, _)| *wished == part);
    let rest: Vec<(usize, u32)> = (0..parts.len())
        .filter(|part| !is_wished(*part))
        .filter_map(|part| Some((part, parts[part].installed?)))
        .collect();
    let changed: Vec<bool> = rest
        .iter()
        .map(|(part, installed)| chosen[*part] != Some(*installed))
        .collect();
    let mut cost: Vec<u32> = wishes.iter().map(|(part, _)| missing(*part)).collect();
    cost.push(u32::try_from(changed.iter().filter(|changed| **changed).count()).unwrap());
    cost.extend(changed.iter().map(|changed| u32::from(*changed)));
    cost.extend(rest.iter().map(|(part, installed)| {
        let at = chosen[*part].unwrap();
        // One up, two up, …, one down, two down.
        if at >= *installed {
            at - installed
        } else {
            100 + installed - at
        }
    }));
    let optional = (0..parts.len()).filter(|part| parts[*part].installed.is_none() && !is_wished(*part));
    cost.extend(optional.map(|part| chosen[part].map_or(0, |_| 1 + missing(part))));
    cost
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn the_best_of_all_sets_is_found_and_none_only_where_there_is_none((parts, barred, wishes) in any_stack()) {
        let bars = |part: usize, at: u32| barred.contains(&(part, at)).then(|| "it is barred".to_owned());
        let all = assignments(&parts);
        let best = all.iter().filter(|chosen| is_sound(&parts, &barred, &wishes, chosen)).min_by_key(|chosen| cost(&parts, &wishes, chosen));
        match (fit(&parts, &wishes, &bars), best) {
            (Ok(found), Some(best)) => {
                prop_assert!(is_sound(&parts, &barred, &wishes, &found.chosen), "{:?}", found.chosen);
                prop_assert_eq!(&found.chosen, best);
                prop_assert!(found.is_least);
            }
            (Err(NoFit(why)), None) => {
                prop_assert!(why.0.last().is_some_and(|line| line.contains("no versions fit together")), "{:?}", why);
            }
            (found, best) => prop_assert!(false, "found {:?}, best is {:?}", found, best),
        }
    }

    /// The answer depends on nothing but the question.
    #[test]
    fn the_same_is_said_again((parts, barred, wishes) in any_stack()) {
        let bars = |part: usize, at: u32| barred.contains(&(part, at)).then(|| "it is barred".to_owned());
        prop_assert_eq!(fit(&parts, &wishes, &bars), fit(&parts, &wishes, &bars));
    }
}
