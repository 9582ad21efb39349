//! Which files of a move are run before the product stops, while it is stopped, after it is healthy again, and in the background.
//!
//! Levels keep their order, so a file is run no earlier than those below it and no later than those above it: what stands between two
//! that need the stop needs it too.

use super::directives::Phase;
use super::files::SchemaFiles;

/// The level that each part leads to; a part without files ends where the one before it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    pub before: u32,
    pub during: u32,
    pub after: u32,
    pub background: u32,
}

impl Stages {
    /// All of it while the product is stopped.
    pub fn at_once(to: u32, from: u32) -> Self {
        Self {
            before: from,
            during: to,
            after: to,
            background: to,
        }
    }
}

impl SchemaFiles {
    /// Of the files in (from, to]. What comes before the stop must have a way back that was tried: `has_way_back` says so.
    pub fn stages(&self, from: u32, to: u32, has_way_back: &dyn Fn(u32) -> bool) -> Stages {
        let phase = |(level, phase): (u32, Phase)| match phase {
            Phase::Before if !has_way_back(level) => Phase::During,
            phase => phase,
        };
        let phases = self
            .between(from, to)
            .map(|(level, files)| phase((level, files.phase())));
        stages(from, &phases.collect::<Vec<_>>())
    }
}

fn stages(from: u32, phases: &[Phase]) -> Stages {
    let count = |phases: &[Phase]| u32::try_from(phases.len()).unwrap_or(u32::MAX);
    let before = phases.iter().take_while(|phase| **phase == Phase::Before).count();
    let past_last = |start: usize, ends: &[Phase]| {
        let last = phases[start..].iter().rposition(|phase| ends.contains(phase));
        last.map_or(start, |last| start + last + 1)
    };
    let during = past_last(before, &[Phase::Before, Phase::During]);
    let after = past_last(during, &[Phase::After]);
    Stages {
        before: from + count(&phases[..before]),
        during: from + count(&phases[..during]),
        after: from + count(&phases[..after]),
        background: from + count(phases),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_are_run_in_their_order() {
        use Phase::{After, Background, Before, During};
        let check = |phases: &[Phase], expected: [u32; 4]| {
            let Stages {
                before,
                during,
                after,
                background,
            } = stages(3, phases);
            assert_eq!([before, during, after, background], expected, "{phases:?}");
        };
        check(&[], [3, 3, 3, 3]);
        check(&[During], [3, 4, 4, 4]);
        check(&[Before, During, After, Background], [4, 5, 6, 7]);
        check(&[During, Before], [3, 5, 5, 5]);
        check(&[After, During], [3, 5, 5, 5]);
        check(&[Background, After], [3, 3, 5, 5]);
        check(&[Before, After, Before, Background], [4, 6, 6, 7]);
    }

    proptest! {
        #[test]
        fn every_file_has_its_turn_once_and_none_that_needs_the_stop_is_without_it(
            phases in prop::collection::vec(
                prop::sample::select(vec![Phase::Before, Phase::During, Phase::After, Phase::Background]), 0..12)
        ) {
            let Stages { before, during, after, background } = stages(0, &phases);
            prop_assert!(before <= during && during <= after && after <= background);
            prop_assert_eq!(background as usize, phases.len());
            for (at, phase) in phases.iter().enumerate() {
                let at = u32::try_from(at).unwrap();
                match phase {
                    Phase::Before => prop_assert!(at < during),
                    Phase::During => prop_assert!((before..during).contains(&at)),
                    Phase::After => prop_assert!((before..after).contains(&at)),
                    Phase::Background => prop_assert!(at >= before),
                }
            }
        }
    }
}
