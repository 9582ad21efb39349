//! Tables of plans and refusals; beside them a search by brute force over random indexes.

mod oracle;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::crypt::digest_of;
use crate::release::{Platform, ProductName, ReleaseRules, Stop, TargetCustom, TargetRef};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn product() -> ProductName {
    "guestbook".parse().unwrap()
}

fn catalog(releases: &[(&str, ReleaseRules)]) -> Catalog {
    let mut catalog = Catalog::default();
    for (text, rules) in releases {
        let target = TargetRef {
            name: format!("guestbook/{text}/any.tar.zst"),
            length: 1000,
            sha256: digest_of(text.as_bytes()),
        };
        let custom = TargetCustom::Package {
            product: product(),
            version: version(text),
            platform: Platform::any(),
            rules: Box::new(rules.clone()),
            unpacked: 4000,
        };
        catalog.add(&product(), target, custom).unwrap();
    }
    catalog
}

fn facts(installed: Option<(&str, Option<u32>)>) -> Facts {
    Facts {
        product: product(),
        platform: Platform::this_host(),
        installed: installed.map(|(text, schema_level)| Installed {
            version: version(text),
            schema_level,
            data_bytes: 10,
        }),
        trees: installed
            .map(|(text, _)| (version(text), Tree::Whole))
            .into_iter()
            .collect(),
        altered: None,
        stored_downs: BTreeSet::new(),
        one_way_levels: BTreeMap::new(),
        restore: None,
        extensions: ExtensionFacts::default(),
        rolled_back: BTreeSet::new(),
        terms: terms(),
    }
}

fn terms() -> Terms {
    Terms::at(jiff::Timestamp::UNIX_EPOCH)
}

fn rules() -> ReleaseRules {
    ReleaseRules::default()
}

fn from(range: &str) -> ReleaseRules {
    ReleaseRules {
        from: vec![range.parse().unwrap()],
        ..rules()
    }
}

fn stop() -> ReleaseRules {
    ReleaseRules {
        stop: Stop::Always,
        ..rules()
    }
}

fn level(level: u32) -> ReleaseRules {
    ReleaseRules {
        schema_level: Some(level),
        ..rules()
    }
}

fn path(facts: &Facts, catalog: &Catalog, to: &str) -> Result<Vec<String>, Refusal> {
    let goal = Goal::Upgrade(Wish::To(version(to)), Fetch::AsNeeded);
    match plan(facts, catalog, &goal)? {
        Planned::AlreadyThere(settled) => Ok(vec![settled.version.to_string()]),
        Planned::Go(plan) => Ok(plan.hops().map(|hop| hop.to.to_string()).collect()),
    }
}

fn reason(facts: &Facts, catalog: &Catalog, goal: &Goal) -> Reason {
    plan(facts, catalog, goal).map(|_| ()).unwrap_err().reason
}

#[test]
fn the_shortest_permitted_path_is_taken() {
    let here = facts(Some(("0a1", None)));
    type Row<'a> = (&'a [(&'a str, ReleaseRules)], &'a str, &'a [&'a str]);
    let table: &[Row<'_>] = &[
        (&[("0a1", rules()), ("0b1", rules()), ("0r1", rules())], "0r1", &["0r1"]),
        (
            &[("0b1", rules()), ("0r1", from(">=0b1, <0r1"))],
            "0r1",
            &["0b1", "0r1"],
        ),
        (&[("0b1", stop()), ("0r1", rules())], "0r1", &["0b1", "0r1"]),
        // Of two equally short ways the one over the higher channel.
        (
            &[("0b1", rules()), ("0r1", rules()), ("0a2", from(">=0b1, <0a2"))],
            "0a2",
            &["0r1", "0a2"],
        ),
        (&[("0a1", rules())], "0a1", &["0a1"]),
    ];
    for (releases, to, expected) in table {
        assert_eq!(path(&here, &catalog(releases), to).unwrap(), *expected, "to {to}");
    }
}

#[test]
fn a_stop_ends_a_leg_and_other_hops_are_fused() {
    let all = catalog(&[
        ("0b1", rules()),
        ("0r1", from("=0b1")),
        ("0a2", stop()),
        ("0b2", rules()),
    ]);
    let Planned::Go(plan) = plan(
        &facts(Some(("0a1", None))),
        &all,
        &Goal::Upgrade(Wish::To(version("0b2")), Fetch::AsNeeded),
    )
    .unwrap() else {
        panic!("a plan");
    };
    let legs: Vec<String> = plan.legs().iter().map(|leg| leg.to.to_string()).collect();
    assert_eq!(legs, ["0a2", "0b2"]);
    assert_eq!(
        plan.steps().iter().filter(|step| step.kind == StepKind::Switch).count(),
        2
    );
}

#[test]
fn refusals_name_what_stands_in_the_way() {
    let all = catalog(&[
        ("0a1", level(1)),
        ("0b1", level(2)),
        (
            "0r1",
            ReleaseRules {
                barrier: true,
                ..level(3)
            },
        ),
    ]);
    let at = |text, level| facts(Some((text, Some(level))));
    let to = |text| Goal::Upgrade(Wish::To(version(text)), Fetch::AsNeeded);
    let down = |text| Goal::Downgrade(version(text));
    assert!(
        matches!(reason(&at("0a1", 1), &all, &to("9r9")), Reason::UnknownVersion { known, .. } if known.len() == 3)
    );
    assert!(matches!(
        reason(&at("0b1", 2), &all, &to("0a1")),
        Reason::WrongDirection {
            command: "downgrade",
            ..
        }
    ));
    assert!(matches!(
        reason(&at("0a1", 1), &all, &down("0b1")),
        Reason::WrongDirection { command: "upgrade", .. }
    ));
    assert!(
        matches!(reason(&at("0r1", 3), &all, &down("0b1")), Reason::NoPath { witness, .. } if witness[0].rule == Rule::Barrier)
    );
    assert!(
        matches!(reason(&at("0b1", 2), &all, &down("0a1")), Reason::NoPath { witness, .. } if witness[0].rule == Rule::Irreversible)
    );
    assert!(matches!(
        reason(&at("0a1", 7), &all, &to("0b1")),
        Reason::SchemaAhead { found: 7, known: 2 }
    ));
    assert!(matches!(reason(&facts(None), &all, &down("0a1")), Reason::NotInstalled));
    let ranged = catalog(&[("0b1", rules()), ("0r1", from("=0b2"))]);
    assert!(matches!(reason(&facts(Some(("0a1", None))), &ranged, &to("0r1")),
        Reason::NoPath { farthest, witness } if farthest == version("0b1") && witness[0].rule == Rule::From));
}

#[test]
fn with_the_way_back_stored_one_may_go_down() {
    let all = catalog(&[("0a1", level(1)), ("0b1", level(2)), ("0r1", level(3))]);
    let mut here = facts(Some(("0r1", Some(3))));
    here.stored_downs = BTreeSet::from([2, 3]);
    let Planned::Go(plan) = plan(&here, &all, &Goal::Downgrade(version("0a1"))).unwrap() else {
        panic!("a plan")
    };
    assert_eq!(plan.legs().len(), 1);
    assert_eq!(plan.legs()[0].schema, Some(SchemaMove { from: Some(3), to: 1 }));
}

#[test]
fn a_version_that_was_rolled_back_is_passed_over_and_it_is_said() {
    let all = catalog(&[("0a1", rules()), ("0b1", rules()), ("0r1", rules())]);
    let mut here = facts(Some(("0a1", None)));
    here.rolled_back = BTreeSet::from([version("0r1")]);
    let Planned::Go(latest) = plan(&here, &all, &Goal::Upgrade(Wish::Latest, Fetch::AsNeeded)).unwrap() else {
        panic!("a plan")
    };
    assert_eq!(
        (latest.to().to_string().as_str(), latest.warnings()[0].code.as_str()),
        ("0b1", "passed-over")
    );
    let Planned::Go(named) = plan(&here, &all, &Goal::Upgrade(Wish::To(version("0r1")), Fetch::AsNeeded)).unwrap()
    else {
        panic!("a plan")
    };
    assert_eq!(named.warnings()[0].code, "rolled-back-before");
    let stable = |here: &Facts| plan(here, &all, &Goal::Upgrade(Wish::Stable, Fetch::AsNeeded)).unwrap();
    let Planned::AlreadyThere(settled) = stable(&here) else {
        panic!("nothing to do")
    };
    assert_eq!(settled.version, version("0a1"));
    assert!(settled.passed_over[0].contains("0r1 is passed over: an update to it was rolled back"));
    let avoided = catalog(&[
        ("0a1", rules()),
        (
            "0r1",
            ReleaseRules {
                avoid: Some("slow".into()),
                ..rules()
            },
        ),
    ]);
    let goal = Goal::Upgrade(Wish::Latest, Fetch::AsNeeded);
    let Planned::AlreadyThere(settled) = plan(&facts(Some(("0a1", None))), &avoided, &goal).unwrap() else {
        panic!("nothing to do")
    };
    assert_eq!(settled.passed_over, ["0r1 is passed over: it is to be avoided: slow"]);
}

#[test]
fn a_changed_plan_is_not_read_back() {
    let all = catalog(&[("0b1", rules())]);
    let Planned::Go(plan) = plan(
        &facts(Some(("0a1", None))),
        &all,
        &Goal::Upgrade(Wish::Latest, Fetch::AsNeeded),
    )
    .unwrap() else {
        panic!("a plan")
    };
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), *plan);
    assert!(serde_json::from_str::<Plan>(&text.replace("\"stop\":false", "\"stop\":true")).is_err());
}

#[test]
fn a_release_that_nobody_can_enter_is_found_and_no_other() {
    let found = |releases: &[(&str, ReleaseRules)]| -> Vec<String> {
        let all = shut(&product(), &catalog(releases)).unwrap().into_iter();
        all.map(|shut| format!("{} after {}: {}", shut.version, shut.nearest, shut.witness[0].rule))
            .collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(found(&[("0a1", from("<0a1"))]), none);
    assert_eq!(found(&[("0a1", rules()), ("0b1", rules())]), none);
    assert_eq!(
        found(&[("0a1", rules()), ("0b1", from(">=0a2")), ("0r1", rules())]),
        ["0b1 after 0a1: from"]
    );
    // From far back alone.
    assert_eq!(found(&[("0a1", rules()), ("0b1", rules()), ("0r1", from("0a1"))]), none);
    // What changes with the machine or with time keeps nobody out for ever.
    let gated = ReleaseRules {
        requires: vec!["finalized".into()],
        components: BTreeMap::from([("db".to_owned(), ">=3".parse().unwrap())]),
        rollout: Some(crate::release::Rollout {
            start: "2099-01-01T00:00:00Z".parse().unwrap(),
            hours: 48,
        }),
        ..rules()
    };
    assert_eq!(found(&[("0a1", rules()), ("0b1", gated)]), none);
}
