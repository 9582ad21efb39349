//! The product's databases on servers, as its configuration says where they are.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Layout, StepError, product};
use crate::backup::{Server, Tools};
use crate::release::{DatabaseSpec, ReleaseManifest, ServerLogin, ServerSpec};
use crate::settings::Settings;

/// Of the release, reached as the configuration has it now.
pub fn servers(layout: &Layout, settings: &Settings, manifest: &ReleaseManifest) -> Result<Vec<Server>, StepError> {
    servers_in(layout, settings, manifest, &layout.config())
}

/// Reached as the files in a folder of configuration have it.
pub fn servers_in(
    layout: &Layout,
    settings: &Settings,
    manifest: &ReleaseManifest,
    config: &Path,
) -> Result<Vec<Server>, StepError> {
    let Some(spec) = manifest.database.as_ref().and_then(DatabaseSpec::server) else {
        return Ok(Vec::new());
    };
    let backup = &settings.backup;
    Ok(vec![Server {
        login: login(spec, &product::values_in(layout, manifest, config)?)?,
        tools: Tools {
            dir: backup.server_tools.as_ref().map(|dir| layout.root().join(dir)),
            idle: backup.server_idle_timeout,
            limit: backup.server_timeout,
        },
        root: layout.root().to_path_buf(),
    }])
}

pub fn login(spec: &ServerSpec, values: &BTreeMap<String, String>) -> Result<ServerLogin, StepError> {
    let login = spec.url.login(spec.engine, values);
    login.map_err(|e| StepError::because("NL0303", &e))
}
