//! Checkpoints that leave the host: appended to a file on another machine's disk, or posted to a web server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{AppError, Installation, Result};
use crate::fetch::{self, Posting, Proxies};
use crate::named;
use crate::store::AuditCheckpoint;
use crate::{disk, settings};

/// A file of copies; a line has about 300 bytes.
const FILE_LIMIT: u64 = 256 << 20;

/// Durable where it arrives, or an error.
pub fn send(place: &str, checkpoint: &AuditCheckpoint, limit: Duration) -> Result<()> {
    let line = serde_json::to_string(checkpoint).map_err(|e| AppError::below("NL0721", &e))?;
    let failed = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0721", e);
    let Some(path) = file(place) else {
        // Secrets in the address are not shown.
        let posting = Posting {
            url: place,
            shown: place.split(['?', '#']).next().unwrap_or_default(),
            content_type: "application/json",
            headers: &[],
            body: &line,
            limit,
        };
        return fetch::post(posting, &Proxies::of(&settings::proxies())).map_err(|e| failed(&e));
    };
    let mut file = disk::append(&path).map_err(|e| failed(&e))?;
    // In one piece, so that lines of two installations never mix.
    let written = file.write_all(format!("{line}\n").as_bytes());
    written.and_then(|()| file.sync_all()).map_err(|e| {
        let message = format!("cannot write the copy of a checkpoint to {}: {e}", path.display());
        AppError::said("NL0721", message)
    })
}

/// None where the copies are on a web server, or nowhere.
pub fn read_configured(installation: &Installation) -> Result<Vec<AuditCheckpoint>> {
    match installation.settings.audit.copy_to.as_deref().and_then(file) {
        Some(path) if disk::exists(&path)? => read(&path),
        _ => Ok(Vec::new()),
    }
}

/// A line each, as they were sent.
pub fn read(path: &Path) -> Result<Vec<AuditCheckpoint>> {
    let text = disk::read_text_limited(path, FILE_LIMIT)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        named::from_json(line.as_bytes()).map_err(|e| {
            let message = format!("line {} of {} is no checkpoint: {e}", at + 1, path.display());
            AppError::said("NL0721", message)
        })
    };
    lines.map(read).collect()
}

/// What is not the address of a web server is a file.
fn file(place: &str) -> Option<PathBuf> {
    let is_web = place.starts_with("http://") || place.starts_with("https://");
    (!is_web).then(|| PathBuf::from(place.strip_prefix("file://").unwrap_or(place)))
}
