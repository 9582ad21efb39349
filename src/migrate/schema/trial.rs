//! A migration tried on a copy: whether it works, how long each file takes, and which ways down lead back to where it came from.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::directives::Transaction;
use super::down::{down_with, manner_of, take_back};
use super::driver::{in_vain, run_foreign_sql};
use super::error::StepError;
use super::files::{LevelFiles, SchemaFiles, Script};
use super::shape::{Shape, quick_check, shape};
use super::stored::{NO_WAY_DOWN, StoredLevel};
use super::up::{one_up, pending};
use super::{FileRun, SchemaError, checks, open};
use crate::clock::Deadline;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// In the order of the run.
    pub files: Vec<TriedFile>,
    /// What somebody should know of the files.
    pub told: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriedFile {
    pub level: u32,
    /// The name of the file.
    pub title: String,
    pub seconds: f64,
    /// That were inserted, updated or deleted.
    pub rows: u64,
    /// Of a way up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
}

/// Whether a level can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum WayBack {
    /// Down gave the schema from before, and up again the one from after.
    Rehearsed,
    None {
        reason: String,
    },
}

impl Trial {
    /// How long the moves themselves took, without the ways back that were tried.
    pub fn seconds(&self) -> f64 {
        self.files.iter().map(|file| file.seconds).sum()
    }

    pub fn way_back(&self, level: u32) -> Option<&WayBack> {
        self.files.iter().find(|file| file.level == level)?.way_back.as_ref()
    }
}

/// Migrates `copy`, which the caller made and throws away. Each file's way down is tried where it stands, and taken back.
pub fn trial_up(copy: &Path, files: &SchemaFiles, to: u32, budget: Duration) -> Result<Trial, SchemaError> {
    let from = pending(copy, files, to)?;
    let mut trial = Trial {
        files: Vec::new(),
        told: files.lint(from, to)?,
    };
    let reading = open::at("read the schema of", copy);
    let mut connection = open::for_migration(copy)?;
    let deadline = Deadline::after(budget);
    give_up_at(&mut connection, deadline).map_err(open::at("prepare", copy))?;
    for (level, step) in files.between(from, to) {
        let before = shape(&connection).map_err(&reading)?;
        let run = one_up(&mut connection, step, level, before, &mut |_| !deadline.has_passed())
            .map_err(|e| over_budget(e, budget))?;
        let way_back = way_back(&mut connection, step, level, &run.before);
        let way_back = way_back.map_err(|e| over_budget(e, budget))?;
        trial.files.push(TriedFile::of(&run, Some(way_back)));
    }
    open::close(connection, copy)?;
    quick_check(copy)?;
    Ok(trial)
}

/// Takes `copy` down as [`super::down`] would take the database itself.
pub fn trial_down(copy: &Path, stored: &[StoredLevel], to: u32, budget: Duration) -> Result<Trial, SchemaError> {
    let run = down_with(copy, stored, to, |connection| {
        give_up_at(connection, Deadline::after(budget))
    });
    let applied = run.map_err(|e| over_budget(e, budget))?;
    quick_check(copy)?;
    Ok(Trial {
        files: applied.files().iter().map(|run| TriedFile::of(run, None)).collect(),
        told: Vec::new(),
    })
}

impl TriedFile {
    fn of(run: &FileRun, way_back: Option<WayBack>) -> Self {
        Self {
            level: run.level,
            title: run.title.clone(),
            seconds: run.seconds,
            rows: run.rows,
            way_back,
        }
    }
}

/// SQLite asks between so many of its instructions; some milliseconds.
const INSTRUCTIONS: i32 = 100_000;

fn give_up_at(connection: &mut Connection, deadline: Deadline) -> rusqlite::Result<()> {
    connection.progress_handler(INSTRUCTIONS, Some(move || deadline.has_passed()))
}

fn over_budget(error: SchemaError, budget: Duration) -> SchemaError {
    match error {
        SchemaError::Migration { source, .. } if source.is_interrupted() => SchemaError::OverBudget { budget },
        error => error,
    }
}

fn way_back(
    connection: &mut Connection,
    step: &LevelFiles,
    level: u32,
    before: &Shape,
) -> Result<WayBack, SchemaError> {
    let none = |reason: &str| {
        let reason = reason.to_owned();
        Ok(WayBack::None { reason })
    };
    let down = match (&step.directives.irreversible, step.usable_down()) {
        (Some(why), _) => return none(why),
        (None, None) => return none(NO_WAY_DOWN),
        (None, Some(down)) => down,
    };
    match rehearse(connection, (step, down), level, before) {
        Ok(()) => Ok(WayBack::Rehearsed),
        Err(source) if source.is_interrupted() => Err(SchemaError::Migration {
            level,
            name: step.migration.name().to_owned(),
            whole: true,
            source: Box::new(source),
        }),
        Err(e) => none(&format!(
            "its way down was tried on a copy and does not lead back: {}",
            told(&e)
        )),
    }
}

/// Down and up again, of which nothing stays: so each level is tried from where it is, whatever comes of the others.
fn rehearse(
    connection: &mut Connection,
    (step, down): (&LevelFiles, &Script),
    level: u32,
    before: &Shape,
) -> Result<(), StepError> {
    let after = shape(connection)?;
    let is = |connection: &Connection, expected: &Shape, what: &str| match shape(connection)?.differs_from(expected) {
        None => Ok(()),
        Some(difference) => Err(StepError::OtherSchema {
            difference: format!("{what}{difference}"),
        }),
    };
    in_vain(connection, manner_of(&down.sql), |connection| {
        take_back(connection, level, &down.sql)?;
        is(connection, before, "")?;
        // What cannot be in one transaction cannot be tried again in this one.
        if step.directives.transaction == Transaction::Statements {
            return Ok(());
        }
        run_foreign_sql(connection, &step.up.sql)?;
        if let Some(verify) = &step.verify {
            checks::verified(connection, verify)?;
        }
        is(connection, &after, "after going up again, ")
    })
}

/// With its causes, in one sentence.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
