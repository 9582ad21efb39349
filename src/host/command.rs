//! Running a command with a time limit, a cleared environment and a bounded capture of what it prints.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Bounds, User, UserError};
use crate::clock::Deadline;
use crate::disk::TemporaryFolder;

/// Of what a command prints, this much of the end is kept.
pub(super) const KEPT_OUTPUT: usize = 64 * 1024;
/// Read at once.
const PIECE: usize = 8192;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// After the command's end, for its output to arrive whole. A process that it left behind may keep the pipe open for ever.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);
/// Variables that commands get from our own environment.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// A command to run; `run` starts it and waits.
#[derive(Debug, Clone)]
pub struct Run {
    pub argv: Vec<String>,
    pub dir: PathBuf,
    pub env: BTreeMap<String, String>,
    pub stdin: Vec<u8>,
    pub limit: Duration,
}

#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    /// The last 64 KiB of standard output and standard error, each.
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("the command is empty")]
    Empty,
    #[error("cannot start `{program}`")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("`{program}` did not end within {} s and was killed; it last said: {last}", limit.as_secs())]
    TimedOut {
        program: String,
        limit: Duration,
        last: String,
    },
    #[error("`{program}` did nothing for {} s and was killed; it last said: {last}", limit.as_secs())]
    Idle {
        program: String,
        limit: Duration,
        last: String,
    },
    #[error("`{program}` did not end within {} s and was asked to end; it last said: {last}", limit.as_secs())]
    AskedToEnd {
        program: String,
        limit: Duration,
        last: String,
    },
    #[error(
        "`{program}` did not end within {} s, nor when it was asked to; it is not killed and still runs as process {pid}; it last said: {last}",
        limit.as_secs()
    )]
    StillRuns {
        program: String,
        pid: u32,
        limit: Duration,
        last: String,
    },
    #[error("cannot wait for `{program}`")]
    Wait {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    User(#[from] UserError),
}

impl CommandError {
    /// What the command said last, where that is told.
    pub fn last_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::TimedOut { last, .. }
            | Self::Idle { last, .. }
            | Self::AskedToEnd { last, .. }
            | Self::StillRuns { last, .. } => Some(last),
            Self::Empty | Self::Start { .. } | Self::Wait { .. } | Self::User(_) => None,
        }
    }
}

impl Run {
    /// Runs to the end or kills the whole process group at the limit.
    pub fn run(&self) -> Result<Finished, CommandError> {
        self.run_within(&Bounds::none())
    }

    /// The same, confined as `bounds` say.
    pub fn run_within(&self, bounds: &Bounds) -> Result<Finished, CommandError> {
        let user = bounds.user()?;
        let temporary = bounds.temporary_folder(user.as_ref());
        let mut child = self.start_within(bounds, user.as_ref(), temporary.as_ref().map(TemporaryFolder::path))?;
        self.feed(&mut child);
        let stdout = child.stdout.take().map(keep_end);
        let stderr = child.stderr.take().map(keep_end);
        let ended = wait(&mut child, Deadline::after(self.limit));
        if !matches!(ended, Ok(Some(_))) {
            kill_group(&mut child);
        }
        let (stdout, stderr) = (collect(stdout), collect(stderr));
        match ended {
            Ok(Some(status)) => Ok(Finished { status, stdout, stderr }),
            Ok(None) => {
                let said = if stderr.trim().is_empty() { stdout } else { stderr };
                let last = last_line(&said);
                Err(CommandError::TimedOut {
                    program: self.program(),
                    limit: self.limit,
                    last,
                })
            }
            Err(source) => Err(CommandError::Wait {
                program: self.program(),
                source,
            }),
        }
    }

    /// Starts it in a process group of its own, with pipes to all three of its streams.
    pub(super) fn start(&self) -> Result<Child, CommandError> {
        self.start_within(&Bounds::none(), None, None)
    }

    fn start_within(
        &self,
        bounds: &Bounds,
        user: Option<&User>,
        temporary: Option<&Path>,
    ) -> Result<Child, CommandError> {
        if self.argv.is_empty() {
            return Err(CommandError::Empty);
        }
        let before = bounds.before(user);
        let words = [&before[..], &self.argv].concat();
        let (program, args) = words.split_first().ok_or(CommandError::Empty)?;
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(&self.dir)
            .env_clear()
            .envs(passed_on())
            .envs(user.map(|user| ("HOME", &user.home)))
            .envs(temporary.map(|folder| ("TMPDIR", folder)))
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Another user's begins a session, and with it a group, by itself, which the leader of a group could not.
        if before.is_empty() {
            command.process_group(0);
        }
        bounds
            .spawn(&mut command, temporary)
            .map_err(|source| CommandError::Start {
                program: program.clone(),
                source,
            })
    }

    pub(super) fn program(&self) -> String {
        self.argv.first().cloned().unwrap_or_default()
    }

    /// Writes standard input from a thread of its own: a command that does not read must not block us.
    pub(super) fn feed(&self, child: &mut Child) {
        if let Some(mut pipe) = child.stdin.take() {
            let input = self.stdin.clone();
            thread::spawn(move || drop(pipe.write_all(&input)));
        }
    }
}

/// What every process that we start gets of our own environment.
pub(super) fn passed_on() -> impl Iterator<Item = (&'static str, OsString)> {
    PASSED_ON
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)))
}

pub(super) fn wait(child: &mut Child, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if deadline.has_passed() {
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY.min(deadline.left()));
    }
}

pub(super) fn kill_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    // It may not have come to lead a group yet.
    let _ = child.kill();
    let _ = child.wait();
}

/// The end of what comes out of a pipe, kept by a thread that reads until nobody can write any more.
pub(super) struct Output {
    /// Wiped when done with: what a command prints may be a secret.
    kept: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    ended: Receiver<()>,
}

pub(super) fn keep_end(mut pipe: impl Read + Send + 'static) -> Output {
    // With room for all that it ever holds, so that it leaves no copy behind by growing.
    let kept = Arc::new(Mutex::new(Zeroizing::new(Vec::with_capacity(2 * KEPT_OUTPUT + PIECE))));
    let (end, ended) = mpsc::channel();
    let ours = Arc::clone(&kept);
    thread::spawn(move || {
        let _end: mpsc::Sender<()> = end;
        let mut buffer = Zeroizing::new([0; PIECE]);
        while let Ok(n @ 1..) = pipe.read(buffer.as_mut_slice()) {
            let mut kept = ours.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..n]);
            if kept.len() > 2 * KEPT_OUTPUT {
                let surplus = kept.len() - KEPT_OUTPUT;
                kept.drain(..surplus);
            }
        }
    });
    Output { kept, ended }
}

impl Output {
    /// What there is of it while the command still runs.
    pub(super) fn so_far(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept[kept.len().saturating_sub(KEPT_OUTPUT)..]).into_owned()
    }
}

pub(super) fn collect(output: Option<Output>) -> String {
    let Some(output) = output else { return String::new() };
    // The thread never sends: the channel closes when it ends.
    let _ = output.ended.recv_timeout(OUTPUT_GRACE);
    output.so_far()
}

pub(super) fn last_line(said: &str) -> String {
    said.lines().last().unwrap_or("nothing").to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Finished, CommandError> {
        let argv = ["sh", "-c", script].map(String::from).to_vec();
        Run {
            argv,
            dir: "/".into(),
            env: BTreeMap::new(),
            stdin: b"input".to_vec(),
            limit,
        }
        .run()
    }

    #[test]
    fn output_and_exit_code_come_back() {
        let done = shell("cat; echo no >&2; exit 3", Duration::from_secs(10)).unwrap();
        assert_eq!(
            (done.status.code(), done.stdout.as_str(), done.stderr.as_str()),
            (Some(3), "input", "no\n")
        );
    }

    #[test]
    fn a_command_over_its_limit_is_killed_with_its_children() {
        let error = shell("echo waiting; sleep 60 & wait", Duration::from_millis(200)).unwrap_err();
        assert!(
            matches!(error, CommandError::TimedOut { ref last, .. } if last == "waiting"),
            "{error}"
        );
    }

    #[test]
    fn what_a_command_leaves_running_does_not_hold_up_its_end() {
        let start = Instant::now();
        let done = shell("sleep 7 & echo started", Duration::from_secs(20)).unwrap();
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), "started\n"));
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    }
}
