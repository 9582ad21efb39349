//! The machine: commands with time limits, processes, users, who and where we are.

mod bounds;
mod command;
mod commands;
mod confine;
mod machine;
mod patient;
mod process;
mod spawn;
mod ssh;
mod starter;
mod stream;
mod user;

pub use bounds::{Bounds, Confining};
pub use command::{CommandError, Finished, Run};
pub use commands::{command_mark, end_commands};
pub use confine::{Confined, confine_for_good};
pub use machine::{
    allow_many_files, boot_id, connections, cores, group_id, hostname, mount_points, process_is_alive, user_id,
};
pub use process::{ProcessIdentity, group_is_alive, group_leaders_marked, signal_group};
pub use spawn::{Group, Spawn, spawn_child};
pub use ssh::{SshSession, sftp_over_ssh};
pub use starter::{Manager, Stands};
pub use stream::{Fed, Feed, Piece};
pub use user::{User, UserError};
