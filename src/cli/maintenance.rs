//! `netlink maintenance on|off|status`

use super::args::{Global, Switch};
use super::open::open;
use super::output::{Result, harmless, result, yellow};
use crate::app;

pub fn run(global: &Global, switch: Switch) -> Result<()> {
    let installation = open(global)?;
    let view = match switch {
        Switch::Status => app::maintenance(&installation)?,
        Switch::On => app::set_maintenance(&installation, true)?,
        Switch::Off => app::set_maintenance(&installation, false)?,
    };
    result(global, &view, |view| match &view.flag {
        Some(flag) => format!(
            "maintenance is {} since {:.0}: {}",
            yellow("on"),
            flag.since,
            harmless(&flag.reason)
        ),
        None if view.on => format!("maintenance is {}", yellow("on")),
        None => "maintenance is off".into(),
    })
}
