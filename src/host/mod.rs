//! The machine: commands with time limits, processes, who and where we are.

mod command;
mod machine;

pub use command::{CommandError, Finished, Run};
pub use machine::{boot_id, hostname, process_is_alive, user_id};
