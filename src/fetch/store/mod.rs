//! Places that files are put to: an object store, or a folder of another machine over SSH. A file is seen there whole or not at all.

mod bucket;
mod destination;
mod sftp;

use std::io;
use std::path::{Path, PathBuf};

pub use destination::{Destination, DestinationError};

use super::Network;
use destination::Place;

/// What is put under a condition is at most this long.
const SMALL: u64 = 32 << 20;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{name}: {reason}")]
    Failed { name: String, reason: String },
    #[error("cannot use {place}: {reason}; give AWS_ACCESS_KEY_ID and the other AWS_ variables in the environment")]
    Bucket { place: String, reason: String },
    #[error("cannot use {place}: {reason}")]
    Ssh { place: String, reason: String },
    #[error("{name} is there already with other bytes")]
    Taken { name: String },
    #[error("{name} is longer than {limit} bytes, the most it may be")]
    TooLong { name: String, limit: u64 },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} changed while it was sent; send again when nothing writes to it", .0.display())]
    Changed(PathBuf),
}

/// A file as it was when it was read, to be replaced only if it still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub bytes: Vec<u8>,
    /// How the store calls this state of it.
    tag: Option<String>,
}

/// An open place.
pub struct Store(Kind);

enum Kind {
    Bucket(bucket::Bucket),
    Sftp(sftp::Folder),
}

impl Store {
    /// Credentials are those of the environment and of the machine; none is in a destination.
    pub fn open(destination: &Destination, network: &Network) -> Result<Self, StoreError> {
        Ok(Self(match destination.place() {
            Place::Bucket { bucket, prefix } => Kind::Bucket(bucket::Bucket::open(bucket, prefix, network)?),
            Place::Sftp(remote) => Kind::Sftp(sftp::Folder::open(remote, network)?),
        }))
    }

    /// The length of a file; none when there is none of that name.
    pub fn size(&mut self, name: &str) -> Result<Option<u64>, StoreError> {
        match &mut self.0 {
            Kind::Bucket(bucket) => bucket.size(name),
            Kind::Sftp(folder) => folder.size(name),
        }
    }

    pub fn read(&mut self, name: &str, limit: u64) -> Result<Option<Seen>, StoreError> {
        match &mut self.0 {
            Kind::Bucket(bucket) => bucket.read(name, limit),
            Kind::Sftp(folder) => folder.read(name, limit),
        }
    }

    /// Passes every byte of a file to `each`; false when there is none of that name.
    pub fn read_through(&mut self, name: &str, each: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        match &mut self.0 {
            Kind::Bucket(bucket) => bucket.read_through(name, each),
            Kind::Sftp(folder) => folder.read_through(name, each),
        }
    }

    /// Puts a large file there, as long as `length`; whoever calls knows that its name is free.
    pub fn put_file(&mut self, name: &str, from: &Path, length: u64) -> Result<(), StoreError> {
        match &mut self.0 {
            Kind::Bucket(bucket) => bucket.put_file(name, from, length),
            Kind::Sftp(folder) => folder.put_file(name, from, length),
        }
    }

    /// Puts a small file there, never over another one.
    pub fn put_new(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        match &mut self.0 {
            Kind::Bucket(bucket) => bucket.put(name, bytes, None),
            Kind::Sftp(folder) => folder.put(name, bytes, None),
        }
    }

    /// Puts a small file in the place of what was `seen` there.
    pub fn replace(&mut self, name: &str, bytes: &[u8], seen: &Seen) -> Result<(), StoreError> {
        match &mut self.0 {
            Kind::Bucket(bucket) => bucket.put(name, bytes, Some(seen)),
            Kind::Sftp(folder) => folder.put(name, bytes, Some(seen)),
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> StoreError {
    StoreError::Read {
        path: path.to_path_buf(),
        source,
    }
}
