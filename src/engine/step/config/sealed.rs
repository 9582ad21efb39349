//! The ways back of configuration files, kept until they are needed: they hold whole files, and so secrets. They are sealed with
//! a key of the installation, and say which version and file they are of.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;

use base64ct::{Base64, Encoding};

use super::Way;
use crate::crypt::{Opener, Sealer, Secret, random};
use crate::disk;
use crate::engine::StepError;
use crate::migrate::config::Inverse;
use crate::release::RelPath;
use crate::version::Version;

const KEY_LENGTH: usize = 32;
/// Two texts of the largest configuration, as JSON.
const LIMIT: u64 = 256 << 20;

fn failed(e: &(dyn std::error::Error + 'static)) -> StepError {
    StepError::because("NL0312", e)
}

fn key_file(way: &Way<'_>) -> PathBuf {
    way.layout.config_key()
}

/// Made when it is needed first.
fn key(way: &Way<'_>) -> Result<Secret, StepError> {
    let path = key_file(way);
    if !disk::exists(&path).map_err(|e| failed(&e))? {
        disk::write_atomic(&path, &random::<KEY_LENGTH>(), 0o600).map_err(|e| failed(&e))?;
    }
    existing_key(way)
}

fn existing_key(way: &Way<'_>) -> Result<Secret, StepError> {
    let path = key_file(way);
    let bytes = disk::read_limited(&path, 2 * KEY_LENGTH as u64).map_err(|e| failed(&e))?;
    if bytes.len() != KEY_LENGTH {
        let message = format!(
            "{} is not the key that the ways back of the configuration are sealed with",
            path.display()
        );
        return Err(StepError::new("NL0312", message));
    }
    Ok(Secret::new(bytes))
}

fn context(version: &Version, file: &RelPath) -> Vec<u8> {
    format!("netlink config inverse {version} {file}").into_bytes()
}

/// Keeps how to take back what the migration of `version` did to the file.
pub fn keep(way: &Way<'_>, version: &Version, file: &RelPath, inverse: &Inverse) -> Result<(), StepError> {
    let json = serde_json::to_vec(inverse).map_err(|e| failed(&e))?;
    let sealed = Sealer::new(Vec::new(), &key(way)?, &context(version, file)).and_then(|mut sealer| {
        sealer.write_all(&json)?;
        sealer.finish()
    });
    let text = Base64::encode_string(&sealed.map_err(|e| failed(&e))?);
    way.store
        .keep_config_inverse(version, file.as_str(), &text)
        .map_err(|e| failed(&e))
}

/// What is kept for a file, still sealed, oldest first.
pub fn kept(way: &Way<'_>, file: &RelPath) -> Result<BTreeMap<Version, String>, StepError> {
    way.store.config_inverses(file.as_str()).map_err(|e| failed(&e))
}

pub fn open(way: &Way<'_>, version: &Version, file: &RelPath, sealed: &str) -> Result<Inverse, StepError> {
    let damaged = |why: &str| {
        let message = format!("the way back of {file} from {version} cannot be opened: {why}");
        StepError::new("NL0312", message)
    };
    let bytes = Base64::decode_vec(sealed).map_err(|e| damaged(&e.to_string()))?;
    let mut json = Vec::new();
    let opened = Opener::new(&*bytes, &existing_key(way)?, &context(version, file))
        .and_then(|opener| opener.take(LIMIT).read_to_end(&mut json));
    opened.map_err(|e| damaged(&e.to_string()))?;
    serde_json::from_slice(&json).map_err(|e| damaged(&e.to_string()))
}
