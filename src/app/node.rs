//! This machine as a node, in the words of clusters.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Installation, Result};
use crate::engine::product;
use crate::host;
use crate::version::Version;

#[derive(Debug, Serialize, ToSchema)]
pub struct NodeView {
    pub name: String,
    #[schema(value_type = Option<String>, required = true)]
    pub version: Option<Version>,
    #[schema(required = true)]
    pub protocol_version: Option<u32>,
    #[schema(required = true)]
    pub min_compatible_version: Option<u32>,
    pub state: NodeState,
    pub leader: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    Active,
    Updating,
    Maintenance,
}

pub fn this_node(installation: &Installation) -> Result<NodeView> {
    let version = installation.installed()?;
    // A release whose manifest cannot be read does not say what it speaks.
    let manifest = version
        .as_ref()
        .and_then(|version| product::manifest(&installation.layout, version).ok());
    let name = installation.settings.policy.node.clone();
    let state = match installation.store.unfinished()? {
        Some(_) => NodeState::Updating,
        None if installation.layout.maintenance().exists() => NodeState::Maintenance,
        None => NodeState::Active,
    };
    Ok(NodeView {
        name: name.unwrap_or_else(host::hostname),
        version,
        protocol_version: manifest.as_ref().and_then(|manifest| manifest.rules.protocol),
        min_compatible_version: manifest.as_ref().and_then(|manifest| manifest.rules.min_protocol),
        state,
        leader: true,
    })
}
