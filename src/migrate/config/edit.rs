//! The operations on a text. Each gives the new text and how to take it back, or nothing when there is nothing to do.

use super::ConfigError;
use super::data::Data;
use super::files::{Change, Delete, Op, Rename, SetDefault};
use super::key::{KeyPath, written};
use super::layout::{Layout, Statement};
use super::literal::Literal;
use super::place::{self, Block, Place};
use super::undo::Undo;

pub(super) type Edited = Option<(String, Undo)>;

pub(super) fn run(text: &str, op: &Op) -> Result<Edited, ConfigError> {
    match op {
        Op::Rename(Rename { from, to }) => rename(text, from, to, &Place::End),
        Op::SetDefault(SetDefault { key, value, comment }) => set_default(text, key, value, comment.as_deref()),
        Op::Change(Change { key, from, to }) => change(text, key, from, to),
        Op::Delete(Delete { key }) => delete(text, key),
    }
}

pub(super) fn rename(text: &str, from: &KeyPath, to: &KeyPath, place: &Place) -> Result<Edited, ConfigError> {
    let both = || (from.clone(), to.clone());
    if from.is_within(to) || to.is_within(from) {
        let (from, to) = both();
        return Err(ConfigError::IntoItself { from, to });
    }
    let mut model = Data::of_text(text)?;
    if model.get(from)?.is_none() {
        return Ok(None);
    }
    if model.get(to)?.is_some() {
        let (from, to) = both();
        return Err(ConfigError::Occupied { from, to });
    }
    let layout = Layout::of(text);
    let (new, was, made) = match layout.entry(from.parts()) {
        Some(entry) if from.parent() == to.parent() => {
            let last = entry.keys.last().map_or(0..0, |part| part.at.clone());
            (
                replaced(text, vec![(last, written(&[to.last().to_owned()]))]),
                Place::End,
                None,
            )
        }
        Some(entry) if entry.is_inline() => return Err(unsupported("move", from, "it is inside an inline table")),
        Some(entry) => {
            let (rest, block) = place::cut(text, entry);
            let placed = place::put(&rest, to, &block, place)?;
            (placed.text, layout.place_of(entry), placed.made)
        }
        None => (rename_table(text, &layout, from, to)?, Place::End, None),
    };
    if let Some(value) = model.take(from) {
        model.put(to, value)?;
    }
    holds(text, &new, model, true)?;
    let (from, to) = both();
    Ok(Some((
        new,
        Undo::MoveBack {
            from: to,
            to: from,
            place: was,
            made,
        },
    )))
}

/// A table is where its headers and dotted keys say it is; what stands below the headers stays there.
fn rename_table(text: &str, layout: &Layout, from: &KeyPath, to: &KeyPath) -> Result<String, ConfigError> {
    let depth = from.len();
    let stays = from.parent() == to.parent();
    let mut edits = Vec::new();
    for statement in layout
        .statements
        .iter()
        .filter(|statement| statement.path().starts_with(from.parts()))
    {
        if statement.is_header() {
            let path: Vec<String> = to.parts().iter().chain(&statement.section[depth..]).cloned().collect();
            edits.push(match statement.keys.get(depth - 1) {
                Some(part) if stays => (part.at.clone(), written(&[to.last().to_owned()])),
                _ => (statement.keys_at(), written(&path)),
            });
        } else if !statement.section.starts_with(from.parts()) {
            let outer = statement.path().len() - statement.keys.len();
            match (depth - 1)
                .checked_sub(outer)
                .and_then(|index| statement.keys.get(index))
            {
                Some(part) if stays => edits.push((part.at.clone(), written(&[to.last().to_owned()]))),
                // An entry of an inline table whose own key is renamed outside.
                None if stays => {}
                _ => return Err(unsupported("move", from, "it is written with dotted keys")),
            }
        }
    }
    Ok(replaced(text, edits))
}

fn set_default(text: &str, key: &KeyPath, value: &Literal, comment: Option<&str>) -> Result<Edited, ConfigError> {
    let mut model = Data::of_text(text)?;
    if model.get(key)?.is_some() {
        return Ok(None);
    }
    let placed = place::put(text, key, &Block::new(comment, &value.text()), &Place::End)?;
    model.put(key, Data::of_value(&value.0))?;
    holds(text, &placed.text, model, true)?;
    let undo = Undo::Remove {
        key: key.clone(),
        value: value.text(),
        comment: comment.map(str::to_owned),
        made: placed.made,
    };
    Ok(Some((placed.text, undo)))
}

fn change(text: &str, key: &KeyPath, from: &[Literal], to: &Literal) -> Result<Edited, ConfigError> {
    let mut model = Data::of_text(text)?;
    let listed = |now: &Data| from.iter().any(|old| Data::of_value(&old.0) == *now);
    if !model.get(key)?.is_some_and(listed) {
        return Ok(None);
    }
    let layout = Layout::of(text);
    let value = layout.entry(key.parts()).and_then(Statement::value);
    let value = value.ok_or_else(|| unsupported("change", key, "it is a table with a header"))?;
    let old = text[value.clone()].to_owned();
    let new = replaced(text, vec![(value, to.text())]);
    model.put(key, Data::of_value(&to.0))?;
    holds(text, &new, model, false)?;
    let undo = Undo::SetBack {
        key: key.clone(),
        now: to.text(),
        old,
    };
    Ok(Some((new, undo)))
}

pub(super) fn delete(text: &str, key: &KeyPath) -> Result<Edited, ConfigError> {
    let mut model = Data::of_text(text)?;
    if model.get(key)?.is_none() {
        return Ok(None);
    }
    let layout = Layout::of(text);
    let (new, undo) = match layout.entry(key.parts()) {
        Some(entry) if entry.is_inline() => return Err(unsupported("delete", key, "it is inside an inline table")),
        Some(entry) => {
            let place = layout.place_of(entry);
            let (rest, block) = place::cut(text, entry);
            (
                rest,
                Undo::PutBack {
                    key: key.clone(),
                    block,
                    place,
                },
            )
        }
        None => {
            let (rest, cut) = without_table(text, &layout, key)?;
            (
                rest,
                Undo::PutTableBack {
                    key: key.clone(),
                    text: cut,
                },
            )
        }
    };
    model.take(key);
    holds(text, &new, model, false)?;
    Ok(Some((new, undo)))
}

/// Each header of the table, with all up to the next one that is not of it.
fn without_table(text: &str, layout: &Layout, key: &KeyPath) -> Result<(String, String), ConfigError> {
    let (mut rest, mut cut) = (String::new(), String::new());
    let mut copied = 0;
    let headers: Vec<&Statement> = layout
        .statements
        .iter()
        .filter(|statement| statement.is_header())
        .collect();
    for (at, header) in headers.iter().enumerate() {
        let end = headers.get(at + 1).map_or(text.len(), |next| next.block.start);
        if header.section.starts_with(key.parts()) {
            rest.push_str(&text[copied..header.block.start]);
            cut.push_str(&text[header.block.start..end]);
            copied = end;
        }
    }
    rest.push_str(&text[copied..]);
    if cut.is_empty() {
        return Err(unsupported("delete", key, "it is written with dotted keys"));
    }
    Ok((rest, cut))
}

/// Replaces the value of an entry that still has the value `now`.
pub(super) fn set_back(text: &str, key: &KeyPath, now: &str, old: &str) -> Result<String, ConfigError> {
    let layout = Layout::of(text);
    match layout.entry(key.parts()).and_then(Statement::value) {
        Some(value) if same(&text[value.clone()], now)? => Ok(replaced(text, vec![(value, old.to_owned())])),
        _ => Ok(text.to_owned()),
    }
}

/// Whether two texts say the same value.
pub(super) fn same(a: &str, b: &str) -> Result<bool, ConfigError> {
    Ok(Data::of_text(&format!("x = {a}"))? == Data::of_text(&format!("x = {b}"))?)
}

pub(super) fn value_text(text: &str, key: &KeyPath) -> Option<String> {
    let value = Layout::of(text).entry(key.parts()).and_then(Statement::value)?;
    Some(text[value].to_owned())
}

fn replaced(text: &str, mut edits: Vec<(std::ops::Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let (mut out, mut copied) = (String::new(), 0);
    for (range, new) in edits {
        out.push_str(&text[copied..range.start]);
        out.push_str(&new);
        copied = range.end;
    }
    out.push_str(&text[copied..]);
    out
}

/// The edited text must say exactly what the model says, and have every comment that was there.
fn holds(old: &str, new: &str, model: Data, comments_stay: bool) -> Result<(), ConfigError> {
    let differs = |reason: String| ConfigError::NotEquivalent { reason };
    let found = Data::of_text(new).map_err(|e| differs(e.to_string()))?;
    if found.pruned() != model.pruned() {
        return Err(differs("a value is lost, changed or elsewhere".into()));
    }
    if comments_stay {
        let mut left = Layout::of(new).comments;
        for comment in Layout::of(old).comments {
            match left.iter().position(|other| *other == comment) {
                Some(at) => drop(left.swap_remove(at)),
                None => return Err(ConfigError::CommentLost { comment }),
            }
        }
    }
    Ok(())
}

fn unsupported(action: &'static str, key: &KeyPath, reason: &'static str) -> ConfigError {
    ConfigError::Unsupported {
        action,
        key: key.clone(),
        reason,
    }
}
