//! Maintenance mode by hand: a flag that the product and those around it can see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AppError, Installation, Result};
use crate::engine::InstallationLock;
use crate::notify;
use crate::release::HookPoint;
use crate::{clock, disk};

const FLAG_LIMIT: u64 = 64 << 10;
const HOOK_LIMIT: std::time::Duration = std::time::Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaintenanceView {
    pub on: bool,
    #[serde(flatten)]
    pub flag: Option<Flag>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    pub since: Timestamp,
    pub reason: String,
}

pub fn maintenance(installation: &Installation) -> Result<MaintenanceView> {
    match disk::read_limited(&installation.layout.maintenance(), FLAG_LIMIT) {
        Ok(text) => Ok(MaintenanceView {
            on: true,
            flag: serde_json::from_slice(&text).ok(),
        }),
        Err(e) if e.is_missing() => Ok(MaintenanceView { on: false, flag: None }),
        Err(e) => Err(e.into()),
    }
}

/// Switches it and runs the hooks; what is so already stays so.
pub fn set_maintenance(installation: &Installation, on: bool) -> Result<MaintenanceView> {
    let _lock = InstallationLock::take(&installation.layout, "netlink maintenance")?;
    let path = installation.layout.maintenance();
    match (maintenance(installation)?.on, on) {
        (false, true) => {
            let flag = Flag {
                since: clock::now(),
                reason: "switched on by hand".into(),
            };
            let text = serde_json::to_vec(&flag).map_err(|e| AppError::below("NL0408", &e))?;
            disk::write_atomic(&path, &text, 0o644)?;
            hooks(installation, HookPoint::MaintenanceEnter)?;
        }
        (true, false) => {
            hooks(installation, HookPoint::MaintenanceExit)?;
            disk::remove_file(&path)?;
        }
        (true, true) | (false, false) => {}
    }
    maintenance(installation)
}

fn hooks(installation: &Installation, point: HookPoint) -> Result<()> {
    let configured = installation.settings.hooks.get(&point).map(Vec::as_slice);
    let payload = serde_json::json!({"root": installation.layout.root(), "point": point.to_string()});
    let layout = &installation.layout;
    if configured.is_some() {
        installation.commands_can_run()?;
    }
    let bounds = layout.bounds_of_hook(point);
    let ran = notify::run(layout.root(), point, configured, &payload, HOOK_LIMIT, &bounds);
    ran.map(drop).map_err(|e| AppError::below("NL0309", &e))
}
