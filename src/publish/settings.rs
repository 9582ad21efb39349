//! What a publisher has decided for a repository, in a file beside the metadata. Clients never ask for it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::PublishError;
use crate::disk;
use crate::named;
use crate::tuf::Lifetimes;

pub const SETTINGS: &str = "publisher.json";
const LIMIT: u64 = 64 << 10;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    lifetimes: Lifetimes,
}

/// How long what is signed is good for.
pub fn lifetimes(repository: &Path) -> Result<Lifetimes, PublishError> {
    let path = repository.join(SETTINGS);
    let text = match disk::read_text_limited(&path, LIMIT) {
        Err(e) if e.is_missing() => return Ok(Lifetimes::default()),
        read => read?,
    };
    let wrong = |reason: String| PublishError::Settings {
        path: path.clone(),
        reason,
    };
    let settings: Settings = named::from_json(text.as_bytes()).map_err(|e| wrong(e.to_string()))?;
    settings.lifetimes.checked().map_err(|e| wrong(e.to_string()))
}

pub fn keep(repository: &Path, lifetimes: Lifetimes) -> Result<(), PublishError> {
    let mut text = serde_json::to_vec_pretty(&Settings { lifetimes }).unwrap_or_default();
    text.push(b'\n');
    Ok(disk::write_atomic(&repository.join(SETTINGS), &text, 0o644)?)
}
