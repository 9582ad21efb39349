//! An installation of `lamp` for tests of what goes wrong, and what must be as before afterwards.

use std::fs;
use std::path::PathBuf;

use crate::world::{Installation, Publisher, Ran};

/// An installation of `lamp` at `0a1`, and what must not change.
pub struct Scene {
    // First, so that it is stopped while its folder is still there.
    pub lamp: Installation,
    pub publisher: Publisher,
    pub dir: tempfile::TempDir,
    pub config: String,
    pub database: String,
}

impl Scene {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        let (config, database) = (lamp.text("config/lamp.toml"), lamp.database());
        Self {
            dir,
            publisher,
            lamp,
            config,
            database,
        }
    }

    /// The file of a published target.
    pub fn target(&self, version: &str, ending: &str) -> PathBuf {
        let folder = self.publisher.dir.join("repo/targets/lamp").join(version);
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.to_str().unwrap().ends_with(ending)).unwrap()
    }

    pub fn upgrade(&self) -> Ran {
        self.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"])
    }

    #[track_caller]
    pub fn assert_untouched(&self) {
        self.lamp.assert_at("0a1");
        assert_eq!(self.lamp.text("config/lamp.toml"), self.config);
        assert_eq!(self.lamp.database(), self.database);
        for left in [
            "releases/0b1",
            ".netlink/staging",
            ".netlink/downloads",
            ".netlink/undo",
        ] {
            let path = self.lamp.path(left);
            let is_empty = fs::read_dir(&path).map_or(true, |mut entries| entries.next().is_none());
            assert!(!path.exists() || is_empty, "{left} is left behind");
        }
    }

    /// The cause is gone: the same update can be run again.
    #[track_caller]
    pub fn assert_possible_now(&self) {
        self.upgrade().ok();
        self.lamp.assert_at("0b1");
    }

    #[track_caller]
    pub fn assert_untouched_but_for_kept(&self) {
        self.lamp.assert_at("0a1");
        assert_eq!(self.lamp.text("config/lamp.toml"), self.config);
        assert_eq!(self.lamp.database(), self.database);
    }
}
