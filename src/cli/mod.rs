//! The command line: parse, call app, render.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Release manager for self-hosted products.
#[derive(Parser)]
#[command(name = "netlink", version)]
enum Cli {
    /// Run the product of an installation and keep it running.
    Supervise {
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
}

pub fn main() -> ExitCode {
    let Cli::Supervise { root } = Cli::parse();
    match crate::target::supervise(&root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
