//! What a release says of itself: names, manifest, the catalog of all releases, changelogs.

mod advisory;
mod catalog;
pub mod changelog;
mod config;
mod database;
mod fact;
mod hook;
mod manifest;
mod name;
mod rules;
mod server_url;
mod template;

pub use advisory::{Advisory, BlockRule, Withdrawal};
pub use catalog::{Catalog, CatalogError, CatalogRelease, Offered, PackageRef, PatchRef, TargetCustom, TargetRef};
pub use changelog::{Changelog, ChangelogError};
pub use config::{ConfigFormat, ConfigSpec};
pub use database::{DatabaseSpec, DatabaseSpecError, ServerEngine, ServerSpec, SqliteSpec};
pub use fact::{Expression, ExpressionError, Fact, FactSheet};
pub use hook::{HookPoint, HookPointError};
pub use manifest::{
    CheckSpec, CommandCheck, CommandSpec, DependenciesSpec, FileEntry, FileKind, HttpCheck, MANIFEST_NAME,
    ReleaseManifest, RunSpec, Variable,
};
pub use name::{NameError, Platform, ProductName, RelPath};
pub use rules::{ReleaseRules, Rollout, Stop};
pub use server_url::{ServerLogin, ServerPlace, ServerTls, ServerUrlError, TlsMode, UrlTemplate};
pub use template::{TemplateError, expand};
