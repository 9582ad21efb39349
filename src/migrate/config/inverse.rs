//! Applying a migration and taking it back: to the byte when nothing was changed since, else around the changes.

use serde::{Deserialize, Serialize};

use super::data::Data;
use super::edit::Edit;
use super::format::{Format, fenced};
use super::ops::{Lowered, Op, lower};
use super::text::line_ending;
use super::{ConfigError, outline, toml};

/// What takes a migration of one file back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inverse {
    format: Format,
    before: String,
    after: String,
    /// In the order in which the edits were done.
    undo: Vec<Back>,
}

/// How one edit is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    Toml(toml::Undo),
    Edit(outline::Undo),
}

/// A text after its migration.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    pub text: String,
    pub inverse: Inverse,
    /// What the operator is to be told.
    pub notes: Vec<String>,
}

/// Does the operations in order. Nothing is changed when any of them cannot be done.
pub fn apply(format: Format, text: &str, ops: &[Op]) -> Result<Applied, ConfigError> {
    let mut work = Work::of(format, text);
    for op in ops {
        work.operate(op)?;
    }
    Ok(work.finished())
}

/// Edits being done to a text.
pub(super) struct Work<'t> {
    format: Format,
    before: &'t str,
    now: String,
    undo: Vec<Back>,
    notes: Vec<String>,
}

impl<'t> Work<'t> {
    pub(super) fn of(format: Format, text: &'t str) -> Self {
        Self {
            format,
            before: text,
            now: lent(text, text),
            undo: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What the text says by now.
    pub(super) fn data(&self) -> Result<Option<Data>, ConfigError> {
        self.format.data("the configuration", &self.now)
    }

    fn operate(&mut self, op: &Op) -> Result<(), ConfigError> {
        let Some(model) = self.data()? else {
            return match op {
                Op::Note(note) if note.condition.is_none() => {
                    self.notes.push(note.text.clone());
                    Ok(())
                }
                _ => Err(ConfigError::NoOperations { action: op.name() }),
            };
        };
        let Lowered { edits, note } = lower(op, self.format, &model)?;
        self.notes.extend(note);
        edits.iter().try_for_each(|edit| self.edit(edit))
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Result<(), ConfigError> {
        if let Some((next, back)) = self.format.run(&self.now, edit)? {
            self.now = next;
            self.undo.extend(back);
        }
        Ok(())
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn finished(self) -> Applied {
        let text = returned(self.now, self.before);
        Applied {
            inverse: Inverse {
                format: self.format,
                before: self.before.to_owned(),
                after: text.clone(),
                undo: self.undo,
            },
            text,
            notes: self.notes,
        }
    }
}

impl Inverse {
    /// Takes `next` back first, which went on from where this ended.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.after = next.after;
        self.undo.extend(next.undo);
        self
    }

    /// Of a text of which only the lines are known.
    pub(super) fn of_lines(before: &str, after: &str) -> Self {
        Self {
            format: Format::Text,
            before: before.to_owned(),
            after: after.to_owned(),
            undo: Vec::new(),
        }
    }
}

/// Takes a migration back.
pub fn invert(text: &str, inverse: &Inverse) -> Result<String, ConfigError> {
    if text == inverse.after {
        return Ok(inverse.before.clone());
    }
    around_changes(text, inverse)
}

pub(super) fn around_changes(text: &str, inverse: &Inverse) -> Result<String, ConfigError> {
    let format = inverse.format;
    if inverse.after == inverse.before {
        return Ok(text.to_owned());
    }
    let now = lent(text, &inverse.before);
    let back = match format {
        Format::Toml => stepwise(now, inverse)?,
        Format::Text => by_lines(text, inverse).ok_or_else(|| ConfigError::Overlap {
            text: inverse.before.clone(),
        })?,
        _ => edited_back(text, now, inverse)?,
    };
    let said = format.data("the configuration", &back);
    said.map_err(|e| ConfigError::NotEquivalent {
        reason: e.to_string(),
        text: back.clone(),
    })?;
    Ok(match format {
        Format::Text => back,
        _ => returned(back, &inverse.before),
    })
}

fn stepwise(mut now: String, inverse: &Inverse) -> Result<String, ConfigError> {
    super::check(Format::Toml, "the configuration", &now)?;
    for back in inverse.undo.iter().rev() {
        if let Back::Toml(undo) = back {
            now = fenced(|| toml::take_back(&now, undo))?;
        }
    }
    Ok(now)
}

/// By lines, where that says the same as the edits the other way round: so every byte comes back. Else by these edits.
fn edited_back(text: &str, now: String, inverse: &Inverse) -> Result<String, ConfigError> {
    let format = inverse.format;
    let Some(mut model) = format.data("the configuration", &now)? else {
        return Ok(now);
    };
    let mut edits = Vec::new();
    for back in inverse.undo.iter().rev() {
        let Back::Edit(undo) = back else { continue };
        if let Some(edit) = undo.edits(&model)? {
            edit.on(&mut model)?;
            edits.push(edit);
        }
    }
    if let Some(merged) = by_lines(text, inverse) {
        let said = format.data("the configuration", &merged).ok().flatten();
        if said.is_some_and(|said| said.without_nothings() == model.clone().without_nothings()) {
            return Ok(lent(&merged, &inverse.before));
        }
    }
    let mut work = Work {
        now,
        ..Work::of(format, text)
    };
    edits.iter().try_for_each(|edit| work.edit(edit))?;
    Ok(work.now)
}

fn by_lines(text: &str, inverse: &Inverse) -> Option<String> {
    diffy::merge(&inverse.after, text, &inverse.before).ok()
}

/// When the text before the migration has a last line without an end, one is lent for the work, so that lines can be put
/// behind each other.
fn lent(text: &str, before: &str) -> String {
    let end = if text.is_empty() || is_ended(before) {
        ""
    } else {
        line_ending(before)
    };
    format!("{text}{end}")
}

fn returned(text: String, before: &str) -> String {
    if is_ended(before) {
        return text;
    }
    let bare = text.strip_suffix('\n').unwrap_or(&text);
    bare.strip_suffix('\r').unwrap_or(bare).to_owned()
}

fn is_ended(text: &str) -> bool {
    text.is_empty() || text.ends_with('\n')
}
