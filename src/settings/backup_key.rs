//! Where the secret is that opens the backup repository, as `update_system.backup.key` says it: `file`, `env:NAME`, `command:PROGRAM ARGUMENTS`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Variables of this name are settings.
const OURS: &str = "NETLINK_";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BackupKey {
    /// `.netlink/backup.key` of the installation.
    File,
    Environment(String),
    /// Program and arguments.
    Command(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupKeyError {
    #[error("`{0}` says not where the backup key is: expected `file`, `env:NAME` or `command:PROGRAM ARGUMENTS`")]
    Unknown(String),
    #[error(
        "`{0}` cannot be the variable with a secret: take letters, digits and `_`, and not {OURS}…, whose variables are settings"
    )]
    Variable(String),
    #[error("`command:` needs a program that prints the backup key")]
    NoCommand,
}

impl FromStr for BackupKey {
    type Err = BackupKeyError;

    fn from_str(text: &str) -> Result<Self, BackupKeyError> {
        if text == "file" {
            return Ok(Self::File);
        }
        if let Some(name) = text.strip_prefix("env:") {
            return variable(name).map(Self::Environment);
        }
        let Some(line) = text.strip_prefix("command:") else {
            return Err(BackupKeyError::Unknown(text.to_owned()));
        };
        let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if argv.is_empty() {
            return Err(BackupKeyError::NoCommand);
        }
        Ok(Self::Command(argv))
    }
}

/// The name of a variable that may hold a secret.
pub(super) fn variable(name: &str) -> Result<String, BackupKeyError> {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(OURS);
    is_name
        .then(|| name.to_owned())
        .ok_or_else(|| BackupKeyError::Variable(name.to_owned()))
}

impl fmt::Display for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::Command(argv) => write!(f, "command:{}", argv.join(" ")),
        }
    }
}

impl TryFrom<String> for BackupKey {
    type Error = BackupKeyError;

    fn try_from(text: String) -> Result<Self, BackupKeyError> {
        text.parse()
    }
}

impl From<BackupKey> for String {
    fn from(key: BackupKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_reads_back_and_others_are_refused() {
        for text in [
            "file",
            "env:BACKUP_KEY",
            "command:vault kv get -field=key secret/backup",
        ] {
            assert_eq!(text.parse::<BackupKey>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "File",
            "env:",
            "env:1A",
            "env:A=B",
            "env:NETLINK_BACKUP_KEY",
            "command:",
            "command: ",
            "abc",
        ] {
            assert!(text.parse::<BackupKey>().is_err(), "{text}");
        }
    }
}
