//! Around what an update makes of dependencies: a folder that is filled, its record, and the link that shows it.

use super::scenario::Scenario;
use super::{Effect, calls_around, sweep_at};
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

#[test]
fn dependencies_are_there_or_not_whatever_call_is_disturbed() {
    let scenario = bringing();
    let points = calls_around(&scenario, &["/.dependencies", "/share"]);
    for (effect, what) in [
        (Effect::Kill, "kill, dependencies"),
        (Effect::Fail, "error, dependencies"),
    ] {
        sweep_at(&points, &scenario, what, effect, None);
    }
}
