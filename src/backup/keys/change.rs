//! Adding, rotating, re-wrapping and removing slots. What is new is written, read back and opened before what is old goes.

use std::path::{Path, PathBuf};

use super::file::{key_or_new, new_key, of_store, read_key};
use super::slot::{Slot, SlotId, Wrapping};
use super::store::{Listed, Stored, Writable, listed, load};
use super::unlock::goes_on_from;
use super::wrap::{Material, Words, all_marks, marks, unwrap, wrap};
use super::{Author, Keyring, KeysError, Kind, NewSecret, Result, Unlock};
use crate::disk;

const LEAST_PASSPHRASE: usize = 8;
/// With one file each in the folder there is room for twice as many while they are re-wrapped.
const SLOTS: usize = 64;

/// What became of the slots when the ring got a new key or forgot old ones.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rewrapped {
    /// They hold the ring as it is now.
    pub done: Vec<Listed>,
    /// Their secret was not at hand: they hold what they held. `rotate` gives each the ring.
    pub left: Vec<Listed>,
}

/// A new slot beside the others.
pub fn add(dir: &Path, ring: &Keyring, secret: &NewSecret, label: &str, author: &Author) -> Result<Listed> {
    secret.check()?;
    let material = secret.material()?;
    let folder = Writable::take(dir)?;
    if genuine(dir, ring)?.len() >= SLOTS {
        return Err(KeysError::Seal("the repository has as many slots as it may"));
    }
    let label = if label.is_empty() {
        secret.label()
    } else {
        label.to_owned()
    };
    let words = Words {
        id: SlotId::fresh(),
        kind: secret.kind(),
        label: &label,
        author,
    };
    let slot = wrap(ring, &words, &material)?;
    let stored = put_verified(&folder, &slot, ring, &material)?;
    shown(dir, &stored)
}

/// Removes a slot by its id or how that begins. Never the last that holds the whole ring.
pub fn remove(dir: &Path, ring: &Keyring, named: &str) -> Result<Listed> {
    let folder = Writable::take(dir)?;
    let id = find(dir, named)?;
    let others = genuine(dir, ring)?;
    if !others
        .iter()
        .any(|one| one.slot.head.id != id && one.slot.head.all_masters() == all_marks(ring))
    {
        return Err(KeysError::LastSlot { id });
    }
    let old = of_id(dir, id)?;
    let gone = old.last().map(|one| shown(dir, one)).transpose()?;
    for one in &old {
        folder.remove(one)?;
    }
    gone.ok_or_else(|| unknown(named))
}

/// Wraps the ring anew in a slot, for a new secret of the same kind; whatever opened it before opens it no more.
pub fn rotate(dir: &Path, ring: &Keyring, named: &str, secret: &NewSecret, author: &Author) -> Result<Listed> {
    secret.check()?;
    let folder = Writable::take(dir)?;
    let id = find(dir, named)?;
    let old = of_id(dir, id)?;
    let head = old.last().ok_or_else(|| unknown(named))?.slot.head.clone();
    if head.kind != secret.kind() {
        return Err(KeysError::OtherKind { id, kind: head.kind });
    }
    if !old
        .iter()
        .all(|one| goes_on_from(&all_marks(ring), &one.slot.head.all_masters()))
    {
        return Err(KeysError::Disagree { dir: dir.to_path_buf() });
    }
    let material = match secret {
        NewSecret::KeyFile(path) => {
            own_or_absent(path, id, &old)?;
            new_key(&beside(path))?
        }
        other => other.material()?,
    };
    let words = Words {
        id,
        kind: head.kind,
        label: &head.label,
        author,
    };
    let slot = wrap(ring, &words, &material)?;
    let stored = put_verified(&folder, &slot, ring, &material)?;
    if let NewSecret::KeyFile(path) = secret {
        disk::rename(&beside(path), path)?;
    }
    for one in old.iter().filter(|one| one.path != stored.path) {
        folder.remove(one)?;
    }
    shown(dir, &stored)
}

/// Gives the ring, with whatever keys it has gained or forgotten, to every slot whose secret is at hand or not needed. Those at
/// hand come first and in their order: whoever goes on after a crash opens with the first of them and must find the new key.
pub fn rewrap(dir: &Path, ring: &Keyring, at_hand: &[Unlock], author: &Author) -> Result<Rewrapped> {
    let materials = at_hand
        .iter()
        .map(|unlock| Ok((unlock.kind(), unlock.material()?)))
        .collect::<Result<Vec<(Kind, Material)>>>()?;
    let folder = Writable::take(dir)?;
    let slots = genuine(dir, ring)?;
    let mut again = Vec::new();
    for one in slots.iter().filter(|one| !holds(&one.slot, ring)) {
        // A crash came between the new file and the end of the old one.
        let is_done = |other: &Stored| other.slot.head.id == one.slot.head.id && holds(&other.slot, ring);
        if slots.iter().any(is_done) {
            folder.remove(one)?;
        } else if let Some((turn, material)) = to_wrap_again(&one.slot, &materials)? {
            again.push((turn, one, material));
        }
    }
    again.sort_by_key(|(turn, ..)| *turn);
    for (_, one, material) in again {
        let words = Words {
            id: one.slot.head.id,
            kind: one.slot.head.kind,
            label: &one.slot.head.label,
            author,
        };
        put_verified(&folder, &wrap(ring, &words, &material)?, ring, &material)?;
        folder.remove(one)?;
    }
    let slots = genuine(dir, ring)?;
    let held = slots.iter().map(|one| holds(&one.slot, ring));
    let (done, left): (Vec<_>, Vec<_>) = listed(&slots).into_iter().zip(held).partition(|(_, held)| *held);
    let plain = |slots: Vec<(Listed, bool)>| slots.into_iter().map(|(one, _)| one).collect();
    Ok(Rewrapped {
        done: plain(done),
        left: plain(left),
    })
}

/// Takes the older master keys off the ring, and out of every slot whose secret is at hand or not needed. Nothing may be sealed with
/// them any more.
pub fn forget_older(dir: &Path, ring: &Keyring, at_hand: &[Unlock], author: &Author) -> Result<Rewrapped> {
    if let Some(behind) = listed(&genuine(dir, ring)?).iter().find(|one| one.behind) {
        return Err(KeysError::HoldsOlder { slot: behind.id });
    }
    rewrap(dir, &ring.without_all_after(1), at_hand, author)
}

impl NewSecret {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Passphrase(_) => Kind::Passphrase,
            Self::KeyFile(_) => Kind::KeyFile,
            Self::Environment { .. } | Self::Command(_) => Kind::Secret,
            Self::Recipient(_) => Kind::Recipient,
            Self::RecoveryCode(_) => Kind::RecoveryCode,
        }
    }

    /// What a slot is called when nobody names it.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Passphrase(_) | Self::Recipient(_) | Self::RecoveryCode(_) => String::new(),
            Self::KeyFile(path) => path.display().to_string(),
            Self::Environment { name, .. } => format!("${name}"),
            Self::Command(command) => command.name(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Passphrase(text) if String::from_utf8_lossy(text.expose()).chars().count() < LEAST_PASSPHRASE => {
                Err(KeysError::ShortPassphrase {
                    least: LEAST_PASSPHRASE,
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn material(&self) -> Result<Material> {
        match self {
            Self::Passphrase(text) => Ok(Material::Text(text.clone())),
            Self::KeyFile(path) => key_or_new(path),
            Self::Environment { name, value } => of_store(&format!("${name}"), value),
            Self::Command(command) => command.ask(),
            Self::Recipient(public) => Ok(Material::Public(*public)),
            Self::RecoveryCode(code) => Ok(Material::Private(code.private())),
        }
    }
}

/// Writes a slot and opens what was written; what cannot be opened here, because the private half is elsewhere, is compared.
pub(super) fn put_verified(folder: &Writable, slot: &Slot, ring: &Keyring, material: &Material) -> Result<Stored> {
    let stored = folder.put(slot)?;
    let opens = match material {
        Material::Public(_) => stored.slot.is_of(ring),
        _ => unwrap(&stored.slot, material)?.is_some_and(|opened| marks(&opened) == marks(ring)),
    };
    if opens {
        return Ok(stored);
    }
    folder.remove(&stored)?;
    Err(KeysError::Damaged {
        path: stored.path,
        problem: "it does not open after it was written".into(),
    })
}

/// What a slot that has not the ring's keys can be wrapped with again, and its turn in that.
fn to_wrap_again(slot: &Slot, materials: &[(Kind, Material)]) -> Result<Option<(usize, Material)>> {
    let mut opens = None;
    for (turn, (kind, material)) in materials.iter().enumerate() {
        if *kind == slot.head.kind && unwrap(slot, material)?.is_some() {
            opens = Some((turn, material.clone()));
            break;
        }
    }
    Ok(match (&slot.head.wrapping, opens) {
        (Wrapping::Hpke { recipient, .. }, opens) => {
            let turn = opens.map_or(materials.len(), |(turn, _)| turn);
            Some((turn, Material::Public(*recipient)))
        }
        (_, opens) => opens,
    })
}

/// The slots that somebody made who had the ring, or an earlier state of it; others are not ours to count on or to wrap for.
fn genuine(dir: &Path, ring: &Keyring) -> Result<Vec<Stored>> {
    let all = all_marks(ring);
    let mut slots = load(dir)?.slots;
    slots.retain(|one| one.slot.is_of(ring) && goes_on_from(&all, &one.slot.head.all_masters()));
    Ok(slots)
}

fn holds(slot: &Slot, ring: &Keyring) -> bool {
    slot.head.masters == marks(ring) && slot.head.forgotten == ring.forgotten()
}

/// The one slot whose id begins so.
pub fn find(dir: &Path, named: &str) -> Result<SlotId> {
    let slots = load(dir)?.slots;
    let mut ids: Vec<SlotId> = slots.iter().map(|one| one.slot.head.id).collect();
    ids.retain(|id| named.len() >= 4 && id.to_string().starts_with(named));
    ids.sort();
    ids.dedup();
    match ids.as_slice() {
        [id] => Ok(*id),
        _ => Err(unknown(named)),
    }
}

fn of_id(dir: &Path, id: SlotId) -> Result<Vec<Stored>> {
    let mut slots = load(dir)?.slots;
    slots.retain(|one| one.slot.head.id == id);
    Ok(slots)
}

fn shown(dir: &Path, stored: &Stored) -> Result<Listed> {
    let slots = load(dir)?.slots;
    let at = slots.iter().position(|one| one.path == stored.path);
    let found = at.and_then(|at| listed(&slots).into_iter().nth(at));
    found.ok_or_else(|| unknown(&stored.slot.head.id.to_string()))
}

fn unknown(named: &str) -> KeysError {
    KeysError::UnknownSlot {
        named: named.to_owned(),
    }
}

/// A new key goes where the slot's old one is, or where nothing is; never over the key of something else.
fn own_or_absent(path: &Path, id: SlotId, old: &[Stored]) -> Result<()> {
    let Some(material) = read_key(path)? else {
        return Ok(());
    };
    for one in old {
        if unwrap(&one.slot, &material)?.is_some() {
            return Ok(());
        }
    }
    Err(KeysError::OtherFile {
        path: path.to_path_buf(),
        id,
    })
}

/// Where a new key waits until its slot is in place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}
