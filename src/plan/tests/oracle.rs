//! The planner against a search that tries every chain and asks every rule by hand, over random indexes, both ways.

mod worlds;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use proptest::prelude::Strategy;
use proptest::prelude::*;

use self::worlds::{ends, world};
use super::*;
use crate::plan::explain::refused_shortcuts;
use crate::plan::graph::{Building, Graph};
use crate::plan::route::{self, Stuck};
use crate::release::{BlockRule, Expression, Fact, Rollout};
use crate::version::{Bound, Channel, Constraint, Dotted, Scheme};

type V = Dotted;

const POOL: [&str; 9] = [
    "3.11.1",
    "3.11.18",
    "3.12.0-rc.1",
    "3.12.1",
    "3.12.5",
    "3.13.0-beta.1",
    "3.13.2",
    "4.0.0-alpha.1",
    "4.0.0",
];

fn version(text: &str) -> V {
    text.parse().unwrap()
}

#[derive(Debug, Clone)]
struct World {
    releases: Vec<(V, ReleaseRules<V>, bool)>,
    edges: Vec<EdgeRule<V>>,
    blocks: Vec<BlockRule<V>>,
    terms: Terms<V>,
}

impl World {
    fn graph(&self, installed: &V) -> Result<Graph<V>, GraphError> {
        let versions = self.releases.iter().map(|(version, ..)| version.clone()).collect();
        let mut building = Building::new(versions, Some(installed), &self.terms)?;
        for (nth, (_, rules, yanked)) in self.releases.iter().enumerate() {
            building.rules(nth, rules)?;
            if *yanked {
                building.bar(nth, Rule::Yanked, String::new());
            }
        }
        self.edges.iter().try_for_each(|edge| building.edge(edge))?;
        self.blocks.iter().try_for_each(|block| building.block(block))?;
        building.finish()
    }

    fn path(&self, from: &V, to: &V) -> Result<Vec<V>, Stuck<V>> {
        let graph = self.graph(from).unwrap();
        let (start, goal) = (graph.find(from).unwrap(), graph.find(to).unwrap());
        let chain = route::route(&graph, start, goal)?;
        Ok(chain.into_iter().map(|place| graph.version(place).clone()).collect())
    }

    fn rules(&self, version: &V) -> ReleaseRules<V> {
        let found = self.releases.iter().find(|(one, ..)| one == version);
        found.map(|(_, rules, _)| rules.clone()).unwrap_or_default()
    }

    fn holds(&self, expression: &Expression) -> Option<bool> {
        expression.holds(&self.terms.facts)
    }

    fn is_stop(&self, version: &V) -> bool {
        match self.rules(version).stop {
            Stop::No => false,
            Stop::Always => true,
            Stop::When(expression) => self.holds(&expression).unwrap_or(true),
        }
    }

    fn permits(&self, from: &V, to: &V, goal: &V) -> bool {
        self.against(from, to, goal).is_some_and(|rules| rules.is_empty())
    }

    /// Rule by rule, from what was written down; none if there is no such release.
    fn against(&self, from: &V, to: &V, goal: &V) -> Option<BTreeSet<Rule>> {
        let (_, rules, yanked) = self.releases.iter().find(|(version, ..)| version == to)?;
        let old = self.rules(from);
        let up = to > from;
        let between = |one: &V| *one > *from.min(to) && *one < *from.max(to);
        let all = || self.releases.iter().map(|(version, ..)| version);
        let fact = |name: &String| self.terms.facts.get(name) == Some(&Fact::Truth(false));
        let component = |(name, constraint): (&String, &Constraint<V>)| {
            self.terms
                .facts
                .component(name)
                .is_some_and(|found| !constraint.matches(&found))
        };
        let policy = &self.terms.policy;
        let channel = rules.channel.unwrap_or_else(|| to.channel());
        let unwanted = policy.min.as_ref().is_some_and(|min| min.is_above(to))
            || policy.max.as_ref().is_some_and(|max| max.is_below(to))
            || policy.exclude.iter().any(|constraint| constraint.matches(to))
            || (to != goal && channel < policy.channel);
        let waits = rules
            .rollout
            .is_some_and(|rollout| !self.terms.takes_part(to, &rollout));
        let way = self.leads(from, to, rules);
        let ranged = up && !rules.from.is_empty();
        let stops = up && all().any(|one| between(one) && self.is_stop(one));
        let dates = old.released_at.zip(rules.released_at);
        let older = up && dates.is_some_and(|(old, new)| new < old);
        let misunderstood = old
            .protocol
            .zip(rules.min_protocol)
            .is_some_and(|(speaks, least)| speaks < least)
            || rules
                .protocol
                .zip(old.min_protocol)
                .is_some_and(|(speaks, least)| speaks < least);
        let schema = up
            && old
                .schema_level
                .zip(rules.min_schema_level)
                .is_some_and(|(level, least)| level < least);
        let crossed = |one_way: fn(&ReleaseRules<V>) -> bool| {
            let one_way = |one: &V| one_way(&self.rules(one));
            !up && (one_way(from) || all().any(|one| between(one) && one_way(one)))
        };
        let rules = [
            (Rule::Yanked, *yanked),
            (Rule::Policy, unwanted),
            (Rule::Rollout, waits),
            (Rule::Components, rules.components.iter().any(component)),
            (Rule::Requires, up && rules.requires.iter().any(fact)),
            (Rule::Avoid, to != goal && rules.avoid.is_some()),
            (Rule::From, ranged && !way),
            (Rule::Edge, !ranged && !way),
            (Rule::Stop, stops),
            (Rule::Block, self.is_blocked(from, to, false)),
            (Rule::Risk, self.is_blocked(from, to, true)),
            (Rule::ReleaseDate, older),
            (Rule::Protocol, misunderstood),
            (Rule::Schema, schema),
            (Rule::Barrier, crossed(|rules| rules.barrier)),
            (Rule::Irreversible, crossed(|rules| !rules.reversible && !rules.barrier)),
        ];
        let against = rules.into_iter().filter(|(_, forbids)| *forbids);
        Some(against.map(|(rule, _)| rule).collect())
    }

    /// By blocks that hold, or by those that cannot be judged.
    fn is_blocked(&self, from: &V, to: &V, risk: bool) -> bool {
        self.blocks.iter().any(|block| {
            let from = block.from.as_ref().is_none_or(|constraint| constraint.matches(from));
            let answer = block.when.iter().find_map(|expression| self.holds(expression));
            let accepted = self.terms.accepted_risks.contains(&block.name);
            let applies = match (block.when.is_empty(), answer) {
                (true, _) => !risk,
                (false, Some(answer)) => answer && !risk,
                (false, None) => risk && !accepted,
            };
            from && block.to.matches(to) && applies
        })
    }

    /// Whether ranges and edges lead there.
    fn leads(&self, from: &V, to: &V, rules: &ReleaseRules<V>) -> bool {
        let up = to > from;
        let edges = |up: bool| self.edges.iter().filter(move |edge| (edge.to > edge.from) == up);
        let leads = |edge: &EdgeRule<V>| match &edge.min_patch {
            None => edge.from == *from && edge.to == *to,
            Some(oldest) => from.fits(&edge.from.series()) && from >= oldest && to.fits(&edge.to.series()),
        };
        let within = |series: &V| from.fits(&series.series()) && to.fits(&series.series());
        let mut series = self.edges.iter().filter(|edge| edge.min_patch.is_some());
        let free = up && series.any(|edge| within(&edge.from) || within(&edge.to));
        let named = edges(up).any(leads) || free;
        if !up || rules.from.is_empty() {
            return named || edges(up).next().is_none();
        }
        named || rules.from.iter().any(|range| range.matches(from))
    }

    /// Along the way that there would be if releases ran with components of any version.
    fn components_would_need(&self, from: &V, to: &V) -> Vec<ComponentNeed<V>> {
        let mut free = self.clone();
        free.releases
            .iter_mut()
            .for_each(|(_, rules, _)| rules.components.clear());
        let chain = free.brute_force(from, to).unwrap_or_default();
        let needs = |pair: &[V]| {
            let until_then = self.rules(&pair[0]).components;
            let all = self.rules(&pair[1]).components.into_iter();
            let need = all.map(|(component, constraint)| {
                let found = self.terms.facts.component(&component);
                ComponentNeed {
                    from: pair[0].clone(),
                    to: pair[1].clone(),
                    needs: constraint.to_string(),
                    until_then: until_then.get(&component).map(ToString::to_string),
                    fits: found.as_ref().map(|found| constraint.matches(found)),
                    present: found.map(|found| found.to_string()),
                    component,
                }
            });
            need.collect::<Vec<_>>()
        };
        chain.windows(2).flat_map(needs).collect()
    }

    /// All chains that never turn round; the best by the order of the issue.
    fn brute_force(&self, from: &V, to: &V) -> Option<Vec<V>> {
        let mut best: Option<Vec<V>> = None;
        self.try_all(&mut vec![from.clone()], to, &mut best);
        best
    }

    fn try_all(&self, chain: &mut Vec<V>, goal: &V, best: &mut Option<Vec<V>>) {
        let at = chain[chain.len() - 1].clone();
        if at == *goal {
            if best.as_ref().is_none_or(|best| self.rank(chain) < self.rank(best)) {
                *best = Some(chain.clone());
            }
            return;
        }
        let nearer = |one: &V| {
            if at < *goal {
                *one > at && one <= goal
            } else {
                *one < at && one >= goal
            }
        };
        for (next, ..) in self.releases.iter().filter(|(version, ..)| nearer(version)) {
            if self.permits(&at, next, goal) {
                chain.push(next.clone());
                self.try_all(chain, goal, best);
                chain.pop();
            }
        }
    }

    /// The fewest hops from place to place on a way to the end of this path.
    fn least_hops(&self, from: &V, to: &V, path: &[V]) -> Option<usize> {
        let (start, goal) = (&path[0], &path[path.len() - 1]);
        let onward = |one: &V, next: &V| {
            if start < goal {
                one < next && next <= to
            } else {
                one > next && next >= to
            }
        };
        if from == to {
            return Some(0);
        }
        let all = self.releases.iter().map(|(version, ..)| version);
        let next = all.filter(|next| onward(from, next) && self.permits(from, next, goal));
        next.filter_map(|next| self.least_hops(next, to, path))
            .min()
            .map(|hops| hops + 1)
    }

    /// Smaller is better: stops, which bind upwards only, hops, channels between, versions between.
    fn rank(&self, chain: &[V]) -> (usize, usize, Vec<Reverse<Channel>>, Vec<Reverse<V>>) {
        let between = &chain[1..chain.len() - 1];
        let channel = |version: &V| Reverse(self.rules(version).channel.unwrap_or_else(|| version.channel()));
        (
            between
                .iter()
                .filter(|version| chain[0] < **version && self.is_stop(version))
                .count(),
            chain.len(),
            between.iter().map(channel).collect(),
            between.iter().cloned().map(Reverse).collect(),
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn the_planner_agrees_with_brute_force(world in world(), ends in ends()) {
        let (from, to) = ends;
        let contradicts = matches!(world.graph(&from), Err(GraphError::OwnStop { .. }));
        prop_assume!(from != to && !contradicts);
        let expected = world.brute_force(&from, &to);
        match world.path(&from, &to) {
            Ok(path) => {
                prop_assert_eq!(Some(&path), expected.as_ref());
                would_be_shorter(&world, &path)?;
                // Whoever stands in the middle of the way is sent on the rest of it.
                for (at, middle) in path.iter().enumerate().skip(1) {
                    prop_assert_eq!(&world.path(middle, &to).unwrap(), &path[at..]);
                }
            }
            Err(stuck) => {
                prop_assert_eq!(None, expected);
                is_in_the_way(&world, &from, &to, &stuck)?;
                prop_assert_eq!(&stuck.components, &world.components_would_need(&from, &to));
            }
        }
    }

    #[test]
    fn the_order_of_the_input_changes_nothing(world in world(), ends in ends()) {
        let (from, to) = ends;
        prop_assume!(from != to && world.graph(&from).is_ok());
        let mut other = world.clone();
        other.releases.reverse();
        other.edges.reverse();
        other.blocks.reverse();
        for (_, rules, _) in &mut other.releases {
            rules.from.reverse();
            rules.requires.reverse();
        }
        prop_assert_eq!(world.path(&from, &to), other.path(&from, &to));
    }

    #[test]
    fn a_release_that_plays_no_part_changes_nothing(world in world(), ends in ends()) {
        let (from, to) = ends;
        prop_assume!(from != to && world.graph(&from).is_ok());
        let mut more = world.clone();
        more.releases.push((version("9.9"), ReleaseRules::default(), false));
        prop_assert_eq!(world.path(&from, &to), more.path(&from, &to));
        more.releases.push((version("3.12.3"), ReleaseRules::default(), true));
        prop_assert_eq!(world.path(&from, &to).ok(), more.path(&from, &to).ok());
    }
}

/// What is said to stand in the way does: one gets as far as it begins, and it is really forbidden by that rule.
fn is_in_the_way(world: &World, from: &V, to: &V, stuck: &Stuck<V>) -> Result<(), TestCaseError> {
    let reached = |version: &V| version == from || world.brute_force(from, version).is_some();
    prop_assert!(!stuck.witness.is_empty(), "no witness");
    for refused in &stuck.witness {
        let at = refused.from.as_ref().unwrap();
        prop_assert!(reached_on_the_way(world, from, at, to), "{} cannot be reached", at);
    }
    by_these_rules(world, &stuck.witness, to)?;
    prop_assert!(
        &stuck.farthest == from || reached(&stuck.farthest) || reached_on_the_way(world, from, &stuck.farthest, to)
    );
    Ok(())
}

/// Every move that is told is forbidden, by the rules that are told and no others.
fn by_these_rules(world: &World, told: &[RefusedHop<V>], goal: &V) -> Result<(), TestCaseError> {
    for refused in told {
        let same = |one: &&RefusedHop<V>| one.from == refused.from && one.to == refused.to;
        let rules: BTreeSet<Rule> = told.iter().filter(same).map(|one| one.rule).collect();
        let at = refused.from.as_ref().unwrap();
        prop_assert_eq!(world.against(at, &refused.to, goal), Some(rules), "{}", refused);
    }
    Ok(())
}

/// What is told of shorter ways: with each of the moves there would be one.
fn would_be_shorter(world: &World, path: &[V]) -> Result<(), TestCaseError> {
    let (from, to) = (&path[0], &path[path.len() - 1]);
    let graph = world.graph(from).unwrap();
    let chain: Vec<u32> = path.iter().map(|version| graph.find(version).unwrap()).collect();
    let told: Vec<RefusedHop<V>> = refused_shortcuts(&graph, &chain).collect();
    by_these_rules(world, &told, to)?;
    for refused in &told {
        let least = |from: &V, to: &V| world.least_hops(from, to, path);
        let hops = least(from, refused.from.as_ref().unwrap()).zip(least(&refused.to, to));
        let hops = hops.map(|(there, onward)| there + 1 + onward);
        prop_assert!(
            hops.is_some_and(|hops| hops < path.len() - 1),
            "{} saves nothing: {:?}",
            refused,
            hops
        );
    }
    Ok(())
}

/// As a place between: with what holds for those that are only passed.
fn reached_on_the_way(world: &World, from: &V, place: &V, goal: &V) -> bool {
    if from == place {
        return true;
    }
    let nearer = |one: &V| {
        if from < place {
            *one > *from && one <= place
        } else {
            *one < *from && one >= place
        }
    };
    let mut next = world
        .releases
        .iter()
        .map(|(version, ..)| version)
        .filter(|version| nearer(version));
    next.any(|next| world.permits(from, next, goal) && reached_on_the_way(world, next, place, goal))
}

#[test]
fn the_versions_of_the_pool_are_in_order() {
    assert!(POOL.windows(2).all(|pair| version(pair[0]) < version(pair[1])));
    assert_eq!(version("3.12.0-rc.1").channel(), Channel::Beta);
}

/// Else agreement would say little.
#[test]
fn the_random_worlds_have_ways_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut none, mut direct, mut long, mut down) = (0, 0, 0, 0);
    let mut kept_apart = 0;
    for nth in 0..3000 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let (from, to) = ends().new_tree(&mut runner).unwrap().current();
        if from == to || world.graph(&from).is_err() {
            continue;
        }
        let all = || world.releases.iter().map(|(version, ..)| version);
        let by_protocol = |from: &V| {
            let against = all().filter_map(|to| world.against(from, to, to));
            against.filter(|rules| rules.contains(&Rule::Protocol)).count()
        };
        kept_apart += usize::from(nth < 300 && all().map(by_protocol).sum::<usize>() > 1);
        match world.path(&from, &to).map(|path| path.len()) {
            Err(_) => none += 1,
            Ok(2) => direct += 1,
            Ok(_) if to < from => down += 1,
            Ok(_) => long += 1,
        }
    }
    assert!(
        kept_apart > 30,
        "{kept_apart} worlds in which protocols keep releases apart"
    );
    assert!(
        none > 300 && direct > 300 && long > 150 && down > 8,
        "{none} {direct} {long} {down}"
    );
}
