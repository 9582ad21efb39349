//! The machine's own `ssh`, as the way to the SFTP server of another machine.
#![allow(clippy::disallowed_methods)]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::CommandError;
use super::command::passed_on;

/// What `ssh` says on its standard error, of which the end is of use.
const SAID: u64 = 16 << 10;

/// A running `ssh`; ends with this value.
#[derive(Debug)]
pub struct SshSession {
    child: Child,
    stderr: File,
}

/// Starts `ssh` for the SFTP server of a host; the socket is the way to it. It asks nobody anything, and takes keys, known hosts and all
/// else from the user's configuration, the agent, or the file that `NETLINK_SSH_CONFIG` names.
pub fn sftp_over_ssh(
    user: Option<&str>,
    host: &str,
    port: Option<u16>,
    connect: Duration,
) -> Result<(SshSession, UnixStream), CommandError> {
    let start = |source| CommandError::Start {
        program: "ssh".into(),
        source,
    };
    let (ours, theirs) = UnixStream::pair().map_err(start)?;
    ours.set_nonblocking(true).map_err(start)?;
    let stderr = tempfile::tempfile().map_err(start)?;
    let mut command = Command::new("ssh");
    if let Some(file) = std::env::var_os("NETLINK_SSH_CONFIG") {
        command.arg("-F").arg(file);
    }
    command.args([
        "-oBatchMode=yes",
        "-oClearAllForwardings=yes",
        "-oServerAliveInterval=15",
    ]);
    command.arg(format!("-oConnectTimeout={}", connect.as_secs().max(1)));
    if let Some(user) = user {
        command.args(["-l", user]);
    }
    if let Some(port) = port {
        command.args(["-p", &port.to_string()]);
    }
    let other = theirs.try_clone().map_err(start)?;
    let child = command
        .args(["-s", "--", host, "sftp"])
        .env_clear()
        .envs(passed_on())
        .envs(std::env::var_os("SSH_AUTH_SOCK").map(|agent| ("SSH_AUTH_SOCK", agent)))
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(OwnedFd::from(other)))
        .stderr(stderr.try_clone().map_err(start)?)
        .process_group(0)
        .spawn()
        .map_err(start)?;
    Ok((SshSession { child, stderr }, ours))
}

impl SshSession {
    /// The last thing that it said, in a line.
    pub fn said(&mut self) -> Option<String> {
        let length = self.stderr.seek(SeekFrom::End(0)).ok()?;
        self.stderr.seek(SeekFrom::Start(length.saturating_sub(SAID))).ok()?;
        let mut bytes = Vec::new();
        (&mut self.stderr).take(SAID).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .next_back()
            .map(|line| format!("ssh says: {}", line.escape_debug()))
    }
}

impl Drop for SshSession {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
