//! Around what an update makes of extensions: entries that are moved aside or back, and what is noted of them.

use super::scenario::Scenario;
use super::{Effect, calls_around, sweep_at};
use crate::world::{Installation, Lamp, Publisher, put};

const LISTED: &str = "\n[[extensions]]\nfolder = \"plugins\"\n\n[rules.extensions]\nmaps = \">=2\"\ngallery = \"*\"\n";
const WITHOUT_GALLERY: &str = "\n[[extensions]]\nfolder = \"plugins\"\n\n[rules.extensions]\nmaps = \"*\"\n";

/// From a release that has switched maps off to one that supports it, and does not support gallery.
fn switching() -> Scenario {
    let publish = |publisher: &Publisher| {
        for (version, more) in [("0a3", LISTED), ("0b3", LISTED), ("0r3", WITHOUT_GALLERY)] {
            let lamp = Lamp {
                version,
                more,
                ..Lamp::R1
            };
            publisher.publish(&publisher.lamp(&lamp));
        }
    };
    let spoil = |work: &Installation| {
        for name in ["gallery-1.0.zip", "maps-1.0.zip"] {
            put(&work.path(&format!("data/plugins/{name}")), name, 0o644);
        }
        work.run(&[
            "update",
            "upgrade",
            "--to",
            "0b3",
            "--yes",
            "--disable-incompatible",
            "maps",
        ])
        .ok();
        work.stop();
    };
    let args = [
        "update",
        "upgrade",
        "--to",
        "0r3",
        "--yes",
        "--disable-incompatible",
        "gallery",
    ];
    let to_listing: &[&str] = &["update", "upgrade", "--to", "0a3", "--yes"];
    Scenario::with(&args, &[to_listing], publish, spoil)
}

#[test]
fn extensions_are_all_as_before_or_all_as_planned_whatever_call_is_disturbed() {
    let scenario = switching();
    let names = |state: &super::scenario::State| state.extensions.iter().cloned().collect::<Vec<_>>();
    let switched = |on: &str, off: &str, release: &str| {
        let aside = format!("data/plugins.disabled/{release}");
        let own = [
            format!("data/plugins/{on}-1.0.zip"),
            format!("{aside}/{off}-1.0.zip"),
            format!("disabled: \"{off}\""),
        ];
        let mut all = ["data/plugins".to_owned(), "data/plugins.disabled".to_owned(), aside].to_vec();
        all.extend(own);
        all.sort();
        all
    };
    assert_eq!(names(&scenario.old), switched("gallery", "maps", "0b3"));
    assert_eq!(names(&scenario.new), switched("maps", "gallery", "0r3"));
    let points = calls_around(&scenario, &["/data/plugins"]);
    for (effect, what) in [(Effect::Kill, "kill, extensions"), (Effect::Fail, "error, extensions")] {
        sweep_at(&points, &scenario, what, effect, None);
    }
}
