//! Versions and ways between them, without an installation.

use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs, Subcommand, ValueEnum};

use crate::release::Fact;

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("over").required(true).args(["index", "stack"]))]
pub struct IndexArgs {
    /// Releases, edges and blocks as JSON
    #[arg(long, value_name = "FILE", requires = "from", requires = "to")]
    pub index: Option<PathBuf>,
    /// The components of a stack with an index each: which of their versions go together
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "scheme", "channel", "min", "max", "exclude", "explain"])]
    pub stack: Option<PathBuf>,
    /// Of a stack the newest of this component, or with `--to` that version; may be given more than once
    #[arg(long, value_name = "NAME", requires = "stack")]
    pub component: Vec<String>,
    /// Of a stack the newest of every component
    #[arg(long, requires = "stack", conflicts_with_all = ["component", "to"])]
    pub all: bool,
    #[arg(long, value_name = "V")]
    pub from: Option<String>,
    #[arg(long, value_name = "V")]
    pub to: Option<String>,
    /// How versions are written [default: what the index says, else lifecycle]
    #[arg(long, value_enum)]
    pub scheme: Option<VersionScheme>,
    /// Also say why this way, and why no shorter one
    #[arg(long)]
    pub explain: bool,
    /// A fact, in place of the index's own: true, false, a number, a version or a text
    #[arg(long = "fact", value_name = "NAME=VALUE", value_parser = fact)]
    pub facts: Vec<(String, Fact)>,
    /// Take a move that is not recommended because its condition cannot be told here
    #[arg(long = "accept-risk", value_name = "NAME")]
    pub accepted_risks: Vec<String>,
    /// Name of this node, for phased roll-outs
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// As if it were this time, e.g. 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,
    /// Pass through nothing less stable than this
    #[arg(long, value_enum, default_value_t = LeastChannel::Alpha)]
    pub channel: LeastChannel,
    /// Nothing below this version
    #[arg(long, value_name = "V")]
    pub min: Option<String>,
    /// Nothing above this version
    #[arg(long, value_name = "V")]
    pub max: Option<String>,
    /// Nothing that this constraint means
    #[arg(long, value_name = "CONSTRAINT")]
    pub exclude: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LeastChannel {
    Alpha,
    Beta,
    Stable,
}

fn fact(text: &str) -> Result<(String, Fact), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, e.g. rows=120000")?;
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c)) {
        return Err("the name of a fact has letters, digits, `.`, `_` and `-`, e.g. rows=120000".into());
    }
    Ok((name.to_owned(), Fact::read(value)))
}

#[derive(Debug, ClapArgs)]
pub struct SchemeArgs {
    /// How versions are written: 0b1, or 1.7.0
    #[arg(long, global = true, value_enum, default_value_t = VersionScheme::Lifecycle)]
    pub scheme: VersionScheme,
    #[command(subcommand)]
    pub verb: SchemeVerb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VersionScheme {
    Lifecycle,
    Dotted,
}

#[derive(Debug, Subcommand)]
pub enum SchemeVerb {
    /// Is it a version, and what are its parts?
    Parse { version: String },
    /// Prints <, = or >
    Compare { a: String, b: String },
    /// Sorts the lines of standard input
    Sort,
    /// The next version of the lifecycle
    Next { version: String },
    /// Exit 0 when the version fits the constraint, else 1
    Satisfies { version: String, constraint: String },
}
