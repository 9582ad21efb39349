//! The stack as PubGrub sees it: parts are its packages, positions of releases its versions, and the stack itself is the root that
//! wants all that is required.

use std::convert::Infallible;
use std::fmt;

use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, DerivationTree, PackageResolutionStatistics, PubGrubError,
    Ranges, resolve,
};

use super::{Part, PartWish, Search};

pub type Set = Ranges<u32>;
pub type Tree = DerivationTree<Who, Set, String>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    Stack,
    Part(usize),
}

/// Only for PubGrub's own log.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack => f.write_str("the stack"),
            Self::Part(at) => write!(f, "part {at}"),
        }
    }
}

/// Why there is no answer; `None` only where the solver was at fault.
#[derive(Debug)]
pub struct Unsolvable(pub Option<Tree>);

struct Query<'q> {
    search: &'q Search<'q>,
    first: Option<usize>,
}

impl Search<'_> {
    /// The position of each part in an answer; `first` gets what suits it best.
    pub(super) fn solve(&self, first: Option<usize>) -> Result<Vec<Option<u32>>, Unsolvable> {
        let query = Query { search: self, first };
        match resolve(&query, Who::Stack, 0_u32) {
            Ok(selected) => Ok((0..self.parts.len())
                .map(|part| selected.get(&Who::Part(part)).copied())
                .collect()),
            Err(PubGrubError::NoSolution(tree)) => Err(Unsolvable(Some(tree))),
            Err(_) => Err(Unsolvable(None)),
        }
    }

    /// Positions of a part, the one that suits best first.
    fn preferred(&self, part: usize) -> Vec<u32> {
        let Part {
            releases, installed, ..
        } = &self.parts[part];
        let count = u32::try_from(releases.len()).unwrap_or(u32::MAX);
        match (self.wishes[part], installed) {
            // As little change as possible: the next one up, then the next one down.
            (None, Some(installed)) => (*installed..count).chain((0..*installed).rev()).collect(),
            (Some(PartWish::Newest | PartWish::To(_)), _) | (None, None) => (0..count).rev().collect(),
        }
    }
}

impl DependencyProvider for Query<'_> {
    type P = Who;
    type V = u32;
    type VS = Set;
    type Priority = usize;
    type M = String;
    type Err = Infallible;

    fn prioritize(&self, who: &Who, _: &Set, _: &PackageResolutionStatistics) -> usize {
        match who {
            Who::Stack => usize::MAX,
            Who::Part(part) if self.first == Some(*part) => usize::MAX - 1,
            Who::Part(part) => {
                let rank = match (self.search.wishes[*part], self.search.required[*part]) {
                    (Some(_), _) => 2,
                    (None, true) => 1,
                    (None, false) => 0,
                };
                (rank + 1) * self.search.parts.len() - part
            }
        }
    }

    fn choose_version(&self, who: &Who, set: &Set) -> Result<Option<u32>, Infallible> {
        let Who::Part(part) = who else { return Ok(Some(0)) };
        let allowed = &self.search.allowed[*part];
        let fits = |position: &u32| set.contains(position) && allowed.contains(position);
        Ok(self.search.preferred(*part).into_iter().find(fits))
    }

    fn get_dependencies(&self, who: &Who, position: &u32) -> Result<Dependencies<Who, Set, String>, Infallible> {
        let Search {
            parts,
            barred,
            required,
            allowed,
            ..
        } = self.search;
        let Who::Part(part) = who else {
            let wanted = (0..parts.len()).filter(|part| required[*part]);
            let all = wanted.map(|part| (Who::Part(part), allowed[part].clone()));
            return Ok(Dependencies::Available(DependencyConstraints::from_iter(all)));
        };
        if let Some(reason) = barred(*part, *position) {
            return Ok(Dependencies::Unavailable(reason));
        }
        let needs = parts[*part].releases[*position as usize].needs.iter();
        let sets = needs.map(|need| {
            let fits = need.fits.iter().map(|position| Set::singleton(*position));
            (
                Who::Part(need.part),
                fits.fold(Set::empty(), |all, one| all.union(&one)),
            )
        });
        Ok(Dependencies::Available(DependencyConstraints::from_iter(sets)))
    }
}
