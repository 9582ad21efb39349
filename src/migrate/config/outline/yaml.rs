//! YAML: read by serde-saphyr, laid out by yaml-edit. What comes through aliases and merge keys has no place in the outline.

use std::ops::Range;

use yaml_edit::{Mapping, Sequence, YamlFile, YamlNode};

use super::elements::Elements;
use super::{Entry, Outline, Piece, Shape, Syntax, dedented, indented, lines_around, replaced, unsupported};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::{Data, Kind};
use crate::migrate::config::files::yaml_options;
use crate::migrate::config::key::KeyPath;
use crate::migrate::config::text::{is_blank, line_end, line_ending, line_start};

pub struct Yaml;

impl Syntax for Yaml {
    fn name(&self) -> &'static str {
        "YAML"
    }

    fn data(&self, file: &str, text: &str) -> Result<Data, ConfigError> {
        let read: Result<Data, _> = serde_saphyr::from_str_with_options(text, yaml_options());
        match read {
            Ok(Data::Scalar(Kind::Null, _)) => Ok(Data::empty()),
            Ok(data) => Ok(data),
            // Nothing but comments is a configuration too.
            Err(_)
                if text
                    .lines()
                    .all(|line| is_blank(line) || line.trim_start().starts_with('#')) =>
            {
                Ok(Data::empty())
            }
            Err(e) => {
                let place = e.location();
                Err(ConfigError::Syntax {
                    file: file.to_owned(),
                    format: self.name(),
                    line: place.map_or(1, |at| at.line() as usize),
                    column: place.map_or(1, |at| at.column() as usize),
                    reason: e
                        .without_snippet()
                        .to_string()
                        .lines()
                        .map(str::trim)
                        .collect::<Vec<_>>()
                        .join(" "),
                })
            }
        }
    }

    fn outline(&self, text: &str) -> Result<Outline, ConfigError> {
        let parsed = YamlFile::parse(text);
        let fails = |reason: &str| ConfigError::NotEquivalent {
            reason: format!("the outline of the file cannot be made: {reason}"),
            text: text.to_owned(),
        };
        if parsed.has_errors() {
            return Err(fails(&parsed.errors().join("; ")));
        }
        let file = parsed.tree();
        let comments = file.comments().map(|comment| {
            let at = comment.text_range();
            usize::from(at.start())..usize::from(at.end())
        });
        let mut outline = Outline {
            comments: comments.collect(),
            ..Outline::default()
        };
        if file.documents().count() > 1 {
            return Err(fails("it has more than one document"));
        }
        if let Some(root) = file.document().and_then(|document| document.as_mapping()) {
            walk(&root, &[], text, &mut outline.entries);
        }
        Ok(outline)
    }

    fn key(&self, name: &str) -> Result<String, ConfigError> {
        Ok(scalar(name))
    }

    fn value(&self, data: &Data) -> Result<String, ConfigError> {
        Ok(match data {
            Data::Scalar(Kind::String | Kind::Datetime, text) => scalar(text),
            Data::Scalar(Kind::Null, _) => "null".to_owned(),
            Data::Scalar(Kind::Float, text) => match text.as_str() {
                "inf" => ".inf".to_owned(),
                "-inf" => "-.inf".to_owned(),
                "NaN" => ".nan".to_owned(),
                _ => text.clone(),
            },
            Data::Scalar(_, text) => text.clone(),
            Data::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| self.value(item))
                    .collect::<Result<Vec<_>, _>>()?;
                format!("[{}]", items.join(", "))
            }
            Data::Table(table) => {
                let entry = |(key, value): (&String, &Data)| {
                    Ok::<_, ConfigError>(format!("{}: {}", scalar(key), self.value(value)?))
                };
                format!(
                    "{{{}}}",
                    table.iter().map(entry).collect::<Result<Vec<_>, _>>()?.join(", ")
                )
            }
        })
    }

    fn separator(&self, _: &str) -> &'static str {
        ": "
    }

    fn comment_mark(&self, _: &str) -> Option<&'static str> {
        Some("#")
    }

    fn cut(&self, text: &str, outline: &Outline, entry: &Entry) -> Option<(String, Piece)> {
        let Some(lines) = &entry.lines else {
            return cut_flow(text, outline, entry);
        };
        let start = line_start(text, entry.key.start);
        let indent = &text[start..entry.key.start];
        let piece = Piece {
            before: text[lines.start..start]
                .lines()
                .map(|line| line.trim().to_owned())
                .collect(),
            after: dedented(&text[entry.key.end..entry.value.end], indent),
            tail: text[entry.value.end..lines.end].trim_end().to_owned(),
        };
        Some((without_lines(text, outline, entry, lines)?, piece))
    }

    fn put(&self, text: &str, outline: &Outline, key: &KeyPath, piece: &Piece) -> Result<String, ConfigError> {
        put(text, outline, key, piece)
    }

    fn with_item(&self, text: &str, entry: &Entry, at: usize, item: &str) -> Option<String> {
        let Shape::List { items, flow } = &entry.shape else {
            return None;
        };
        if *flow {
            return elements(text, &entry.value, items).with(at, "", item, "");
        }
        let near = items.get(at.min(items.len().saturating_sub(1)))?;
        let start = line_start(text, near.start);
        let dash = text[start..near.start].trim_end();
        if dash.trim_start() != "-" {
            return None;
        }
        let place = if at < items.len() {
            start
        } else {
            line_end(text, near.end)
        };
        Some(replaced(
            text,
            &(place..place),
            &format!("{dash} {item}{}", line_ending(text)),
        ))
    }

    fn without_item(&self, text: &str, entry: &Entry, at: usize) -> Option<String> {
        let Shape::List { items, flow } = &entry.shape else {
            return None;
        };
        if *flow {
            return elements(text, &entry.value, items).without(at);
        }
        let item = items.get(at)?;
        if items.len() == 1 {
            return Some(replaced(text, &(entry.key.end..entry.value.end), ": []"));
        }
        let start = line_start(text, item.start);
        (text[start..item.start].trim() == "-").then(|| replaced(text, &(start..line_end(text, item.end)), ""))
    }
}

fn elements<'e>(text: &'e str, value: &Range<usize>, all: &[Range<usize>]) -> Elements<'e> {
    Elements {
        text,
        comments: &[],
        all: all.to_vec(),
        inside: value.start + 1..value.end.saturating_sub(1).max(value.start + 1),
        comment_marks: &["#"],
    }
}

fn walk(mapping: &Mapping, path: &[String], text: &str, found: &mut Vec<Entry>) {
    let flow = mapping.is_flow_style();
    for entry in mapping.entries() {
        let Some(YamlNode::Scalar(name)) = entry.key_node() else {
            continue;
        };
        let key = trimmed(text, &YamlNode::Scalar(name.clone()));
        let name = name.as_string();
        let Some(colon) = text[key.end..].find(':').map(|at| key.end + at + 1) else {
            continue;
        };
        if name == "<<" {
            continue;
        }
        let node = entry.value_node();
        let value = match &node {
            None => colon..colon,
            Some(node) => {
                let start = trimmed(text, node).start;
                start..end_of(text, node).max(start)
            }
        };
        let start = line_start(text, key.start);
        let own_line = !flow && is_blank(&text[start..key.start]);
        let indent = &text[start..key.start];
        let is_comment = |line: &str| line.strip_prefix(indent).is_some_and(|line| line.starts_with('#'));
        let lines = own_line.then(|| lines_around(text, key.start, value.end.max(key.end), is_comment));
        let path = [path, &[name]].concat();
        let shape = match &node {
            Some(YamlNode::Mapping(table)) => Shape::Table {
                flow: table.is_flow_style(),
            },
            Some(YamlNode::Sequence(list)) => Shape::List {
                items: items(text, list),
                flow: list.is_flow_style(),
            },
            _ => Shape::Single,
        };
        found.push(Entry {
            path: path.clone(),
            key,
            value,
            lines,
            shape,
        });
        if let Some(YamlNode::Mapping(table)) = node {
            walk(&table, &path, text, found);
        }
    }
}

fn items(text: &str, list: &Sequence) -> Vec<Range<usize>> {
    list.values()
        .map(|item| trimmed(text, &item).start..end_of(text, &item))
        .collect()
}

fn trimmed(text: &str, node: &YamlNode) -> Range<usize> {
    let at = node.byte_range();
    let (start, end) = (at.start as usize, at.end as usize);
    let inner = &text[start..end];
    let start = start + inner.len() - inner.trim_start().len();
    start..start + inner.trim().len()
}

/// Where the last thing that says something ends: comments behind it belong to whatever follows.
fn end_of(text: &str, node: &YamlNode) -> usize {
    let all = trimmed(text, node);
    let last = match node {
        YamlNode::Mapping(table) if !table.is_flow_style() => {
            let ends = table.entries().map(|entry| {
                let key = entry.key_node().map_or(0, |key| trimmed(text, &key).end);
                let colon = text[key..].find(':').map_or(key, |at| key + at + 1);
                entry.value_node().map_or(colon, |value| end_of(text, &value))
            });
            ends.max()
        }
        YamlNode::Sequence(list) if !list.is_flow_style() => list.values().map(|item| end_of(text, &item)).max(),
        _ => None,
    };
    last.unwrap_or(all.end)
}

fn cut_flow(text: &str, outline: &Outline, entry: &Entry) -> Option<(String, Piece)> {
    let parent = outline.entry(&entry.path[..entry.path.len() - 1])?;
    let siblings = outline.children(&parent.path);
    let at = siblings.iter().position(|other| other.key == entry.key)?;
    let all = siblings
        .iter()
        .map(|other| other.key.start..other.value.end)
        .collect::<Vec<_>>();
    let rest = elements(text, &parent.value, &all).without(at)?;
    let after = text[entry.key.end..entry.value.end].to_owned();
    let piece = Piece {
        before: Vec::new(),
        after,
        tail: String::new(),
    };
    (!piece.after.contains('#')).then_some((rest, piece))
}

/// A table that is left empty goes too, unless there are comments at it: then it stays as `{}`.
fn without_lines(text: &str, outline: &Outline, entry: &Entry, lines: &Range<usize>) -> Option<String> {
    let above = &entry.path[..entry.path.len() - 1];
    let Some(parent) = outline.entry(above).filter(|_| outline.children(above).len() == 1) else {
        return Some(replaced(text, lines, ""));
    };
    let around = parent.lines.as_ref()?;
    let rest = [around.start..lines.start, lines.end..around.end.max(lines.end)];
    if rest.iter().all(|range| outline.comments_in(text, range).is_empty()) {
        return without_lines(text, outline, parent, around);
    }
    let colon = text[parent.key.end..].find(':').map(|at| parent.key.end + at + 1)?;
    Some(format!(
        "{} {{}}{}{}",
        &text[..colon],
        &text[colon..lines.start],
        &text[lines.end..]
    ))
}

fn put(text: &str, outline: &Outline, key: &KeyPath, piece: &Piece) -> Result<String, ConfigError> {
    let above = key.parent();
    let depth = (0..=above.len())
        .rev()
        .find(|depth| *depth == 0 || outline.entry(&above[..*depth]).is_some());
    let (around, missing) = key.parts().split_at(depth.unwrap_or(0));
    let children = outline.children(around);
    let table = outline.entry(around);
    let step = step_of(text, outline);
    match (table, children.last()) {
        (
            Some(Entry {
                shape: Shape::Table { flow: true },
                value,
                ..
            }),
            Some(_),
        ) => {
            let single =
                missing.len() == 1 && piece.before.is_empty() && piece.tail.is_empty() && !piece.after.contains('\n');
            let all = children
                .iter()
                .map(|child| child.key.start..child.value.end)
                .collect::<Vec<_>>();
            let element = format!("{}{}", scalar(key.last()), piece.after);
            let put = single
                .then(|| elements(text, value, &all).with(all.len(), "", &element, ""))
                .flatten();
            put.ok_or_else(|| unsupported("put a key into", key, "it is a table on one line"))
        }
        (_, Some(last)) => {
            let Some(lines) = &last.lines else {
                return Err(unsupported(
                    "put a key into",
                    key,
                    "its table is written in another way",
                ));
            };
            let indent = &text[line_start(text, last.key.start)..last.key.start];
            Ok(replaced(
                text,
                &(lines.end..lines.end),
                &block(text, indent, &step, missing, piece),
            ))
        }
        (None, None) => Ok(format!("{text}{}", block(text, "", &step, missing, piece))),
        (Some(empty), None) => {
            let is_empty = matches!(empty.shape, Shape::Table { .. })
                || empty.value.is_empty()
                || is_null(&text[empty.value.clone()]);
            let Some(lines) = empty.lines.as_ref().filter(|_| is_empty) else {
                return Err(unsupported(
                    "put a key into",
                    key,
                    "it comes through an alias or is no table",
                ));
            };
            let own = &text[line_start(text, empty.key.start)..empty.key.start];
            let block = block(text, &format!("{own}{step}"), &step, missing, piece);
            let colon = text[empty.key.end..]
                .find(':')
                .map_or(empty.key.end, |at| empty.key.end + at + 1);
            let head = format!("{}{}", &text[..colon], &text[empty.value.end.max(colon)..lines.end]);
            Ok(format!("{head}{block}{}", &text[lines.end..]))
        }
    }
}

fn is_null(value: &str) -> bool {
    matches!(value, "~" | "null" | "Null" | "NULL")
}

/// By how much tables are indented in this file.
fn step_of(text: &str, outline: &Outline) -> String {
    let nested = outline
        .entries
        .iter()
        .find(|entry| entry.path.len() == 2 && entry.lines.is_some());
    let indent = nested.map(|entry| &text[line_start(text, entry.key.start)..entry.key.start]);
    indent.filter(|indent| !indent.is_empty()).unwrap_or("  ").to_owned()
}

fn block(text: &str, indent: &str, step: &str, keys: &[String], piece: &Piece) -> String {
    let ending = line_ending(text);
    let (mut lines, mut indent) = (String::new(), indent.to_owned());
    for (at, key) in keys.iter().enumerate() {
        if at + 1 < keys.len() {
            lines.push_str(&format!("{indent}{}:{ending}", scalar(key)));
            indent.push_str(step);
            continue;
        }
        for comment in &piece.before {
            lines.push_str(&format!("{indent}{comment}{ending}"));
        }
        let after = indented(&piece.after, &indent);
        lines.push_str(&format!("{indent}{}{after}{}{ending}", scalar(key), piece.tail));
    }
    lines
}

/// Plain where every reader takes it for this string, else in double quotes.
fn scalar(text: &str) -> String {
    let mut characters = text.chars();
    let plain = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || "_-./@".contains(c));
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if plain && !words.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}
