//! Versions of the components of a stack that go together: the newest of what is wished for, and as little change as possible for the
//! rest; or why there are none, in words.

mod least;
mod solve;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use serde::Serialize;

use least::least_change;
use solve::{Set, Unsolvable};

/// A component with all versions that it could have. Positions count its releases from the oldest.
#[derive(Debug, Clone)]
pub struct Part {
    pub name: String,
    pub releases: Vec<PartRelease>,
    /// Position of the one that is here; without it the part is taken only where another one needs it.
    pub installed: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct PartRelease {
    pub version: String,
    pub needs: Vec<PartNeed>,
}

/// What a release needs of another part.
#[derive(Debug, Clone)]
pub struct PartNeed {
    pub part: usize,
    /// As it is written, for people.
    pub range: String,
    /// Positions of the releases that fit.
    pub fits: BTreeSet<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartWish {
    /// The newest that goes with something.
    Newest,
    To(u32),
}

/// Why a release of a part may not be taken, whatever else there is; asked only of those that come into question.
pub type Barred<'b> = &'b dyn Fn(usize, u32) -> Option<String>;

#[derive(Debug, PartialEq, Eq)]
pub struct Fit {
    /// The position of each part; none for what nobody needs.
    pub chosen: Vec<Option<u32>>,
    /// For each wish for the newest that did not come true, what keeps it from that.
    pub passed_over: Vec<PassedOver>,
    /// The search for the fewest changes was given up: there may be a set with fewer.
    pub is_least: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct PassedOver {
    pub part: usize,
    pub newest: u32,
    pub why: Explanation,
}

/// Sentences; each follows from those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Explanation(pub Vec<String>);

/// No versions fit together.
#[derive(Debug, PartialEq, Eq)]
pub struct NoFit(pub Explanation);

/// What is asked of the solver; it is narrowed step by step until only one answer is left.
#[derive(Clone)]
struct Search<'a> {
    parts: &'a [Part],
    barred: Barred<'a>,
    /// Must be part of the answer.
    required: Vec<bool>,
    wishes: Vec<Option<PartWish>>,
    allowed: Vec<Set>,
}

impl Search<'_> {
    fn pin(&mut self, part: usize, position: Option<u32>) {
        self.allowed[part] = position.map_or_else(Set::empty, Set::singleton);
    }

    /// Decides the version of one part before all others.
    fn settle(&mut self, part: usize) -> Result<(), Unsolvable> {
        let solved = self.solve(Some(part))?;
        self.pin(part, solved[part]);
        Ok(())
    }
}

pub fn fit(parts: &[Part], wishes: &[(usize, PartWish)], barred: Barred<'_>) -> Result<Fit, NoFit> {
    let mut search = Search {
        parts,
        barred,
        required: parts.iter().map(|part| part.installed.is_some()).collect(),
        wishes: vec![None; parts.len()],
        allowed: vec![Set::full(); parts.len()],
    };
    for (part, wish) in wishes {
        search.required[*part] = true;
        search.wishes[*part] = Some(*wish);
        if let PartWish::To(position) = wish {
            search.pin(*part, Some(*position));
        }
    }
    let asked = search.clone();
    narrow(&mut search, wishes)
        .map_err(|unsolvable| NoFit(asked.words(&unsolvable)))
        .map(|(chosen, is_least)| Fit {
            passed_over: passed_over(&asked, wishes, &chosen),
            chosen,
            is_least,
        })
}

/// One after the other: wishes in their order, the fewest changes, the smallest change of what must change, what is needed besides.
fn narrow(search: &mut Search<'_>, wishes: &[(usize, PartWish)]) -> Result<(Vec<Option<u32>>, bool), Unsolvable> {
    search.solve(None)?;
    for (part, _) in wishes {
        search.settle(*part)?;
    }
    let is_least = least_change(search)?;
    for part in 0..search.parts.len() {
        if search.required[part] {
            search.settle(part)?;
        }
    }
    for part in 0..search.parts.len() {
        if search.required[part] {
            continue;
        }
        let before = search.allowed[part].clone();
        search.pin(part, None);
        if search.solve(None).is_err() {
            search.allowed[part] = before;
            search.settle(part)?;
        }
    }
    Ok((search.solve(None)?, is_least))
}

fn passed_over(asked: &Search<'_>, wishes: &[(usize, PartWish)], chosen: &[Option<u32>]) -> Vec<PassedOver> {
    let newest = wishes.iter().filter(|(_, wish)| *wish == PartWish::Newest);
    let missed = newest.filter_map(|(part, _)| {
        let newest = u32::try_from(asked.parts[*part].releases.len()).ok()?.checked_sub(1)?;
        (chosen[*part] < Some(newest)).then_some((*part, newest))
    });
    missed
        .map(|(part, newest)| {
            let mut wished = asked.clone();
            wished.pin(part, Some(newest));
            wished.wishes[part] = Some(PartWish::To(newest));
            let why = match wished.solve(None) {
                Err(unsolvable) => wished.words(&unsolvable),
                Ok(_) => Explanation(vec!["What was wished for before it does not go with it.".into()]),
            };
            PassedOver { part, newest, why }
        })
        .collect()
}
