//! The keys of a backup repository: a random master key, and the slots that each hold it wrapped for one way of opening.
//! `docs/backup-keys.md` describes slots for users and for other readers.

mod change;
mod code;
mod error;
mod file;
mod kit;
mod lock;
mod master;
mod recipient;
mod slot;
mod store;
#[cfg(test)]
mod tests;
mod unlock;
mod wrap;

use jiff::Timestamp;

pub use change::{Rewrapped, add, find, forget_older, remove, rewrap, rotate};
pub use code::{CodeError, RecoveryCode};
pub use error::KeysError;
pub use file::{SecretCommand, new_half, read_words, without_line_end};
pub use kit::{Kit, Place};
pub use lock::lock_folder;
pub use master::{ChunkKey, Fingerprint, FingerprintError, Keyring, Master};
pub use recipient::{PrivateHalf, PublicHalf, RecipientError};
pub use slot::{Kind, Slot, SlotId, SlotIdError};
pub use store::{Damaged, Listed, check, exists, list, strangers};
pub use unlock::{Unlock, create, open, open_to_write, slot_of};

/// What is wrong with the files of the slots, in words.
pub fn problems(dir: &std::path::Path) -> Result<Vec<String>> {
    let words = |one: &Damaged| format!("the key slot {} is damaged: {}", one.path.display(), one.problem);
    Ok(check(dir)?.iter().map(words).collect())
}

type Result<T> = std::result::Result<T, KeysError>;

/// What is said whenever the keys of a repository are made.
pub const LOSS: &str = "backups are encrypted, and without a key that opens them nobody can read them: print a recovery kit with \
                        `netlink backup keys export-recovery` and keep it away from this machine";

/// Who changes slots, and when.
#[derive(Debug, Clone)]
pub struct Author {
    pub by: String,
    pub at: Timestamp,
}

/// What a slot is to be opened with.
#[derive(Debug, Clone)]
pub enum NewSecret {
    Passphrase(crate::crypt::Secret),
    /// Made when it is not there.
    KeyFile(std::path::PathBuf),
    Environment {
        name: String,
        value: crate::crypt::Secret,
    },
    Command(SecretCommand),
    Recipient(PublicHalf),
    RecoveryCode(RecoveryCode),
}
