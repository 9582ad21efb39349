//! Asking a server instead of the installation on this machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use crate::fetch::remote::ServerPlace;

const HEADING: &str = "Asking a server";

#[derive(Debug, Default, ClapArgs)]
pub struct RemoteArgs {
    /// The server to ask: https://HOST:PORT, http://HOST:PORT or unix:/PATH
    #[arg(long, global = true, value_name = "URL", help_heading = HEADING)]
    pub server: Option<ServerPlace>,
    /// A token, which `ps` shows to everybody on this machine: prefer a file, or NETLINK_TOKEN
    #[arg(long, global = true, value_name = "TOKEN", help_heading = HEADING)]
    pub token: Option<String>,
    /// The token in this file
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub token_file: Option<PathBuf>,
    /// Trust servers whose certificates are of these authorities, in place of this machine's
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub ca: Option<PathBuf>,
    /// Certificate for a server that asks for one
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub client_certificate: Option<PathBuf>,
    /// Its key
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub client_key: Option<PathBuf>,
    /// How long a server that goes away meanwhile is waited for [default: 5m]
    #[arg(long, global = true, value_name = "TIME", help_heading = HEADING, value_parser = time)]
    pub wait_for_server: Option<Duration>,
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    let time = parsed.and_then(|time| Duration::try_from(time).ok());
    time.ok_or_else(|| "expected a length of time, e.g. `30s`, `5m`".to_owned())
}
