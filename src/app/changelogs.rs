//! Changelog files of a publisher: read, checked, drafted.

use std::path::Path;

use super::{AppError, Result};
use crate::release::changelog::{self, AnyDocument, Change, Finding, Grammar, INPUT_LIMIT};
use crate::version::{Dotted, Version};
use crate::{clock, disk, git};

/// Any changelog file; without a grammar, in the one that its headings are in.
pub fn read_changelog(path: &Path, grammar: Option<Grammar>) -> Result<AnyDocument> {
    Ok(changelog::read_any(&text(path)?, grammar))
}

/// What to mend in a changelog file before it is published.
pub fn check_changelog(path: &Path, grammar: Option<Grammar>) -> Result<Vec<Finding>> {
    Ok(changelog::check_any(&text(path)?, grammar, today()))
}

/// A new changelog out of the commits that HEAD has and `since` has not.
pub fn draft_changelog(repository: &Path, since: &str, version: Option<&str>) -> Result<String> {
    let title = match version {
        None => "Unreleased".to_owned(),
        Some(version) => {
            let parsed = match changelog::grammar_of(version) {
                Grammar::Lifecycle => version.parse::<Version>().map(drop),
                Grammar::Dotted => version.parse::<Dotted>().map(drop),
            };
            parsed.map_err(|e| AppError::below("NL0101", &e))?;
            format!("{version} - {}", today())
        }
    };
    let commits = git::commits_since(repository, since).map_err(|e| AppError::said("NL0506", e.to_string()))?;
    let changes = commits.iter().map(|commit| Change {
        id: &commit.id,
        message: &commit.message,
    });
    Ok(changelog::draft(&title, changes))
}

fn text(path: &Path) -> Result<String> {
    disk::read_text_limited(path, INPUT_LIMIT).map_err(|e| AppError::below("NL0504", &e))
}

fn today() -> jiff::civil::Date {
    clock::date_of(clock::now())
}
