//! A repository that is open for a change: one at a time, signed with the keys at hand, published or kept as a draft.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::keys::{Held, Keys};
use super::verify::check_target;
use super::{METADATA, PublishError, settings};
use crate::clock::Deadline;
use crate::disk::{self, Lock, LockAttempt};
use crate::tuf::{
    self, Editor, Key, Lacking, LifetimeChanges, Role, RoleKeys, RoleState, Signatories, Standing, TufError,
};

/// What lacks signatures, beside the metadata. Clients never ask for it.
pub const DRAFT: &str = "draft.json";
/// No file of metadata is longer.
pub const METADATA_LIMIT: u64 = 8 << 20;
const LOCK: &str = "repository.lock";
const LOCK_WAIT: Duration = Duration::from_secs(60);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How a change ended.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// Clients see it now; else it waits as a draft.
    pub published: bool,
    /// Names of the targets that are new.
    pub targets: Vec<String>,
    pub waits: Vec<Waiting>,
    /// When clients begin to refuse what they see, unless something is signed anew before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good_until: Option<Timestamp>,
    pub warnings: Vec<String>,
}

/// A role of the draft that lacks signatures.
#[derive(Debug, Serialize)]
pub struct Waiting {
    pub role: &'static str,
    pub version: u64,
    pub given: usize,
    pub threshold: u64,
    /// Ids of the keys that may still sign.
    pub keys: Vec<String>,
}

pub struct Repository {
    path: PathBuf,
    pub editor: Editor,
    _lock: Lock,
}

impl Repository {
    /// Opens a repository to change it; waits for whoever else does.
    pub fn open(path: &Path) -> Result<Self, PublishError> {
        let metadata = metadata_of(path)?;
        let lock = lock(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            editor: opened(path, &metadata, Some(&path.join(DRAFT)))?,
            _lock: lock,
        })
    }

    /// A repository that is nowhere yet.
    pub fn create(path: &Path, editor: Editor) -> Result<Self, PublishError> {
        disk::create_dir_all(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            editor,
            _lock: lock(path)?,
        })
    }

    /// Signs with those keys of these roles that are at hand.
    pub fn finish(&mut self, keys: &Keys, roles: &[Role], now: Timestamp) -> Result<Outcome, PublishError> {
        let held = keys.load_some(&self.editor.keys_of(roles))?;
        self.finish_with(&held, now)
    }

    /// The keys at hand for targets; before files that they are to sign for lie where everybody sees them.
    pub fn keys_for_targets(&self, keys: &Keys) -> Result<Vec<Held>, PublishError> {
        keys.load_some(&self.editor.keys_of(&[Role::Targets, Role::Snapshot, Role::Timestamp]))
    }

    /// As [`Self::finish_with`] for what was put among the targets; nothing is signed where nothing is new and nothing waits.
    pub fn finish_targets(&mut self, is_new: bool, held: &[Held], now: Timestamp) -> Result<Outcome, PublishError> {
        if is_new || self.editor.has_draft() {
            return self.finish_with(held, now);
        }
        Ok(Outcome {
            published: true,
            ..Outcome::default()
        })
    }

    pub fn finish_with(&mut self, held: &[Held], now: Timestamp) -> Result<Outcome, PublishError> {
        let mut outcome = Outcome::default();
        // Nobody signs for a file that is not here as it is listed: a draft comes from elsewhere.
        for target in self.editor.unpublished()? {
            check_target(&self.path, &target)?;
            outcome.targets.push(target.name);
        }
        match self.editor.sign(held, now).map_err(refused)? {
            Standing::Ready => {
                self.write()?;
                outcome.published = true;
            }
            Standing::Waits(lacking) => {
                self.editor.keep(&self.path.join(DRAFT))?;
                outcome.waits = lacking.into_iter().map(Waiting::from).collect();
            }
        }
        outcome.warnings = warnings(&self.editor, now);
        Ok(outcome)
    }

    /// What is signed from now on is good for so long, in later runs too.
    pub fn change_lifetimes(&mut self, changes: &LifetimeChanges) -> Result<(), PublishError> {
        let lifetimes = settings::lifetimes(&self.path)?.changed(changes);
        settings::keep(&self.path, lifetimes)?;
        self.editor.set_lifetimes(lifetimes);
        Ok(())
    }

    /// A draft that was published by a run that was killed before it could take it away.
    pub fn after_a_cut(&self, now: Timestamp) -> Result<Outcome, PublishError> {
        let draft = self.path.join(DRAFT);
        if !disk::exists(&draft)? {
            return Err(PublishError::NoDraft);
        }
        disk::remove_file(&draft)?;
        Ok(Outcome {
            published: true,
            warnings: warnings(&self.editor, now),
            ..Outcome::default()
        })
    }

    pub fn write(&mut self) -> Result<(), PublishError> {
        Ok(self.editor.write(&self.path.join(METADATA), &self.path.join(DRAFT))?)
    }
}

impl From<Lacking> for Waiting {
    fn from(lacking: Lacking) -> Self {
        Self {
            role: lacking.role.name(),
            version: lacking.version,
            given: lacking.given,
            threshold: lacking.threshold,
            keys: lacking.keys,
        }
    }
}

/// Clients refuse what hangs on a role that has expired, so that it is not published either.
fn refused(error: TufError) -> PublishError {
    match error {
        TufError::Expired { role, expires, .. } => PublishError::Expired { role, expires },
        other => other.into(),
    }
}

/// A repository as clients see it, to look at.
pub fn look(path: &Path) -> Result<Editor, PublishError> {
    opened(path, &metadata_of(path)?, None)
}

/// A repository as clients see it, which nobody changes as long as the lock is held.
pub fn hold(path: &Path) -> Result<(Editor, Lock), PublishError> {
    let metadata = metadata_of(path)?;
    let lock = lock(path)?;
    Ok((opened(path, &metadata, None)?, lock))
}

/// With the draft that waits.
pub fn look_with_draft(path: &Path) -> Result<Editor, PublishError> {
    opened(path, &metadata_of(path)?, Some(&path.join(DRAFT)))
}

fn opened(path: &Path, metadata: &Path, draft: Option<&Path>) -> Result<Editor, PublishError> {
    let mut editor = Editor::open(metadata, draft)?;
    editor.set_lifetimes(settings::lifetimes(path)?);
    Ok(editor)
}

/// Drops what waits for signatures, with the files that it would have listed; false when nothing waits.
pub fn discard(path: &Path) -> Result<bool, PublishError> {
    let metadata = metadata_of(path)?;
    let _lock = lock(path)?;
    let draft = path.join(DRAFT);
    if !disk::exists(&draft)? {
        return Ok(false);
    }
    // What is damaged lists nothing.
    let editor = Editor::open(&metadata, Some(&draft));
    let targets = editor.and_then(|editor| editor.unpublished()).unwrap_or_default();
    disk::remove_file(&draft)?;
    for target in targets {
        disk::remove_file(&path.join(tuf::target_file(&target.name, target.sha256)?))?;
    }
    Ok(true)
}

/// Keys that sign what is to be signed offline and what is signed every day.
pub fn shared_keys(signatories: &Signatories) -> Vec<String> {
    let all = [
        (Role::Root, &signatories.root),
        (Role::Targets, &signatories.targets),
        (Role::Snapshot, &signatories.snapshot),
        (Role::Timestamp, &signatories.timestamp),
    ];
    let of = |roles: &[(Role, &RoleKeys)], key: &Key| -> Vec<&str> {
        let theirs = roles.iter().filter(|(_, role)| role.keys.contains(key));
        theirs.map(|(role, _)| role.name()).collect()
    };
    let (offline, online) = all.split_at(2);
    let mut told = BTreeSet::new();
    for key in offline.iter().flat_map(|(_, role)| &role.keys) {
        let (offline, online) = (of(offline, key), of(online, key));
        if let (false, Ok(id)) = (online.is_empty(), key.id()) {
            told.insert(format!(
                "THE KEY {} SIGNS {} AND {}: whoever breaks into the machine that signs every day can release anything; give these \
                 roles keys of their own (`netlink release keys new`, then `keys add`), and revoke this one",
                id.chars().take(8).collect::<String>(),
                offline.join(", "),
                online.join(", ")
            ));
        }
    }
    told.into_iter().collect()
}

/// What a publisher should do soon.
pub fn warnings(editor: &Editor, now: Timestamp) -> Vec<String> {
    let due = editor.states().into_iter().filter(|state| state.is_due(now));
    due.map(|state| warning(&state, now)).collect()
}

fn warning(state: &RoleState, now: Timestamp) -> String {
    let RoleState {
        role, version, expires, ..
    } = state;
    let days = expires.duration_since(now).as_hours() / 24;
    let renewal = match role {
        Role::Root | Role::Targets => format!("run `netlink release renew {role}` with its keys"),
        Role::Snapshot | Role::Timestamp => "run `netlink release timestamp` with its keys".to_owned(),
    };
    match days {
        _ if *expires <= now => {
            format!("{role} {version} expired {expires:.0}: clients refuse the repository; {renewal}")
        }
        0 => format!("{role} {version} expires today, {expires:.0}; {renewal}"),
        1 => format!("{role} {version} expires in a day, {expires:.0}; {renewal}"),
        days => format!("{role} {version} expires in {days} days, {expires:.0}; {renewal}"),
    }
}

fn metadata_of(path: &Path) -> Result<PathBuf, PublishError> {
    let metadata = path.join(METADATA);
    if disk::exists(&metadata.join(Role::Root.versioned_file(1)))? {
        return Ok(metadata);
    }
    Err(PublishError::NotARepository(path.to_path_buf()))
}

/// Two changes at a time would make two different files of one name.
fn lock(path: &Path) -> Result<Lock, PublishError> {
    let deadline = Deadline::after(LOCK_WAIT);
    loop {
        if let LockAttempt::Held(lock) = disk::try_lock(&path.join(LOCK))? {
            return Ok(lock);
        }
        if deadline.has_passed() {
            return Err(PublishError::Busy(path.to_path_buf()));
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}
