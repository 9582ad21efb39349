//! The words of `netlink release …`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, value_parser};

use crate::app::TufRole as Role;
use crate::release::Platform;

#[derive(Debug, Subcommand)]
pub enum ReleaseVerb {
    /// Make keys and an empty signed repository
    Init {
        #[arg(value_name = "DIR")]
        repo: PathBuf,
        /// Folder for the signing keys
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// One key signs everything: for trying out, not for releases that others run
        #[arg(long)]
        single_key: bool,
        #[command(flatten)]
        new: NewKeyArgs,
    },
    /// The signing keys: make, list, change
    #[command(subcommand)]
    Keys(KeysVerb),
    /// Pack a release's folder into a package
    Pack {
        tree: PathBuf,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// any, or <os>-<arch>
        #[arg(long)]
        platform: Option<Platform>,
        /// zstd level
        #[arg(long, default_value_t = 9, value_parser = value_parser!(i32).range(1..=19))]
        level: i32,
    },
    /// Sign packages of one release and put them into the repository
    Publish {
        #[arg(required = true)]
        packages: Vec<PathBuf>,
        #[arg(long, value_name = "FILE")]
        changelog: Option<PathBuf>,
        #[command(flatten)]
        at: SignArgs,
    },
    /// Add signatures to what waits for them, and publish it when they suffice
    Sign {
        #[command(flatten)]
        at: SignArgs,
    },
    /// Drop what waits for signatures
    Discard {
        #[arg(long, value_name = "DIR")]
        repo: PathBuf,
    },
    /// Sign roles anew before they expire
    Renew {
        /// root, targets, snapshot, timestamp
        #[arg(required = true)]
        roles: Vec<Role>,
        #[command(flatten)]
        at: SignArgs,
    },
    /// Sign the short-lived metadata anew; for a cron job
    Timestamp {
        #[command(flatten)]
        at: SignArgs,
    },
    /// Check the whole repository as a client would see it
    Verify {
        #[arg(long, value_name = "DIR")]
        repo: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Which keys sign what, until when, and what waits for signatures
    Show {
        #[arg(long, value_name = "DIR")]
        repo: PathBuf,
        /// Folder of signing keys, to see which are at hand; may be given again
        #[arg(long = "keys", value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
    /// Make a pair of keys; hand NAME.pub to whoever keeps the repository
    New {
        name: String,
        /// Folder for the pair
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        #[command(flatten)]
        new: NewKeyArgs,
    },
    /// Let one more key sign a role
    Add {
        /// root, targets, snapshot, timestamp
        role: Role,
        /// The key's public half, in PEM
        #[arg(long, value_name = "FILE")]
        public: PathBuf,
        #[command(flatten)]
        at: SignArgs,
    },
    /// Take a key out of every role that it signs
    Revoke {
        /// The key's id, or how it begins
        #[arg(value_name = "ID")]
        key: String,
        #[command(flatten)]
        at: SignArgs,
    },
    /// New keys in place of one, or of all of a role that are at hand
    Rotate {
        /// A role, or a key's id, or how it begins
        #[arg(value_name = "ROLE|ID")]
        what: String,
        #[command(flatten)]
        at: SignArgs,
        #[command(flatten)]
        new: NewKeyArgs,
    },
    /// How many keys of a role must sign
    Threshold {
        /// root, targets, snapshot, timestamp
        role: Role,
        #[arg(value_parser = value_parser!(u64).range(1..))]
        number: u64,
        #[command(flatten)]
        at: SignArgs,
    },
}

/// Where to sign, and with what.
#[derive(Debug, ClapArgs)]
pub struct SignArgs {
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Folder of signing keys; may be given again
    #[arg(long = "keys", value_name = "DIR", required = true)]
    pub dirs: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct NewKeyArgs {
    /// Leave new keys without encryption; else a passphrase is asked, or read from NETLINK_PASSPHRASE
    #[arg(long)]
    pub no_passphrase: bool,
}
