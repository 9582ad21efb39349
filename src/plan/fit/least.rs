//! The fewest changes: which of the parts that nobody has wished for can stay as they are.

use super::Search;
use super::solve::{Set, Unsolvable};

/// So often the solver is asked at most. A stack of a few dozen parts takes a fraction of it.
const PATIENCE: usize = 4_000;

struct Least<'s, 'a> {
    search: &'s mut Search<'a>,
    /// Parts that could stay, with where they are.
    rest: Vec<(usize, u32)>,
    asked: usize,
}

/// Narrows the search to one of the answers that change the fewest parts, the last ones by preference. False where it was given up, and
/// the answer may change more.
pub fn least_change(search: &mut Search<'_>) -> Result<bool, Unsolvable> {
    let rest = (0..search.parts.len()).filter(|part| search.wishes[*part].is_none());
    let rest: Vec<(usize, u32)> = rest
        .filter_map(|part| Some((part, search.parts[part].installed?)))
        .collect();
    let some = search.solve(None)?;
    let is_changed = |(part, installed): &&(usize, u32)| some[*part] != Some(*installed);
    let most = rest.iter().filter(is_changed).count();
    let mut least = Least { search, rest, asked: 0 };
    for changes in 0..=most {
        if least.with(0, changes) {
            return Ok(true);
        }
        if least.is_given_up() {
            break;
        }
    }
    // What was found first.
    for (part, installed) in &least.rest {
        least.search.allowed[*part] = match some[*part] == Some(*installed) {
            true => Set::singleton(*installed),
            false => Set::full(),
        };
    }
    Ok(false)
}

impl Least<'_, '_> {
    fn is_given_up(&self) -> bool {
        self.asked >= PATIENCE
    }

    /// Whether there is an answer in which so many of the parts from `at` on change; the search is narrowed to it then, else as it was.
    fn with(&mut self, at: usize, changes: usize) -> bool {
        if self.is_given_up() {
            return false;
        }
        self.asked += 1;
        let Ok(some) = self.search.solve(None) else {
            return false;
        };
        let stays = |(part, installed): &(usize, u32)| some[*part] == Some(*installed);
        if self.rest[at..].iter().all(stays) {
            for (part, installed) in self.rest[at..].iter().copied() {
                self.search.allowed[part] = Set::singleton(installed);
            }
            return true;
        }
        let Some((part, installed)) = self.rest.get(at).copied() else {
            return true;
        };
        let before = std::mem::replace(&mut self.search.allowed[part], Set::singleton(installed));
        if self.with(at + 1, changes) {
            return true;
        }
        if changes > 0 {
            self.search.allowed[part] = Set::singleton(installed).complement();
            if self.with(at + 1, changes - 1) {
                return true;
            }
        }
        self.search.allowed[part] = before;
        false
    }
}
