//! How the backup repository is opened when nobody says otherwise: as the settings have it.

use super::Layout;
use crate::backup::keys::{KeysError, SecretCommand, Unlock};
use crate::settings::{self, Backup, BackupKey};

pub fn unlock(backup: &Backup, layout: &Layout) -> Result<Unlock, KeysError> {
    Ok(match &backup.key {
        BackupKey::File => Unlock::KeyFile(layout.backup_key()),
        BackupKey::Environment(name) => Unlock::Environment {
            name: name.clone(),
            value: variable(name)?,
        },
        BackupKey::Command(argv) => Unlock::Command(command(argv, layout)),
    })
}

/// What the variable holds.
pub fn variable(name: &str) -> Result<crate::crypt::Secret, KeysError> {
    settings::secret(name).ok_or_else(|| KeysError::NoSecret {
        from: format!("${name}"),
        problem: "the variable is not set".into(),
    })
}

/// A program given by a relative path lies in the installation, as hooks do.
pub fn command(argv: &[String], layout: &Layout) -> SecretCommand {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut().filter(|program| program.contains('/')) {
        *program = layout.root().join(&*program).display().to_string();
    }
    SecretCommand {
        argv,
        dir: layout.root().to_path_buf(),
    }
}
