//! Everything that an operator would look at before trusting an installation, looked at in one go. Changes nothing but the
//! trusted metadata.

mod machine;
mod safety;
mod state;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::{AppError, Installation, Result};

/// What was found, in the order in which it was looked for.
#[derive(Debug, Serialize)]
pub struct Examined {
    pub findings: Vec<Diagnosis>,
    pub wrong: usize,
    pub warnings: usize,
}

#[derive(Debug, Serialize)]
pub struct Diagnosis {
    pub about: About,
    pub verdict: Verdict,
    /// What was found and, where something should be done, what.
    pub found: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    Settings,
    State,
    Secrets,
    Room,
    Confinement,
    Release,
    Updates,
    Repository,
    Backups,
    Audit,
    Notices,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It goes on as it is, and should be seen to.
    Warning,
    Wrong,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Settings => "settings",
            Self::State => "state",
            Self::Secrets => "secrets",
            Self::Room => "room",
            Self::Confinement => "confinement",
            Self::Release => "release",
            Self::Updates => "updates",
            Self::Repository => "repository",
            Self::Backups => "backups",
            Self::Audit => "audit",
            Self::Notices => "notices",
        })
    }
}

/// What a look gives: each finding, or why it could not look.
type Findings = Result<Vec<(Verdict, String)>>;

type Look = fn(&Installation) -> Findings;

const LOOKS: [(About, Look); 11] = [
    (About::Settings, state::settings),
    (About::State, state::state),
    (About::Secrets, machine::secrets),
    (About::Room, machine::room),
    (About::Confinement, machine::confinement),
    (About::Release, state::release),
    (About::Updates, state::updates),
    (About::Repository, safety::repository),
    (About::Backups, safety::backups),
    (About::Audit, safety::audit),
    (About::Notices, safety::notices),
];

/// Looks at all of it, also where some of it cannot be looked at.
pub fn examine(root: &Path, config: Option<&Path>) -> Result<Examined> {
    let findings = match Installation::open(root, config) {
        Ok(installation) => LOOKS
            .iter()
            .flat_map(|(about, look)| told(*about, look(&installation)))
            .collect(),
        Err(error @ AppError::NotAnInstallation(_)) => return Err(error),
        Err(error) => {
            let about = match error.code().id {
                "NL0403" => About::Settings,
                _ => About::State,
            };
            told(about, Err(error))
        }
    };
    let count = |verdict| {
        findings
            .iter()
            .filter(|one: &&Diagnosis| one.verdict == verdict)
            .count()
    };
    Ok(Examined {
        wrong: count(Verdict::Wrong),
        warnings: count(Verdict::Warning),
        findings,
    })
}

fn told(about: About, found: Findings) -> Vec<Diagnosis> {
    let found = found.unwrap_or_else(|error| {
        let code = error.code();
        vec![(Verdict::Wrong, format!("{error} [{}]", code.id))]
    });
    let diagnosis = |(verdict, found)| Diagnosis { about, verdict, found };
    found.into_iter().map(diagnosis).collect()
}

/// One that says that all is well, where nothing else was found.
fn or_well(found: Vec<(Verdict, String)>, well: impl FnOnce() -> String) -> Vec<(Verdict, String)> {
    match found.is_empty() {
        true => vec![(Verdict::Ok, well())],
        false => found,
    }
}

fn all(verdict: Verdict, found: impl IntoIterator<Item = String>) -> Vec<(Verdict, String)> {
    found.into_iter().map(|one| (verdict, one)).collect()
}
