//! Puts effects in order: drives the steps of a stored plan and journals each before and after.

pub mod background;
pub mod backup_key;
pub mod backups;
mod bounds;
mod context;
pub mod copies;
pub mod dependencies;
mod drive;
pub mod extensions;
mod failure;
mod finish;
mod keeping;
pub mod knows;
mod layout;
mod lock;
mod own_migrations;
pub mod product;
mod reserve;
pub mod seeded;
mod servers;
mod step;
mod version_file;

pub use bounds::unconfined;
pub use context::{Context, Control, Progress};
pub use drive::{EngineError, Stopped, drive};
pub use failure::{DISK_FULL, PERMISSION, StepError};
pub use keeping::nothing_stands;
pub use layout::Layout;
pub use lock::{InstallationLock, LockError, LockState, Owner, Serving, ServingLock, look_at_lock, look_at_serving};
pub use servers::servers;
pub use step::{CONFIG_MIGRATIONS, ConfigChange, OpenConflict, preview_config};
pub use version_file::{VersionEntry, VersionFile};
