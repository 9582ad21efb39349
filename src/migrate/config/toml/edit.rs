//! The operations on a text. Each gives the new text and how to take it back, or nothing when there is nothing to do.

use std::ops::Range;

use super::block::{Block, commented};
use super::layout::{Layout, Statement};
use super::spot::{self, Piece, cut_piece};
use super::undo::{Back, Undo};
use super::{data, inline, items, place, value};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;
use crate::migrate::config::edit::Edit;
use crate::migrate::config::key::{KeyPath, written};
use crate::migrate::config::text::{first_lost, is_blank, line_end};

type Edited = Option<(String, Vec<Undo>)>;

pub(super) const COMMENTED_INLINE: &str = "it is inside an inline table that has comments";

/// Does one edit; gives the new text and how to take it back, or nothing when there is nothing to do.
pub fn run(text: &str, edit: &Edit) -> Result<Edited, ConfigError> {
    match edit {
        Edit::Move { from, to } => {
            let undo = |back| Undo::MoveBack {
                from: to.clone(),
                to: from.clone(),
                back,
            };
            Ok(moved(text, from, to, None)?.map(|(text, back)| (text, vec![undo(back)])))
        }
        Edit::Insert {
            key, value, comment, ..
        } => insert(text, key, value, comment.as_deref()),
        Edit::Set { key, value, .. } => set(text, key, value),
        Edit::Remove { key, keep: false } => delete(text, key),
        Edit::Remove { key, keep: true } => comment_out(text, key),
        Edit::Uncomment { key, .. } => Err(unsupported("bring back", key, "it was no comment")),
        Edit::AddItem { key, item, at } => change_items(text, key, item, |array| items::with(array, *at, item), true),
        Edit::TakeItem { key, item } => {
            let without = |array: &str| Ok(items::position(array, item).and_then(|at| items::without(array, at)));
            change_items(text, key, item, without, false)
        }
    }
}

pub(super) fn said(text: &str) -> Result<Data, ConfigError> {
    data("the configuration", text)
}

pub(super) fn move_back(text: &str, from: &KeyPath, to: &KeyPath, back: &Back) -> Result<String, ConfigError> {
    if said(text)?.get(from)?.is_none() {
        return Ok(place::tidy(text, &back.traces));
    }
    let restored = back
        .emptied
        .iter()
        .rev()
        .fold(text.to_owned(), |now, piece| piece.put_back(&now).unwrap_or(now));
    let moved = moved(&restored, from, to, Some(back))?;
    Ok(moved.map_or_else(|| text.to_owned(), |(text, _)| text))
}

fn moved(text: &str, from: &KeyPath, to: &KeyPath, back: Option<&Back>) -> Result<Option<(String, Back)>, ConfigError> {
    let both = || (from.clone(), to.clone());
    if from.is_within(to) || to.is_within(from) {
        let (from, to) = both();
        return Err(ConfigError::IntoItself { from, to });
    }
    let mut model = said(text)?;
    if model.get(from)?.is_none() {
        return Ok(None);
    }
    if model.get(to)?.is_some() {
        let (from, to) = both();
        return Err(ConfigError::Occupied { from, to });
    }
    let layout = Layout::of(text);
    let (new, did) = match layout.entry(from.parts()) {
        Some(entry) if from.parent() == to.parent() => rename_entry(text, entry, to, back),
        Some(entry) => move_entry(text, &layout, entry, to, back)?,
        None => (rename_table(text, &layout, from, to)?, Back::default()),
    };
    let (new, emptied) = match back {
        None => place::drop_emptied(new, from.parent()),
        Some(_) => (new, Vec::new()),
    };
    if let Some(value) = model.take(from) {
        model.put(to, value)?;
    }
    holds(text, &new, model, true)?;
    Ok(Some((new, Back { emptied, ..did })))
}

fn rename_entry(text: &str, entry: &Statement, to: &KeyPath, back: Option<&Back>) -> (String, Back) {
    let last = entry.keys.last().map_or(0..0, |part| part.at.clone());
    let did = Back {
        keys: Some(text[last.clone()].to_owned()),
        ..Back::default()
    };
    let new = match back.and_then(|back| back.keys.clone()) {
        Some(as_it_was) => as_it_was,
        None => written(&[to.last().to_owned()]),
    };
    (replaced(text, vec![(last, new)]), did)
}

fn move_entry(
    text: &str,
    layout: &Layout,
    entry: &Statement,
    to: &KeyPath,
    back: Option<&Back>,
) -> Result<(String, Back), ConfigError> {
    let mut did = Back::default();
    let (rest, block) = if entry.is_inline() {
        inline::cut(text, layout, entry)
            .ok_or_else(|| unsupported("move", &KeyPath::of(&entry.path()), COMMENTED_INLINE))?
    } else if let Some(back) = back {
        (
            place::take(text, entry.block.clone(), &back.traces),
            Block::of(text, entry),
        )
    } else {
        let (rest, hole) = spot::cut(text, layout, entry.block.clone());
        did.hole = Some(hole);
        did.keys = Some(text[entry.keys_at()].to_owned());
        (rest, Block::of(text, entry))
    };
    if let Some(Back {
        hole: Some(hole),
        keys: Some(keys),
        ..
    }) = back
    {
        return Ok((place::put_back(&rest, to, &block, hole, keys)?, did));
    }
    let placed = place::put(&rest, to, &block)?;
    did.traces = placed.traces;
    Ok((placed.text, did))
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

fn insert(text: &str, key: &KeyPath, new: &Data, comment: Option<&str>) -> Result<Edited, ConfigError> {
    let mut model = said(text)?;
    if model.get(key)?.is_some() {
        return Ok(None);
    }
    let literal = value::written(new)?;
    let with = |comment| place::put(text, key, &Block::new(comment, &literal));
    // An inline table has no room for comments.
    let placed = with(comment).or_else(|_| with(None))?;
    model.put(key, new.clone())?;
    holds(text, &placed.text, model, true)?;
    let undo = Undo::Remove {
        key: key.clone(),
        value: literal,
        comment: comment.map(str::to_owned),
        traces: placed.traces,
    };
    Ok(Some((placed.text, vec![undo])))
}

fn set(text: &str, key: &KeyPath, new: &Data) -> Result<Edited, ConfigError> {
    let literal = value::written(new)?;
    let Some((changed, old)) = with_value(text, key, &literal, new)? else {
        return Ok(None);
    };
    let undo = Undo::SetBack {
        key: key.clone(),
        now: literal,
        old,
    };
    Ok(Some((changed, vec![undo])))
}

/// The text with another value at `key`, and what was there.
fn with_value(text: &str, key: &KeyPath, literal: &str, new: &Data) -> Result<Option<(String, String)>, ConfigError> {
    let mut model = said(text)?;
    if model.get(key)?.is_none() {
        return Ok(None);
    }
    let layout = Layout::of(text);
    let at = layout.entry(key.parts()).and_then(Statement::value);
    let at = at.ok_or_else(|| unsupported("change", key, "it is a table with a header"))?;
    let old = text[at.clone()].to_owned();
    let changed = replaced(text, vec![(at, literal.to_owned())]);
    model.put(key, new.clone())?;
    holds(text, &changed, model, false)?;
    Ok(Some((changed, old)))
}

fn change_items(
    text: &str,
    key: &KeyPath,
    item: &Data,
    change: impl Fn(&str) -> Result<Option<String>, ConfigError>,
    added: bool,
) -> Result<Edited, ConfigError> {
    let layout = Layout::of(text);
    let Some(at) = layout.entry(key.parts()).and_then(Statement::value) else {
        return Err(unsupported(
            "change the list",
            key,
            "it is written as tables with headers",
        ));
    };
    let old = &text[at];
    let position = items::position(old, item);
    let Some(now) = change(old)? else { return Ok(None) };
    let new = said(&format!("x = {now}"))?.take(&KeyPath::of(&["x".to_owned()]));
    let new = new.unwrap_or_else(Data::null);
    let Some((changed, old)) = with_value(text, key, &now, &new)? else {
        return Ok(None);
    };
    comments_stay(text, &changed)?;
    let undo = Undo::ItemBack {
        key: key.clone(),
        now,
        old,
        item: item.clone(),
        at: (!added).then_some(position.unwrap_or(0)),
    };
    Ok(Some((changed, vec![undo])))
}

/// The lines of an entry become comments.
fn comment_out(text: &str, key: &KeyPath) -> Result<Edited, ConfigError> {
    let mut model = said(text)?;
    if model.get(key)?.is_none() {
        return Ok(None);
    }
    let layout = Layout::of(text);
    let entry = layout.entry(key.parts()).filter(|entry| !entry.is_inline());
    let entry = entry.ok_or_else(|| unsupported("comment out", key, "it is not an entry on lines of its own"))?;
    let range = entry.line_start..entry.block.end;
    let lines = text[range.clone()].to_owned();
    let comment: String = lines.lines().map(|line| commented(line) + ending_of(&lines)).collect();
    let new = replaced(text, vec![(range, comment.clone())]);
    model.take(key);
    holds(text, &new, model, false)?;
    let undo = Undo::Uncomment {
        key: key.clone(),
        comment,
        lines,
    };
    Ok(Some((new, vec![undo])))
}

fn ending_of(lines: &str) -> &'static str {
    if lines.ends_with("\r\n") { "\r\n" } else { "\n" }
}

fn delete(text: &str, key: &KeyPath) -> Result<Edited, ConfigError> {
    let mut model = said(text)?;
    if model.get(key)?.is_none() {
        return Ok(None);
    }
    let (new, undo) = match Layout::of(text).entry(key.parts()) {
        Some(_) => {
            let (rest, undo) = delete_entry(text, key)?;
            (rest, vec![undo])
        }
        None => delete_table(text, key)?,
    };
    model.take(key);
    holds(text, &new, model, false)?;
    Ok(Some((new, undo)))
}

fn delete_entry(text: &str, key: &KeyPath) -> Result<(String, Undo), ConfigError> {
    let layout = Layout::of(text);
    let none = || unsupported("delete", key, COMMENTED_INLINE);
    let entry = layout.entry(key.parts()).ok_or_else(none)?;
    let (rest, block, at) = if entry.is_inline() {
        let (rest, block) = inline::cut(text, &layout, entry).ok_or_else(none)?;
        (rest, block, None)
    } else {
        let (rest, hole) = spot::cut(text, &layout, entry.block.clone());
        let keys = text[entry.keys_at()].to_owned();
        (rest, Block::of(text, entry), Some((hole, keys)))
    };
    let key = key.clone();
    Ok((rest, Undo::PutBack { key, block, at }))
}

/// Its dotted keys elsewhere, then each of its headers with what is below it; the last ones first.
fn delete_table(text: &str, key: &KeyPath) -> Result<(String, Vec<Undo>), ConfigError> {
    let (mut rest, mut undo) = (text.to_owned(), Vec::new());
    let dotted = |statement: &&Statement| {
        !statement.section.starts_with(key.parts()) && statement.path().starts_with(key.parts())
    };
    while let Some(path) = Layout::of(&rest).lines().filter(dotted).last().map(Statement::path) {
        let (next, back) = delete_entry(&rest, &KeyPath::of(&path))?;
        rest = next;
        undo.push(back);
    }
    let mut pieces = Vec::new();
    while let Some((next, piece)) = without_last_table(&rest, key) {
        rest = next;
        pieces.push(piece);
    }
    if undo.is_empty() && pieces.is_empty() {
        return Err(unsupported(
            "delete",
            key,
            "it is written with dotted keys inside an inline table",
        ));
    }
    let key = key.clone();
    undo.push(Undo::PutTablesBack { key, pieces });
    Ok((rest, undo))
}

fn without_last_table(text: &str, key: &KeyPath) -> Option<(String, Piece)> {
    let layout = Layout::of(text);
    let is_of_it = |statement: &&Statement| statement.section.starts_with(key.parts());
    let header = layout.lines().filter(is_of_it).filter(|s| s.is_header()).last()?;
    let own = layout.lines().skip_while(|s| s.block.start < header.block.start);
    let last = own.enumerate().take_while(|(at, s)| *at == 0 || !s.is_header()).last();
    let end = last.map_or(header.block.end, |(_, statement)| statement.block.end);
    let range = header.block.start..end_of_section(text, end);
    Some(cut_piece(text, &layout, range, true))
}

/// Comments right below the last entry are of its table; those behind a blank line may be of the next.
fn end_of_section(text: &str, last_entry_end: usize) -> usize {
    let next_line = |at: usize| &text[at..line_end(text, at)];
    let mut end = last_entry_end;
    while next_line(end).trim_start().starts_with('#') {
        end += next_line(end).len();
    }
    while end < text.len() && is_blank(next_line(end)) {
        end += next_line(end).len();
    }
    end
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
    Ok(said(&format!("x = {a}"))? == said(&format!("x = {b}"))?)
}

fn replaced(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
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
fn holds(old: &str, new: &str, model: Data, all_comments: bool) -> Result<(), ConfigError> {
    let differs = |reason: String| ConfigError::NotEquivalent {
        reason,
        text: new.to_owned(),
    };
    let found = said(new).map_err(|e| differs(e.to_string()))?;
    if found.pruned() != model.pruned() {
        return Err(differs("a value is lost, changed or elsewhere".into()));
    }
    if all_comments { comments_stay(old, new) } else { Ok(()) }
}

fn comments_stay(old: &str, new: &str) -> Result<(), ConfigError> {
    let (before, after) = (Layout::of(old).comments, Layout::of(new).comments);
    let lost = first_lost(before.iter().map(String::as_str), after.iter().map(String::as_str));
    lost.map_or(Ok(()), |comment| {
        let (comment, text) = (comment.to_owned(), new.to_owned());
        Err(ConfigError::CommentLost { comment, text })
    })
}

pub(super) fn unsupported(action: &'static str, key: &KeyPath, reason: &'static str) -> ConfigError {
    ConfigError::Unsupported {
        action,
        key: key.clone(),
        reason,
    }
}
