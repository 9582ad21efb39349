//! Why the keys of a repository cannot be made, opened or changed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CodeError, Kind, RecipientError, SlotId};
use crate::disk::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("the backup repository {} has no slot to open it by, and it holds backups: put its folder `keys` back from a copy", dir.display())]
    AllLost { dir: PathBuf },
    #[error("the backup repository {} has no keys yet; the first backup makes them", dir.display())]
    NoKeys { dir: PathBuf },
    #[error("{with} opens no slot of the backup repository {}; it has {slots}", dir.display())]
    NotOpened { dir: PathBuf, with: String, slots: String },
    #[error(
        "slots of the backup repository {} hold different keys, so one of them is not genuine; `netlink backup keys list` shows the keys of each",
        dir.display()
    )]
    Disagree { dir: PathBuf },
    #[error(
        "{with} opens only what was sealed before the master key was last rotated; open the repository in another way and run `netlink backup keys rotate {slot}`"
    )]
    Behind { with: String, slot: SlotId },
    #[error("the key slot {} is damaged: {problem}", path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error("{} is not a folder of key slots: it has more than {limit} entries", path.display())]
    TooMany { path: PathBuf, limit: usize },
    #[error("there is no slot `{named}`; `netlink backup keys list` shows all")]
    UnknownSlot { named: String },
    #[error(
        "slot {slot} holds older master keys alone and would open nothing any more; run `netlink backup keys rotate {slot}` or `… remove {slot}` first"
    )]
    HoldsOlder { slot: SlotId },
    #[error("slot {id} is the last that opens the backups and stays; add another one first")]
    LastSlot { id: SlotId },
    #[error("slot {id} is a {kind} and cannot be rotated to another kind; add a slot and remove this one")]
    OtherKind { id: SlotId, kind: Kind },
    #[error("{} opens another slot than {id}; name the key file of that slot, or one that is not there yet", path.display())]
    OtherFile { path: PathBuf, id: SlotId },
    #[error("the passphrase has fewer than {least} characters; take a longer one, such as four words")]
    ShortPassphrase { least: usize },
    #[error("a repository cannot begin with {with}; begin with a key file, a passphrase or a secret store")]
    NotToBegin { with: &'static str },
    #[error("the key file {} is missing: put it back from where you keep it, or open the backups in another way", path.display())]
    NoKeyFile { path: PathBuf },
    #[error("others may read the key file {} (mode {mode:04o}): run `chmod 600 {}`", path.display(), path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the key file {} cannot be used: {problem}", path.display())]
    KeyFile { path: PathBuf, problem: &'static str },
    #[error("there is already something at {}; nothing was overwritten", path.display())]
    InTheWay { path: PathBuf },
    #[error("{from} gives no secret: {problem}")]
    NoSecret { from: String, problem: String },
    #[error("`{command}` gave no secret: it did not end within {} s and was killed", limit.as_secs())]
    Slow { command: String, limit: Duration },
    #[error("another process keeps {} locked; try again when it is done", path.display())]
    Locked { path: PathBuf },
    #[error("the keys cannot be sealed: {0}")]
    Seal(&'static str),
    #[error(transparent)]
    Code(#[from] CodeError),
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl KeysError {
    /// The code of the product's one table of codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AllLost { .. } | Self::NoKeyFile { .. } => "NL0606",
            Self::NoKeys { .. } | Self::NotOpened { .. } => "NL0621",
            Self::Damaged { .. } | Self::Disagree { .. } | Self::TooMany { .. } => "NL0622",
            Self::LastSlot { .. } => "NL0623",
            Self::Exposed { .. } | Self::KeyFile { .. } | Self::NoSecret { .. } | Self::Slow { .. } => "NL0624",
            Self::UnknownSlot { .. } => "NL0625",
            Self::Behind { .. } | Self::HoldsOlder { .. } => "NL0626",
            Self::OtherKind { .. }
            | Self::OtherFile { .. }
            | Self::ShortPassphrase { .. }
            | Self::NotToBegin { .. }
            | Self::InTheWay { .. }
            | Self::Code(_)
            | Self::Recipient(_) => "NL0627",
            Self::Locked { .. } => "NL0628",
            Self::Disk(e) if e.is_full() => "NL0301",
            Self::Disk(e) if e.is_permission() => "NL0302",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => "NL0302",
            Self::Seal(_) | Self::Io { .. } | Self::Disk(_) => "NL0603",
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}
