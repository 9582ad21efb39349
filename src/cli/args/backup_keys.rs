//! Ways to open the backups, and commands that change them. No secret is ever an argument: those are seen by everybody on the machine.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::backup::keys::PublicHalf;

/// How the backups are opened [default: as `update_system.backup.key` of the settings says].
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Opening the backups [default: as the settings say]")]
#[group(multiple = false)]
pub struct UnlockArgs {
    /// Open the backups with this key file
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Open the backups with a passphrase, which is asked for
    #[arg(long)]
    pub passphrase: bool,
    /// Open the backups with the passphrase in this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Open the backups with a recipient's private key
    #[arg(long, value_name = "FILE")]
    pub recovery: Option<PathBuf>,
    /// Open the backups with the code of a recovery kit, which is asked for
    #[arg(long)]
    pub recovery_code: bool,
    /// Open the backups with the code in this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub recovery_code_file: Option<PathBuf>,
}

/// What is to open a slot from now on.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "The new secret")]
#[group(multiple = false)]
pub struct NewSecretArgs {
    /// A passphrase, which is asked for twice
    #[arg(long)]
    pub new_passphrase: bool,
    /// The passphrase in this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// A key file; made when it is not there
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
    /// The public key of a recipient, as `new-recipient` printed it
    #[arg(long, value_name = "KEY")]
    pub recipient: Option<PublicHalf>,
    /// A secret in this environment variable
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// A secret that this command prints: program and arguments, split at blanks
    #[arg(long, value_name = "LINE")]
    pub command: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum BackupKeysVerb {
    /// The slots, and what is damaged; with a way of opening also whether it opens
    List {
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Another way to open the backups
    Add {
        /// What the slot is called
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        #[command(flatten)]
        new: NewSecretArgs,
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Take a way to open the backups away; the last one stays
    Remove {
        /// A slot's id, or how it begins
        slot: String,
        /// Also the one that updates open the backups with
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// A new secret for a slot, whose old one opens nothing any more; or a new master key for all
    Rotate {
        /// A slot's id, or how it begins
        #[arg(required_unless_present = "master")]
        slot: Option<String>,
        /// A new master key: seals everything anew, or goes on where that was interrupted
        #[arg(long, conflicts_with_all = ["slot", "new_passphrase", "new_passphrase_file", "new_key_file", "recipient", "env", "command"])]
        master: bool,
        #[command(flatten)]
        new: NewSecretArgs,
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Take older master keys out of the slots, once nothing is sealed with them
    ForgetOlder {
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Print a page that opens the backups when everything else is lost
    ExportRecovery {
        /// Write it to this new file instead, for its owner alone
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// What the slot is called
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Make a recipient's pair of keys, on another machine: writes the private one, prints the public one
    NewRecipient {
        /// For the private key; keep it off the machine with the backups
        file: PathBuf,
    },
}
