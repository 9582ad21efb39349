//! Starting a process that outlives the call: its output goes to files, its environment is cleared as for every command.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::CommandError;
use super::command::passed_on;

/// Which process group the new process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Its own, so that it and its children are signalled together.
    Own,
    /// Ours; for a program that makes its own session, which the leader of a group cannot.
    Inherited,
}

/// A process to start without waiting for its end.
#[derive(Debug)]
pub struct Spawn {
    pub argv: Vec<String>,
    pub dir: PathBuf,
    pub env: BTreeMap<String, String>,
    pub stdout: File,
    pub stderr: File,
    pub group: Group,
}

/// Starts it with nothing on standard input. The caller waits for the child, or it stays a zombie while we live.
pub fn spawn_child(spawn: Spawn) -> Result<Child, CommandError> {
    let (program, args) = spawn.argv.split_first().ok_or(CommandError::Empty)?;
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(&spawn.dir)
        .env_clear()
        .envs(passed_on())
        .envs(&spawn.env)
        .stdin(Stdio::null())
        .stdout(spawn.stdout)
        .stderr(spawn.stderr);
    if spawn.group == Group::Own {
        command.process_group(0);
    }
    command.spawn().map_err(|source| CommandError::Start {
        program: program.clone(),
        source,
    })
}
