//! Key files of a publisher. `NAME.pem` is a private key, readable by its owner alone; `NAME.signer` is a command that signs with a key
//! kept elsewhere; `NAME.pub` beside either is the public half, by which others list it and this room finds it.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64ct::{Base64, Encoding};

use super::PublishError;
use crate::crypt::{Secret, SigningKey};
use crate::disk;
use crate::host::Run;
use crate::tuf::{Key, Signer, SignerError};

const KEY_LIMIT: u64 = 64 << 10;
/// A person may have to press a button on a device.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);
/// In one folder, and the folders in it.
const FILES: usize = 1000;

/// Where the keys at hand are.
#[derive(Debug)]
pub struct Keys {
    /// With the folders in them, one level deep.
    pub dirs: Vec<PathBuf>,
    pub passphrase: Option<Secret>,
}

/// A key at hand.
#[derive(Debug)]
pub enum Held {
    Pem { path: PathBuf, key: SigningKey },
    Command { path: PathBuf, key: Key },
}

impl Held {
    pub fn path(&self) -> &Path {
        match self {
            Self::Pem { path, .. } | Self::Command { path, .. } => path,
        }
    }
}

impl Signer for Held {
    fn key(&self) -> Key {
        match self {
            Self::Pem { key, .. } => key.key(),
            Self::Command { key, .. } => key.clone(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        match self {
            Self::Pem { key, .. } => Signer::sign(key, message),
            Self::Command { path, .. } => ask(path, message),
        }
    }
}

/// Gives the message to the command and takes the signature from it, in base64.
fn ask(command: &Path, message: &[u8]) -> Result<Vec<u8>, SignerError> {
    let command = std::path::absolute(command)?;
    let run = Run {
        argv: vec![command.display().to_string()],
        dir: command.parent().unwrap_or(Path::new("/")).to_path_buf(),
        env: Default::default(),
        stdin: message.to_vec(),
        limit: COMMAND_LIMIT,
    };
    let finished = run.run()?;
    if !finished.status.success() {
        let said = finished.stderr.lines().last().unwrap_or("nothing").to_owned();
        return Err(format!(
            "{} ended with {}; it last said: {said}",
            command.display(),
            finished.status
        )
        .into());
    }
    let text: String = finished.stdout.split_whitespace().collect();
    Base64::decode_vec(&text)
        .map_err(|e| format!("{} did not print a signature in base64: {e}", command.display()).into())
}

/// Makes a key and writes both halves, the private one first: a public half alone is of no use to anybody.
pub fn create(dir: &Path, name: &str, passphrase: Option<&Secret>) -> Result<Held, PublishError> {
    let path = dir.join(format!("{name}.pem"));
    for path in [&path, &public_file(&path)] {
        if disk::exists(path)? {
            return Err(PublishError::AlreadyThere(path.clone()));
        }
    }
    let key = SigningKey::generate();
    let wrong = |source| PublishError::Key {
        path: path.clone(),
        source,
    };
    let pem = key.to_pem(passphrase).map_err(wrong)?;
    let public = key.public().to_pem().map_err(wrong)?;
    disk::create_dir_all(dir)?;
    disk::write_atomic(&path, pem.expose(), 0o600)?;
    disk::write_atomic(&public_file(&path), public.as_bytes(), 0o644)?;
    Ok(Held::Pem { path, key })
}

/// The public half that a file holds.
pub fn public(path: &Path) -> Result<Key, PublishError> {
    let pem = disk::read_text_limited(path, KEY_LIMIT)?;
    Key::from_pem(&pem).ok_or_else(|| PublishError::PublicKey(path.to_path_buf()))
}

impl Keys {
    /// Those of the `wanted` keys that are at hand. Others are not even decrypted, where their public half lies beside them.
    pub fn load(&self, wanted: &[Key]) -> Result<Vec<Held>, PublishError> {
        let mut held = Vec::new();
        for path in self.files()? {
            let beside = public_file(&path);
            let known = if disk::exists(&beside)? {
                Some(public(&beside)?)
            } else {
                None
            };
            if known.as_ref().is_some_and(|key| !wanted.contains(key)) {
                continue;
            }
            let one = match (path.extension().is_some_and(|ending| ending == "pem"), known) {
                (true, known) => self.pem(path, known.as_ref())?,
                (false, Some(key)) => command(path, key)?,
                (false, None) => return Err(PublishError::NoPublicHalf(path)),
            };
            if wanted.contains(&one.key()) {
                held.push(one);
            }
        }
        Ok(held)
    }

    /// As [`Self::load`]; refused where there are keys and none of them is wanted. Where there are none, others are to sign.
    pub fn load_some(&self, wanted: &[Key]) -> Result<Vec<Held>, PublishError> {
        let held = self.load(wanted)?;
        if held.is_empty() && !self.files()?.is_empty() {
            let folders: Vec<String> = self.dirs.iter().map(|dir| dir.display().to_string()).collect();
            return Err(PublishError::NoneOfOurs {
                folders: folders.join(", "),
            });
        }
        Ok(held)
    }

    /// The file that belongs to a key, by its public half.
    pub fn file_of(&self, key: &Key) -> Result<Option<PathBuf>, PublishError> {
        for path in self.files()? {
            let beside = public_file(&path);
            if disk::exists(&beside)? && public(&beside)? == *key {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Whether any of the private keys is encrypted.
    pub fn need_passphrase(&self) -> Result<bool, PublishError> {
        for path in self
            .files()?
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "pem"))
        {
            if disk::read_text_limited(path, KEY_LIMIT)?.contains("ENCRYPTED PRIVATE KEY") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn pem(&self, path: PathBuf, known: Option<&Key>) -> Result<Held, PublishError> {
        let pem = disk::read_text_limited(&path, KEY_LIMIT)?;
        let mode = meta(&path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(PublishError::Exposed { path, mode });
        }
        let key = SigningKey::from_pem(&pem, self.passphrase.as_ref()).map_err(|source| PublishError::Key {
            path: path.clone(),
            source,
        })?;
        if known.is_some_and(|known| *known != key.key()) {
            return Err(PublishError::OtherHalf(path));
        }
        Ok(Held::Pem { path, key })
    }

    fn files(&self) -> Result<Vec<PathBuf>, PublishError> {
        let mut files = Vec::new();
        for dir in &self.dirs {
            for path in listed(dir)? {
                if path.is_dir() {
                    files.extend(listed(&path)?);
                } else {
                    files.push(path);
                }
            }
            if files.len() > FILES {
                return Err(PublishError::NotAKeyFolder(dir.clone()));
            }
        }
        files.retain(|path| {
            path.extension()
                .is_some_and(|ending| ending == "pem" || ending == "signer")
        });
        files.sort();
        files.dedup();
        Ok(files)
    }
}

fn command(path: PathBuf, key: Key) -> Result<Held, PublishError> {
    let mode = meta(&path)?.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(PublishError::Changeable { path, mode });
    }
    Ok(Held::Command { path, key })
}

fn public_file(path: &Path) -> PathBuf {
    path.with_extension("pub")
}

fn meta(path: &Path) -> Result<Metadata, PublishError> {
    std::fs::metadata(path).map_err(|source| PublishError::Read {
        path: path.to_path_buf(),
        source,
    })
}

fn listed(dir: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let read = std::fs::read_dir(dir).and_then(|found| found.take(FILES + 1).map(|one| Ok(one?.path())).collect());
    read.map_err(|source| PublishError::Read {
        path: dir.to_path_buf(),
        source,
    })
}
