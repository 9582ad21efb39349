//! Putting files into a folder of another machine: the machine's own `ssh` makes the connection, with its keys, agent, known hosts and
//! configuration; what goes through it is SFTP. A file is written under another name and renamed when it is whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::destination::Remote;
use super::{Network, SMALL, Seen, StoreError, unreadable};
use crate::host::{self, SshSession};

/// Every server takes as much at a time.
const BLOCK: usize = 32 << 10;
/// On their way at a time, so that a far server does not cost a round trip for each.
const UNDER_WAY: usize = 32;
const RENAME: &str = "posix-rename@openssh.com";
const PART: &str = ".netlink-part";

pub(super) struct Folder {
    session: Arc<RawSftpSession>,
    remote: Remote,
    runtime: Runtime,
    ssh: SshSession,
}

impl Folder {
    pub fn open(remote: &Remote, network: &Network) -> Result<Self, StoreError> {
        let no = |reason: String| StoreError::Ssh {
            place: remote.to_string(),
            reason,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| no(e.to_string()))?;
        let limits = &network.limits;
        let (mut ssh, socket) = host::sftp_over_ssh(remote.user.as_deref(), &remote.host, remote.port, limits.connect)
            .map_err(|e| no(e.to_string()))?;
        let opened = runtime.block_on(async {
            let socket = tokio::net::UnixStream::from_std(socket).map_err(|e| Error::IO(e.to_string()))?;
            let session = RawSftpSession::new(socket);
            // A connection takes a while, and after it whoever answers may be slow.
            session.set_timeout((limits.connect + limits.idle).as_secs().max(1));
            let version = session.init().await?;
            Ok::<_, Error>((session, version))
        });
        let (session, version) = opened.map_err(|e| no(ssh.said().unwrap_or_else(|| e.to_string())))?;
        if !version.extensions.contains_key(RENAME) {
            return Err(no(format!(
                "its server does not know {RENAME}, without which nothing can be replaced in one step"
            )));
        }
        Ok(Self {
            session: Arc::new(session),
            remote: remote.clone(),
            runtime,
            ssh,
        })
    }

    pub fn size(&mut self, name: &str) -> Result<Option<u64>, StoreError> {
        let session = Arc::clone(&self.session);
        let path = self.path(name);
        let found = self.runtime.block_on(session.stat(path));
        let attributes = match found {
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => return Ok(None),
            found => found.map_err(|e| self.failed(name, &e))?.attrs,
        };
        if attributes.is_dir() {
            return Err(self.odd(name, "it is a folder"));
        }
        attributes
            .size
            .map(Some)
            .ok_or_else(|| self.odd(name, "the server does not say how long it is"))
    }

    pub fn read(&mut self, name: &str, limit: u64) -> Result<Option<Seen>, StoreError> {
        let mut bytes = Vec::new();
        let mut too_long = false;
        let found = self.each_block(name, &mut |block| {
            bytes.extend_from_slice(block);
            too_long = bytes.len() as u64 > limit;
            !too_long
        })?;
        if too_long {
            let name = self.shown(name);
            return Err(StoreError::TooLong { name, limit });
        }
        Ok(found.then_some(Seen { bytes, tag: None }))
    }

    pub fn read_through(&mut self, name: &str, each: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        self.each_block(name, &mut |block| {
            each(block);
            true
        })
    }

    pub fn put(&mut self, name: &str, bytes: &[u8], seen: Option<&Seen>) -> Result<(), StoreError> {
        let part = format!("{name}{PART}");
        self.write(&part, &mut &*bytes, bytes.len() as u64, None)?;
        // There is no condition that a server would check; what can be done is to look just before.
        let there = self.read(name, SMALL)?;
        if there.map(|there| there.bytes).as_deref() != seen.map(|seen| seen.bytes.as_slice()) {
            let name = self.shown(name);
            return Err(StoreError::Taken { name });
        }
        self.rename(&part, name)
    }

    pub fn put_file(&mut self, name: &str, from: &Path, length: u64) -> Result<(), StoreError> {
        let mut file = File::open(from).map_err(|e| unreadable(from, e))?;
        let part = format!("{name}{PART}");
        self.write(&part, &mut file, length, Some(from))?;
        self.rename(&part, name)
    }

    /// False when there is no such file; stops when `each` says so.
    fn each_block(&mut self, name: &str, each: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, StoreError> {
        let session = Arc::clone(&self.session);
        let path = self.path(name);
        let read = self.runtime.block_on(async {
            let handle = session
                .open(path, OpenFlags::READ, FileAttributes::empty())
                .await?
                .handle;
            let mut at = 0;
            loop {
                match session.read(handle.clone(), at, BLOCK as u32).await {
                    Ok(data) if !data.data.is_empty() => {
                        at += data.data.len() as u64;
                        if !each(&data.data) {
                            break;
                        }
                    }
                    Ok(_) => break,
                    Err(Error::Status(status)) if status.status_code == StatusCode::Eof => break,
                    Err(e) => return Err(e),
                }
            }
            session.close(handle).await.map(drop)
        });
        match read {
            Ok(()) => Ok(true),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(false),
            Err(e) => Err(self.failed(name, &e)),
        }
    }

    /// Writes a file anew and makes it durable, as far as the server can.
    fn write(&mut self, name: &str, from: &mut dyn Read, length: u64, source: Option<&Path>) -> Result<(), StoreError> {
        self.make_folders(name)?;
        let session = Arc::clone(&self.session);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let attributes = FileAttributes {
            permissions: Some(0o644),
            ..FileAttributes::empty()
        };
        let open = session.open(self.path(name), flags, attributes);
        let handle = self.runtime.block_on(open).map_err(|e| self.failed(name, &e))?.handle;
        let mut under_way: JoinSet<Result<(), Error>> = JoinSet::new();
        let mut at = 0;
        while at < length {
            let mut block = vec![0; BLOCK.min(usize::try_from(length - at).unwrap_or(BLOCK))];
            from.read_exact(&mut block).map_err(|e| match source {
                Some(path) if e.kind() == std::io::ErrorKind::UnexpectedEof => StoreError::Changed(path.to_path_buf()),
                Some(path) => unreadable(path, e),
                None => self.odd(name, &e.to_string()),
            })?;
            let (session, handle, offset) = (Arc::clone(&session), handle.clone(), at);
            at += block.len() as u64;
            let _inside = self.runtime.enter();
            under_way.spawn(async move { session.write(handle, offset, block).await.map(drop) });
            if under_way.len() >= UNDER_WAY {
                self.finish_one(name, &mut under_way)?;
            }
        }
        while !under_way.is_empty() {
            self.finish_one(name, &mut under_way)?;
        }
        let closed = self.runtime.block_on(async {
            // Not all servers know it; those that do not have written what they can.
            let _ = session.fsync(handle.clone()).await;
            session.close(handle).await
        });
        closed.map(drop).map_err(|e| self.failed(name, &e))
    }

    fn finish_one(&mut self, name: &str, under_way: &mut JoinSet<Result<(), Error>>) -> Result<(), StoreError> {
        match self.runtime.block_on(under_way.join_next()) {
            Some(Ok(Err(e))) => Err(self.failed(name, &e)),
            Some(Err(e)) => Err(self.odd(name, &e.to_string())),
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    /// In one step over what is there.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), StoreError> {
        let mut data = Vec::new();
        for path in [self.path(from), self.path(to)] {
            data.extend_from_slice(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes());
            data.extend_from_slice(path.as_bytes());
        }
        let session = Arc::clone(&self.session);
        match self.runtime.block_on(session.extended(RENAME, data)) {
            Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => Ok(()),
            Ok(Packet::Status(status)) => Err(self.failed(to, &Error::Status(status))),
            Ok(_) => Err(self.odd(to, "the server answers with something else")),
            Err(e) => Err(self.failed(to, &e)),
        }
    }

    /// The folders above a file, from the one that the destination names on.
    fn make_folders(&mut self, name: &str) -> Result<(), StoreError> {
        let full = self.path(name);
        let folder = full.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let session = Arc::clone(&self.session);
        let is_there = |path: String| self.runtime.block_on(session.stat(path)).is_ok();
        if is_there(folder.clone()) {
            return Ok(());
        }
        let ends = folder
            .match_indices('/')
            .map(|(at, _)| at)
            .skip(1)
            .chain([folder.len()]);
        for end in ends.collect::<Vec<_>>() {
            let path = folder[..end].to_owned();
            let made = self
                .runtime
                .block_on(session.mkdir(path.clone(), FileAttributes::empty()));
            match made {
                Ok(_) => {}
                Err(_) if is_there(path) => {}
                Err(e) => return Err(self.failed(name, &e)),
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.remote.path)
    }

    fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.remote)
    }

    fn failed(&mut self, name: &str, error: &Error) -> StoreError {
        let said = match error {
            Error::Status(_) => None,
            _ => self.ssh.said(),
        };
        let reason = said.unwrap_or_else(|| error.to_string());
        self.odd(name, &reason)
    }

    fn odd(&self, name: &str, reason: &str) -> StoreError {
        StoreError::Failed {
            name: self.shown(name),
            reason: reason.to_owned(),
        }
    }
}
