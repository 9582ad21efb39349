//! What the operator decides: `config/update.yml` with every key's default, overridden by the environment.

mod backup_key;
mod confinement;
mod environment;
mod keys;
mod log;
mod notifications;
mod place;
mod policy;
mod sections;
mod shown;
mod zone;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use backup_key::{BackupKey, BackupKeyError};
pub use confinement::{Confinement, UserName};
pub use environment::{
    Environment, Starter, environment, folder_for_temporary_files, passphrase, proxies, secret, starter,
};
pub use log::{Log, LogFormat, LogLevel};
pub use notifications::{Notifications, Notifier, ReceiverName, SecretPlace, Webhook, WebhookUrl};
pub use place::DoorAt;
pub use policy::{Policy, VersionConstraints, WhenMissed};
pub use sections::{
    Audit, Backup, Behavior, Clustering, Config, Dependencies, Download, Health, Hooks, OnConflict, Repository, Safety,
    Server, Side, Tls,
};
pub use shown::{Origin, Setting};
pub use zone::{Zone, ZoneError};

use crate::disk::{self, DiskError};

/// A wait without end is none that ends well.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A settings file is at most this long.
const FILE_LIMIT: u64 = 1 << 20;

/// All settings; what the file leaves out has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    update_system: UpdateSystem,
    audit: Audit,
    config: Config,
    confinement: Confinement,
    dependencies: Dependencies,
    health: Health,
    hooks: Hooks,
    log: Log,
    notifications: Notifications,
    policy: Policy,
    repository: Repository,
    download: Download,
    server: Server,
}

/// The sections of the update system document (spec 003, "Update System Configuration").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UpdateSystem {
    backup: Backup,
    behavior: Behavior,
    safety: Safety,
    clustering: Clustering,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    pub backup: Backup,
    pub behavior: Behavior,
    pub safety: Safety,
    pub clustering: Clustering,
    pub audit: Audit,
    pub config: Config,
    pub confinement: Confinement,
    pub dependencies: Dependencies,
    pub health: Health,
    pub hooks: Hooks,
    pub log: Log,
    pub notifications: Notifications,
    pub policy: Policy,
    pub repository: Repository,
    pub download: Download,
    pub server: Server,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{} is not valid: {problem}", path.display())]
    Invalid { path: PathBuf, problem: String },
    #[error("{}:{line}:{} {problem}", path.display(), key.as_ref().map_or_else(String::new, |key| format!(" `{key}`:")))]
    Value {
        path: PathBuf,
        line: u64,
        key: Option<String>,
        problem: String,
    },
    #[error("{}: `{key}` is not a setting{}", path.display(), meant(nearest.as_deref()))]
    UnknownKey {
        path: PathBuf,
        key: String,
        nearest: Option<String>,
    },
    #[error("the environment variable {name} is not a setting{}", meant(nearest.as_deref()))]
    UnknownVariable { name: String, nearest: Option<String> },
    #[error("the environment variable {name} is not valid: {problem}")]
    Variable { name: String, problem: String },
    #[error("`{key}: {value}` is not possible: {reason}")]
    NotPossible {
        key: &'static str,
        value: String,
        reason: &'static str,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl Settings {
    /// Reads a settings file, which need not exist, and then the environment.
    pub fn load(path: &Path, environment: &Environment) -> Result<Self, SettingsError> {
        Self::parse(path, &text_of(path)?.unwrap_or_default(), environment)
    }

    /// Each key with its value and where that comes from, and whether the file is there.
    pub fn explained(path: &Path, environment: &Environment) -> Result<(Vec<Setting>, bool), SettingsError> {
        let text = text_of(path)?;
        let is_there = text.is_some();
        Ok((shown::all(path, &text.unwrap_or_default(), environment)?, is_there))
    }

    /// The same for the text of a file; `path` is what errors name.
    pub fn parse(path: &Path, text: &str, environment: &Environment) -> Result<Self, SettingsError> {
        let file = environment::overridden(read(path, text)?.file, environment)?;
        check(&file)?;
        Ok(Self {
            backup: file.update_system.backup,
            behavior: file.update_system.behavior,
            safety: file.update_system.safety,
            clustering: file.update_system.clustering,
            audit: file.audit,
            config: file.config,
            confinement: file.confinement,
            dependencies: file.dependencies,
            health: file.health,
            hooks: file.hooks,
            log: file.log,
            notifications: file.notifications,
            policy: file.policy,
            repository: file.repository,
            download: file.download,
            server: file.server,
        })
    }
}

/// None where there is no file.
fn text_of(path: &Path) -> Result<Option<String>, SettingsError> {
    match disk::read_text_limited(path, FILE_LIMIT) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// A settings file, and what it says itself.
#[derive(Default)]
struct Read {
    file: File,
    found: serde_json::Value,
}

fn read(path: &Path, text: &str) -> Result<Read, SettingsError> {
    let invalid = |problem: String| SettingsError::Invalid {
        path: path.to_path_buf(),
        problem,
    };
    let found: Option<serde_json::Value> = serde_saphyr::from_str(text).map_err(|e| invalid(e.to_string()))?;
    let Some(found) = found.filter(|found| !found.is_null()) else {
        return Ok(Read::default());
    };
    let known = keys::known();
    if let Some(section) = keys::section_as_list(&found, &known) {
        let of = if section.is_empty() {
            "it".to_owned()
        } else {
            format!("`{section}`")
        };
        return Err(invalid(format!("{of} is a list, and takes keys with their values")));
    }
    if let Some((key, nearest)) = keys::unknown(&found, &known) {
        return Err(SettingsError::UnknownKey {
            path: path.to_path_buf(),
            key,
            nearest,
        });
    }
    let file = serde_saphyr::from_str(text).map_err(|e| {
        let Some(at) = e.location() else {
            return invalid(e.to_string());
        };
        let line = at.line();
        let said = e.without_snippet().to_string();
        SettingsError::Value {
            path: path.to_path_buf(),
            line,
            key: keys::at_line(&found, text, line),
            problem: said.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    })?;
    Ok(Read { file, found })
}

/// Promises that NetLink keeps whatever a file says.
fn check(file: &File) -> Result<(), SettingsError> {
    let refuse = |key, reason| {
        Err(SettingsError::NotPossible {
            key,
            value: "false".into(),
            reason,
        })
    };
    if !file.update_system.backup.encryption {
        return refuse(
            "update_system.backup.encryption",
            "backups are always encrypted; remove the key",
        );
    }
    if !file.update_system.safety.rollback_on_failure {
        return refuse(
            "update_system.safety.rollback_on_failure",
            "an update that fails is always undone; remove the key",
        );
    }
    file.policy.check()?;
    check_tls(&file.server.tls)?;
    file.notifications.check()?;
    let limits = file.download.times().into_iter();
    match limits
        .chain(file.update_system.backup.times())
        .chain(file.server.times())
        .chain(file.policy.times())
        .chain(file.notifications.times())
        .chain([("audit.copy_timeout", file.audit.copy_timeout)])
        .find(|(_, limit)| limit.is_zero() || *limit > LONGEST_WAIT)
    {
        Some((key, limit)) => Err(SettingsError::NotPossible {
            key,
            value: format!("{limit:?}"),
            reason: "a time limit is longer than nothing and at most 30 days",
        }),
        None => Ok(()),
    }
}

/// A certificate without its key is of no use, nor is either alone to ask others for theirs.
fn check_tls(tls: &Tls) -> Result<(), SettingsError> {
    let Tls {
        certificate,
        key,
        client_ca,
    } = tls;
    let refuse = |key, value: &Path, reason| {
        Err(SettingsError::NotPossible {
            key,
            value: value.display().to_string(),
            reason,
        })
    };
    match (certificate, key, client_ca) {
        (Some(path), None, _) => refuse("server.tls.certificate", path, "it goes with `server.tls.key`"),
        (None, Some(path), _) => refuse("server.tls.key", path, "it goes with `server.tls.certificate`"),
        (None, None, Some(path)) => refuse(
            "server.tls.client_ca",
            path,
            "it goes with `server.tls.certificate` and `key`",
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
