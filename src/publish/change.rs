//! What is signed without a release: other keys, renewals, the signatures of others to a draft.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::PublishError;
use super::difference::{Difference, digest};
use super::keys::{self, Held, Keys};
use super::repository::{self, Outcome, Repository, Waiting, shared_keys, warnings};
use crate::crypt::Secret;
use crate::disk;
use crate::tuf::{Key, Lifetime, LifetimeChanges, Role, Signatories, Signer, Standing};

/// Another set of keys.
#[derive(Debug)]
pub enum KeyChange {
    /// The public key in a file, for a role.
    Add { role: Role, public: PathBuf },
    /// A key, out of every role that it signs.
    Revoke { key: String },
    /// New keys in place of one, or of all of a role that are at hand; each in its folder, in every role it signs.
    Rotate {
        what: String,
        encrypted_with: Option<Secret>,
    },
    /// How many keys of a role must sign.
    Threshold { role: Role, number: u64 },
}

#[derive(Debug, Serialize)]
pub struct Changed {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Files of keys that were made.
    pub made: Vec<PathBuf>,
    /// The keys were so already, and nothing was signed.
    pub nothing_to_do: bool,
}

/// Makes the next root and signs it with the keys at hand.
pub fn change_keys(path: &Path, keys: &Keys, change: &KeyChange, now: Timestamp) -> Result<Changed, PublishError> {
    let mut open = Repository::open(path)?;
    // Before a key is made for nothing.
    open.editor.nothing_waits()?;
    let mut to = open
        .editor
        .signatories()
        .ok_or_else(|| PublishError::NotARepository(path.to_path_buf()))?;
    let before = to.clone();
    let mut held = keys.load(&open.editor.keys_of(&Role::ALL))?;
    let mut made = Vec::new();
    match change {
        KeyChange::Add { role, public } => {
            let (key, keys) = (keys::public(public)?, &mut to.of_role(*role).keys);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        KeyChange::Threshold { role, number } => to.of_role(*role).threshold = *number,
        KeyChange::Revoke { key } => {
            let revoked = named(&to, key)?;
            for role in Role::ALL {
                to.of_role(role).keys.retain(|other| *other != revoked);
            }
        }
        KeyChange::Rotate { what, encrypted_with } => {
            let new = replace(&mut to, what, &held, encrypted_with.as_ref())?;
            made.extend(new.iter().map(|key| key.path().to_path_buf()));
            held.extend(new);
        }
    }
    if to == before {
        return Ok(Changed {
            outcome: Outcome {
                published: true,
                warnings: warnings(&open.editor, now),
                ..Outcome::default()
            },
            made,
            nothing_to_do: true,
        });
    }
    open.editor.change_keys(&to, now)?;
    let mut outcome = open.finish_with(&held, now)?;
    outcome.warnings.extend(shared_keys(&to));
    Ok(Changed {
        outcome,
        made,
        nothing_to_do: false,
    })
}

/// Makes a new key for each that `what` names, beside the old one's file.
fn replace(
    to: &mut Signatories,
    what: &str,
    held: &[Held],
    passphrase: Option<&Secret>,
) -> Result<Vec<Held>, PublishError> {
    let role = Role::ALL.into_iter().find(|role| role.name() == what);
    let old: Vec<Key> = match role {
        Some(role) => to.of_role(role).keys.clone(),
        None => vec![named(to, what)?],
    };
    let at_hand = |key: &Key| held.iter().find(|held| held.key() == *key);
    let mut made = Vec::new();
    for (key, file) in old.iter().filter_map(|key| Some((key, at_hand(key)?.path()))) {
        let dir = file.parent().unwrap_or(Path::new("."));
        let new = keys::create(dir, &free_name(file), passphrase)?;
        for role in Role::ALL {
            for listed in &mut to.of_role(role).keys {
                if listed == key {
                    *listed = new.key();
                }
            }
        }
        made.push(new);
    }
    if made.is_empty() {
        return Err(PublishError::NotAtHand(what.to_owned()));
    }
    Ok(made)
}

/// `root-1`, `root-1.2`, `root-1.3`: the first that is free. One may be there from a change that came to nothing.
fn free_name(file: &Path) -> String {
    let mut name = next_name(file);
    while file.with_file_name(format!("{name}.pem")).exists() || file.with_file_name(format!("{name}.pub")).exists() {
        name = next_name(&file.with_file_name(format!("{name}.pem")));
    }
    name
}

fn next_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let (name, number) = match stem.rsplit_once('.') {
        Some((name, number)) => (name.to_owned(), number.parse::<u64>().unwrap_or(1)),
        None => (stem.into_owned(), 1),
    };
    format!("{name}.{}", number.saturating_add(1))
}

/// The one key whose id begins so.
fn named(signatories: &Signatories, id: &str) -> Result<Key, PublishError> {
    let mut all = signatories.clone();
    let mut found: Vec<Key> = Vec::new();
    for role in Role::ALL {
        for key in std::mem::take(&mut all.of_role(role).keys) {
            if !id.is_empty() && key.id()?.starts_with(id) && !found.contains(&key) {
                found.push(key);
            }
        }
    }
    let count = found.len();
    match found.pop() {
        Some(key) if count == 1 => Ok(key),
        _ => Err(PublishError::NotOneKey {
            id: id.to_owned(),
            count,
        }),
    }
}

/// New versions of these roles, with a new expiry, and with other lifetimes from now on where they are given.
pub fn renew(
    path: &Path,
    keys: &Keys,
    roles: &[Role],
    lifetimes: Option<&LifetimeChanges>,
    now: Timestamp,
) -> Result<Outcome, PublishError> {
    let mut open = Repository::open(path)?;
    open.editor.nothing_waits()?;
    if let Some(changes) = lifetimes {
        open.change_lifetimes(changes)?;
    }
    open.editor.renew(roles, now)?;
    open.finish(keys, &Role::ALL, now)
}

/// Adds the signatures of the keys at hand to the draft, and those in copies of it; publishes it when they suffice. Only what was
/// shown is signed.
pub fn sign(
    path: &Path,
    keys: &Keys,
    copies: &[PathBuf],
    shown: Option<&Difference>,
    now: Timestamp,
) -> Result<Outcome, PublishError> {
    let mut open = Repository::open(path)?;
    if !open.editor.has_draft() {
        return open.after_a_cut(now);
    }
    if shown.map(|shown| shown.draft) != digest(path)? {
        return Err(PublishError::DraftChanged);
    }
    for copy in copies {
        if !disk::exists(copy)? {
            return Err(PublishError::NoCopy(copy.clone()));
        }
        open.editor.take_signatures(copy)?;
    }
    super::verify::contradictions(&open.editor)?;
    open.finish(keys, &Role::ALL, now)
}

/// Signs timestamp and snapshot anew; a draft waits on.
pub fn timestamp(path: &Path, keys: &Keys, now: Timestamp) -> Result<Outcome, PublishError> {
    let mut open = Repository::open(path)?;
    let held = keys.load(&open.editor.keys_of(&[Role::Snapshot, Role::Timestamp]))?;
    open.editor.renew_online(&held, now)?;
    open.write()?;
    Ok(Outcome {
        published: true,
        good_until: open.editor.states().iter().map(|state| state.expires).min(),
        warnings: warnings(&open.editor, now),
        ..Outcome::default()
    })
}

/// Which keys sign what, how long it holds, and what waits.
#[derive(Debug, Serialize)]
pub struct KeysReport {
    pub roles: Vec<RoleReport>,
    pub draft: Vec<Waiting>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct RoleReport {
    pub role: &'static str,
    pub version: u64,
    pub expires: Timestamp,
    /// How long what is signed now would be good for.
    pub lifetime: Lifetime,
    pub threshold: u64,
    pub keys: Vec<KeyReport>,
}

#[derive(Debug, Serialize)]
pub struct KeyReport {
    pub id: String,
    pub kind: String,
    /// Where it is at hand.
    pub file: Option<PathBuf>,
}

pub fn show(path: &Path, keys: &Keys, now: Timestamp) -> Result<KeysReport, PublishError> {
    let mut editor = repository::look_with_draft(path)?;
    let mut roles = Vec::new();
    for state in editor.states() {
        let mut reports = Vec::new();
        for (id, key) in state.keys {
            let file = keys.file_of(&key)?;
            let kind = key.keytype;
            reports.push(KeyReport { id, kind, file });
        }
        roles.push(RoleReport {
            role: state.role.name(),
            version: state.version,
            expires: state.expires,
            lifetime: state.lifetime,
            threshold: state.threshold,
            keys: reports,
        });
    }
    let mut warnings = warnings(&editor, now);
    warnings.extend(editor.signatories().iter().flat_map(shared_keys));
    let nobody: [Held; 0] = [];
    let standing = if editor.has_draft() {
        editor.sign(&nobody, now)?
    } else {
        Standing::Ready
    };
    let draft = match standing {
        Standing::Waits(lacking) => lacking,
        Standing::Ready => Vec::new(),
    };
    Ok(KeysReport {
        roles,
        draft: draft.into_iter().map(Waiting::from).collect(),
        warnings,
    })
}
