//! A backup repository on disk: packs of chunks, indexes that say where each chunk lies, and a snapshot for each backup.

mod blocks;
mod coding;
mod document;
mod heads;
mod index;
mod lock;
mod open;
mod pack;
mod snapshot;
mod write;

pub use blocks::{BlockOpener, BlockReader};
pub use heads::{SealedFile, sealed_files};
pub use index::{BlockPlace, ChunkPlace, Index};
pub use lock::{Purpose, RepositoryLock};
pub use open::Repository;
pub use pack::{PackId, Packed};
pub use snapshot::Snapshot;
pub use write::{ChunkWriter, Shelf, Written, with_writer};
