//! The settings as they hold here, and whether what they name is there.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::installation::{absolute, load_settings, refuse_missing};
use super::{AppError, Result, notices};
use crate::engine::Layout;
use crate::fetch::Location;
use crate::settings::{self, Setting, Settings};
use crate::tls::{Files, ServerTls};

/// Every setting and where it comes from.
#[derive(Debug, Serialize)]
pub struct ConfigView {
    pub file: PathBuf,
    /// Without a file everything has its default or comes from the environment.
    pub file_exists: bool,
    pub settings: Vec<Setting>,
}

/// Of the folder of an installation, which need not be one yet.
pub fn show_config(root: &Path, config: Option<&Path>) -> Result<ConfigView> {
    refuse_missing(config)?;
    let file = settings_file(&Layout::new(absolute(root)?), config);
    let explained = Settings::explained(&file, &settings::environment());
    let (settings, file_exists) = explained.map_err(|e| AppError::below("NL0403", &e))?;
    Ok(ConfigView {
        file,
        file_exists,
        settings,
    })
}

pub fn settings_file(layout: &Layout, config: Option<&Path>) -> PathBuf {
    config.map_or_else(|| layout.config().join("update.yml"), Path::to_path_buf)
}

/// What the settings of `root` name and what cannot be used as it is, a sentence each.
pub fn config_problems(root: &Path, config: Option<&Path>) -> Result<Vec<String>> {
    let layout = Layout::new(absolute(root)?);
    let settings = load_settings(&layout, config)?;
    Ok(problems(&layout, &settings))
}

pub fn problems(layout: &Layout, settings: &Settings) -> Vec<String> {
    let layout = layout.clone().confined_as(settings.confinement.clone());
    let user = layout
        .commands_can_run()
        .err()
        .map(|e| format!("`confinement.user`: {e}"));
    let found = user.into_iter().chain(certificate(&settings.server.tls));
    found
        .chain(server_tools(settings))
        .chain(mirrors(settings))
        .chain(notices::unusable_secrets(layout.root(), settings))
        .collect()
}

fn certificate(wanted: &settings::Tls) -> Option<String> {
    let (certificate, key) = (wanted.certificate.clone()?, wanted.key.clone()?);
    let client_ca = wanted.client_ca.clone();
    let loaded = ServerTls::load(Files {
        certificate,
        key,
        client_ca,
    });
    let error = AppError::below("NL0739", &loaded.err()?);
    Some(format!("`server.tls`: {error}"))
}

fn mirrors(settings: &Settings) -> impl Iterator<Item = String> {
    let wrong = |text: &String| {
        let e = text.parse::<Location>().err()?;
        Some(format!("`repository.mirrors`: {e}"))
    };
    settings.repository.mirrors.iter().filter_map(wrong)
}

fn server_tools(settings: &Settings) -> Option<String> {
    let folder = settings
        .backup
        .server_tools
        .as_ref()
        .filter(|folder| !folder.is_dir())?;
    Some(format!(
        "`update_system.backup.server_tools`: {} is no folder",
        folder.display()
    ))
}
