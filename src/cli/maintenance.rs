//! `netlink maintenance on|off|status`

use super::args::{Global, Switch};
use super::asked::asked;
use super::output::{Result, harmless, result, yellow};

pub fn run(global: &Global, switch: Switch) -> Result<()> {
    let asked = asked(global)?;
    let view = match switch {
        Switch::Status => asked.maintenance()?,
        Switch::On => asked.set_maintenance(true)?,
        Switch::Off => asked.set_maintenance(false)?,
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
