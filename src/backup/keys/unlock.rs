//! Opening a repository by one of its slots, and making the first slot of a new one.

use std::path::{Path, PathBuf};

use super::change::put_verified;
use super::file::{existing_key, of_store, read_half};
use super::slot::{Slot, SlotId};
use super::store::{Loaded, Stored, Writable, listed, load};
use super::wrap::{Material, Words, all_marks, unwrap, wrap};
use super::{Author, Fingerprint, Keyring, KeysError, Kind, NewSecret, RecoveryCode, Result, SecretCommand};
use crate::crypt::Secret;

/// One way to open a repository.
#[derive(Debug, Clone)]
pub enum Unlock {
    KeyFile(PathBuf),
    Passphrase(Secret),
    /// The file of a recipient's private half.
    Recovery(PathBuf),
    RecoveryCode(RecoveryCode),
    /// A variable, already read.
    Environment {
        name: String,
        value: Secret,
    },
    Command(SecretCommand),
}

/// The ring that the slots of this kind hold; of several the newest.
pub fn open(dir: &Path, unlock: &Unlock) -> Result<Keyring> {
    Ok(opened(dir, unlock)?.1)
}

/// As [`open`], for whoever seals something new: refuses a slot that was left behind when the master key was rotated.
pub fn open_to_write(dir: &Path, unlock: &Unlock) -> Result<Keyring> {
    let (stored, ring, loaded) = opened(dir, unlock)?;
    let all = |slot: &Slot| slot.head.all_masters().len();
    if loaded.slots.iter().any(|one| all(&one.slot) > all(&stored.slot)) {
        return Err(KeysError::Behind {
            with: unlock.name(),
            slot: stored.slot.head.id,
        });
    }
    Ok(ring)
}

/// The slot that opens.
pub fn slot_of(dir: &Path, unlock: &Unlock) -> Result<SlotId> {
    Ok(opened(dir, unlock)?.0.slot.head.id)
}

/// Opens a repository to write, or makes the keys of one that is new: two that do so at once end with one ring.
pub fn create(dir: &Path, unlock: &Unlock, author: &Author) -> Result<Keyring> {
    if super::exists(dir)? {
        return open_to_write(dir, unlock);
    }
    if holds_backups(dir)? {
        return Err(KeysError::AllLost { dir: dir.to_path_buf() });
    }
    let first = unlock.first_secret()?;
    let material = first.material()?;
    let folder = Writable::take(dir)?;
    if super::exists(dir)? {
        return open_to_write(dir, unlock);
    }
    let ring = Keyring::generate();
    let words = Words {
        id: SlotId::fresh(),
        kind: first.kind(),
        label: &first.label(),
        author,
    };
    let slot = wrap(&ring, &words, &material)?;
    put_verified(&folder, &slot, &ring, &material)?;
    Ok(ring)
}

impl Unlock {
    /// For messages: what it is, never what it says.
    pub fn name(&self) -> String {
        match self {
            Self::KeyFile(path) => format!("the key file {}", path.display()),
            Self::Passphrase(_) => "the passphrase".into(),
            Self::Recovery(path) => format!("the private key {}", path.display()),
            Self::RecoveryCode(_) => "the recovery code".into(),
            Self::Environment { name, .. } => format!("the secret in ${name}"),
            Self::Command(command) => format!("the secret that `{}` gives", command.name()),
        }
    }

    /// Of the slots that it may open.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::KeyFile(_) => Kind::KeyFile,
            Self::Passphrase(_) => Kind::Passphrase,
            Self::Recovery(_) => Kind::Recipient,
            Self::RecoveryCode(_) => Kind::RecoveryCode,
            Self::Environment { .. } | Self::Command(_) => Kind::Secret,
        }
    }

    pub(super) fn material(&self) -> Result<Material> {
        match self {
            Self::KeyFile(path) => existing_key(path),
            Self::Passphrase(text) => Ok(Material::Text(text.clone())),
            Self::Recovery(path) => Ok(Material::Private(read_half(path)?)),
            Self::RecoveryCode(code) => Ok(Material::Private(code.private())),
            Self::Environment { name, value } => of_store(&format!("${name}"), value),
            Self::Command(command) => command.ask(),
        }
    }

    fn first_secret(&self) -> Result<NewSecret> {
        let first = match self {
            Self::KeyFile(path) => NewSecret::KeyFile(path.clone()),
            Self::Passphrase(text) => NewSecret::Passphrase(text.clone()),
            Self::Environment { name, value } => NewSecret::Environment {
                name: name.clone(),
                value: value.clone(),
            },
            Self::Command(command) => NewSecret::Command(command.clone()),
            Self::Recovery(_) => return Err(KeysError::NotToBegin { with: "a private key" }),
            Self::RecoveryCode(_) => {
                return Err(KeysError::NotToBegin {
                    with: "a recovery code",
                });
            }
        };
        first.check()?;
        Ok(first)
    }
}

fn opened(dir: &Path, unlock: &Unlock) -> Result<(Stored, Keyring, Loaded)> {
    let loaded = load(dir)?;
    if loaded.slots.is_empty() && loaded.damaged.is_empty() {
        let dir = dir.to_path_buf();
        return Err(match holds_backups(&dir)? {
            true => KeysError::AllLost { dir },
            false => KeysError::NoKeys { dir },
        });
    }
    let material = unlock.material()?;
    let mut rings = Vec::new();
    for stored in loaded.slots.iter().filter(|one| one.slot.head.kind == unlock.kind()) {
        if let Some(ring) = unwrap(&stored.slot, &material)? {
            rings.push((stored.clone(), ring));
        }
    }
    rings.sort_by_key(|(_, ring)| (all_marks(ring).len(), ring.older().len()));
    let Some((stored, ring)) = rings.pop() else {
        return Err(KeysError::NotOpened {
            dir: dir.to_path_buf(),
            with: unlock.name(),
            slots: described(&loaded),
        });
    };
    let all = all_marks(&ring);
    if rings
        .iter()
        .any(|(_, shorter)| !goes_on_from(&all, &all_marks(shorter)))
    {
        return Err(KeysError::Disagree { dir: dir.to_path_buf() });
    }
    let ring = as_far_as_others(ring, &loaded);
    Ok((stored, ring, loaded))
}

/// Keys that another slot has forgotten already are needed no more.
fn as_far_as_others(ring: Keyring, loaded: &Loaded) -> Keyring {
    let all = all_marks(&ring);
    let alike = |one: &&Stored| one.slot.is_of(&ring) && one.slot.head.all_masters() == all;
    let held = loaded.slots.iter().filter(alike).map(|one| one.slot.head.masters.len());
    match held.min() {
        Some(held) if held < ring.older().len() + 1 => ring.without_all_after(held),
        _ => ring,
    }
}

/// Of all its keys, those that it has forgotten included, a ring only ever gets new ones in front.
pub(super) fn goes_on_from(ring: &[Fingerprint], older: &[Fingerprint]) -> bool {
    ring.ends_with(older)
}

/// Which slots there are and what opens them.
fn described(loaded: &Loaded) -> String {
    let mut all: Vec<String> = listed(&loaded.slots)
        .iter()
        .map(|one| {
            let how = match one.kind {
                Kind::Passphrase => "--passphrase",
                Kind::KeyFile => "--key-file FILE",
                Kind::Secret => "key: env:NAME or command:… in the settings",
                Kind::Recipient => "--recovery FILE",
                Kind::RecoveryCode => "--recovery-code",
            };
            let label = if one.label.is_empty() {
                String::new()
            } else {
                format!(" `{}`", one.label)
            };
            format!("{} {}{label} ({how})", one.kind, one.id)
        })
        .collect();
    all.extend(
        loaded
            .damaged
            .iter()
            .map(|one| format!("{} (damaged)", one.path.display())),
    );
    all.join(", ")
}

/// Whether something lies there that an earlier key sealed.
fn holds_backups(dir: &Path) -> Result<bool> {
    for part in ["snapshots", "packs", "index"] {
        let folder = dir.join(part);
        match std::fs::read_dir(&folder).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Ok(true),
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(KeysError::io("list", &folder, e)),
            _ => {}
        }
    }
    Ok(false)
}
