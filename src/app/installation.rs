//! An installation opened for a verb: where it lies, its settings, its state.

use std::path::{Path, PathBuf};

use super::configuration::settings_file;
use super::{AppError, Result, answers, notices};
use crate::disk;
use crate::engine::Layout;
use crate::release::ProductName;
use crate::settings::{self, Settings};
use crate::store::{Fact, Store};
use crate::version::Version;

#[derive(Debug)]
pub struct Installation {
    pub layout: Layout,
    pub settings: Settings,
    pub store: Store,
}

impl Installation {
    /// Opens what is there; creates nothing.
    pub fn open(root: &Path, config: Option<&Path>) -> Result<Self> {
        let layout = Layout::new(absolute(root)?);
        if !disk::exists(&layout.store())? {
            return Err(AppError::NotAnInstallation(layout.root().to_path_buf()));
        }
        let settings = load_settings(&layout, config)?;
        let mut installation = Self {
            store: Store::open(&layout.store())?,
            layout: layout.confined_as(settings.confinement.clone()),
            settings,
        };
        notices::subscribe(&mut installation.store, &installation.settings)?;
        answers::recall(&mut installation)?;
        Ok(installation)
    }

    /// Refuses where hooks and commands of releases cannot run as the user whom the settings name.
    pub fn commands_can_run(&self) -> Result<()> {
        let said = |e| {
            format!("{e}; `confinement.user` in config/update.yml names whom hooks and commands of releases run as")
        };
        self.layout
            .commands_can_run()
            .map_err(|e| AppError::said("NL0746", said(e)))
    }

    pub fn product(&self) -> Result<ProductName> {
        let name = self.store.fact(Fact::Product)?;
        let missing = || {
            AppError::said(
                "NL0401",
                format!("{} has no product; run `netlink init`", self.layout.root().display()),
            )
        };
        name.ok_or_else(missing)?
            .parse()
            .map_err(|e| AppError::below("NL0404", &e))
    }

    /// The version that NetLink recorded last; none before the first installation.
    pub fn installed(&self) -> Result<Option<Version>> {
        let text = self.store.fact(Fact::InstalledVersion)?;
        text.map(|text| text.parse().map_err(|e| AppError::below("NL0404", &e)))
            .transpose()
    }
}

pub fn load_settings(layout: &Layout, config: Option<&Path>) -> Result<Settings> {
    refuse_missing(config)?;
    let file = settings_file(layout, config);
    Settings::load(&file, &settings::environment()).map_err(|e| AppError::below("NL0403", &e))
}

/// Of a file that somebody has named not being there is a mistake: its defaults would lift a freeze.
pub fn refuse_missing(config: Option<&Path>) -> Result<()> {
    match config {
        Some(file) if !disk::exists(file)? => {
            let message = format!(
                "the settings file {} (`--config`, `NETLINK_CONFIG`) is not there",
                file.display()
            );
            Err(AppError::said("NL0403", message))
        }
        _ => Ok(()),
    }
}

pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| AppError::below("NL0408", &e))
}
