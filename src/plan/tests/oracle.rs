//! The planner against a search that tries every chain and asks every rule by hand, over random indexes, both ways.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use proptest::prelude::Strategy;
use proptest::prelude::*;

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

fn pick() -> impl Strategy<Value = V> {
    prop::sample::select(POOL.to_vec()).prop_map(version)
}

/// From one end of the pool towards the other, in both directions.
fn ends() -> impl Strategy<Value = (V, V)> {
    (0..4_usize, 5..POOL.len(), prop::bool::weighted(0.65)).prop_map(|(low, high, up)| {
        let (from, to) = if up { (low, high) } else { (high, low) };
        (version(POOL[from]), version(POOL[to]))
    })
}

fn range() -> impl Strategy<Value = Constraint<V>> {
    let written = (pick(), pick(), 0..6_u8).prop_map(|(a, b, kind)| match kind {
        0 => format!(">={a}"),
        1 => format!(">={}, <={}", a.clone().min(b.clone()), a.max(b)),
        2 => format!("={a} || ={b}"),
        3 => format!("<={a}, !={b}"),
        4 => "stable".to_owned(),
        _ => "*".to_owned(),
    });
    written.prop_map(|text| text.parse().unwrap())
}

fn rarely<T: Clone + std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.25, strategy)
}

fn condition() -> impl Strategy<Value = Expression> {
    prop::sample::select(vec!["rows > 100", "rows < 100", "unknown", "finalized"])
        .prop_map(|text| text.parse().unwrap())
}

fn stops() -> impl Strategy<Value = Stop> {
    prop_oneof![
        8 => Just(Stop::No),
        1 => Just(Stop::Always),
        1 => condition().prop_map(Stop::When),
    ]
}

fn rules_of_any_kind() -> impl Strategy<Value = ReleaseRules<V>> {
    let window = (1..4_u32, 0..3_u32).prop_map(|(high, down)| (Some(high), Some(high.saturating_sub(down))));
    let date = (0..4_i64).prop_map(|day| jiff::Timestamp::from_second(day * 86_400).unwrap());
    let first = (
        prop::option::weighted(0.5, window.clone()),
        rarely(date),
        rarely(window),
        prop::collection::vec(range(), 0..3),
        stops(),
    );
    let second = (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.05),
        rarely(Just(vec!["finalized".to_owned()])),
        rarely(prop::sample::select(vec!["db", "unknown"])),
        prop::option::weighted(0.1, Just("bad".to_owned())),
        rarely(prop::sample::select(vec![
            Channel::Alpha,
            Channel::Beta,
            Channel::Release,
        ])),
        prop::option::weighted(0.1, prop::sample::select(vec![0, 2, 4])),
    );
    (first, second).prop_map(|((protocol, released_at, schema, from, stop), second)| {
        let (reversible, barrier, requires, component, avoid, channel, hours) = second;
        let start = jiff::Timestamp::UNIX_EPOCH;
        let rollout = hours.map(|hours| Rollout { start, hours });
        let (protocol, min_protocol) = protocol.unwrap_or_default();
        let (schema_level, min_schema_level) = schema.unwrap_or_default();
        let components = component.map(|name| (name.to_owned(), ">=15".parse().unwrap()));
        ReleaseRules {
            channel,
            released_at,
            from,
            stop,
            protocol,
            min_protocol,
            schema_level,
            min_schema_level,
            reversible,
            barrier,
            requires: requires.unwrap_or_default(),
            components: components.into_iter().collect(),
            avoid,
            rollout,
        }
    })
}

/// Mostly to a near release: else few edges ever make a way.
fn single() -> impl Strategy<Value = EdgeRule<V>> {
    (0..POOL.len() - 1, 1..3_usize, prop::bool::weighted(0.7)).prop_map(|(low, step, up)| {
        let high = (low + step).min(POOL.len() - 1);
        let (from, to) = if up { (low, high) } else { (high, low) };
        EdgeRule {
            from: version(POOL[from]),
            to: version(POOL[to]),
            min_patch: None,
        }
    })
}

fn series() -> impl Strategy<Value = EdgeRule<V>> {
    const SERIES: [&str; 4] = ["3.11", "3.12", "3.13", "4.0"];
    (0..3_usize, 0..30_u32, prop::bool::weighted(0.7)).prop_map(|(low, patch, up)| {
        let (from, to) = if up { (low, low + 1) } else { (low + 1, low) };
        EdgeRule {
            from: version(SERIES[from]),
            to: version(SERIES[to]),
            min_patch: Some(version(&format!("{}.{patch}", SERIES[from]))),
        }
    })
}

fn edge() -> impl Strategy<Value = EdgeRule<V>> {
    prop_oneof![5 => single(), 1 => series()]
}

fn block() -> impl Strategy<Value = BlockRule<V>> {
    let name = prop::sample::select(vec!["Risk", "Other"]);
    (name, rarely(range()), range(), prop::collection::vec(condition(), 0..3)).prop_map(|(name, from, to, when)| {
        BlockRule {
            name: name.into(),
            from,
            to,
            reason: "it loses data".into(),
            url: None,
            when,
        }
    })
}

fn known_facts() -> impl Strategy<Value = FactSheet> {
    (rarely(0..200_u32), rarely(any::<bool>()), rarely(10..20_u32)).prop_map(|(rows, finalized, db)| {
        let mut facts = FactSheet::default();
        if let Some(rows) = rows {
            facts.insert("rows", Fact::Number(f64::from(rows).into()));
        }
        if let Some(finalized) = finalized {
            facts.insert("finalized", Fact::Truth(finalized));
        }
        if let Some(db) = db {
            facts.insert("components.db", Fact::Text(db.to_string()));
        }
        facts
    })
}

fn policy() -> impl Strategy<Value = Policy<V>> {
    let channel = prop::sample::select(vec![Channel::Alpha, Channel::Alpha, Channel::Beta]);
    let bound = || prop::option::weighted(0.05, pick().prop_map(Bound::from));
    (prop::option::weighted(0.1, range()), channel, bound(), bound()).prop_map(|(exclude, channel, min, max)| Policy {
        exclude: exclude.into_iter().collect(),
        channel,
        min,
        max,
    })
}

fn world() -> impl Strategy<Value = World> {
    let release = (rules_of_any_kind(), prop::bool::weighted(0.05));
    // Rules on a few releases only, or on all: else nearly nothing is ever permitted.
    let plain = prop::bool::weighted(0.6);
    let releases = prop::collection::vec((release, plain), POOL.len());
    let edges = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(edge(), 4..24)];
    let blocks = prop::collection::vec(block(), 0..3);
    let terms = (known_facts(), policy(), prop::bool::weighted(0.2));
    (releases, edges, blocks, terms).prop_map(|(releases, edges, blocks, (facts, policy, accepted))| {
        let one = |(text, ((rules, yanked), plain)): (&str, ((ReleaseRules<V>, bool), bool))| {
            let rules = if plain { ReleaseRules::default() } else { rules };
            (version(text), rules, yanked && !plain)
        };
        World {
            releases: POOL.into_iter().zip(releases).map(one).collect(),
            edges,
            blocks,
            terms: Terms {
                facts,
                policy,
                now: jiff::Timestamp::from_second(3600).unwrap(),
                node: Some("node".into()),
                accepted_risks: accepted.then(|| "Risk".to_owned()).into_iter().collect(),
            },
        }
    })
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
