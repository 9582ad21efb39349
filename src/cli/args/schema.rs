//! Arguments of what is done to the database alone.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

use crate::release::duration;
use crate::version::Version;

#[derive(Debug, Subcommand)]
pub enum SchemaVerb {
    /// What is other in the database than in one that a fresh installation would make; exit 1 when there is something
    Diff,
    /// Run the migrations that the installed release has left for the background, beside the product; Ctrl-C pauses
    Migrate,
}

#[derive(Debug, ClapArgs)]
pub struct UpgradeDbArgs {
    /// To the schema of this release [default: of the installed one]
    #[arg(long, value_name = "V")]
    pub to: Option<Version>,
    /// Try it on a copy and show the SQL with the times it took, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on in spite of warnings, without a question
    #[arg(long)]
    pub force: bool,
    /// So long it is waited for another NetLink that is at work on this installation, e.g. 30s
    #[arg(long, value_name = "TIME", default_value = "1m")]
    pub wait: Patience,
}

/// How long somebody waits: a time such as 500ms, 30s or 5m.
#[derive(Debug, Clone, Copy)]
pub struct Patience(pub Duration);

impl FromStr for Patience {
    type Err = duration::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        duration::parse(text).map(Self)
    }
}
