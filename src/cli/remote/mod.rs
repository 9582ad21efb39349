//! The same commands against a running server (`--server`): asked by REST, shown by the same words.

mod backups;
mod follow;
mod going;
mod looks;
mod tickets;
mod wire;

pub use backups::run as backup;
pub use going::{Planned, Way, cancel, downgrade, plan, resume, rollback, upgrade, watch};
pub use wire::Wire;

use super::args::{BackupVerb, Command, Global, UnlockArgs, UpdateVerb};
use super::output::{Failed, Result};

/// The server that was named, if any was.
pub fn wire(global: &Global) -> Result<Option<Wire>> {
    let place = global.remote.server.clone();
    place.map(|place| Wire::open(global, place)).transpose()
}

/// Refuses a command that no server is asked for, before anything is done here instead.
pub fn refuse_what_is_local(global: &Global, command: &Command) -> Result<()> {
    if global.remote.server.is_none() {
        return Ok(());
    }
    let name = match command {
        Command::Update(verb) => return refuse_update(verb),
        Command::Backup(verb) => return refuse_backup(verb),
        Command::Maintenance { .. }
        | Command::Audit(_)
        | Command::Token(_)
        | Command::Explain { .. }
        | Command::Completions { .. }
        | Command::Man { .. } => return Ok(()),
        Command::Config(_) => "config",
        Command::Doctor => "doctor",
        Command::Init(_) => "init",
        Command::Notify(_) => "notify",
        Command::Release(_) => "release",
        Command::Plan(_) => "plan",
        Command::Changelog(_) => "changelog",
        Command::Scheme(_) => "scheme",
        Command::Schema(_) => "schema",
        Command::Serve(_) => "serve",
        Command::Supervise(_) => "supervise",
        Command::Tuf(_) => "tuf",
    };
    Err(only_here(&format!("`netlink {name}`")))
}

fn refuse_update(verb: &UpdateVerb) -> Result<()> {
    match verb {
        UpdateVerb::Verify => Err(only_here("`netlink update verify`")),
        UpdateVerb::Finalize => Err(only_here("`netlink update finalize`")),
        UpdateVerb::ReinstallDeps => Err(only_here("`netlink update reinstall-deps`")),
        UpdateVerb::UpgradeDb(_) => Err(only_here("`netlink update upgrade-db`")),
        UpdateVerb::Plan { bundle, .. } => refuse(&[("--bundle", bundle.is_some())]),
        UpdateVerb::Upgrade(wanted) => {
            refuse(&[("--bundle", wanted.bundle.is_some()), ("--plan", wanted.plan.is_some())])
        }
        UpdateVerb::Downgrade(wanted) => refuse(&[("--restore-backup", wanted.restore_backup)]),
        UpdateVerb::Rollback { restore_backup, .. } => refuse(&[("--restore-backup", *restore_backup)]),
        UpdateVerb::Check { .. }
        | UpdateVerb::Version { .. }
        | UpdateVerb::Status { .. }
        | UpdateVerb::History { .. }
        | UpdateVerb::Why { .. }
        | UpdateVerb::Watch { .. }
        | UpdateVerb::Cancel { .. }
        | UpdateVerb::Resume
        | UpdateVerb::Changelog(_) => Ok(()),
    }
}

fn refuse_backup(verb: &BackupVerb) -> Result<()> {
    let opened = |unlock: &UnlockArgs| ("a key or a passphrase of the backups", unlock.is_given());
    match verb {
        BackupVerb::Keys(_) => Err(only_here("`netlink backup keys`")),
        BackupVerb::Repair { .. } => Err(only_here("`netlink backup repair`")),
        BackupVerb::Verify { id: None, .. } => Err(only_here("`netlink backup verify` of the whole repository")),
        BackupVerb::Create { unlock, .. }
        | BackupVerb::List { unlock }
        | BackupVerb::Show { unlock, .. }
        | BackupVerb::Verify { unlock, .. }
        | BackupVerb::Drill { unlock, .. }
        | BackupVerb::Prune { unlock } => refuse(&[opened(unlock)]),
        BackupVerb::Restore { unlock, into, .. } => refuse(&[opened(unlock), ("--into", into.is_some())]),
    }
}

/// What is given and cannot go over the wire.
pub fn refuse(given: &[(&str, bool)]) -> Result<()> {
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(only_here(&format!("`{name}`"))),
        None => Ok(()),
    }
}

fn only_here(what: &str) -> Failed {
    let message = format!("{what} goes without `--server`: run it on the machine of the installation");
    Failed::said("NL0736", message)
}
