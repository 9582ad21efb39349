//! Guestbook, the sample product that NetLink moves between releases: a web server on SQLite that never migrates itself.

mod config;
mod edition;
mod entries;
mod page;
mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches, Parser};

pub use edition::Edition;

use config::{Config, ConfigError};
use entries::{Entries, EntriesError};

/// A guestbook on SQLite.
#[derive(Debug, Parser)]
#[command(name = "guestbook")]
struct Arguments {
    /// The configuration, a TOML file of this very version
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The database, with the schema of this very version
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
    /// Only see whether configuration and database are good, count the entries, and exit
    #[arg(long)]
    check: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Entries(#[from] EntriesError),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error("the server failed: {0}")]
    Serve(std::io::Error),
    #[error("cannot print: {0}")]
    Print(std::io::Error),
}

/// Runs one edition until it is told to stop.
pub fn main(edition: Edition) -> ExitCode {
    let matches = Arguments::command().version(edition.version()).get_matches();
    let done = Arguments::from_arg_matches(&matches)
        .map_err(|usage| usage.exit())
        .and_then(|arguments| run(edition, &arguments));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("guestbook {}: {failure}", edition.version());
            ExitCode::FAILURE
        }
    }
}

fn run(edition: Edition, arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::read(edition, &arguments.config)?;
    let entries = Arc::new(Entries::open(edition, &arguments.database)?);
    if arguments.check {
        let count = entries.count()?;
        let said = format!(
            "guestbook {}: configuration and database are good, {count} entries",
            edition.version()
        );
        return writeln!(std::io::stdout(), "{said}").map_err(Failure::Print);
    }
    entries.prepare()?;
    let served = serve::serve(edition, config, Arc::clone(&entries));
    entries.close();
    served
}
