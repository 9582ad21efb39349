//! Commands that must not be cut off, such as those that install packages of the operating system: nobody kills them, and they go on
//! to their own end when we are killed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::process::Signal;

use super::command::{KEPT_OUTPUT, last_line, wait};
use super::{CommandError, Finished, Group, Run, Spawn, signal_group, spawn_child};
use crate::clock::Deadline;
use crate::disk;

impl Run {
    /// Its output goes to files that it keeps when we are gone: a pipe that nobody reads any more would end it. At the limit it is
    /// asked to end by SIGTERM, and waited for up to `grace`; it is never killed. It gets nothing on standard input.
    pub fn run_to_its_own_end(&self, grace: Duration) -> Result<Finished, CommandError> {
        let (stdout, stderr) = (self.output_file()?, self.output_file()?);
        let mut child = spawn_child(Spawn {
            argv: self.argv.clone(),
            dir: self.dir.clone(),
            env: self.env.clone(),
            stdout: self.shared(&stdout)?,
            stderr: self.shared(&stderr)?,
            group: Group::Own,
        })?;
        let unclear = |source| CommandError::Wait {
            program: self.program(),
            source,
        };
        if let Some(status) = wait(&mut child, Deadline::after(self.limit)).map_err(unclear)? {
            return Ok(Finished {
                status,
                stdout: end_of(&stdout),
                stderr: end_of(&stderr),
            });
        }
        signal_group(child.id(), Signal::TERM);
        let ended = wait(&mut child, Deadline::after(grace)).map_err(unclear)?;
        let (program, limit) = (self.program(), self.limit);
        let said = Some(end_of(&stderr)).filter(|said| !said.trim().is_empty());
        let last = last_line(&said.unwrap_or_else(|| end_of(&stdout)));
        let pid = child.id();
        Err(match ended {
            Some(_) => CommandError::AskedToEnd { program, limit, last },
            None => CommandError::StillRuns {
                program,
                pid,
                limit,
                last,
            },
        })
    }

    fn output_file(&self) -> Result<File, CommandError> {
        disk::nameless_file().map_err(|e| self.not_started(e.source))
    }

    fn shared(&self, file: &File) -> Result<File, CommandError> {
        file.try_clone().map_err(|e| self.not_started(e))
    }

    fn not_started(&self, source: std::io::Error) -> CommandError {
        CommandError::Start {
            program: self.program(),
            source,
        }
    }
}

/// Empty where it cannot be read: how the command ended says enough.
fn end_of(file: &File) -> String {
    let length = file.metadata().map_or(0, |meta| meta.len());
    let kept = length.min(KEPT_OUTPUT as u64);
    let mut end = vec![0; usize::try_from(kept).unwrap_or_default()];
    match file.read_exact_at(&mut end, length - kept) {
        Ok(()) => String::from_utf8_lossy(&end).into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(300);

    fn shell(script: &str, limit: Duration, grace: Duration) -> Result<Finished, CommandError> {
        let run = Run {
            argv: ["sh", "-c", script].map(String::from).to_vec(),
            dir: "/".into(),
            env: BTreeMap::new(),
            stdin: Vec::new(),
            limit,
        };
        run.run_to_its_own_end(grace)
    }

    #[test]
    fn the_end_of_what_it_prints_and_how_it_ended_come_back() {
        let done = shell("yes | head -c 1000000; echo out; echo err >&2; exit 3", LONG, LONG).unwrap();
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(3), "err\n"));
        assert!(done.stdout.ends_with("y\nout\n") && done.stdout.len() == KEPT_OUTPUT);
    }

    #[test]
    fn over_its_limit_it_is_asked_to_end_and_never_killed() {
        let tidy =
            "exec 2>/dev/null; trap 'sleep 0.5; echo tidied; exit' TERM; echo begun; while :; do sleep 0.05; done";
        let error = shell(tidy, SHORT, LONG).unwrap_err();
        assert!(
            matches!(&error, CommandError::AskedToEnd { last, .. } if last == "tidied"),
            "{error}"
        );
        let deaf = "trap '' TERM; echo begun; for i in $(seq 600); do sleep 0.1; done";
        let error = shell(deaf, SHORT, SHORT).unwrap_err();
        let CommandError::StillRuns { pid, last, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(last, "begun");
        assert!(super::super::group_is_alive(pid), "it still runs");
        signal_group(pid, Signal::KILL);
    }
}
