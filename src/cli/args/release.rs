//! Commands of the publisher.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, value_parser};
use jiff::Timestamp;

use crate::app::{Destination, LifetimeChanges, TufRole as Role};
use crate::release::{Expression, Platform, ProductName};
use crate::version::{Constraint, Dotted, Version};

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
        /// How long what is signed is good for [default: root=365d,targets=180d,snapshot=30d,timestamp=7d]
        #[arg(long, value_name = "ROLE=TIME,…")]
        expires: Option<LifetimeChanges>,
        #[command(flatten)]
        new: NewKeyArgs,
    },
    /// The signing keys: make, list, change
    #[command(subcommand)]
    Keys(KeysVerb),
    /// Begin the folder of the next release from that of the last one
    New {
        /// The folder to make
        #[arg(value_name = "TREE")]
        tree: PathBuf,
        /// The folder of the last release
        #[arg(long, value_name = "TREE")]
        from: PathBuf,
        /// [default: the version after the last one's]
        #[arg(long, value_name = "V")]
        version: Option<Version>,
    },
    /// Pack a release's folder into a package
    Pack {
        tree: PathBuf,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// any, or <os>-<arch>
        #[arg(long)]
        platform: Option<Platform>,
        /// zstd level; the bytes of the package depend on it
        #[arg(long, default_value_t = 9, value_parser = value_parser!(i32).range(1..=19))]
        level: i32,
        /// Threads that compress; the bytes of the package do not depend on them [default: one for each processor, at most 8]
        #[arg(long, value_parser = value_parser!(u32).range(1..=64))]
        threads: Option<u32>,
    },
    /// Sign packages of one release and put them into the repository; with `--to` also bring a store up to it
    Publish(PublishArgs),
    /// Add signatures to what waits for them, and publish it when they suffice
    Sign {
        #[arg(long, value_name = "DIR")]
        repo: PathBuf,
        /// Folder of signing keys; may be given again
        #[arg(long = "keys", value_name = "DIR", required_unless_present = "copies")]
        dirs: Vec<PathBuf>,
        /// The draft.json of a copy of the repository, with signatures that were added there; may be given again
        #[arg(long = "take", value_name = "FILE")]
        copies: Vec<PathBuf>,
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
        /// How long what is signed from now on is good for, e.g. targets=90d,timestamp=36h; kept with the repository
        #[arg(long, value_name = "ROLE=TIME,…")]
        expires: Option<LifetimeChanges>,
        #[command(flatten)]
        at: SignArgs,
    },
    /// Make a patch between two published releases and publish it, if it is worth it
    Patch(PatchArgs),
    /// Take a release back: nobody goes there any more, whoever has it may leave it
    Yank(YankArgs),
    /// Block moves between releases
    Block(BlockArgs),
    /// Bring a release to a growing share of all nodes
    Rollout(RolloutArgs),
    /// Make one file of a repository, for machines without network
    Bundle(BundleArgs),
    /// Fetch a component that others publish into a folder to pack
    Import(ImportArgs),
    /// What a repository offers
    List {
        #[arg(value_name = "DIR")]
        repo: PathBuf,
    },
    /// Sign the short-lived metadata anew; for a cron job
    Timestamp {
        #[command(flatten)]
        at: SignArgs,
    },
    /// Check the whole repository as a client would see it
    Verify {
        #[arg(value_name = "DIR")]
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

#[derive(Debug, ClapArgs)]
pub struct KeyArgs {
    /// Folder of signing keys; may be given again
    #[arg(long = "keys", value_name = "DIR", required = true)]
    pub dirs: Vec<PathBuf>,
}

/// Where to sign, and with what.
#[derive(Debug, ClapArgs)]
pub struct SignArgs {
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub keys: KeyArgs,
}

#[derive(Debug, ClapArgs)]
pub struct NewKeyArgs {
    /// Leave new keys without encryption; else a passphrase is asked, or read from NETLINK_PASSPHRASE
    #[arg(long)]
    pub no_passphrase: bool,
}

#[derive(Debug, ClapArgs)]
pub struct PublishArgs {
    /// None with `--to`: then only the store is brought up to the repository
    #[arg(required_unless_present = "to")]
    pub packages: Vec<PathBuf>,
    #[arg(long, value_name = "FILE", requires = "packages")]
    pub changelog: Option<PathBuf>,
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Folder of signing keys; may be given again
    #[arg(
        long = "keys",
        value_name = "DIR",
        required_unless_present = "to",
        requires = "packages"
    )]
    pub dirs: Vec<PathBuf>,
    /// Let the repository have releases of one more product
    #[arg(long, requires = "packages")]
    pub new_product: bool,
    /// Where operators read it: s3://bucket/folder, sftp://[user@]host[:port]/folder
    #[arg(long, value_name = "URL")]
    pub to: Option<Destination>,
    /// Read every byte that is there already, not only how many there are
    #[arg(long, requires = "to")]
    pub check_all: bool,
}

/// A repository of which something is said.
#[derive(Debug, ClapArgs)]
pub struct RepositoryArgs {
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Of which product, where the repository has several
    #[arg(long, value_name = "NAME")]
    pub product: Option<ProductName>,
    #[command(flatten)]
    pub keys: KeyArgs,
}

#[derive(Debug, ClapArgs)]
pub struct BundleArgs {
    /// The version that is installed; leave it out for a first installation
    #[arg(long, value_name = "V")]
    pub from: Option<Version>,
    /// The version to go to
    #[arg(long, value_name = "V")]
    pub to: Version,
    /// Only packages for this platform; may be given more than once
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Vec<Platform>,
    #[arg(long, value_name = "DIR")]
    pub repo: PathBuf,
    /// Of which product, where the repository has several
    #[arg(long, value_name = "NAME")]
    pub product: Option<ProductName>,
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub struct YankArgs {
    #[arg(value_name = "V")]
    pub version: Version,
    /// Why; operators read it
    #[arg(long, value_name = "TEXT", required_unless_present = "undo")]
    pub reason: Option<String>,
    /// Where operators read more
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The release to go to
    #[arg(long, value_name = "V")]
    pub instead: Option<Version>,
    /// Let it be entered again
    #[arg(long, conflicts_with_all = ["reason", "url", "instead"])]
    pub undo: bool,
    #[command(flatten)]
    pub place: RepositoryArgs,
}

#[derive(Debug, ClapArgs)]
pub struct RolloutArgs {
    #[arg(value_name = "V")]
    pub version: Version,
    /// When it begins, e.g. 2026-01-31T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub start: Option<Timestamp>,
    /// From then on until all have it; 0 is all at once
    #[arg(long, value_name = "N")]
    pub hours: u32,
    #[command(flatten)]
    pub place: RepositoryArgs,
}

#[derive(Debug, ClapArgs)]
pub struct BlockArgs {
    /// A version or a range such as `<0b2`; `*` is anywhere
    #[arg(value_name = "FROM", required_unless_present = "undo")]
    pub from: Option<Constraint>,
    #[arg(value_name = "TO", required_unless_present = "undo")]
    pub to: Option<Constraint>,
    /// Why; operators read it
    #[arg(long, value_name = "TEXT", required_unless_present = "undo")]
    pub reason: Option<String>,
    /// Where operators read more
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// What it is called, for `--undo` and for operators who take the risk [default: block-1 and so on]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only where this holds of an installation; where it cannot be told the move is not recommended. The first of several that
    /// can be told decides
    #[arg(long, value_name = "EXPRESSION")]
    pub when: Vec<Expression>,
    /// Take the block of this name back
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from", "to", "reason", "url", "name", "when"])]
    pub undo: Option<String>,
    #[command(flatten)]
    pub place: RepositoryArgs,
}

#[derive(Debug, ClapArgs)]
pub struct PatchArgs {
    /// The release to start from
    #[arg(long, value_name = "V")]
    pub from: Version,
    /// The release to lead to [default: the highest]
    #[arg(long, value_name = "V")]
    pub to: Option<Version>,
    /// any, or <os>-<arch> [default: each that both have a package for]
    #[arg(long)]
    pub platform: Option<Platform>,
    /// Where the repository has several products
    #[arg(long, value_name = "NAME")]
    pub product: Option<ProductName>,
    /// Publish nothing that has more than this share of the whole package
    #[arg(long, value_name = "PERCENT", default_value_t = 60, value_parser = value_parser!(u8).range(1..=100))]
    pub at_most: u8,
    /// zstd level
    #[arg(long, default_value_t = 19, value_parser = value_parser!(i32).range(1..=22))]
    pub level: i32,
    /// Threads that compare files [default: one for each processor]
    #[arg(long)]
    pub threads: Option<std::num::NonZeroUsize>,
    /// Memory to compare files in, in MiB; larger files are compared in windows
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = value_parser!(u32).range(16..=65_536))]
    pub memory: u32,
    /// Folder to unpack in, with room for three trees [default: the system's for temporary files]
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    #[command(flatten)]
    pub at: SignArgs,
}

#[derive(Debug, ClapArgs)]
pub struct ImportArgs {
    /// Where the component comes from, see docs/components.md
    #[arg(long, value_name = "FILE")]
    pub source: PathBuf,
    /// Only show which versions there are
    #[arg(long, conflicts_with_all = ["version", "into", "platform", "release"])]
    pub list: bool,
    #[arg(long, value_name = "V", required_unless_present = "list")]
    pub version: Option<Dotted>,
    /// The folder to make
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    pub into: Option<PathBuf>,
    /// any, or <os>-<arch> [default: this machine's]
    #[arg(long)]
    pub platform: Option<Platform>,
    /// The release that it becomes: writes a release.toml
    #[arg(long = "as", value_name = "V")]
    pub release: Option<Version>,
}
