//! A migration tried on a copy: whether it works, how long each file takes, and which ways down lead back to where it came from.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::database::{Connection, Database, Manner, Place, at};
use super::directives::Transaction;
use super::down::{down_with, said_in, sql_and_row, take_back};
use super::driver::{in_vain, run_whole};
use super::error::{StepError, told};
use super::files::{LevelFiles, SchemaFiles, Script};
use super::shape::{Shape, quick_check};
use super::sql::Dialect;
use super::stored::{NO_WAY_DOWN, StoredLevel};
use super::up::{one_up, pending};
use super::witness::{Nobody, NotKept, Witness};
use super::{FileRun, SchemaError, checks};
use crate::clock::Deadline;
use crate::crypt::Digest;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// In the order of the run.
    pub files: Vec<TriedFile>,
    /// What somebody should know of the files.
    pub told: Vec<String>,
    /// That it led to; none of a way down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Digest>,
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
    /// Before the file, of a way up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Digest>,
}

/// Whether a level can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

    /// Of the schema at a level.
    pub fn schema_at(&self, level: u32) -> Option<Digest> {
        match self.files.iter().find(|file| file.level == level + 1) {
            Some(next) => next.schema,
            None if self.files.last()?.level == level => self.schema,
            None => None,
        }
    }

    pub fn way_back(&self, level: u32) -> Option<&WayBack> {
        self.files.iter().find(|file| file.level == level)?.way_back.as_ref()
    }
}

/// Makes the copy anew, in the same place, as the database is.
pub type Renew<'r> = &'r mut dyn FnMut() -> Result<(), NotKept>;

/// Leaves off between two batches when it has taken too long.
struct Within(Deadline);

impl Witness for Within {
    fn goes_on(&mut self, _: u64) -> bool {
        !self.0.has_passed()
    }
}

/// Migrates `copy`, which the caller made and throws away. Each file's way down is tried where it stands, and taken back; where the
/// database cannot take it back and it led elsewhere, the copy is made anew.
pub fn trial_up(
    copy: &Place,
    files: &SchemaFiles,
    to: u32,
    budget: Duration,
    renew: Renew<'_>,
) -> Result<Trial, SchemaError> {
    let from = pending(copy, files, to)?;
    let mut trial = Trial {
        files: Vec::new(),
        told: files.lint(from, to)?,
        schema: None,
    };
    let deadline = Deadline::after(budget);
    let late = |e| over_budget(e, budget);
    let mut connection = opened(copy, deadline)?;
    let shape = |connection: &mut dyn Database| connection.shape().map_err(at("read the schema of", copy));
    let mut before = shape(connection.as_mut())?;
    for (level, step) in files.between(from, to) {
        let run = one_up(connection.as_mut(), step, &mut Within(deadline)).map_err(late)?;
        let after = shape(connection.as_mut())?;
        let (way_back, spoiled) = way_back(connection.as_mut(), step, &before, &after).map_err(late)?;
        trial.files.push(TriedFile {
            way_back: Some(way_back),
            schema: Some(before.digest()),
            ..TriedFile::of(&run)
        });
        if spoiled {
            connection.close().map_err(at("close", copy))?;
            renew().map_err(|source| SchemaError::NoCopy { source })?;
            connection = opened(copy, deadline)?;
            for (_, step) in files.between(from, level) {
                one_up(connection.as_mut(), step, &mut Within(deadline)).map_err(late)?;
            }
        }
        before = after;
    }
    connection.close().map_err(at("close", copy))?;
    quick_check(copy)?;
    trial.schema = Some(before.digest());
    Ok(trial)
}

fn opened(copy: &Place, deadline: Deadline) -> Result<Connection, SchemaError> {
    let mut connection = copy.open_to_migrate()?;
    connection.only_try_until(deadline).map_err(at("prepare", copy))?;
    Ok(connection)
}

/// Takes `copy` down as [`super::down`] would take the database itself.
pub fn trial_down(copy: &Place, stored: &[StoredLevel], to: u32, budget: Duration) -> Result<Trial, SchemaError> {
    let run = down_with(copy, stored, to, &mut Nobody, |connection| {
        connection.only_try_until(Deadline::after(budget))
    });
    let applied = run.map_err(|e| over_budget(e, budget))?;
    quick_check(copy)?;
    Ok(Trial {
        files: applied.files().iter().map(TriedFile::of).collect(),
        told: Vec::new(),
        schema: None,
    })
}

impl TriedFile {
    fn of(run: &FileRun) -> Self {
        Self {
            level: run.level,
            title: run.title.clone(),
            seconds: run.seconds,
            rows: run.rows,
            way_back: None,
            schema: None,
        }
    }
}

fn over_budget(error: SchemaError, budget: Duration) -> SchemaError {
    match error {
        SchemaError::Migration { source, .. } if source.is_interrupted() => SchemaError::OverBudget { budget },
        error => error,
    }
}

/// And whether the copy is not what it was, because it was not.
fn way_back(
    connection: &mut dyn Database,
    step: &LevelFiles,
    before: &Shape,
    after: &Shape,
) -> Result<(WayBack, bool), SchemaError> {
    let none = |reason: &str| WayBack::None {
        reason: reason.to_owned(),
    };
    let down = match (&step.directives.irreversible, step.usable_down()) {
        (Some(why), _) => return Ok((none(why), false)),
        (None, None) => return Ok((none(NO_WAY_DOWN), false)),
        (None, Some(down)) => down,
    };
    let can_undo = connection.dialect() != Dialect::Mysql;
    let rehearsed = if can_undo {
        rehearse(connection, (step, down), before, after)
    } else {
        rehearse_for_real(connection, (step, down), before, after)
    };
    match rehearsed {
        Ok(()) => Ok((WayBack::Rehearsed, false)),
        Err(source) if source.is_interrupted() => Err(SchemaError::Migration {
            level: step.level(),
            name: step.migration.name().to_owned(),
            whole: true,
            source: Box::new(source),
        }),
        Err(e) => {
            let reason = format!("its way down was tried on a copy and does not lead back: {}", told(&e));
            Ok((WayBack::None { reason }, !can_undo))
        }
    }
}

fn is(connection: &mut dyn Database, expected: &Shape, what: &str) -> Result<(), StepError> {
    match connection.shape()?.differs_from(expected) {
        None => Ok(()),
        Some(difference) => Err(StepError::OtherSchema {
            difference: format!("{what}{difference}"),
        }),
    }
}

const AGAIN: &str = "after going up again, ";

/// Down and up again, of which nothing stays: so each level is tried from where it is, whatever comes of the others.
fn rehearse(
    connection: &mut dyn Database,
    (step, down): (&LevelFiles, &Script),
    before: &Shape,
    after: &Shape,
) -> Result<(), StepError> {
    let said = said_in(down);
    in_vain(connection, Manner::of(&said), |connection| {
        sql_and_row(connection, step.level(), down, &said)?;
        is(connection, before, "")?;
        // What cannot be in one transaction cannot be tried again in this one.
        if step.directives.transaction == Transaction::Statements {
            return Ok(());
        }
        run_whole(connection, &step.up)?;
        checks::verified(connection, step.verify.as_ref())?;
        is(connection, after, AGAIN)
    })
}

/// Down and up again, as it would be done.
fn rehearse_for_real(
    connection: &mut dyn Database,
    (step, down): (&LevelFiles, &Script),
    before: &Shape,
    after: &Shape,
) -> Result<(), StepError> {
    take_back(connection, step.level(), down, &mut Nobody, |connection| {
        is(connection, before, "")
    })?;
    one_up(connection, step, &mut Nobody).map_err(|e| match e {
        SchemaError::Migration { source, .. } => *source,
        other => super::error::Refused::other(other.to_string()),
    })?;
    is(connection, after, AGAIN)
}
