//! What a release says of itself: names, manifest, the catalog of all releases, changelogs.

mod advisory;
mod alike;
mod catalog;
pub mod changelog;
mod config;
mod counted;
mod database;
mod dependency;
pub mod duration;
mod extension;
mod fact;
mod hook;
mod manifest;
mod name;
mod rules;
mod server_url;
mod template;

pub use advisory::{Advisory, BlockRule, Withdrawal};
pub use alike::nearest;
pub use catalog::{Catalog, CatalogError, CatalogRelease, Offered, PackageRef, PatchRef, TargetCustom, TargetRef};
pub use changelog::{Changelog, ChangelogError};
pub use config::{ConfigFormat, ConfigSpec};
pub use counted::counted;
pub use database::{DatabaseSpec, DatabaseSpecError, OwnMigrations, ServerEngine, ServerSpec, SqliteSpec};
pub use dependency::{
    AptSpec, CargoSpec, DEPENDENCY_STORE, DependencyKind, DependencySpec, NpmSpec, ProvidedSpec, PythonSpec,
};
pub use extension::{
    ExtensionCommands, ExtensionFolder, ExtensionName, ExtensionSwitch, Extensions, ExtensionsFound, ExtensionsSpec,
    ExtensionsSpecError, Supported, VersionPlace, named_version,
};
pub use fact::{Expression, ExpressionError, Fact, FactSheet};
pub use hook::{HookPoint, HookPointError};
pub use manifest::{
    CheckSpec, CommandCheck, CommandSpec, FileEntry, FileKind, HttpCheck, MANIFEST_NAME, ReleaseManifest, RunSpec,
    Variable,
};
pub use name::{DependencyName, NameError, Platform, ProductName, RelPath};
pub use rules::{ReleaseRules, Rollout, Stop};
pub use server_url::{ServerLogin, ServerPlace, ServerTls, ServerUrlError, TlsMode, UrlTemplate};
pub use template::{TemplateError, expand};
