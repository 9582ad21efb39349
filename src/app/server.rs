//! What the server needs of an installation besides its verbs: the token that lets in, and going on after a restart.

use std::path::Path;
use std::sync::Arc;

use super::status::{Running, status};
use super::updating::resume;
use super::{AppError, Installation, Report, Result};
use crate::crypt::{self, Secret};
use crate::disk;
use crate::engine::Control;
use crate::journal::PauseReason;

const TOKEN_LIMIT: u64 = 4096;

/// The bearer token of this installation's server; made when the server first starts, readable by the owner alone.
pub fn server_token(installation: &Installation) -> Result<Secret> {
    let path = installation.layout.token();
    match disk::read_text_limited(&path, TOKEN_LIMIT) {
        Ok(text) if text.trim().len() >= 32 => return Ok(Secret::from(text.trim().to_owned())),
        Ok(_) => {
            let message = format!("{} is too short for a token; remove it and start again", path.display());
            return Err(AppError::said("NL0704", message));
        }
        Err(e) if e.is_missing() => {}
        Err(e) => return Err(e.into()),
    }
    let token = hex::encode(crypt::random::<32>());
    disk::write_atomic(&path, format!("{token}\n").as_bytes(), 0o600)?;
    Ok(Secret::from(token))
}

/// Goes on with an update that died or that the end of a server paused; one that waits for a person keeps waiting.
pub fn go_on_after_restart(root: &Path, config: Option<&Path>, control: &Arc<Control>) -> Result<Option<Report>> {
    let update = status(&Installation::open(root, config)?, None)?.update;
    match update.map(|update| update.running) {
        Some(
            Running::Died
            | Running::Waiting {
                reason: PauseReason::ServerEnded,
            },
        ) => resume(root, config, control, &mut |_| {}),
        _ => Ok(None),
    }
}
