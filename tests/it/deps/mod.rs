//! Dependencies of releases, brought by the real tools out of packages that the tests make: nothing is asked of a network.

mod buildbot;
mod disturbed;
mod indexes;
mod machine;
mod others;
mod python;
mod said;
mod wheels;

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Installation, Lamp, Publisher, put};

/// Releases of `lamp` with dependencies, and an installation of the first.
pub struct Shop {
    // First, so that it is stopped while its folder is still there.
    pub lamp: Installation,
    pub publisher: Publisher,
    _dir: tempfile::TempDir,
}

impl Shop {
    /// `0a1` as `first` makes it, installed.
    pub fn with(first: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        release(&publisher, Lamp::A1, first);
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        Self {
            lamp,
            publisher,
            _dir: dir,
        }
    }

    pub fn publish(&self, lamp: Lamp, with: impl FnOnce(&Path) -> String) {
        release(&self.publisher, lamp, with);
    }

    pub fn pid(&self) -> u64 {
        let status = self.lamp.run(&["update", "status", "--output", "json"]).ok().json();
        status["product"]["pid"].as_u64().unwrap()
    }

    /// Where the link of a place points to.
    pub fn link(&self, place: &str) -> PathBuf {
        fs::read_link(self.lamp.path(place)).unwrap()
    }
}

/// Puts what `with` makes into the tree, and what it gives at the end of the manifest.
fn release(publisher: &Publisher, lamp: Lamp, with: impl FnOnce(&Path) -> String) {
    let tree = publisher.lamp(&lamp);
    add(&tree, with);
    publisher.publish(&tree);
}

pub fn add(tree: &Path, with: impl FnOnce(&Path) -> String) {
    let more = with(tree);
    let manifest = tree.join("release.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    put(&manifest, &format!("{text}{more}"), 0o644);
}
