//! The edits of a text with an outline, each measured by the plain model.

use std::ops::Range;

use super::{Entry, Outline, Piece, Shape, Syntax, Undo, replaced, unsupported};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;
use crate::migrate::config::edit::Edit;
use crate::migrate::config::key::KeyPath;
use crate::migrate::config::text::{first_lost, line_ending, line_start};

/// Does one edit; gives the new text and how to take it back, or nothing when there is nothing to do.
pub fn run(syntax: &dyn Syntax, text: &str, edit: &Edit) -> Result<Option<(String, Option<Undo>)>, ConfigError> {
    let before = syntax.data("the configuration", text)?;
    let mut model = before.clone();
    edit.on(&mut model)?;
    if model == before {
        return Ok(None);
    }
    let outline = syntax.outline(text)?;
    let work = Work {
        syntax,
        text,
        outline: &outline,
    };
    let done = work.done(edit, &before)?;
    holds(&work, &done, &model)?;
    Ok(Some((done.text, done.undo)))
}

struct Work<'w> {
    syntax: &'w dyn Syntax,
    text: &'w str,
    outline: &'w Outline,
}

struct Done {
    text: String,
    undo: Option<Undo>,
    /// The old text in which comments may fall.
    touched: Range<usize>,
}

impl Done {
    fn of(text: String, undo: Undo) -> Self {
        Self {
            text,
            undo: Some(undo),
            touched: 0..0,
        }
    }

    fn touching(self, touched: Range<usize>) -> Self {
        Self { touched, ..self }
    }
}

impl Work<'_> {
    fn done(&self, edit: &Edit, before: &Data) -> Result<Done, ConfigError> {
        let old = |key: &KeyPath| before.get(key).ok().flatten().cloned().unwrap_or_else(Data::null);
        match edit {
            Edit::Move { from, to } => {
                let (from_now, to_then) = (to.clone(), from.clone());
                let undo = Undo::MoveBack {
                    from: from_now,
                    to: to_then,
                };
                Ok(Done::of(self.moved(from, to)?, undo))
            }
            Edit::Insert {
                key,
                value,
                comment,
                raw,
            } => {
                let (key_of, value_of) = (key.clone(), value.clone());
                let text = self.inserted(key, value, comment.as_deref(), raw.as_ref())?;
                Ok(Done::of(
                    text,
                    Undo::Remove {
                        key: key_of,
                        value: value_of,
                    },
                ))
            }
            Edit::Set { key, value, raw } => self.changed(key, value, raw.as_deref(), old(key)),
            Edit::Remove { key, keep: false } => self.deleted(key, old(key)),
            Edit::Remove { key, keep: true } => self.commented_out(key, old(key)),
            Edit::AddItem { key, item, at } => {
                let entry = self.entry("add to", key)?;
                let text = self.syntax.with_item(self.text, entry, *at, &self.syntax.value(item)?);
                let text = text.ok_or_else(|| unsupported("add to", key, "it is not written as a list"))?;
                let (key, item) = (key.clone(), item.clone());
                Ok(Done::of(text, Undo::TakeItem { key, item }))
            }
            Edit::TakeItem { key, item } => self.without_item(key, item, &old(key)),
            Edit::Uncomment {
                key,
                value,
                comment,
                lines,
            } => self.uncommented(key, value, comment, lines),
        }
    }

    fn changed(&self, key: &KeyPath, value: &Data, raw: Option<&str>, old: Data) -> Result<Done, ConfigError> {
        let entry = self.entry("change", key)?;
        let undo = Undo::SetBack {
            key: key.clone(),
            now: value.clone(),
            old,
            raw: self.text[entry.key.end..entry.value.end].to_owned(),
        };
        let done = Done::of(self.set(entry, value, raw)?, undo);
        Ok(done.touching(entry.value.clone()))
    }

    fn deleted(&self, key: &KeyPath, old: Data) -> Result<Done, ConfigError> {
        let entry = self.entry("delete", key)?;
        let cut = self.syntax.cut(self.text, self.outline, entry);
        let (text, piece) = cut.ok_or_else(|| unsupported("delete", key, SHARED))?;
        let key = key.clone();
        let done = Done::of(text, Undo::PutBack { key, old, piece });
        Ok(done.touching(entry.lines.clone().unwrap_or(entry.value.clone())))
    }

    /// Written anew where the comment that kept it is gone, or cannot be an entry where it stands.
    fn uncommented(&self, key: &KeyPath, value: &Data, comment: &str, lines: &str) -> Result<Done, ConfigError> {
        let at = self.text.find(comment).map(|at| at..at + comment.len());
        let shown = at.map(|at| (replaced(self.text, &at, lines), at));
        let is_it = |text: &str| {
            let data = self.syntax.data("", text);
            data.is_ok_and(|data| data.get(key).is_ok_and(|found| found == Some(value)))
        };
        Ok(match shown.filter(|(text, _)| is_it(text)) {
            Some((text, touched)) => Done {
                text,
                undo: None,
                touched,
            },
            None => Done {
                text: self.inserted(key, value, None, None)?,
                undo: None,
                touched: 0..0,
            },
        })
    }

    /// A key that the text does not write itself comes through an alias or a merge key, and is not ours to change.
    fn entry(&self, action: &'static str, key: &KeyPath) -> Result<&Entry, ConfigError> {
        let parts = key.parts();
        let mut found = self.outline.entries.iter().filter(|entry| entry.path == parts);
        match (found.next(), found.next()) {
            (Some(entry), None) => Ok(entry),
            (Some(_), Some(_)) => Err(unsupported(action, key, "it is written more than once")),
            (None, _) => Err(unsupported(action, key, "it comes through an alias or a merge key")),
        }
    }

    fn moved(&self, from: &KeyPath, to: &KeyPath) -> Result<String, ConfigError> {
        let entry = self.entry("move", from)?;
        // An empty table in the way says nothing.
        if let Some(empty) = self.outline.entry(to.parts()) {
            let cut = self.syntax.cut(self.text, self.outline, empty);
            let (text, _) = cut.ok_or_else(|| unsupported("move", from, SHARED))?;
            let outline = &self.syntax.outline(&text)?;
            let (syntax, text) = (self.syntax, &*text);
            return Work { syntax, text, outline }.moved(from, to);
        }
        if from.parent() == to.parent() {
            let key = self.syntax.key(to.last())?;
            return Ok(replaced(self.text, &entry.key, &key));
        }
        let cut = self.syntax.cut(self.text, self.outline, entry);
        let (rest, piece) = cut.ok_or_else(|| unsupported("move", from, SHARED))?;
        self.syntax.put(&rest, &self.syntax.outline(&rest)?, to, &piece)
    }

    fn inserted(
        &self,
        key: &KeyPath,
        value: &Data,
        comment: Option<&str>,
        raw: Option<&Piece>,
    ) -> Result<String, ConfigError> {
        if let Some(piece) = raw {
            let put = self.syntax.put(self.text, self.outline, key, piece);
            if let Ok(text) = put
                && self
                    .syntax
                    .data("", &text)
                    .is_ok_and(|data| data.get(key).is_ok_and(|found| found == Some(value)))
            {
                return Ok(text);
            }
        }
        let mark = self.syntax.comment_mark(self.text);
        let with = |comment: Option<&str>| {
            let lines = comment.into_iter().flat_map(str::lines).zip(mark.iter().cycle());
            let piece = Piece {
                before: lines
                    .map(|(line, mark)| format!("{mark} {line}").trim_end().to_owned())
                    .collect(),
                after: format!("{}{}", self.syntax.separator(self.text), self.syntax.value(value)?),
                tail: String::new(),
            };
            self.syntax.put(self.text, self.outline, key, &piece)
        };
        // Between braces on one line there is no room for comments.
        with(comment).or_else(|e| if comment.is_some() { with(None) } else { Err(e) })
    }

    fn set(&self, entry: &Entry, value: &Data, raw: Option<&str>) -> Result<String, ConfigError> {
        if let Some(raw) = raw {
            return Ok(replaced(self.text, &(entry.key.end..entry.value.end), raw));
        }
        let new = self.syntax.value(value)?;
        let between = &self.text[entry.key.end..entry.value.start];
        if entry.value.is_empty() || between.contains('\n') {
            let separator = self.syntax.separator(self.text);
            return Ok(replaced(
                self.text,
                &(entry.key.end..entry.value.end),
                &format!("{separator}{new}"),
            ));
        }
        Ok(replaced(self.text, &entry.value, &new))
    }

    fn commented_out(&self, key: &KeyPath, old: Data) -> Result<Done, ConfigError> {
        let entry = self.entry("comment out", key)?;
        let none = || {
            unsupported(
                "comment out",
                key,
                "it is not on lines of its own, or the format has no comments",
            )
        };
        let mark = self.syntax.comment_mark(self.text).ok_or_else(none)?;
        let all = entry.lines.clone().ok_or_else(none)?;
        let lines = line_start(self.text, entry.key.start)..all.end;
        let indent = &self.text[lines.start..entry.key.start];
        let own = self.text[lines.clone()].to_owned();
        let ending = line_ending(&own);
        let comment: String = own
            .lines()
            .map(|line| format!("{indent}{mark} {}{ending}", line.strip_prefix(indent).unwrap_or(line)))
            .collect();
        let (cut, _) = self.syntax.cut(self.text, self.outline, entry).ok_or_else(none)?;
        // The cut knows what goes with an entry, e.g. a comma; the comment takes its place.
        let kept = self.text[all.start..lines.start].to_owned();
        let at = (cut.len() + all.end).saturating_sub(self.text.len());
        let text = format!("{}{kept}{comment}{}", &cut[..at], &cut[at..]);
        let undo = Undo::Uncomment {
            key: key.clone(),
            old,
            comment,
            lines: own,
        };
        Ok(Done {
            text,
            undo: Some(undo),
            touched: lines,
        })
    }

    fn without_item(&self, key: &KeyPath, item: &Data, list: &Data) -> Result<Done, ConfigError> {
        let entry = self.entry("take out of", key)?;
        let Data::Array(items) = list else {
            return Err(unsupported("take out of", key, "it is not a list"));
        };
        let at = items.iter().position(|other| other == item).unwrap_or(items.len());
        let text = self.syntax.without_item(self.text, entry, at);
        let text = text.ok_or_else(|| unsupported("take out of", key, "it is not written as a list"))?;
        let undo = Undo::PutItem {
            key: key.clone(),
            item: item.clone(),
            at,
        };
        let touched = match &entry.shape {
            Shape::List { items, .. } => items.get(at).cloned().unwrap_or(0..0),
            _ => 0..0,
        };
        Ok(Done {
            text,
            undo: Some(undo),
            touched,
        })
    }
}

const SHARED: &str = "it shares its line with others that have comments, or a table would be left without its comments";

/// The edited text must say exactly what the model says, and have every comment that stood elsewhere.
fn holds(work: &Work<'_>, done: &Done, model: &Data) -> Result<(), ConfigError> {
    let differs = |reason: String| ConfigError::NotEquivalent {
        reason,
        text: done.text.clone(),
    };
    let found = work.syntax.data("the configuration", &done.text);
    let found = found.map_err(|e| differs(e.to_string()))?;
    if found.pruned() != model.clone().pruned() {
        return Err(differs("a value is lost, changed or elsewhere".into()));
    }
    let new = work.syntax.outline(&done.text).map_err(|e| differs(e.to_string()))?;
    let may_fall = work.outline.comments_in(work.text, &done.touched);
    let there = new.comments_in(&done.text, &(0..done.text.len()));
    let old = work.outline.comments_in(work.text, &(0..work.text.len()));
    if let Some(comment) = first_lost(old, there.into_iter().chain(may_fall)) {
        let (comment, text) = (comment.to_owned(), done.text.clone());
        return Err(ConfigError::CommentLost { comment, text });
    }
    Ok(())
}
