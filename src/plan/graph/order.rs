//! Versions put into order, and where each of them went.

use super::number;
use crate::version::Scheme;

/// Sorts in place and gives for each version, in the order before, its place in the order now.
pub(super) fn sort<V: Scheme>(versions: &mut [V]) -> Vec<u32> {
    let mut given: Vec<u32> = (0..number(versions.len())).collect();
    if versions.is_sorted() {
        return given;
    }
    given.sort_unstable_by(|a, b| versions[*a as usize].cmp(&versions[*b as usize]));
    let mut places = vec![0; given.len()];
    for (place, was) in (0..).zip(&given) {
        places[*was as usize] = place;
    }
    // Follows each cycle of versions that take each other's place.
    for start in 0..given.len() {
        let mut at = start;
        while given[at] as usize != start {
            let next = given[at] as usize;
            versions.swap(at, next);
            given[at] = number(at);
            at = next;
        }
        given[at] = number(at);
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::version::Version;

    proptest! {
        #[test]
        fn each_version_is_found_where_it_went(minors in proptest::collection::vec(1..40_u32, 0..30)) {
            let versions: Vec<Version> = minors.iter().map(|minor| format!("0a{minor}").parse().unwrap()).collect();
            let mut sorted = versions.clone();
            let places = sort(&mut sorted);
            prop_assert!(sorted.is_sorted());
            for (version, place) in versions.iter().zip(&places) {
                prop_assert_eq!(version, &sorted[*place as usize]);
            }
            let different: std::collections::BTreeSet<u32> = places.into_iter().collect();
            prop_assert_eq!(different.len(), versions.len());
        }
    }
}
