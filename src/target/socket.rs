//! The supervisor's Unix socket: private to its owner, requests limited in size and time.
//!
//! A socket's path may have 107 bytes only, an installation's more; so the folder is opened and named by its descriptor.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::{Answer, Request, State};
use super::{TargetError, places};
use crate::clock::Deadline;
use crate::disk;

/// The longest message: a state with the product's last log lines.
const MESSAGE_LIMIT: usize = 1024 * 1024;
const REQUEST_LIMIT: usize = 4096;
/// The supervisor answers from memory; one that takes longer hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const REQUEST_TIME: Duration = Duration::from_secs(2);

/// Listens, in place of a socket that a killed supervisor left. The caller holds the supervisor's lock.
pub fn listen(root: &Path) -> Result<UnixListener, TargetError> {
    let path = places::socket(root);
    disk::remove_file(&path)?;
    let (_folder, short) = short_path(root)?;
    // A mode set later would leave a gap. No child exists yet and no other thread writes files, so nobody else sees the mask.
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(short);
    rustix::process::umask(mask);
    bound.map_err(|source| TargetError::Socket {
        action: "listen on",
        path,
        source,
    })
}

/// Asks the supervisor; none when there is no supervisor.
pub fn ask(root: &Path, request: Request) -> Result<Option<State>, TargetError> {
    let Some(mut stream) = connect(root)? else {
        return Ok(None);
    };
    let deadline = Deadline::after(ANSWER_LIMIT);
    let answered = send(&mut stream, &request, deadline).and_then(|()| receive(&mut stream, MESSAGE_LIMIT, deadline));
    let answer: Answer = match answered {
        Err(e) if has_ended(&e) => return Ok(None),
        other => other.map_err(|source| TargetError::Socket {
            action: "get an answer from",
            path: places::socket(root),
            source,
        })?,
    };
    match answer {
        Answer::State(state) => Ok(Some(*state)),
        Answer::Error(says) => Err(TargetError::Refused {
            root: root.to_path_buf(),
            says,
        }),
    }
}

/// Whether the supervisor ended between our connecting and its answering.
fn has_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// Reads the one request of a connection.
pub fn read_request(stream: &mut UnixStream) -> io::Result<Request> {
    receive(stream, REQUEST_LIMIT, Deadline::after(REQUEST_TIME))
}

pub fn write_answer(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    send(stream, answer, Deadline::after(REQUEST_TIME))
}

fn connect(root: &Path) -> Result<Option<UnixStream>, TargetError> {
    let path = places::socket(root);
    let connected = match short_path(root) {
        Err(TargetError::Socket { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(other) => return Err(other),
        Ok((_folder, short)) => unless_interrupted(|| UnixStream::connect(&short)),
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(source) => Err(TargetError::Socket {
            action: "connect to",
            path,
            source,
        }),
    }
}

/// The path holds as long as the folder is kept open.
fn short_path(root: &Path) -> Result<(File, PathBuf), TargetError> {
    let path = places::own_folder(root);
    let folder = File::open(&path).map_err(|source| TargetError::Socket {
        action: "open",
        path,
        source,
    })?;
    let short = PathBuf::from(format!("/proc/self/fd/{}/{}", folder.as_raw_fd(), places::SOCKET_NAME));
    Ok((folder, short))
}

fn send(stream: &mut UnixStream, message: &impl Serialize, deadline: Deadline) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.set_write_timeout(Some(time_left(deadline)?))?;
    stream.write_all(&line)
}

/// One line; the limits hold for the whole of it, however slowly it drips.
fn receive<T: DeserializeOwned>(stream: &mut UnixStream, limit: usize, deadline: Deadline) -> io::Result<T> {
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    while !line.ends_with(b"\n") {
        stream.set_read_timeout(Some(time_left(deadline)?))?;
        match read_on(stream, &mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => line.extend_from_slice(&buffer[..n]),
        }
        if line.len() > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("longer than {limit} bytes"),
            ));
        }
    }
    Ok(serde_json::from_slice(&line)?)
}

fn read_on(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    unless_interrupted(|| from.read(buffer))
}

/// Where a wait has a limit a signal cuts it off, e.g. the Ctrl-C of somebody who wants a pause; nothing is wrong then.
fn unless_interrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn time_left(deadline: Deadline) -> io::Result<Duration> {
    match deadline.left() {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Interrupted(u32);

    impl Read for Interrupted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_sub(1);
            match self.0 {
                0 => b"{}\n".as_slice().read(buffer),
                _ => Err(io::ErrorKind::Interrupted.into()),
            }
        }
    }

    #[test]
    fn a_signal_is_no_failure() {
        assert_eq!(read_on(&mut Interrupted(3), &mut [0; 16]).unwrap(), 3);
    }
}
