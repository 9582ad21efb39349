//! Files of lines: INI, .env, Java's properties, systemd units. Values are text; what a list is in other formats is a key that
//! is written more than once here, and is left alone.

use std::ops::Range;

use super::{Entry, Outline, Piece, Shape, Syntax, lines_around, lines_read, replaced, unsupported};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::{Data, Kind};
use crate::migrate::config::key::KeyPath;
use crate::migrate::config::text::{is_blank, line_end, line_ending, line_start};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Ini,
    Env,
    Properties,
    Systemd,
}

pub struct Lines(pub Dialect);

impl Dialect {
    pub fn has_sections(self) -> bool {
        matches!(self, Self::Ini | Self::Systemd)
    }

    pub fn comment_marks(self) -> &'static [char] {
        match self {
            Self::Ini | Self::Systemd => &['#', ';'],
            Self::Env => &['#'],
            Self::Properties => &['#', '!'],
        }
    }

    fn is_comment(self, line: &str) -> bool {
        line.trim_start().starts_with(self.comment_marks())
    }

    /// Whether a line that ends so goes on with the next.
    fn goes_on(self, line: &str) -> bool {
        let slashes = line
            .trim_end_matches(['\r', '\n'])
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'\\')
            .count();
        matches!(self, Self::Properties | Self::Systemd) && slashes % 2 == 1
    }

    fn separators(self) -> &'static [char] {
        match self {
            Self::Ini | Self::Properties => &['=', ':'],
            Self::Env | Self::Systemd => &['='],
        }
    }
}

impl Syntax for Lines {
    fn name(&self) -> &'static str {
        match self.0 {
            Dialect::Ini => "INI",
            Dialect::Env => ".env",
            Dialect::Properties => "properties",
            Dialect::Systemd => "systemd unit",
        }
    }

    fn data(&self, file: &str, text: &str) -> Result<Data, ConfigError> {
        lines_read::data(self.0, self.name(), file, text)
    }

    fn outline(&self, text: &str) -> Result<Outline, ConfigError> {
        Ok(outline(self.0, text))
    }

    fn key(&self, name: &str) -> Result<String, ConfigError> {
        let forbidden = name.is_empty() || name.contains(['=', '\n', '\r', '[', ']']) || name.trim() != name;
        let spaced = matches!(self.0, Dialect::Env | Dialect::Properties) && name.contains([' ', ':']);
        if forbidden || spaced || self.0.is_comment(name) {
            return Err(ConfigError::Unwritable {
                value: format!("the key {name:?}"),
                format: self.name(),
                reason: "it has no way to write it",
            });
        }
        Ok(name.to_owned())
    }

    fn value(&self, data: &Data) -> Result<String, ConfigError> {
        let cannot = |reason| ConfigError::Unwritable {
            value: data.to_string(),
            format: self.name(),
            reason,
        };
        let Data::Scalar(kind, text) = data else {
            return Err(cannot("it has neither lists nor tables"));
        };
        if *kind == Kind::Null || text.contains(['\n', '\r']) || (self.0 != Dialect::Env && text.trim() != text) {
            return Err(cannot("it has no way to write it"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@,+%".contains(c);
        Ok(match self.0 {
            Dialect::Env if text.chars().all(plain) => text.clone(),
            Dialect::Env if !text.contains('\'') => format!("'{text}'"),
            Dialect::Env => return Err(cannot("it has quotes in it")),
            Dialect::Properties => text.replace('\\', "\\\\"),
            Dialect::Ini | Dialect::Systemd if text.ends_with('\\') => return Err(cannot("it ends with a backslash")),
            Dialect::Ini | Dialect::Systemd => text.clone(),
        })
    }

    fn separator(&self, text: &str) -> &'static str {
        let spaced = self.0 == Dialect::Ini && (text.contains(" = ") || !text.contains('='));
        if spaced { " = " } else { "=" }
    }

    fn comment_mark(&self, text: &str) -> Option<&'static str> {
        let semicolons = self.0 == Dialect::Ini && text.lines().any(|line| line.starts_with(';'));
        Some(if semicolons { ";" } else { "#" })
    }

    fn cut(&self, text: &str, _: &Outline, entry: &Entry) -> Option<(String, Piece)> {
        let lines = entry.lines.clone()?;
        let start = line_start(text, entry.key.start);
        let piece = Piece {
            before: text[lines.start..start]
                .lines()
                .map(|line| line.trim_end().to_owned())
                .collect(),
            after: text[entry.key.end..entry.value.end].to_owned(),
            tail: text[entry.value.end..lines.end]
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
        };
        Some((replaced(text, &lines, ""), piece))
    }

    fn put(&self, text: &str, outline: &Outline, key: &KeyPath, piece: &Piece) -> Result<String, ConfigError> {
        let ending = line_ending(text);
        let above = key.parent();
        if above.len() > usize::from(self.0.has_sections()) {
            return Err(unsupported(
                "put a key into",
                key,
                "the format has no tables inside tables",
            ));
        }
        let before: String = piece.before.iter().map(|line| format!("{line}{ending}")).collect();
        let line = format!("{before}{}{}{}{ending}", self.key(key.last())?, piece.after, piece.tail);
        if let Some(last) = outline.children(above).last() {
            let at = last.lines.as_ref().map_or(text.len(), |lines| lines.end);
            return Ok(replaced(text, &(at..at), &line));
        }
        match above.first() {
            None => {
                let at = outline
                    .sections
                    .first()
                    .map_or(text.len(), |(_, header)| with_comments(self.0, text, header.start));
                let gap = if at < text.len() { ending } else { "" };
                Ok(replaced(text, &(at..at), &format!("{line}{gap}")))
            }
            Some(section) => match outline.sections.iter().find(|(name, _)| name == section) {
                Some((_, header)) => Ok(replaced(text, &(header.end..header.end), &line)),
                None => {
                    let gap = if text.trim().is_empty() || text.ends_with(&ending.repeat(2)) {
                        ""
                    } else {
                        ending
                    };
                    Ok(format!("{text}{gap}[{}]{ending}{line}", self.key(section)?))
                }
            },
        }
    }

    fn with_item(&self, _: &str, _: &Entry, _: usize, _: &str) -> Option<String> {
        None
    }

    fn without_item(&self, _: &str, _: &Entry, _: usize) -> Option<String> {
        None
    }
}

fn with_comments(dialect: Dialect, text: &str, at: usize) -> usize {
    lines_around(text, at, at, |line| dialect.is_comment(line)).start
}

fn outline(dialect: Dialect, text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut section: Vec<String> = Vec::new();
    // The indentation of the entry above, which a line that goes on exceeds in an INI file.
    let (mut at, mut above) = (0, None::<usize>);
    while at < text.len() {
        let end = line_end(text, at);
        let line = &text[at..end];
        let bare = line.trim();
        let indent = line.len() - line.trim_start().len();
        if bare.is_empty() {
            at = end;
            continue;
        }
        if dialect.is_comment(line) {
            outline.comments.push(at + indent..at + indent + bare.len());
        } else if let Some(name) = bare
            .strip_prefix('[')
            .filter(|_| dialect.has_sections())
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = vec![name.to_owned()];
            above = None;
            outline.sections.push((name.to_owned(), at..end));
        } else if dialect == Dialect::Ini && above.is_some_and(|above| indent > above) {
            if let Some(last) = outline.entries.last_mut() {
                last.value.end = at + line.trim_end().len();
                last.lines = last.lines.as_ref().map(|lines| lines.start..end);
            }
        } else {
            let mut end = end;
            while end < text.len() && dialect.goes_on(&text[line_start(text, end - 1)..end]) {
                end = line_end(text, end);
            }
            let entry = entry(dialect, text, at..end, &section, &mut outline.comments);
            above = Some(indent);
            outline.entries.push(entry);
            at = end;
            continue;
        }
        at = end;
    }
    outline
}

fn entry(
    dialect: Dialect,
    text: &str,
    lines: Range<usize>,
    section: &[String],
    comments: &mut Vec<Range<usize>>,
) -> Entry {
    let line = &text[lines.clone()];
    let mut start = lines.start + line.len() - line.trim_start().len();
    if dialect == Dialect::Env
        && let Some(rest) = text[start..lines.end].strip_prefix("export ")
    {
        start = lines.end - rest.trim_start().len();
    }
    let rest = &text[start..lines.end];
    let by_blank = dialect == Dialect::Properties;
    let is_end = |c: char| dialect.separators().contains(&c) || (by_blank && c.is_whitespace());
    let length = rest.find(is_end).unwrap_or(rest.trim_end().len());
    let name = rest[..length].trim_end();
    let key = start..start + name.len();
    let behind = &text[key.end..lines.end];
    let sign = behind.trim_start();
    let from = if let Some(rest) = sign.strip_prefix(dialect.separators()) {
        lines.end - rest.len()
    } else if by_blank {
        lines.end - sign.len()
    } else {
        key.end
    };
    let value = text[from..lines.end].trim();
    let from = lines.end - text[from..lines.end].trim_start().len();
    let mut value = from.min(lines.end)..from.min(lines.end) + value.len();
    if value.is_empty() {
        let end = key.end + behind.trim_end().len();
        value = end..end;
    }
    if dialect == Dialect::Env
        && let Some(comment) = lines_read::comment_in(&text[value.clone()])
    {
        comments.push(value.start + comment..value.end);
        value.end = value.start + text[value.start..value.start + comment].trim_end().len();
    }
    let lead = lines_around(text, lines.start, lines.start, |line| dialect.is_comment(line)).start;
    Entry {
        path: [section, &[name.to_owned()]].concat(),
        key,
        value,
        lines: Some(lead..lines.end),
        shape: Shape::Single,
    }
}

/// Nothing but blanks and comments.
pub fn says_nothing(dialect: Dialect, line: &str) -> bool {
    is_blank(line) || dialect.is_comment(line)
}
