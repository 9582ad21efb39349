//! Tables and properties of constraints, in both schemes.

use proptest::prelude::*;

use super::*;
use crate::version::Dotted;

fn check<V: Scheme>(constraint: &str, version: &str, expected: bool) {
    let parsed: Constraint<V> = constraint.parse().unwrap();
    let read: V = version.parse().unwrap();
    assert_eq!(parsed.matches(&read), expected, "{version} in {constraint}");
    let printed = parsed.to_string();
    assert_eq!(
        printed.parse::<Constraint<V>>().unwrap(),
        parsed,
        "printing {constraint} and reading it back"
    );
}

#[test]
fn rules_mean_what_they_say() {
    for (constraint, version, expected) in [
        (">=0b1, <1a1", "0b1", true),
        (">=0b1, <1a1", "0a1", false),
        (">=0b1, <1a1", "1a1", false),
        ("0a1 || >=1a1,!=1b1", "1r1", true),
        ("0a1 || >=1a1,!=1b1", "1b1", false),
        ("0a1 || >=1a1,!=1b1", "0a1", true),
        ("*", "7r7", true),
        ("2.x.x", "2r5", true),
        ("2.x", "3a1", false),
        ("*, !=7r7", "7r7", false),
        ("stable", "0r1", true),
        ("stable || beta", "0b3", true),
        ("stable || beta", "0a3", false),
        ("<=0b1", "0b1+7", true),
        ("=0b1", "0b1+7", true),
        ("!=0b1", "0b1+7", false),
        (">0b1", "0b1+7", false),
        ("=0b1+7", "0b1", false),
        ("<0b1+7", "0b1", true),
        ("<0b1+7", "0b1+6", true),
        (">0b1+7", "0b1+10", true),
        ("0*", "0r9", true),
        ("0x", "1a1", false),
        ("0b*", "0b3", true),
        ("0b*", "0r3", false),
        ("0x2", "0a2", true),
        ("0x2", "0a3", false),
        ("*, !=0b*", "0b3", false),
        ("~0b1", "0r1", true),
        ("~0b1", "0a1", false),
        ("~0b1", "0a2", false),
        ("^0b1", "0a2", true),
        ("^0b1", "1a1", false),
        (">=0a1, <0r1 || =1r1", "0b2", false),
    ] {
        check::<Version>(constraint, version, expected);
    }
}

#[test]
fn dotted_rules_mean_what_they_say() {
    for (constraint, version, expected) in [
        (">=14", "15.2", true),
        (">=14", "13.9.9", false),
        ("=1.7", "1.7.0", true),
        ("2.x.x", "2.55.1", true),
        ("x.x", "2.55.1", true),
        ("!=x.x", "2.55.1", false),
        ("2.x", "3.0", false),
        ("2.*", "2.0.0-rc.1", true),
        ("!=2.x", "2.1", false),
        ("~1.7.2", "1.7.9", true),
        ("~1.7.2", "1.7.1", false),
        ("~1.7.2", "1.8", false),
        ("~1", "1.9", true),
        ("^1.7", "1.20.3", true),
        ("^1.7", "2.0.0-rc.1", false),
        ("^0.3.1", "0.3.9", true),
        ("^0.3.1", "0.4", false),
        ("^0.0.3", "0.0.4", false),
        ("<2.0", "2.0-rc1", true),
        (">=1.20, <3 || =4.1", "4.1.0", true),
        ("stable", "1.0-rc.1", false),
        ("beta", "1.0-rc.1", true),
        ("=1.30.0+k3s1", "1.30.0", false),
        ("=1.30.0", "1.30.0+k3s1", true),
    ] {
        check::<Dotted>(constraint, version, expected);
    }
    for (constraint, at) in [(">=2.x", 2), ("2.x.1", 4), ("=2.y", 3), ("~", 1), ("^1.7, <", 7)] {
        assert_eq!(
            constraint.parse::<Constraint<Dotted>>().unwrap_err().at,
            at,
            "{constraint}"
        );
    }
}

#[test]
fn mistakes_are_placed_in_the_whole_text() {
    for (constraint, at) in [
        ("", 0),
        (">=0b1,", 6),
        (">=0b1, <1x1", 8),
        ("0a1 || >= 0b0", 12),
        ("0a1||", 5),
        ("  2.y.x ", 3),
        ("0a1 0b1", 3),
        ("stables", 0),
        (">stable", 1),
        ("<>0a1", 1),
    ] {
        let error = constraint.parse::<Constraint>().unwrap_err();
        assert_eq!((error.at, error.text.as_str()), (at, constraint), "{error}");
        assert!(error.to_string().contains("is not a version constraint"), "{error}");
    }
}

/// The same question answered by hand, rule by rule, from the numbers alone.
fn oracle(group: &[(&str, [u64; 3])], version: [u64; 3]) -> bool {
    group.iter().all(|(sign, bound)| match *sign {
        "<" => version < *bound,
        "<=" => version <= *bound,
        ">" => version > *bound,
        ">=" => version >= *bound,
        "=" => version == *bound,
        "!=" => version != *bound,
        "~" => version >= *bound && version[..2] == bound[..2],
        _ => {
            let kept = bound.iter().position(|number| *number > 0).map_or(3, |at| at + 1);
            version >= *bound && version[..kept] == bound[..kept]
        }
    })
}

fn numbers() -> impl Strategy<Value = [u64; 3]> {
    [0..3_u64, 0..3_u64, 0..3_u64]
}

fn groups() -> impl Strategy<Value = Vec<Vec<(&'static str, [u64; 3])>>> {
    let sign = prop::sample::select(vec!["<", "<=", ">", ">=", "=", "!=", "~", "^"]);
    prop::collection::vec(prop::collection::vec((sign, numbers()), 1..4), 1..4)
}

fn dotted([a, b, c]: [u64; 3]) -> Dotted {
    format!("{a}.{b}.{c}").parse().unwrap()
}

proptest! {
    #[test]
    fn constraints_agree_with_an_oracle(groups in groups(), version in numbers()) {
        let rule = |(sign, [a, b, c]): &(&str, [u64; 3])| format!("{sign}{a}.{b}.{c}");
        let text: Vec<String> = groups.iter().map(|group| group.iter().map(rule).collect::<Vec<_>>().join(",")).collect();
        let read: Constraint<Dotted> = text.join("||").parse().unwrap();
        prop_assert_eq!(read.matches(&dotted(version)), groups.iter().any(|group| oracle(group, version)));
        prop_assert_eq!(read.to_string().parse::<Constraint<Dotted>>().unwrap(), read);
    }

    #[test]
    fn stretches_hold_all_that_match(groups in groups(), mut all in prop::collection::vec(numbers(), 0..20)) {
        let rule = |(sign, [a, b, c]): &(&str, [u64; 3])| format!("{sign}{a}.{b}.{c}");
        let text: Vec<String> = groups.iter().map(|group| group.iter().map(rule).collect::<Vec<_>>().join(",")).collect();
        let read: Constraint<Dotted> = text.join("||").parse().unwrap();
        all.sort_unstable();
        let sorted: Vec<Dotted> = all.into_iter().map(dotted).collect();
        let stretches: Vec<_> = read.stretches(&sorted).collect();
        for (at, version) in sorted.iter().enumerate() {
            let inside = stretches.iter().any(|stretch| stretch.contains(&at));
            prop_assert!(inside || !read.matches(version), "{version} matches outside of {stretches:?}");
            prop_assert!(!read.is_continuous() || inside == read.matches(version), "{version}");
        }
    }
}
