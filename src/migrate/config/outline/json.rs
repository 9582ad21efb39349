//! JSON, with comments and trailing commas where they are: read by serde_json, laid out by jsonc-parser.

use std::ops::Range;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::elements::Elements;
use super::{Entry, Outline, Piece, Shape, Syntax, dedented, indented, replaced, unsupported};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::{Data, Kind};
use crate::migrate::config::key::KeyPath;
use crate::migrate::config::text::{is_blank, line_ending, line_start};

pub struct Json {
    /// Whether new keys come with their comments also into a file that has none yet.
    pub comments: bool,
}

const MARKS: &[&str] = &["//", "/*", "*"];

impl Syntax for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn data(&self, file: &str, text: &str) -> Result<Data, ConfigError> {
        serde_json::from_str(&bare(text)).map_err(|e| ConfigError::Syntax {
            file: file.to_owned(),
            format: self.name(),
            line: e.line(),
            column: e.column(),
            reason: e.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        })
    }

    fn outline(&self, text: &str) -> Result<Outline, ConfigError> {
        let collect = CollectOptions {
            comments: CommentCollectionStrategy::Separate,
            tokens: false,
        };
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(text, &collect, &options).map_err(|e| ConfigError::NotEquivalent {
            reason: format!("the outline of the file cannot be made: {e}"),
            text: text.to_owned(),
        })?;
        let mut outline = Outline::default();
        for comment in parsed
            .comments
            .iter()
            .flat_map(|map| map.values())
            .flat_map(|all| all.iter())
        {
            let range = comment.range();
            outline.comments.push(range.start..range.end);
        }
        outline.comments.sort_by_key(|comment| comment.start);
        outline.comments.dedup();
        if let Some(Value::Object(root)) = &parsed.value {
            outline.root = Some(root.range.start..root.range.end);
            walk(root, &[], text, &mut outline);
        }
        outline.entries.sort_by_key(|entry| entry.key.start);
        Ok(outline)
    }

    fn key(&self, name: &str) -> Result<String, ConfigError> {
        Ok(quoted(name))
    }

    fn value(&self, data: &Data) -> Result<String, ConfigError> {
        Ok(match data {
            Data::Table(table) if table.is_empty() => "{}".to_owned(),
            Data::Table(table) => {
                let entry = |(key, value): (&String, &Data)| {
                    Ok::<_, ConfigError>(format!("{}: {}", quoted(key), self.value(value)?))
                };
                format!(
                    "{{ {} }}",
                    table.iter().map(entry).collect::<Result<Vec<_>, _>>()?.join(", ")
                )
            }
            Data::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| self.value(item))
                    .collect::<Result<Vec<_>, _>>()?;
                format!("[{}]", items.join(", "))
            }
            Data::Scalar(Kind::Float, text)
                if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') || text == "-inf" =>
            {
                return Err(ConfigError::Unwritable {
                    value: text.clone(),
                    format: self.name(),
                    reason: "it has no such number",
                });
            }
            Data::Scalar(Kind::String | Kind::Datetime, text) => quoted(text),
            Data::Scalar(Kind::Null, _) => "null".to_owned(),
            Data::Scalar(_, text) => text.clone(),
        })
    }

    fn separator(&self, text: &str) -> &'static str {
        if text.contains("\": ") || !text.contains("\":") {
            ": "
        } else {
            ":"
        }
    }

    fn comment_mark(&self, text: &str) -> Option<&'static str> {
        let has_some = || self.outline(text).is_ok_and(|outline| !outline.comments.is_empty());
        (self.comments || has_some()).then_some("//")
    }

    fn cut(&self, text: &str, outline: &Outline, entry: &Entry) -> Option<(String, Piece)> {
        let (elements, at) = siblings(text, outline, entry)?;
        let start = line_start(text, entry.key.start);
        let indent = &text[start..entry.key.start];
        let element = elements.all.get(at)?;
        let (before, tail) = match elements.lines_of(element) {
            Some(lines) => {
                let before = text[lines.start..start].lines().map(|line| line.trim().to_owned());
                (before.collect(), elements.tail_of(element))
            }
            None => (Vec::new(), String::new()),
        };
        let indent = if is_blank(indent) { indent } else { "" };
        let after = dedented(&text[entry.key.end..entry.value.end], indent);
        Some((elements.without(at)?, Piece { before, after, tail }))
    }

    fn put(&self, text: &str, outline: &Outline, key: &KeyPath, piece: &Piece) -> Result<String, ConfigError> {
        put(text, outline, key, piece)
    }

    fn with_item(&self, text: &str, entry: &Entry, at: usize, item: &str) -> Option<String> {
        list(self, text, entry)?.elements(text).with(at, "", item, "")
    }

    fn without_item(&self, text: &str, entry: &Entry, at: usize) -> Option<String> {
        list(self, text, entry)?.elements(text).without(at)
    }
}

/// The items of a list with the comments of the text.
struct List {
    inside: Range<usize>,
    items: Vec<Range<usize>>,
    comments: Vec<Range<usize>>,
}

impl List {
    fn elements<'e>(&'e self, text: &'e str) -> Elements<'e> {
        Elements {
            text,
            comments: &self.comments,
            all: self.items.clone(),
            inside: self.inside.clone(),
            comment_marks: MARKS,
        }
    }
}

fn list(json: &Json, text: &str, entry: &Entry) -> Option<List> {
    let Shape::List { items, .. } = &entry.shape else {
        return None;
    };
    Some(List {
        inside: within(&entry.value),
        items: items.clone(),
        comments: json.outline(text).ok()?.comments,
    })
}

fn within(brackets: &Range<usize>) -> Range<usize> {
    brackets.start + 1..brackets.end - 1
}

fn walk(object: &Object<'_>, path: &[String], text: &str, outline: &mut Outline) {
    let properties = object.properties.iter();
    let elements = Elements {
        text,
        comments: &outline.comments,
        all: properties
            .map(|property| property.range.start..property.range.end)
            .collect(),
        inside: object.range.start + 1..object.range.end - 1,
        comment_marks: MARKS,
    };
    let mut entries = Vec::new();
    for (property, range) in object.properties.iter().zip(&elements.all) {
        let value = property.value.range();
        entries.push(Entry {
            path: [path, &[property.name.as_str().to_owned()]].concat(),
            key: range.start..range.start + key_length(&text[range.clone()]),
            value: value.start..value.end,
            lines: elements.lines_of(range),
            shape: shape_of(&property.value),
        });
    }
    let paths: Vec<Vec<String>> = entries.iter().map(|entry| entry.path.clone()).collect();
    outline.entries.append(&mut entries);
    for (property, path) in object.properties.iter().zip(paths) {
        if let Value::Object(inner) = &property.value {
            walk(inner, &path, text, outline);
        }
    }
}

fn shape_of(value: &Value<'_>) -> Shape {
    match value {
        Value::Object(_) => Shape::Table { flow: true },
        Value::Array(list) => {
            let items = list.elements.iter().map(|item| item.start()..item.end());
            Shape::List {
                items: items.collect(),
                flow: true,
            }
        }
        _ => Shape::Single,
    }
}

/// Of a property that begins with a string.
fn key_length(property: &str) -> usize {
    let mut escaped = false;
    for (at, c) in property.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    property.len()
}

fn siblings<'e>(text: &'e str, outline: &'e Outline, entry: &Entry) -> Option<(Elements<'e>, usize)> {
    let above = &entry.path[..entry.path.len() - 1];
    let elements = elements_of(text, outline, above)?;
    let at = elements
        .all
        .iter()
        .position(|element| element.start == entry.key.start)?;
    Some((elements, at))
}

fn elements_of<'e>(text: &'e str, outline: &'e Outline, path: &[String]) -> Option<Elements<'e>> {
    let brackets = match outline.entry(path) {
        Some(Entry {
            shape: Shape::Table { .. },
            value,
            ..
        }) => value.clone(),
        Some(_) => return None,
        None => outline.root.clone()?,
    };
    Some(Elements {
        text,
        comments: &outline.comments,
        all: outline
            .children(path)
            .iter()
            .map(|child| child.key.start..child.value.end)
            .collect(),
        inside: within(&brackets),
        comment_marks: MARKS,
    })
}

fn put(text: &str, outline: &Outline, key: &KeyPath, piece: &Piece) -> Result<String, ConfigError> {
    let above = key.parent();
    let depth = (0..=above.len())
        .rev()
        .find(|depth| *depth == 0 || outline.entry(&above[..*depth]).is_some());
    let (around, missing) = key.parts().split_at(depth.unwrap_or(0));
    if text.trim().is_empty() {
        return Ok(format!(
            "{{{}}}{}",
            block(text, "", "  ", missing, piece),
            line_ending(text)
        ));
    }
    let null = outline
        .entry(around)
        .filter(|entry| &text[entry.value.clone()] == "null");
    let elements = match null {
        Some(entry) => {
            let empty = replaced(text, &entry.value, "{}");
            let outline = Json { comments: false }.outline(&empty)?;
            return put(&empty, &outline, key, piece);
        }
        None => elements_of(text, outline, around),
    };
    let elements = elements.ok_or_else(|| unsupported("put a key into", key, "it is no object"))?;
    let step = step_of(text, outline);
    if elements.all.is_empty() {
        let start = line_start(text, elements.inside.start);
        let indent: String = text[start..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
        let block = block(text, &indent, &step, missing, piece);
        // Comments that the empty object holds stay above what comes.
        let kept = text[elements.inside.clone()].trim_end();
        let (before, behind) = (&text[..elements.inside.start], &text[elements.inside.end..]);
        return Ok(format!("{before}{kept}{block}{behind}"));
    }
    let reason = "it is an object on one line, and there is no room for comments";
    beside(&elements, &step, missing, piece).ok_or_else(|| unsupported("put a key into", key, reason))
}

/// Behind the elements that are there, the way they are written.
fn beside(elements: &Elements<'_>, step: &str, keys: &[String], piece: &Piece) -> Option<String> {
    let (first, rest) = keys.split_first()?;
    let (text, last) = (elements.text, elements.all.len());
    let indent = elements.indent().unwrap_or_default();
    if rest.is_empty() {
        let ending = line_ending(text);
        let before: String = piece
            .before
            .iter()
            .map(|line| format!("{indent}{line}{ending}"))
            .collect();
        let element = format!("{}{}", quoted(first), indented(&piece.after, indent));
        return elements.with(last, &before, &element, &piece.tail);
    }
    if elements.is_on_lines() {
        let element = format!("{}: {{{}}}", quoted(first), block(text, indent, step, rest, piece));
        return elements.with(last, "", &element, "");
    }
    if !piece.before.is_empty() || !piece.tail.is_empty() {
        return None;
    }
    let open: Vec<String> = rest.iter().map(|part| format!("{{ {}", quoted(part))).collect();
    let element = format!(
        "{}: {}{}{}",
        quoted(first),
        open.join(": "),
        piece.after,
        " }".repeat(rest.len())
    );
    elements.with(last, "", &element, "")
}

/// What stands between the braces of an object that has only this, each level on lines of its own.
fn block(text: &str, indent: &str, step: &str, keys: &[String], piece: &Piece) -> String {
    let ending = line_ending(text);
    let inner = format!("{indent}{step}");
    let Some((first, rest)) = keys.split_first() else {
        return String::new();
    };
    if rest.is_empty() {
        let before: String = piece
            .before
            .iter()
            .map(|line| format!("{inner}{line}{ending}"))
            .collect();
        let after = indented(&piece.after, &inner);
        return format!(
            "{ending}{before}{inner}{}{after}{}{ending}{indent}",
            quoted(first),
            piece.tail
        );
    }
    let below = block(text, &inner, step, rest, piece);
    format!("{ending}{inner}{}: {{{below}}}{ending}{indent}", quoted(first))
}

fn step_of(text: &str, outline: &Outline) -> String {
    let first = outline
        .entries
        .iter()
        .find(|entry| entry.path.len() == 1 && entry.lines.is_some());
    let indent = first.map(|entry| &text[line_start(text, entry.key.start)..entry.key.start]);
    indent.filter(|indent| !indent.is_empty()).unwrap_or("  ").to_owned()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// With blanks in place of comments and of commas before a closing bracket; every other byte keeps its place.
fn bare(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut comma) = (0, None);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => {
                at += key_length(&text[at..]);
                comma = None;
                continue;
            }
            (b'/', Some(b'/')) => {
                let end = text[at..].find('\n').map_or(bytes.len(), |length| at + length);
                bytes[at..end].fill(b' ');
                at = end;
                continue;
            }
            (b'/', Some(b'*')) => {
                let end = text[at + 2..]
                    .find("*/")
                    .map_or(bytes.len(), |length| at + 2 + length + 2);
                bytes[at..end]
                    .iter_mut()
                    .filter(|byte| **byte != b'\n')
                    .for_each(|byte| *byte = b' ');
                at = end;
                continue;
            }
            (b',', _) => comma = Some(at),
            (b'}' | b']', _) => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            (byte, _) if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at += 1;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
