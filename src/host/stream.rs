//! Commands whose input or output is larger than memory: what they print is handed on as it comes, what they read is fed as they
//! take it.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::command::{Output, collect, keep_end, kill_group, last_line, wait};
use super::{CommandError, Finished, Run};
use crate::clock::Deadline;

const PIECE: usize = 256 << 10;

/// How a command ended that was fed.
#[derive(Debug)]
pub struct Fed {
    pub finished: Finished,
    /// It took all that there was.
    pub took_all: bool,
}

impl Run {
    /// Hands every piece of standard output to `each`. Nothing printed for `idle`, or not ended within the run's own limit, and it is
    /// killed, as it is when `each` fails. The output in what is returned is empty.
    pub fn stream_out<E: From<CommandError>>(
        &self,
        idle: Duration,
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Finished, E> {
        let mut running = Running::start(self)?;
        self.feed(&mut running.child);
        let mut piece = vec![0; PIECE];
        if let Some(mut pipe) = running.child.stdout.take() {
            loop {
                running.wait_for(&pipe, PollFlags::IN, idle)?;
                match pipe.read(&mut piece) {
                    Ok(0) => break,
                    Ok(n) => each(&piece[..n])?,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(source) => return Err(running.cannot_wait(source).into()),
                }
            }
        }
        Ok(running.end()?)
    }

    /// Lets `give` write to standard input, within the run's limit. A command that ends before it has read all is not an error
    /// here: how it ended says more.
    pub fn stream_in<E: From<CommandError>>(
        &self,
        give: &mut dyn FnMut(&mut Feed<'_>) -> Result<(), E>,
    ) -> Result<Fed, E> {
        let mut running = Running::start(self)?;
        let stdout = running.child.stdout.take().map(keep_end);
        let stdin = running.child.stdin.take();
        if let Some(pipe) = &stdin {
            rustix::io::ioctl_fionbio(pipe, true).map_err(|e| running.cannot_wait(e.into()))?;
        }
        let mut feed = Feed {
            running: &running,
            stdin,
            is_closed: false,
        };
        let given = give(&mut feed);
        let took_all = !feed.is_closed;
        drop(feed);
        if took_all {
            given?;
        }
        let mut finished = running.end()?;
        finished.stdout = collect(stdout);
        Ok(Fed { finished, took_all })
    }
}

/// Takes a piece of what a command is fed with, or of what it prints.
pub type Piece<'a, E> = &'a mut dyn FnMut(&[u8]) -> Result<(), E>;

impl Run {
    /// Lets `give` write to standard input, and hands what is printed meanwhile and afterwards to `each`. An error of one of them ends the
    /// command. The output in what is returned is empty.
    pub fn stream_through<E: From<CommandError>>(
        &self,
        give: &mut dyn FnMut(Piece<'_, E>) -> Result<(), E>,
        each: Piece<'_, E>,
    ) -> Result<Finished, E> {
        let mut running = Running::start(self)?;
        let mut pipes = Pipes {
            stdin: running.child.stdin.take(),
            stdout: running.child.stdout.take(),
            piece: vec![0; PIECE],
        };
        if let Some(pipe) = &pipes.stdin {
            rustix::io::ioctl_fionbio(pipe, true).map_err(|e| running.cannot_wait(e.into()))?;
        }
        give(&mut |bytes| pipes.write(&running, bytes, each))?;
        pipes.stdin = None;
        while pipes.stdout.is_some() {
            pipes.wait_and_read(&running, each)?;
        }
        Ok(running.end()?)
    }
}

/// Both ends of a command that is fed and heard out; each is gone once it is closed.
struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    piece: Vec<u8>,
}

impl Pipes {
    /// Until the command has taken all of it, or takes nothing any more: how it ended then says more.
    fn write<E: From<CommandError>>(
        &mut self,
        running: &Running<'_>,
        mut bytes: &[u8],
        each: Piece<'_, E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() && self.stdin.is_some() {
            self.wait_and_read(running, each)?;
            let Some(pipe) = &mut self.stdin else { break };
            match pipe.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) => match e.kind() {
                    std::io::ErrorKind::Interrupted | std::io::ErrorKind::WouldBlock => {}
                    std::io::ErrorKind::BrokenPipe => self.stdin = None,
                    _ => return Err(running.cannot_wait(e).into()),
                },
            }
        }
        Ok(())
    }

    /// Until one of them can be used; what is printed is handed on.
    fn wait_and_read<E: From<CommandError>>(&mut self, running: &Running<'_>, each: Piece<'_, E>) -> Result<(), E> {
        let mut both = Vec::with_capacity(2);
        both.extend(self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        both.extend(self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        running.wait_for_any(&mut both, running.run.limit)?;
        let is_readable = self.stdout.is_some() && both.first().is_some_and(|one| !one.revents().is_empty());
        let Some(pipe) = self.stdout.as_mut().filter(|_| is_readable) else {
            return Ok(());
        };
        match pipe.read(&mut self.piece) {
            Ok(0) => self.stdout = None,
            Ok(n) => each(&self.piece[..n])?,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(running.cannot_wait(source).into()),
        }
        Ok(())
    }
}

/// The standard input of a running command.
pub struct Feed<'a> {
    running: &'a Running<'a>,
    stdin: Option<ChildStdin>,
    is_closed: bool,
}

impl Feed<'_> {
    /// Waits until the command has taken it. Once it has ended, nothing is taken any more.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), CommandError> {
        while !bytes.is_empty() && !self.is_closed {
            let Some(pipe) = &mut self.stdin else { return Ok(()) };
            self.running.wait_for(pipe, PollFlags::OUT, self.running.run.limit)?;
            match pipe.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) => match e.kind() {
                    std::io::ErrorKind::Interrupted | std::io::ErrorKind::WouldBlock => {}
                    std::io::ErrorKind::BrokenPipe => self.is_closed = true,
                    _ => return Err(self.running.cannot_wait(e)),
                },
            }
        }
        Ok(())
    }

    /// Nobody reads any more: the rest need not be gathered.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }
}

/// A child that is killed with its group unless it has ended.
struct Running<'a> {
    run: &'a Run,
    child: Child,
    stderr: Option<Output>,
    deadline: Deadline,
    has_ended: bool,
}

impl<'a> Running<'a> {
    fn start(run: &'a Run) -> Result<Self, CommandError> {
        let mut child = run.start()?;
        Ok(Self {
            stderr: child.stderr.take().map(keep_end),
            child,
            run,
            deadline: Deadline::after(run.limit),
            has_ended: false,
        })
    }

    /// Until the pipe can be used, or one of the limits is reached.
    fn wait_for(&self, pipe: &impl AsFd, how: PollFlags, idle: Duration) -> Result<(), CommandError> {
        self.wait_for_any(&mut [PollFd::new(pipe, how)], idle)
    }

    fn wait_for_any(&self, pipes: &mut [PollFd<'_>], idle: Duration) -> Result<(), CommandError> {
        let silent = Deadline::after(idle);
        loop {
            let left = silent.left().min(self.deadline.left());
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(pipes, Some(&left)) {
                Ok(0) if self.deadline.has_passed() => return Err(self.too_late()),
                Ok(0) if silent.has_passed() => return Err(self.silent(idle)),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(e) => return Err(self.cannot_wait(e.into())),
            }
        }
    }

    /// Waits for its end, once it has been fed or heard out.
    fn end(mut self) -> Result<Finished, CommandError> {
        drop(self.child.stdin.take());
        match wait(&mut self.child, self.deadline) {
            Ok(Some(status)) => {
                self.has_ended = true;
                let stderr = collect(self.stderr.take());
                let stdout = String::new();
                Ok(Finished { status, stdout, stderr })
            }
            Ok(None) => Err(self.too_late()),
            Err(source) => Err(self.cannot_wait(source)),
        }
    }

    fn too_late(&self) -> CommandError {
        CommandError::TimedOut {
            program: self.run.program(),
            limit: self.run.limit,
            last: self.last(),
        }
    }

    fn silent(&self, limit: Duration) -> CommandError {
        CommandError::Idle {
            program: self.run.program(),
            limit,
            last: self.last(),
        }
    }

    fn last(&self) -> String {
        last_line(&self.stderr.as_ref().map(Output::so_far).unwrap_or_default())
    }

    fn cannot_wait(&self, source: std::io::Error) -> CommandError {
        CommandError::Wait {
            program: self.run.program(),
            source,
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            kill_group(&mut self.child);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shell(script: &str, limit: Duration) -> Run {
        Run {
            argv: ["sh", "-c", script].map(String::from).to_vec(),
            dir: "/".into(),
            env: BTreeMap::new(),
            stdin: Vec::new(),
            limit,
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    fn read(script: &str, idle: Duration, limit: Duration) -> Result<(Finished, u64), CommandError> {
        let mut bytes = 0;
        let finished = shell(script, limit).stream_out(idle, &mut |piece| {
            bytes += piece.len() as u64;
            Ok::<_, CommandError>(())
        })?;
        Ok((finished, bytes))
    }

    #[test]
    fn more_than_any_pipe_holds_comes_through_with_how_it_ended() {
        let (finished, bytes) = read("head -c 5000000 /dev/zero; echo no >&2; exit 3", LONG, LONG).unwrap();
        assert_eq!((finished.status.code(), finished.stderr.as_str()), (Some(3), "no\n"));
        assert_eq!(bytes, 5_000_000);
    }

    #[test]
    fn one_that_falls_silent_is_killed_and_its_last_words_are_kept() {
        let error = read("echo a; echo hm >&2; sleep 1000", Duration::from_millis(300), LONG).unwrap_err();
        assert!(
            matches!(&error, CommandError::Idle { last, .. } if last == "hm"),
            "{error}"
        );
        let error = read("yes", LONG, Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
        // Its output is closed; it is not.
        let error = read("exec >&-; sleep 1000", LONG, Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
    }

    #[test]
    fn who_listens_may_end_it() {
        let mut heard = 0;
        let ended = shell("yes", LONG).stream_out(LONG, &mut |_| {
            heard += 1;
            Err(CommandError::Empty)
        });
        assert!(matches!(ended, Err(CommandError::Empty)));
        assert_eq!(heard, 1);
    }

    fn through(script: &str, limit: Duration) -> Result<(Finished, u64), CommandError> {
        let (piece, mut bytes) = (vec![b'x'; 100_000], 0);
        let finished = shell(script, limit).stream_through(
            &mut |put| (0..50).try_for_each(|_| put(&piece)),
            &mut |piece: &[u8]| {
                bytes += piece.len() as u64;
                Ok::<_, CommandError>(())
            },
        )?;
        Ok((finished, bytes))
    }

    #[test]
    fn what_is_fed_comes_out_at_the_same_time() {
        let (finished, bytes) = through("cat; echo no >&2; exit 3", LONG).unwrap();
        assert_eq!((finished.status.code(), finished.stderr.as_str()), (Some(3), "no\n"));
        assert_eq!(bytes, 5_000_000);
        let (_, bytes) = through("exec <&-; head -c 3000000 /dev/zero", LONG).unwrap();
        assert_eq!(bytes, 3_000_000);
        let (_, bytes) = through("exec >&-; cat > /dev/null", LONG).unwrap();
        assert_eq!(bytes, 0);
        let error = through("sleep 1000", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
    }

    fn feed(script: &str, limit: Duration) -> Result<Fed, CommandError> {
        let piece = vec![b'x'; 100_000];
        shell(script, limit).stream_in(&mut |feed: &mut Feed<'_>| {
            for _ in 0..50 {
                feed.write(&piece)?;
            }
            Ok::<_, CommandError>(())
        })
    }

    #[test]
    fn all_that_is_given_arrives_and_what_is_not_taken_is_known() {
        let fed = feed("wc -c; echo hm >&2", LONG).unwrap();
        assert_eq!((fed.finished.stdout.trim(), fed.took_all), ("5000000", true));
        let fed = feed("head -c 10; exit 4", LONG).unwrap();
        assert_eq!((fed.finished.status.code(), fed.took_all), (Some(4), false));
        let error = feed("sleep 1000", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
    }
}
