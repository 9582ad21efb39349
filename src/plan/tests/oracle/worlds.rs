//! Random worlds: a few releases with rules of every kind.

use proptest::prelude::*;

use super::*;
use crate::release::FactSheet;

fn pick() -> impl Strategy<Value = V> {
    prop::sample::select(POOL.to_vec()).prop_map(version)
}

/// From one end of the pool towards the other, in both directions.
pub fn ends() -> impl Strategy<Value = (V, V)> {
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
            extensions: None,
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

pub fn world() -> impl Strategy<Value = World> {
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
                node: Some("node".into()),
                accepted_risks: accepted.then(|| "Risk".to_owned()).into_iter().collect(),
                ..Terms::at(jiff::Timestamp::from_second(3600).unwrap())
            },
        }
    })
}
