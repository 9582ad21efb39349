//! Constraints of both schemes: the first line is one, the others are versions that it may mean.
#![no_main]

use netlink::version::{Constraint, Dotted, Scheme, Version};
use netlink_fuzz::{points_into, split, survives_json};

libfuzzer_sys::fuzz_target!(|text: &str| {
    check::<Version>(text);
    check::<Dotted>(text);
});

fn check<V: Scheme>(text: &str) {
    let (rule, rest) = split(text);
    let constraint: Constraint<V> = match rule.parse() {
        Ok(constraint) => constraint,
        Err(error) => return points_into(rule, error.at),
    };
    assert_eq!(constraint.to_string().parse().as_ref(), Ok(&constraint), "{constraint}");
    survives_json(&constraint);
    let mut versions: Vec<V> = rest.lines().take(16).filter_map(|line| line.parse().ok()).collect();
    versions.sort();
    let mut within = vec![false; versions.len()];
    constraint
        .stretches(&versions)
        .for_each(|stretch| within[stretch].fill(true));
    for (version, within) in versions.iter().zip(within) {
        let matches = constraint.matches(version);
        assert!(
            within || !matches,
            "{version} matches {constraint} outside of its stretches"
        );
        assert!(
            matches || !within || !constraint.is_continuous(),
            "{version} in a stretch of {constraint}"
        );
    }
    opposites(rule, &versions);
}

/// What `!=` means is what `=` does not; `>` and `<=` share all versions between them.
fn opposites<V: Scheme>(rule: &str, versions: &[V]) {
    let of = |sign: &str| format!("{sign}{rule}").parse::<Constraint<V>>().ok();
    if rule.contains([',', '|']) {
        return;
    }
    for (one, other) in [("=", "!="), (">", "<="), ("<", ">=")] {
        let (Some(one), Some(other)) = (of(one), of(other)) else {
            continue;
        };
        for version in versions {
            assert_ne!(
                one.matches(version),
                other.matches(version),
                "{version}: {one}, {other}"
            );
        }
    }
}
