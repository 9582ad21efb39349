//! The configuration, in the shape of each edition; a key of another edition is refused, not ignored.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Edition;

const MAX_CONFIG_BYTES: u64 = 64 * 1024;
/// Keeps the longest message, escaped in JSON, well below [`crate::serve::MAX_BODY`].
const LONGEST_MESSAGE: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub listen: SocketAddr,
    pub title: String,
    /// Characters in a message.
    pub max_length: usize,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the configuration {} is larger than 64 KiB", path.display())]
    TooLarge { path: PathBuf },
    #[error(
        "{} is not a configuration of this version, which expects exactly the keys {expected}: {}",
        path.display(),
        source.to_string().trim_end()
    )]
    OfAnother {
        path: PathBuf,
        expected: &'static str,
        source: Box<toml_edit::de::Error>,
    },
    #[error("{}: the longest message must be 1 to {LONGEST_MESSAGE} characters, not {found}", path.display())]
    MaxLength { path: PathBuf, found: usize },
}

impl Config {
    pub(crate) fn read(edition: Edition, path: &Path) -> Result<Self, ConfigError> {
        let text = read_limited(path)?;
        let of_another = |source| ConfigError::OfAnother {
            path: path.to_owned(),
            expected: edition.config_keys(),
            source: Box::new(source),
        };
        let config = parse(edition, &text).map_err(of_another)?;
        if !(1..=LONGEST_MESSAGE).contains(&config.max_length) {
            return Err(ConfigError::MaxLength {
                path: path.to_owned(),
                found: config.max_length,
            });
        }
        Ok(config)
    }
}

fn read_limited(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let read = file
        .take(MAX_CONFIG_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if read as u64 > MAX_CONFIG_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    Ok(text)
}

fn parse(edition: Edition, text: &str) -> Result<Config, toml_edit::de::Error> {
    match edition {
        Edition::Alpha => shaped::<Alpha>(text),
        Edition::Beta => shaped::<Beta>(text),
        Edition::Release => shaped::<Release>(text),
    }
}

fn shaped<Shape: DeserializeOwned + Into<Config>>(text: &str) -> Result<Config, toml_edit::de::Error> {
    toml_edit::de::from_str::<Shape>(text).map(Into::into)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alpha {
    listen: SocketAddr,
    title: String,
    max_message: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beta {
    listen: SocketAddr,
    title: String,
    max_length: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    server: Server,
    site: Site,
    limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    listen: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    max_length: usize,
}

impl From<Alpha> for Config {
    fn from(shape: Alpha) -> Self {
        Self {
            listen: shape.listen,
            title: shape.title,
            max_length: shape.max_message,
        }
    }
}

impl From<Beta> for Config {
    fn from(shape: Beta) -> Self {
        Self {
            listen: shape.listen,
            title: shape.title,
            max_length: shape.max_length,
        }
    }
}

impl From<Release> for Config {
    fn from(shape: Release) -> Self {
        Self {
            listen: shape.server.listen,
            title: shape.site.title,
            max_length: shape.limits.max_length,
        }
    }
}
