//! Secrets from outside: key files that only their owner reads, private halves, and secret stores.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::lock::lock_folder;
use super::wrap::Material;
use super::{KeysError, PrivateHalf, Result};
use crate::crypt::{Secret, random};
use crate::disk;
use crate::host::{CommandError, Run, command_mark};

/// Of any secret, in bytes.
const SECRET_LIMIT: usize = 4096;
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// A command that prints a secret; it runs in the installation's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretCommand {
    pub argv: Vec<String>,
    pub dir: PathBuf,
}

/// The key in a file of 64 hex digits; none when it is not there.
pub fn read_key(path: &Path) -> Result<Option<Material>> {
    let Some(text) = read_private(path)? else {
        return Ok(None);
    };
    match raw(&text) {
        Some(key) => Ok(Some(Material::Raw(key))),
        None => Err(KeysError::KeyFile {
            path: path.to_path_buf(),
            problem: "expected 64 hex digits; put the right file back, a new key opens no old backup",
        }),
    }
}

pub fn existing_key(path: &Path) -> Result<Material> {
    read_key(path)?.ok_or_else(|| KeysError::NoKeyFile {
        path: path.to_path_buf(),
    })
}

/// The key at `path`, made when there is none. Two that both find none end with one.
pub fn key_or_new(path: &Path) -> Result<Material> {
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    disk::create_dir_all(above)?;
    let _lock = lock_folder(above)?;
    match read_key(path)? {
        Some(key) => Ok(key),
        None => new_key(path),
    }
}

/// Writes a new key, over what may be at `path`.
pub fn new_key(path: &Path) -> Result<Material> {
    let key = Zeroizing::new(random::<32>());
    let mut digits = Zeroizing::new([0; 65]);
    digits[64] = b'\n';
    hex::encode_to_slice(key.as_slice(), &mut digits[..64]).map_err(|_| KeysError::Seal("a key has 64 digits"))?;
    disk::write_atomic(path, digits.as_slice(), 0o600)?;
    Ok(Material::Raw(Secret::new(key.to_vec())))
}

/// The private half in a file that `new_recipient` wrote.
pub fn read_half(path: &Path) -> Result<PrivateHalf> {
    let text = read_private(path)?.ok_or_else(|| KeysError::NoKeyFile {
        path: path.to_path_buf(),
    })?;
    let text = std::str::from_utf8(text.expose()).map_err(|_| super::RecipientError::Private)?;
    Ok(PrivateHalf::parse(text)?)
}

/// Makes a pair and writes its private half for its owner alone, never over something.
pub fn new_half(path: &Path) -> Result<PrivateHalf> {
    if disk::exists(path)? {
        return Err(KeysError::InTheWay {
            path: path.to_path_buf(),
        });
    }
    let half = PrivateHalf::generate();
    let text = Zeroizing::new([half.text().expose(), b"\n"].concat());
    disk::write_atomic(path, &text, 0o600)?;
    Ok(half)
}

/// A passphrase or code in a file, without the end of its line.
pub fn read_words(path: &Path) -> Result<Secret> {
    Ok(without_line_end(&read_secret(path)?))
}

/// A text from a secret store: 64 hex digits are a key, anything else is stretched like a passphrase.
pub fn of_store(from: &str, value: &Secret) -> Result<Material> {
    let refused = |problem: &str| KeysError::NoSecret {
        from: from.to_owned(),
        problem: problem.to_owned(),
    };
    let text = without_line_end(value);
    if text.expose().is_empty() {
        return Err(refused("it is empty"));
    }
    if text.expose().len() > SECRET_LIMIT {
        return Err(refused("it is longer than 4096 bytes"));
    }
    Ok(raw(&text).map_or(Material::Text(text), Material::Raw))
}

impl SecretCommand {
    /// Runs it with a time limit. Nothing that it printed is ever repeated: some of it is the secret.
    pub fn ask(&self) -> Result<Material> {
        let run = Run {
            argv: self.argv.clone(),
            dir: self.dir.clone(),
            env: command_mark(&self.dir),
            stdin: Vec::new(),
            limit: COMMAND_LIMIT,
        };
        let finished = match run.run() {
            Ok(finished) => finished,
            Err(CommandError::TimedOut { limit, .. }) => {
                return Err(KeysError::Slow {
                    command: self.name(),
                    limit,
                });
            }
            Err(error) => return Err(self.failed(cause(&error))),
        };
        let (status, secret) = (finished.status, Secret::from(finished.stdout));
        if !status.success() {
            return Err(self.failed(format!("it ended with {status}; run it by hand to see why")));
        }
        of_store(&format!("`{}`", self.name()), &secret)
    }

    /// The program alone: its arguments may be nobody's business.
    pub fn name(&self) -> String {
        self.argv.first().cloned().unwrap_or_default()
    }

    fn failed(&self, problem: String) -> KeysError {
        KeysError::NoSecret {
            from: format!("`{}`", self.name()),
            problem,
        }
    }
}

fn cause(error: &CommandError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn raw(text: &Secret) -> Option<Secret> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.expose().trim_ascii(), bytes.as_mut_slice()).ok()?;
    Some(Secret::new(bytes.to_vec()))
}

/// Editors and commands end a text with a line feed that nobody means.
pub fn without_line_end(text: &Secret) -> Secret {
    let bytes = text.expose();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    Secret::new(bytes.strip_suffix(b"\r").unwrap_or(bytes).to_vec())
}

/// A file that others may not read; none when it is not there.
fn read_private(path: &Path) -> Result<Option<Secret>> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(KeysError::io("look at", path, e)),
    };
    if !meta.is_file() {
        return Err(KeysError::KeyFile {
            path: path.to_path_buf(),
            problem: "it is not a file",
        });
    }
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Exposed {
            path: path.to_path_buf(),
            mode,
        });
    }
    read_secret(path).map(Some)
}

/// The content of a file, read into memory that never grows, which would leave a copy behind.
fn read_secret(path: &Path) -> Result<Secret> {
    let mut text = Zeroizing::new(Vec::with_capacity(SECRET_LIMIT + 64));
    let read = File::open(path).and_then(|file| file.take(SECRET_LIMIT as u64 + 1).read_to_end(&mut text));
    read.map_err(|e| KeysError::io("read", path, e))?;
    if text.len() > SECRET_LIMIT {
        return Err(KeysError::KeyFile {
            path: path.to_path_buf(),
            problem: "it is longer than the 4096 bytes of a secret",
        });
    }
    Ok(Secret::new(std::mem::take(&mut *text)))
}
