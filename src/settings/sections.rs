//! The sections of the settings, with their defaults.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::BackupKey;
use crate::release::{CheckSpec, HookPoint, RelPath};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    pub enabled: bool,
    /// Relative to the installation unless absolute.
    pub directory: PathBuf,
    pub encryption: bool,
    /// What opens the repository for updates and for commands that are not told otherwise.
    pub key: BackupKey,
    pub retention_days: u32,
    /// The newest so many.
    pub keep_last: u32,
    /// The newest of each of so many days, weeks, months.
    pub keep_daily: u32,
    pub keep_weekly: u32,
    pub keep_monthly: u32,
    /// How long each backup may go on with a rotation of the master key that is not finished.
    #[serde(with = "crate::release::duration")]
    pub rotation_share: Duration,
    /// Folder of pg_dump, mariadb-dump and the like; as a shell finds them when absent.
    pub server_tools: Option<PathBuf>,
    /// For a database on a server, without a byte of its dump.
    #[serde(with = "crate::release::duration")]
    pub server_idle_timeout: Duration,
    /// For its whole dump, and for restoring that.
    #[serde(with = "crate::release::duration")]
    pub server_timeout: Duration,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            enabled: true,
            directory: "backups/updates".into(),
            encryption: true,
            key: BackupKey::File,
            retention_days: 30,
            keep_last: 1,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
            rotation_share: Duration::from_secs(10),
            server_tools: None,
            server_idle_timeout: Duration::from_secs(10 * 60),
            server_timeout: Duration::from_secs(6 * 60 * 60),
        }
    }
}

impl Backup {
    pub fn directory_under(&self, root: &Path) -> PathBuf {
        root.join(&self.directory)
    }

    /// The time limits with their keys.
    pub(super) fn times(&self) -> [(&'static str, Duration); 2] {
        [
            ("update_system.backup.server_idle_timeout", self.server_idle_timeout),
            ("update_system.backup.server_timeout", self.server_timeout),
        ]
    }

    /// The folder, if it is this installation's alone: one given by an absolute path may be shared.
    pub fn own_directory_under(&self, root: &Path) -> Option<PathBuf> {
        self.directory.is_relative().then(|| self.directory_under(root))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behavior {
    pub auto_backup: bool,
    pub auto_restart: bool,
    pub maintenance_mode: bool,
    pub cluster_coordination: bool,
    /// How long the new version must have been in place and healthy before the old one is given up by itself.
    #[serde(with = "crate::release::duration")]
    pub soak: Duration,
    /// Between two batches of a migration in the background.
    #[serde(with = "crate::release::duration")]
    pub background_pause: Duration,
    /// Where the file system cannot share blocks, the same file of two releases is one on disk.
    pub hard_links: bool,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            auto_backup: true,
            auto_restart: true,
            maintenance_mode: true,
            cluster_coordination: true,
            soak: Duration::from_secs(24 * 3600),
            background_pause: Duration::from_millis(50),
            hard_links: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Safety {
    pub require_confirmation: bool,
    pub validate_migrations: bool,
    /// A migration that takes longer on the copy is given up.
    #[serde(with = "crate::release::duration")]
    pub trial_budget: Duration,
    pub test_after_update: bool,
    pub rollback_on_failure: bool,
    /// Look for extensions before an update to another release.
    pub check_extensions: bool,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            require_confirmation: true,
            validate_migrations: true,
            trial_budget: Duration::from_secs(30 * 60),
            test_after_update: true,
            rollback_on_failure: true,
            check_extensions: true,
        }
    }
}

/// How the nodes of a cluster go together; a single machine does not ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clustering {
    pub enabled: bool,
    /// Seconds.
    pub coordination_timeout: u64,
    pub rolling_updates: bool,
    pub max_concurrent_nodes: u32,
}

impl Default for Clustering {
    fn default() -> Self {
        Self {
            enabled: true,
            coordination_timeout: 300,
            rolling_updates: true,
            max_concurrent_nodes: 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Instead of the release's own checks.
    pub checks: Vec<CheckSpec>,
    /// From the start of a version until it must be healthy.
    #[serde(with = "crate::release::duration")]
    pub timeout: Duration,
    #[serde(with = "crate::release::duration")]
    pub interval: Duration,
    /// So long the product's own process must have lived, too: what answers may be another program.
    #[serde(with = "crate::release::duration")]
    pub steady: Duration,
    /// A product that has died is waited for while the supervisor starts it again, but no longer than for so many times.
    pub restarts: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            timeout: Duration::from_secs(60),
            interval: Duration::from_millis(500),
            steady: Duration::from_secs(1),
            restarts: 4,
        }
    }
}

/// Program and arguments to run at a point.
pub type Hooks = BTreeMap<HookPoint, Vec<String>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// None listens at the socket alone.
    #[serde(deserialize_with = "super::place::or_off")]
    pub listen: Option<SocketAddr>,
    /// Where gRPC is served; none goes without.
    #[serde(deserialize_with = "super::place::or_off")]
    pub grpc: Option<SocketAddr>,
    pub tls: Tls,
    /// A Unix socket to listen at as well; who owns this process, or root, needs no token there.
    pub socket: Option<PathBuf>,
    /// The user that a relay runs as (`serve --through`); that one alone may connect to the socket then.
    pub relay_user: Option<String>,
    /// Requests with a wrong token from one address; 0 knows no limit.
    pub wrong_tokens_per_minute: u32,
    /// Changing requests with one token; 0 knows no limit.
    pub changes_per_minute: u32,
    /// Between two signs of life on a line of live events.
    #[serde(with = "crate::release::duration")]
    pub heartbeat: Duration,
    /// A client that takes nothing of what is sent for so long is cut off.
    #[serde(with = "crate::release::duration")]
    pub slow_reader: Duration,
    /// After so long a client of gRPC is told to connect anew, so that who is silent does not stay for ever.
    #[serde(with = "crate::release::duration")]
    pub grpc_connection: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: Some((Ipv4Addr::LOCALHOST, 8690).into()),
            grpc: Some((Ipv4Addr::LOCALHOST, 9000).into()),
            tls: Tls::default(),
            socket: None,
            relay_user: None,
            wrong_tokens_per_minute: 10,
            changes_per_minute: 120,
            heartbeat: Duration::from_secs(15),
            slow_reader: Duration::from_secs(30),
            grpc_connection: Duration::from_secs(10 * 60),
        }
    }
}

impl Server {
    /// The time limits with their keys.
    pub(super) fn times(&self) -> [(&'static str, Duration); 3] {
        [
            ("server.heartbeat", self.heartbeat),
            ("server.slow_reader", self.slow_reader),
            ("server.grpc_connection", self.grpc_connection),
        ]
    }
}

/// What `server.listen` shows and asks for; in the clear as long as there is no certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The server's own, then those between it and its authority, in PEM.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Only clients with a certificate of one of these authorities are let in.
    pub client_ca: Option<PathBuf>,
}

/// The audit's copies elsewhere: a chain alone does not stop who may write to all of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// A file, on another machine's disk, or the address of a web server.
    pub copy_to: Option<String>,
    #[serde(with = "crate::release::duration")]
    pub copy_timeout: Duration,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            copy_to: None,
            copy_timeout: Duration::from_secs(5),
        }
    }
}

/// What becomes of the product's configuration files in an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the operator and the new release have both changed the same key.
    pub on_conflict: OnConflict,
    /// Single keys, as `file:key`, for which that is decided beforehand.
    pub settled: BTreeMap<String, Side>,
    /// Files that are never changed.
    pub by_hand: Vec<RelPath>,
    /// Keys whose values are never shown, beside those that look like secrets.
    pub secrets: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// The operator's value stays.
    #[default]
    Keep,
    /// The release's value comes.
    New,
    /// The update stops before it changes anything.
    Fail,
    /// Whoever is at the terminal is asked; without one likewise, and it is said how to answer.
    Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Keep,
    New,
}

/// The tools that bring what releases need, and where those fetch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dependencies {
    pub python: String,
    pub uv: String,
    pub npm: String,
    pub cargo: String,
    /// Instead of what a release names.
    pub python_index: Option<String>,
    pub npm_registry: Option<String>,
    pub apt_get: String,
    pub dpkg: String,
    /// Before its own, for every call.
    pub apt_options: Vec<String>,
    /// For another program that installs packages.
    #[serde(with = "crate::release::duration")]
    pub apt_lock_wait: Duration,
}

impl Default for Dependencies {
    fn default() -> Self {
        Self {
            python: "python3".into(),
            uv: "uv".into(),
            npm: "npm".into(),
            cargo: "cargo".into(),
            python_index: None,
            npm_registry: None,
            apt_get: "apt-get".into(),
            dpkg: "dpkg".into(),
            apt_options: Vec::new(),
            apt_lock_wait: Duration::from_secs(300),
        }
    }
}

/// Where else the files of the repository lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repository {
    /// Asked in this order when the repository itself does not give a file.
    pub mirrors: Vec<String>,
    /// For how long after its expiry the metadata of a bundle is taken all the same.
    #[serde(with = "crate::release::duration")]
    pub max_staleness: Duration,
}

/// How patient downloads are (spec 004: three tries, an hour, more for object stores, continued from 1 MiB on).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Download {
    pub retry_count: u32,
    #[serde(with = "crate::release::duration")]
    pub retry_pause: Duration,
    #[serde(with = "crate::release::duration")]
    pub connect_timeout: Duration,
    /// Without a byte.
    #[serde(with = "crate::release::duration")]
    pub idle_timeout: Duration,
    /// One file from one place, all tries together.
    #[serde(with = "crate::release::duration")]
    pub timeout: Duration,
    #[serde(with = "crate::release::duration")]
    pub object_store_timeout: Duration,
    /// Bytes a second.
    pub lowest_speed: u64,
    /// Bytes.
    pub resume_threshold: u64,
    pub keep_partial_days: u32,
}

impl Default for Download {
    fn default() -> Self {
        Self {
            retry_count: 3,
            retry_pause: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(60 * 60),
            object_store_timeout: Duration::from_secs(4 * 60 * 60),
            lowest_speed: 1024,
            resume_threshold: 1 << 20,
            keep_partial_days: 7,
        }
    }
}

impl Download {
    /// The time limits with their keys.
    pub(super) fn times(&self) -> [(&'static str, Duration); 4] {
        [
            ("download.connect_timeout", self.connect_timeout),
            ("download.idle_timeout", self.idle_timeout),
            ("download.timeout", self.timeout),
            ("download.object_store_timeout", self.object_store_timeout),
        ]
    }

    /// How long a part that was never finished is kept.
    pub fn keep_partial(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_partial_days) * 24 * 60 * 60)
    }
}
