//! `netlink serve` and what belongs to the server.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::settings::DoorAt;
use crate::store::Role;

#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Address and port, or `off` for the Unix socket alone [default: server.listen of the settings]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<DoorAt>,
    /// Address and port for gRPC, or `off` [default: server.grpc of the settings; off with --listen off and with --through]
    #[arg(long, value_name = "ADDR:PORT")]
    pub grpc: Option<DoorAt>,
    #[command(flatten)]
    pub relay: RelayArgs,
}

const RELAY: &str = "As a relay without rights, in front of another server";

#[derive(Debug, ClapArgs)]
pub struct RelayArgs {
    /// Know no installation, and pass everything on to the server at this Unix socket
    #[arg(long, value_name = "SOCKET", help_heading = RELAY)]
    pub through: Option<PathBuf>,
    /// Certificate to show in TLS, with those up to its authority
    #[arg(long, value_name = "FILE", requires_all = ["through", "key"], help_heading = RELAY)]
    pub certificate: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "certificate", help_heading = RELAY)]
    pub key: Option<PathBuf>,
    /// Let in only clients with a certificate of these authorities
    #[arg(long, value_name = "FILE", requires = "certificate", help_heading = RELAY)]
    pub client_ca: Option<PathBuf>,
    /// Connections at once, at each address
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "through", help_heading = RELAY)]
    pub connections: u32,
}

#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Make a token; it is shown this once
    Create {
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// What it lets do: viewer looks, operator starts and takes back, admin does everything
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// How long it lives, e.g. 24h, 90d [default: until it is revoked]
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// All tokens there ever were
    List,
    /// Let nobody in with it from now on
    Revoke {
        /// How the token begins, e.g. nlk_1f2e3d4c
        prefix: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Look whether any row was changed, removed, moved or cut off; exit 1 when there is one
    Verify {
        /// Checkpoints that were copied off this host [default: where audit.copy_to says, if that is a file]
        #[arg(long, value_name = "FILE")]
        copies: Option<PathBuf>,
        /// Believe only what this public key has signed [default: the installation's]
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// The last rows
    List {
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Every row, a JSON document a line
    Export,
}

#[derive(Debug, Subcommand)]
pub enum NotifyVerb {
    /// Send a notice now and say whether it arrived; exit 1 when one did not
    Test {
        /// One of `notifications` in the settings [default: all]
        receiver: Option<String>,
    },
    /// Receivers, and the last notices to them
    List {
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Try what waits or was given up again now
    Retry {
        /// One notice, as `list` shows it [default: all]
        id: Option<String>,
    },
}
