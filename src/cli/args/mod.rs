//! Every command and option, as the help shows them.

mod backup_keys;
mod begin;
mod release;
mod remote;
mod schema;
mod scheme;
mod server;

use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::backup::{BackupId, Percent};
use crate::fetch::Location;
use crate::release::{ExtensionName, ProductName, RelPath};
use crate::store::{OrderId, UpdateId};
use crate::version::Version;

pub use backup_keys::{BackupKeysVerb, NewSecretArgs, UnlockArgs};
pub use begin::BeginArgs;
pub use release::{
    BlockArgs, BundleArgs, ImportArgs, KeysVerb, PatchArgs, PublishArgs, ReleaseVerb, RepositoryArgs, RolloutArgs,
    SignArgs, YankArgs,
};
pub use remote::RemoteArgs;
pub use schema::{SchemaVerb, UpgradeDbArgs};
pub use scheme::{IndexArgs, LeastChannel, SchemeArgs, SchemeVerb, VersionScheme};
pub use server::{AuditVerb, NotifyVerb, RelayArgs, ServeArgs, TokenVerb};

/// Release manager for self-hosted products: planned upgrades that undo themselves when they fail.
#[derive(Debug, Parser)]
#[command(name = "netlink", version = crate::VERSION, max_term_width = 110)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, ClapArgs)]
pub struct Global {
    /// Folder of the installation
    #[arg(long, global = true, value_name = "DIR", default_value = ".", env = "NETLINK_ROOT")]
    pub root: PathBuf,
    /// Settings file [default: config/update.yml of the installation]
    #[arg(long, global = true, value_name = "FILE", env = "NETLINK_CONFIG")]
    pub config: Option<PathBuf>,
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, env = "NETLINK_OUTPUT")]
    pub output: Output,
    /// Ask nothing, go on
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// No progress, only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Also the time of each event, and when each step begins
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Colours; `auto` leaves them out for pipes, CI and NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    pub fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an installation, take one in that is there, or name its repository
    Init(InitArgs),
    /// Check, plan, go up and down, look at what happened
    #[command(subcommand)]
    Update(UpdateVerb),
    /// Make, look into, verify and restore backups
    #[command(subcommand)]
    Backup(BackupVerb),
    /// The publisher's side: keys, packages, repository
    #[command(subcommand)]
    Release(ReleaseVerb),
    /// The way from one version to another, from a release index file alone
    Plan(IndexArgs),
    /// Changelog files: show, check, draft
    #[command(subcommand)]
    Changelog(ChangelogVerb),
    /// Versions: parse, compare, sort
    Scheme(SchemeArgs),
    /// The product's database: how it differs from a fresh one
    #[command(subcommand)]
    Schema(SchemaVerb),
    /// Maintenance mode by hand
    Maintenance {
        #[arg(value_enum)]
        switch: Switch,
    },
    /// Serve the page for a browser, and the REST interface
    Serve(ServeArgs),
    /// What was asked of this installation, by whom, and what came of it
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Tokens for the server: who may ask for what
    #[command(subcommand)]
    Token(TokenVerb),
    /// Who is told what becomes of updates: try, list, try again
    #[command(subcommand)]
    Notify(NotifyVerb),
    /// Run the product under supervision; started by itself where needed
    Supervise(SuperviseArgs),
    /// Any TUF repository: trust a root, refresh metadata, download targets
    Tuf(TufArgs),
    /// What a code like NL0316 means, or all of them
    Explain { code: Option<String> },
    /// The settings: what holds and why, and whether it can
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Look over everything that the next update and the way back from it need
    Doctor,
    /// What a shell needs to complete commands, e.g. `netlink completions bash >~/.local/share/bash-completion/completions/netlink`
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The manual page, or one for each command
    Man {
        /// Write all of them into this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Every setting with its value
    Show {
        /// Also where each value comes from
        #[arg(long)]
        origin: bool,
        /// Only this key or section, e.g. `policy` or `policy.freeze`
        #[arg(value_name = "KEY")]
        key: Option<String>,
    },
    /// Are the settings right, and can the certificate, secrets, user, mirrors and tools that they name be used?
    Check,
}

#[derive(Debug, ClapArgs)]
pub struct InitArgs {
    /// Name of the product
    #[arg(long, value_name = "NAME")]
    pub product: Option<ProductName>,
    /// Where releases come from: file:///… or http(s)://…
    #[arg(long, value_name = "URL")]
    pub repository: Option<Location>,
    /// The publisher's root.json, got from a place you trust
    #[arg(long, value_name = "FILE")]
    pub root_metadata: Option<PathBuf>,
    /// Install this release and start it
    #[arg(long, value_name = "V", conflicts_with = "legacy")]
    pub version: Option<Version>,
    /// A version of the numbering before this scheme, e.g. 3.0.0
    #[arg(long, value_name = "V")]
    pub legacy: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum UpdateVerb {
    /// Is there something newer?
    Check {
        /// Exit with 10 when an update is available
        #[arg(long)]
        exit_code: bool,
    },
    /// The installed version
    Version {
        #[arg(long)]
        detailed: bool,
    },
    /// What runs, what waits, what died
    Status {
        #[arg(long, value_name = "ID")]
        update_id: Option<UpdateId>,
    },
    /// Show what an upgrade or downgrade would do
    Plan {
        #[arg(long, value_name = "V")]
        to: Version,
        /// Also show the moves that a rule forbids
        #[arg(long)]
        explain: bool,
        /// Fetch whole packages, also of releases that are on this disk
        #[arg(long)]
        full: bool,
        /// Write the plan, for `upgrade --plan FILE`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Take releases out of this file instead of asking the repository
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        #[command(flatten)]
        risks: RiskArgs,
    },
    /// Compare every file of the installed release with what the publisher signed
    Verify,
    /// Show an update that runs until it ends or waits; looking away leaves it running
    Watch {
        #[arg(long, value_name = "ID")]
        update_id: Option<UpdateId>,
    },
    /// Updates of this installation, newest first
    History {
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Go up to another version
    Upgrade(UpgradeArgs),
    /// Go down to another version
    Downgrade(DowngradeArgs),
    /// Take back an update that waits for its time or its turn
    Cancel {
        /// As `update status` shows it
        #[arg(value_name = "ORDER")]
        order_id: OrderId,
    },
    /// Give up the release before; until then the way back is cheap
    Finalize,
    /// What failed, what was expected and found
    Why {
        #[arg(long, value_name = "ID")]
        update_id: Option<UpdateId>,
    },
    /// Finish or undo an update that was cut off or waits
    Resume,
    /// Go back to where the last update, or the named one, came from
    Rollback {
        /// The update to take back; a rollback is taken back by its id alone
        #[arg(long, value_name = "ID")]
        update_id: Option<UpdateId>,
        /// Where a migration cannot be taken back, restore the database from the backup before it; what was written since is lost
        #[arg(long)]
        restore_backup: bool,
        #[arg(long)]
        dry_run: bool,
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        extensions: ExtensionArgs,
    },
    /// Make the dependencies of the installed release anew from its locks
    ReinstallDeps,
    /// Bring the database alone to the schema of a release, up or down
    UpgradeDb(UpgradeDbArgs),
    /// What changed in the installed version, in one, or since one
    Changelog(UpdateChangelogArgs),
}

#[derive(Debug, ClapArgs)]
pub struct UpdateChangelogArgs {
    #[arg(long, value_name = "V", conflicts_with_all = ["since", "until"])]
    pub version: Option<Version>,
    /// Everything after this version
    #[arg(long, value_name = "V")]
    pub since: Option<Version>,
    /// Up to this version; an older one than `--since` shows what gets lost
    #[arg(long, value_name = "V")]
    pub until: Option<Version>,
    /// Pre-releases by themselves, not as part of their release; so they come anyway where `--since` is one
    #[arg(long)]
    pub pre: bool,
    #[arg(long, value_enum, default_value_t = ChangelogFormat::Text)]
    pub format: ChangelogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChangelogFormat {
    Text,
    Json,
    Markdown,
    Html,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("wish").required(true).args(["to", "latest", "stable", "plan"]))]
pub struct UpgradeArgs {
    #[arg(long, value_name = "V")]
    pub to: Option<Version>,
    /// To the highest version
    #[arg(long)]
    pub latest: bool,
    /// To the highest version of the release channel
    #[arg(long)]
    pub stable: bool,
    /// Exactly the plan that `update plan --out FILE` wrote
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Consent to the breaking changes of all releases on the way
    #[arg(long)]
    pub accept_breaking: bool,
    /// Say that the blocking note of this id was read and seen to; may be given more than once
    #[arg(long, value_name = "ID")]
    pub acknowledge: Vec<String>,
    /// Fetch whole packages, also of releases that are on this disk
    #[arg(long, conflicts_with = "plan")]
    pub full: bool,
    /// Take releases out of this file, which `release bundle` made, instead of asking the repository
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub bundle: Option<PathBuf>,
    #[command(flatten)]
    pub risks: RiskArgs,
    #[command(flatten)]
    pub begin: BeginArgs,
    /// Show what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on in spite of warnings and of the calendar, without a question
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub struct DowngradeArgs {
    #[arg(long, value_name = "V")]
    pub to: Version,
    /// Where a migration cannot be taken back, restore the database from the backup before it; what was written since is lost
    #[arg(long)]
    pub restore_backup: bool,
    #[command(flatten)]
    pub risks: RiskArgs,
    #[command(flatten)]
    pub begin: BeginArgs,
    /// Show what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on in spite of warnings and of the calendar, without a question
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub struct RiskArgs {
    /// Take a move that is not recommended, by the name of what speaks against it; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub accept_risk: Vec<String>,
    #[command(flatten)]
    pub extensions: ExtensionArgs,
}

#[derive(Debug, ClapArgs)]
pub struct ExtensionArgs {
    /// Let this extension be switched off if a release on the way does not support it; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub disable_incompatible: Vec<ExtensionName>,
}

#[derive(Debug, Subcommand)]
pub enum BackupVerb {
    /// Back up data and configuration; the product may run
    Create {
        #[command(flatten)]
        unlock: UnlockArgs,
        /// Read every file, also those that have not changed since the last backup
        #[arg(long)]
        full: bool,
    },
    /// All backups, newest first
    List {
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Files of one backup
    Show {
        id: BackupId,
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Read every byte of one backup, or look at the whole repository
    Verify {
        id: Option<BackupId>,
        #[command(flatten)]
        unlock: UnlockArgs,
        /// Of the whole repository's data, read only so many percent, chosen by chance
        #[arg(long, value_name = "PERCENT", default_value = "100", value_parser = percent, conflicts_with = "id")]
        read_data: Percent,
    },
    /// Restore a backup for practice, compare every file, open its databases, and forget it
    Drill {
        id: BackupId,
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// After damage: drop what cannot be read, put back what the live files still have, name what is lost
    Repair {
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Let go of backups that the settings do not keep, and of data that no backup needs
    Prune {
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Put files back
    Restore {
        id: BackupId,
        #[command(flatten)]
        unlock: UnlockArgs,
        /// Only these paths, e.g. config/
        #[arg(long, value_name = "PATH", num_args = 1..)]
        only: Vec<String>,
        /// Into another folder
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// The ways to open the backups: list, add, remove, rotate; print a recovery kit
    #[command(subcommand)]
    Keys(BackupKeysVerb),
}

#[derive(Debug, Subcommand)]
pub enum ChangelogVerb {
    /// Show a Markdown changelog, or what changed in it between two versions
    Show(ShowChangelogArgs),
    /// Look for what to mend before publishing; exit 1 when there is something
    Check {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How versions are written [default: as the headings have them]
        #[arg(long, value_enum)]
        scheme: Option<VersionScheme>,
    },
    /// A new changelog out of the Conventional Commits since a tag, branch or commit
    Draft {
        #[arg(long, value_name = "REF")]
        since: String,
        /// Folder of the git repository
        #[arg(long, value_name = "DIR", default_value = ".")]
        repo: PathBuf,
        /// Head it with this version
        #[arg(long, value_name = "V")]
        version: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
pub struct ShowChangelogArgs {
    pub file: PathBuf,
    /// Everything after this version
    #[arg(long, value_name = "V")]
    pub since: Option<String>,
    /// Up to this version; an older one than `--since` shows what gets lost
    #[arg(long, value_name = "V")]
    pub until: Option<String>,
    /// Pre-releases by themselves, not as part of their release
    #[arg(long)]
    pub pre: bool,
    #[arg(long, value_enum, default_value_t = ChangelogFormat::Text)]
    pub format: ChangelogFormat,
    /// How versions are written [default: as the headings have them]
    #[arg(long, value_enum)]
    pub scheme: Option<VersionScheme>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
    Status,
}

#[derive(Debug, ClapArgs)]
pub struct SuperviseArgs {
    /// Start the installed release under a supervisor in the background
    #[arg(long)]
    pub start: bool,
    /// Stop the product and its supervisor
    #[arg(long, conflicts_with = "start")]
    pub stop: bool,
}

fn percent(text: &str) -> Result<Percent, String> {
    let number = text.trim_end_matches('%').parse().ok();
    number.and_then(Percent::new).ok_or_else(|| "expected 0 to 100".into())
}

/// A path of a backup as people type it: `config/` means the folder.
pub fn selected(path: &str) -> Result<RelPath, crate::release::NameError> {
    path.trim_end_matches('/').parse()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_is_well_formed() {
        super::Args::command().debug_assert();
    }
}

#[derive(Debug, ClapArgs)]
pub struct TufArgs {
    /// Folder of the trusted metadata
    #[arg(long, value_name = "DIR")]
    pub metadata_dir: PathBuf,
    /// Where the repository's metadata lies
    #[arg(long, value_name = "URL")]
    pub metadata_url: Option<Location>,
    /// A target to download, as the repository calls it; may be given again
    #[arg(long = "target-name", value_name = "NAME")]
    pub target_names: Vec<String>,
    /// Where the repository's targets lie
    #[arg(long, value_name = "URL")]
    pub target_base_url: Option<Location>,
    /// Folder for downloaded targets
    #[arg(long, value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: TufVerb,
}

#[derive(Debug, Subcommand)]
pub enum TufVerb {
    /// Trust a publisher by its root metadata, got from a place you trust; asks nobody
    Init { root: PathBuf },
    /// Bring the top-level metadata up to date
    Refresh,
    /// The same, then fetch targets that are not there yet
    Download,
}
