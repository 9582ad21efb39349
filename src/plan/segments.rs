//! A tree over places in a row: any range of places is made of few of its nodes, and few nodes lie above a place.
//!
//! Place p of `count` is node `count + p`, and node n lies below node n / 2.

use std::ops::Range;

/// The fewest nodes that have exactly these places below them.
pub fn over(count: u32, places: &Range<u32>) -> impl Iterator<Item = u32> + use<> {
    let (mut low, mut high) = (count + places.start, count + places.end);
    let mut nodes = [0; 64];
    let mut found = 0;
    let mut add = |node| {
        nodes[found] = node;
        found += 1;
    };
    while low < high {
        if low % 2 == 1 {
            add(low);
            low += 1;
        }
        if high % 2 == 1 {
            high -= 1;
            add(high);
        }
        (low, high) = (low / 2, high / 2);
    }
    nodes.into_iter().take(found)
}

/// The nodes that have the place below them, itself first.
pub fn above(count: u32, place: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(count + place), |node| Some(node / 2).filter(|above| *above > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_lies_below_one_node_of_each_range_that_holds_it() {
        for count in 1..20 {
            for (start, end) in (0..=count).flat_map(|end| (0..=end).map(move |start| (start, end))) {
                let nodes: Vec<u32> = over(count, &(start..end)).collect();
                for place in 0..count {
                    let shared = above(count, place).filter(|node| nodes.contains(node)).count();
                    assert_eq!(shared, usize::from((start..end).contains(&place)), "{place} of {count}");
                }
            }
        }
    }
}
