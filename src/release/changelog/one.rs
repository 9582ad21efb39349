//! The changelog of exactly one release, as it is published beside its packages.

use super::front::FrontError;
use super::model::Changelog;
use super::reader::{self, WarningKind};
use crate::version::{Scheme, Version};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangelogError<V: Scheme = Version> {
    #[error("the changelog of {expected} is headed `{found}`; each release has a changelog of its own")]
    OtherVersion { expected: V, found: String },
    #[error("the changelog of {version} has no entry")]
    Empty { version: V },
    #[error("the changelog of {version}: {error}")]
    Front { version: V, error: FrontError },
    #[error("the changelog of {version}: its front matter names no `version`, and there are {releases} releases")]
    NoVersion { version: V, releases: usize },
}

impl<V: Scheme> Changelog<V> {
    /// Reads the changelog of `version`: a file of that version alone, or one of many that it is among. A file of other
    /// versions is refused.
    pub fn parse(version: &V, text: &str) -> Result<Self, ChangelogError<V>> {
        let fail = |found: String| ChangelogError::OtherVersion {
            expected: version.clone(),
            found,
        };
        let mut document = reader::read::<V>(text);
        for warning in &document.warnings {
            match &warning.kind {
                WarningKind::Front(error) => {
                    return Err(ChangelogError::Front {
                        version: version.clone(),
                        error: error.clone(),
                    });
                }
                WarningKind::NoVersion(releases) => {
                    return Err(ChangelogError::NoVersion {
                        version: version.clone(),
                        releases: *releases,
                    });
                }
                _ => {}
            }
        }
        let front = document.front.take();
        if let Some(other) = front
            .as_ref()
            .and_then(|front| front.version.as_ref())
            .filter(|named| *named != version)
        {
            return Err(fail(other.to_string()));
        }
        let mut found = match document.releases.iter().position(|release| release.version == *version) {
            Some(at) => document.releases.swap_remove(at),
            None => {
                let odd = document.warnings.into_iter().find_map(|warning| match warning.kind {
                    WarningKind::NotUnderstood(heading) => Some(heading),
                    _ => None,
                });
                let first = document.releases.first().map(|release| release.version.to_string());
                if let Some(heading) = odd.or(first) {
                    return Err(fail(heading));
                }
                Self {
                    body: document.opening,
                    ..Self::bare(version.clone())
                }
            }
        };
        if let Some(front) = front {
            front.apply(&mut found);
        }
        if found.body.is_empty() && found.notes.is_empty() {
            return Err(ChangelogError::Empty {
                version: version.clone(),
            });
        }
        Ok(found)
    }
}
