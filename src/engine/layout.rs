//! Where everything of an installation lies (ARCHITECTURE.md, "On disk").

use std::path::{Path, PathBuf};

use crate::disk;
use crate::settings::Confinement;
use crate::store::UpdateId;
use crate::version::Version;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
    confinement: Confinement,
}

impl Layout {
    /// `root` must be absolute: commands and links are made from it.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            confinement: Confinement::default(),
        }
    }

    /// The same, with what the settings say of commands that run there.
    #[must_use]
    pub fn confined_as(self, confinement: Confinement) -> Self {
        Self { confinement, ..self }
    }

    pub(super) fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Symbolic link to the active release.
    pub fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    pub fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    pub fn release(&self, version: &Version) -> PathBuf {
        self.releases().join(version.to_string())
    }

    /// What `current` holds for this version; relative, so that the installation can be moved.
    pub fn release_link(version: &Version) -> PathBuf {
        Path::new("releases").join(version.to_string())
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    pub fn version_file(&self) -> PathBuf {
        self.root.join("version.json")
    }

    /// NetLink's own folder.
    pub fn state(&self) -> PathBuf {
        self.root.join(".netlink")
    }

    pub fn store(&self) -> PathBuf {
        self.state().join("netlink.db")
    }

    pub fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// Held by the server that carries out orders.
    pub fn serving(&self) -> PathBuf {
        self.state().join("serving.lock")
    }

    /// Held by who brings notices to this receiver.
    pub fn notices_lock(&self, receiver: &str) -> PathBuf {
        self.state().join("notices").join(format!("{receiver}.lock"))
    }

    pub fn trust(&self) -> PathBuf {
        self.state().join("trust")
    }

    /// A document of the trusted metadata.
    pub fn metadata(&self, role: &str) -> PathBuf {
        self.trust().join(format!("{role}.json"))
    }

    /// The bearer token of the server.
    pub fn token(&self) -> PathBuf {
        self.state().join("token")
    }

    pub fn backup_key(&self) -> PathBuf {
        self.state().join("backup.key")
    }

    /// Opens the kept ways back of configuration files.
    pub fn config_key(&self) -> PathBuf {
        self.state().join("config.key")
    }

    pub fn downloads(&self) -> PathBuf {
        self.state().join("downloads")
    }

    /// Releases being unpacked and copies being tried.
    pub fn staging(&self) -> PathBuf {
        self.state().join("staging")
    }

    /// What a dry run works in. It changes nothing, so it is of no concern to an update.
    pub fn dry_run(&self) -> PathBuf {
        self.state().join("dry-run")
    }

    /// What the undo of this update's steps needs.
    pub fn undo(&self, id: &UpdateId) -> PathBuf {
        self.state().join("undo").join(id.as_str())
    }

    /// What the product wrote with a version that was then taken back: never put in place again by itself, and never thrown
    /// away with the update.
    pub fn set_aside(&self, id: &UpdateId) -> PathBuf {
        self.all_set_aside().join(id.as_str())
    }

    pub fn all_set_aside(&self) -> PathBuf {
        self.state().join("set-aside")
    }

    /// Copies of configuration files while the product looks at them as a user who cannot see NetLink's own folder.
    pub fn lent(&self) -> PathBuf {
        self.root.join(".lent")
    }

    /// There while maintenance mode is on.
    pub fn maintenance(&self) -> PathBuf {
        self.state().join("maintenance.json")
    }

    pub fn update_log(&self) -> PathBuf {
        self.state().join("logs").join("update.log")
    }

    /// Creates the folders that every installation has.
    pub fn create(&self) -> disk::Result<()> {
        for dir in [
            self.releases(),
            self.data(),
            self.config(),
            self.state().join("logs"),
            self.trust(),
        ] {
            disk::create_dir_all(&dir)?;
        }
        disk::set_mode(&self.state(), 0o700)
    }

    /// The version that `current` points to; none when there is no such link.
    pub fn active(&self) -> Option<Version> {
        let target = std::fs::read_link(self.current()).ok()?;
        target.file_name()?.to_str()?.parse().ok()
    }
}
