//! Around what an update makes of dependencies: a folder that is filled, its record, and the link that shows it.

use std::collections::BTreeSet;

use super::scenario::Scenario;
use super::{Effect, MUTATING, Point, numbered, sweep_at};
use crate::world::{Lamp, Publisher};

fn bringing() -> Scenario {
    let publish = |publisher: &Publisher| {
        let lamp = Lamp {
            version: "0r2",
            more: "\n[[dependencies]]\nkind = \"command\"\nname = \"oil\"\npath = \"share/oil\"\n\
                   apply = { command = [\"sh\", \"-c\", \"echo oil > $0/oil\", \"{env}\"] }\n",
            ..Lamp::R1
        };
        publisher.publish(&publisher.lamp(&lamp));
    };
    let args = ["update", "upgrade", "--to", "0r2", "--yes"];
    let bringing = Scenario::with(&args, &[], publish, |_| ());
    let brought = "releases/0r2/.dependencies/oil/1/oil";
    assert!(bringing.new.files.contains(brought), "{:?}", bringing.new.files);
    bringing
}

/// The calls that touch what is brought, and those beside them.
fn around(scenario: &Scenario) -> Vec<Point> {
    let calls = scenario.calls(MUTATING, None);
    let calls = calls.iter().map(String::as_str).filter(|line| !line.starts_with("---"));
    let all = numbered(calls);
    let touches = |(_, line): &(Point, &str)| line.contains("/.dependencies") || line.contains("/share");
    let touching = (0..all.len()).filter(|at| touches(&all[*at]));
    let around: BTreeSet<usize> = touching.flat_map(|at| at - 3..=at + 3).collect();
    around.into_iter().map(|at| all[at].0.clone()).collect()
}

#[test]
fn dependencies_are_there_or_not_whatever_call_is_disturbed() {
    let scenario = bringing();
    let points = around(&scenario);
    for (effect, what) in [
        (Effect::Kill, "kill, dependencies"),
        (Effect::Fail, "error, dependencies"),
    ] {
        sweep_at(&points, &scenario, what, effect, None);
    }
}
