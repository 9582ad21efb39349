//! Secrets from people: typed at a terminal, in a file, or on standard input.

use std::io::{IsTerminal, Read};
use std::path::Path;

use super::args::UnlockArgs;
use super::output::{Failed, Result};
use crate::app::{self, AppError};
use crate::backup::keys::{KeysError, RecoveryCode, Unlock, without_line_end};
use crate::crypt::Secret;

const LIMIT: u64 = 4096;

impl UnlockArgs {
    /// The way of opening that was named, if any was.
    pub fn unlock(&self) -> Result<Option<Unlock>> {
        if let Some(path) = &self.key_file {
            return Ok(Some(Unlock::KeyFile(path.clone())));
        }
        if let Some(path) = &self.recovery {
            return Ok(Some(Unlock::Recovery(path.clone())));
        }
        if self.passphrase {
            return Ok(Some(Unlock::Passphrase(asked("Passphrase of the backups:", false)?)));
        }
        if let Some(path) = &self.passphrase_file {
            return Ok(Some(Unlock::Passphrase(in_file(path)?)));
        }
        if self.recovery_code {
            return code(&asked("Recovery code:", false)?).map(Some);
        }
        let file = self.recovery_code_file.as_deref();
        file.map(|path| code(&in_file(path)?)).transpose()
    }

    /// Something is to open the backups that the settings do not name.
    pub fn is_given(&self) -> bool {
        let files = [
            &self.key_file,
            &self.passphrase_file,
            &self.recovery,
            &self.recovery_code_file,
        ];
        self.passphrase || self.recovery_code || files.into_iter().any(Option::is_some)
    }

    /// Whether it is read from standard input.
    pub fn takes_input(&self) -> bool {
        [&self.passphrase_file, &self.recovery_code_file]
            .into_iter()
            .flatten()
            .any(|path| is_input(path))
    }
}

/// A new passphrase, typed twice.
pub fn new_passphrase() -> Result<Secret> {
    asked("New passphrase of the backups:", true)
}

/// The text of a file, or of standard input for `-`.
pub fn in_file(path: &Path) -> Result<Secret> {
    if !is_input(path) {
        return Ok(app::read_secret_file(path)?);
    }
    let mut text = Vec::with_capacity(LIMIT as usize + 64);
    let read = std::io::stdin().lock().take(LIMIT + 1).read_to_end(&mut text);
    let text = Secret::new(text);
    read.map_err(|e| AppError::below("NL0624", &e))?;
    if text.expose().len() as u64 > LIMIT {
        let message = format!("standard input has more than the {LIMIT} bytes of a secret");
        return Err(Failed::said("NL0624", message));
    }
    Ok(without_line_end(&text))
}

pub fn is_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn code(text: &Secret) -> Result<Unlock> {
    let text = String::from_utf8_lossy(text.expose());
    let code = text.parse::<RecoveryCode>().map_err(KeysError::from);
    let code = code.map_err(|e| AppError::below(e.code(), &e))?;
    Ok(Unlock::RecoveryCode(code))
}

/// Without a terminal it is refused, never waited for.
fn asked(question: &str, twice: bool) -> Result<Secret> {
    if !std::io::stdin().is_terminal() {
        let message = "there is no terminal to ask for a secret on; give it in a file, or `-` for standard input";
        return Err(Failed::said("NL0108", message));
    }
    let prompt = inquire::Password::new(question);
    let prompt = if twice { prompt } else { prompt.without_confirmation() };
    let text = prompt.prompt().map_err(|e| AppError::below("NL0108", &e))?;
    Ok(Secret::from(text))
}
