//! What PubGrub has derived, in sentences.

use pubgrub::{DefaultStringReporter, Derived, External, Map, ReportFormatter, Reporter, Term};

use super::solve::{Set, Unsolvable, Who};
use super::{Explanation, Part, PartWish, Search};

const NOTHING: &str = "no versions fit together";

impl Search<'_> {
    pub(super) fn words(&self, Unsolvable(tree): &Unsolvable) -> Explanation {
        let Some(tree) = tree else {
            return Explanation(vec!["The search failed; this is a fault in NetLink itself.".into()]);
        };
        let mut tree = tree.clone();
        tree.collapse_no_versions();
        let text = DefaultStringReporter::report_with_formatter(&tree, &Words(self));
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Explanation(lines.map(sentence).collect())
    }
}

/// With a capital letter and a full stop, which a number behind it may follow.
fn sentence(line: &str) -> String {
    let mut chars = line.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let ends = line.ends_with(['.', ')']);
    format!("{first}{}{}", chars.as_str(), if ends { "" } else { "." })
}

struct Words<'w>(&'w Search<'w>);

type Ours = External<Who, Set, String>;
type Terms = Map<Who, Term<Set>>;

impl Words<'_> {
    fn part(&self, part: usize) -> &Part {
        &self.0.parts[part]
    }

    /// `every web`, `web 0b1`, `web 0a1 to 0b1 or 0a2`.
    fn named(&self, part: usize, set: &Set) -> String {
        let Part { name, releases, .. } = self.part(part);
        let holds: Vec<bool> = (0_u32..).take(releases.len()).map(|at| set.contains(&at)).collect();
        if holds.iter().all(|holds| *holds) {
            return format!("every {name}");
        }
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for at in (0..holds.len()).filter(|at| holds[*at]) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == at => *last = at,
                _ => runs.push((at, at)),
            }
        }
        let version = |at: usize| releases[at].version.as_str();
        let run = |(first, last): &(usize, usize)| match first == last {
            true => version(*first).to_owned(),
            false => format!("{} to {}", version(*first), version(*last)),
        };
        match runs.as_slice() {
            [] => format!("no {name}"),
            runs => format!("{name} {}", runs.iter().map(run).collect::<Vec<_>>().join(" or ")),
        }
    }

    fn who(&self, who: &Who, set: &Set) -> String {
        match who {
            Who::Stack => "the stack".into(),
            Who::Part(part) => self.named(*part, set),
        }
    }

    /// As the releases write it, where they all write the same; else which releases that means.
    fn needed(&self, part: usize, set: &Set, other: usize, others: &Set) -> String {
        let held = (0_u32..)
            .zip(&self.part(part).releases)
            .filter(|(at, _)| set.contains(at));
        let mut ranges: Vec<&str> = held
            .flat_map(|(_, release)| &release.needs)
            .filter(|need| need.part == other)
            .map(|need| need.range.as_str())
            .collect();
        ranges.dedup();
        let name = &self.part(other).name;
        match ranges[..] {
            [range] if others.iter().next().is_none() => format!("{name} {range}, which there is none of"),
            [range] => format!("{name} {range}"),
            _ => self.named(other, others),
        }
    }

    /// What the stack itself asks for.
    fn wanted(&self, part: usize, set: &Set) -> String {
        let name = &self.part(part).name;
        match self.0.wishes[part] {
            Some(PartWish::To(_)) => format!("{} is wished for", self.named(part, set)),
            Some(PartWish::Newest) => format!("{name} is wished for"),
            None => format!("{name} is part of the stack"),
        }
    }
}

impl ReportFormatter<Who, Set, String> for Words<'_> {
    type Output = String;

    fn format_external(&self, external: &Ours) -> String {
        match external {
            External::NotRoot(..) => "the stack is wanted".into(),
            External::NoVersions(Who::Part(part), set) => {
                let name = &self.part(*part).name;
                match self.named(*part, set).starts_with("no ") {
                    true => format!("there is no other {name}"),
                    false => format!("{} is not wanted", self.named(*part, set)),
                }
            }
            External::NoVersions(Who::Stack, _) => "the stack is wanted".into(),
            External::FromDependencyOf(Who::Stack, _, Who::Part(part), set) => self.wanted(*part, set),
            External::FromDependencyOf(Who::Part(part), set, Who::Part(other), others) => {
                format!(
                    "{} needs {}",
                    self.named(*part, set),
                    self.needed(*part, set, *other, others)
                )
            }
            External::FromDependencyOf(who, set, other, others) => {
                format!("{} needs {}", self.who(who, set), self.who(other, others))
            }
            External::Custom(who, set, reason) => format!("{} cannot be taken: {reason}", self.who(who, set)),
        }
    }

    fn format_terms(&self, terms: &Terms) -> String {
        let mut all: Vec<(usize, &Term<Set>)> = terms
            .iter()
            .filter_map(|(who, term)| match who {
                Who::Stack => None,
                Who::Part(part) => Some((*part, term)),
            })
            .collect();
        all.sort_by_key(|(part, term)| (matches!(term, Term::Negative(_)), *part));
        match all[..] {
            [] => NOTHING.into(),
            [(part, Term::Positive(set))] => format!("{} is out of the question", self.named(part, set)),
            [(part, Term::Negative(set))] => format!("it must be {}", self.named(part, set)),
            [(part, Term::Positive(set)), (other, Term::Negative(others))] => {
                format!("{} needs {}", self.named(part, set), self.named(other, others))
            }
            ref more => {
                let shown = more.iter().map(|(part, term)| match term {
                    Term::Positive(set) => self.named(*part, set),
                    Term::Negative(set) => format!("other than {}", self.named(*part, set)),
                });
                format!("{} do not go together", shown.collect::<Vec<_>>().join(" and "))
            }
        }
    }

    fn explain_both_external(&self, one: &Ours, other: &Ours, terms: &Terms) -> String {
        let (one, other) = (self.format_external(one), self.format_external(other));
        format!("because {one} and {other}, {}.", self.format_terms(terms))
    }

    fn explain_both_ref(
        &self,
        first: usize,
        one: &Derived<Who, Set, String>,
        second: usize,
        other: &Derived<Who, Set, String>,
        terms: &Terms,
    ) -> String {
        let (one, other) = (self.format_terms(&one.terms), self.format_terms(&other.terms));
        format!(
            "because {one} ({first}) and {other} ({second}), {}.",
            self.format_terms(terms)
        )
    }

    fn explain_ref_and_external(
        &self,
        number: usize,
        derived: &Derived<Who, Set, String>,
        external: &Ours,
        terms: &Terms,
    ) -> String {
        let (derived, external) = (self.format_terms(&derived.terms), self.format_external(external));
        format!(
            "because {derived} ({number}) and {external}, {}.",
            self.format_terms(terms)
        )
    }

    fn and_explain_external(&self, external: &Ours, terms: &Terms) -> String {
        format!(
            "and because {}, {}.",
            self.format_external(external),
            self.format_terms(terms)
        )
    }

    fn and_explain_ref(&self, number: usize, derived: &Derived<Who, Set, String>, terms: &Terms) -> String {
        let derived = self.format_terms(&derived.terms);
        format!("and because {derived} ({number}), {}.", self.format_terms(terms))
    }

    fn and_explain_prior_and_external(&self, prior: &Ours, external: &Ours, terms: &Terms) -> String {
        let (prior, external) = (self.format_external(prior), self.format_external(external));
        format!("and because {prior} and {external}, {}.", self.format_terms(terms))
    }
}
