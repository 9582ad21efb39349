//! The publisher's keys and what is signed with them, a release apart.

use std::path::{Path, PathBuf};

use super::{AppError, Result};
use crate::clock;
use crate::crypt::Secret;
use crate::publish::{
    self, Arrangement, Changed, Difference, InitOptions, KeyChange, Keys, KeysReport, MadeRepository, Outcome,
    PublishError,
};
use crate::tuf::{LifetimeChanges, Role, TufError};

pub(super) fn not_changed(error: &PublishError) -> AppError {
    let code = match error {
        PublishError::Busy(_) => "NL0511",
        PublishError::AnotherProduct { .. } => "NL0541",
        PublishError::Unplannable(_) => "NL0542",
        PublishError::NoDraft
        | PublishError::DraftChanged
        | PublishError::NoCopy(_)
        | PublishError::Tuf(
            TufError::DraftWaits
            | TufError::OtherDraft { .. }
            | TufError::NoDraftOfOurs { .. }
            | TufError::DamagedDraft { .. }
            | TufError::StaleDraft { .. },
        ) => "NL0512",
        PublishError::Key { .. }
        | PublishError::KeysInside { .. }
        | PublishError::NoneOfOurs { .. }
        | PublishError::Exposed { .. }
        | PublishError::Changeable { .. }
        | PublishError::PublicKey(_)
        | PublishError::NoPublicHalf(_)
        | PublishError::OtherHalf(_)
        | PublishError::NotAKeyFolder(_)
        | PublishError::NotOneKey { .. }
        | PublishError::NotAtHand(_)
        | PublishError::Tuf(TufError::Threshold { .. } | TufError::KeysMissing { .. }) => "NL0513",
        PublishError::Tuf(TufError::Signer { .. } | TufError::SignerLied { .. }) => "NL0514",
        _ => "NL0502",
    };
    AppError::below(code, error)
}

/// Keys and an empty, signed repository; gives the root of trust to hand to operators.
pub fn release_init(
    repository: &Path,
    keys: &Path,
    arrangement: Arrangement,
    passphrase: Option<Secret>,
    lifetimes: Option<LifetimeChanges>,
) -> Result<MadeRepository> {
    let options = InitOptions {
        arrangement,
        passphrase,
        lifetimes,
        now: clock::now(),
    };
    publish::init(repository, keys, &options).map_err(|e| not_changed(&e))
}

/// Whether signing with these keys takes a passphrase.
pub fn keys_need_passphrase(keys: &Keys) -> Result<bool> {
    keys.need_passphrase().map_err(|e| not_changed(&e))
}

/// A new pair of keys for whoever is to sign; gives the file of the private half.
pub fn new_key(dir: &Path, name: &str, passphrase: Option<&Secret>) -> Result<PathBuf> {
    if name.is_empty() || name.starts_with('.') || name.contains(|c: char| c == '/' || c.is_control()) {
        let message = format!("`{name}` cannot be the name of a key file: give a plain word, like `ada`");
        return Err(AppError::said("NL0110", message));
    }
    let key = publish::create_key(dir, name, passphrase).map_err(|e| not_changed(&e))?;
    Ok(key.path().to_path_buf())
}

/// Makes the next root of trust and signs it with the keys at hand.
pub fn change_keys(repository: &Path, keys: &Keys, change: &KeyChange) -> Result<Changed> {
    publish::change_keys(repository, keys, change, clock::now()).map_err(|e| not_changed(&e))
}

pub fn show_keys(repository: &Path, keys: &Keys) -> Result<KeysReport> {
    publish::show(repository, keys, clock::now()).map_err(|e| not_changed(&e))
}

/// How the draft differs from what clients see; none when there is none.
pub fn release_difference(repository: &Path) -> Result<Option<Difference>> {
    publish::difference(repository).map_err(|e| not_changed(&e))
}

/// Adds the signatures of the keys at hand to the draft, and those in copies of it.
pub fn release_sign(repository: &Path, keys: &Keys, copies: &[PathBuf], shown: Option<&Difference>) -> Result<Outcome> {
    publish::sign(repository, keys, copies, shown, clock::now()).map_err(|e| not_changed(&e))
}

/// Drops the draft; false when there is none.
pub fn release_discard(repository: &Path) -> Result<bool> {
    publish::discard(repository).map_err(|e| not_changed(&e))
}

pub fn release_renew(
    repository: &Path,
    keys: &Keys,
    roles: &[Role],
    lifetimes: Option<&LifetimeChanges>,
) -> Result<Outcome> {
    publish::renew(repository, keys, roles, lifetimes, clock::now()).map_err(|e| not_changed(&e))
}

/// Signs the short-lived roles anew; for a cron job.
pub fn release_timestamp(repository: &Path, keys: &Keys) -> Result<Outcome> {
    publish::timestamp(repository, keys, clock::now()).map_err(|e| not_changed(&e))
}
