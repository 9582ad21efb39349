//! The other reader of files of lines: folds logical lines into what they say, and knows nothing of where it stands.

use indexmap::IndexMap;

use super::lines::{Dialect, says_nothing};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;

pub fn data(dialect: Dialect, format: &'static str, file: &str, text: &str) -> Result<Data, ConfigError> {
    let mut root = IndexMap::new();
    let mut section: Option<String> = None;
    for (line, said) in logical(dialect, text) {
        let wrong = |reason: &str| ConfigError::Syntax {
            file: file.to_owned(),
            format,
            line,
            column: 1,
            reason: reason.to_owned(),
        };
        if dialect.has_sections() && said.starts_with('[') {
            let name = said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let name = name
                .filter(|name| !name.is_empty())
                .ok_or_else(|| wrong("the header of a section does not end"))?;
            section = Some(name.to_owned());
            root.entry(name.to_owned()).or_insert_with(Data::empty);
            continue;
        }
        let (key, value) = split(dialect, &said).map_err(wrong)?;
        let table = match &section {
            None => &mut root,
            Some(name) => match root.get_mut(name) {
                Some(Data::Table(table)) => table,
                _ => return Err(wrong("a section has the name of a key")),
            },
        };
        match table.get_mut(&key) {
            None => drop(table.insert(key, value)),
            Some(Data::Array(all)) => all.push(value),
            Some(Data::Table(_)) => return Err(wrong("a key has the name of a section")),
            Some(once) => *once = Data::Array(vec![once.clone(), value]),
        }
    }
    Ok(Data::Table(root))
}

/// Lines that go on are joined; each with its number.
fn logical(dialect: Dialect, text: &str) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let (mut open, mut depth) = (false, None::<usize>);
    for (at, raw) in text.lines().enumerate() {
        let indent = raw.len() - raw.trim_start().len();
        if open {
            let (more, goes_on) = without_slash(dialect, raw.trim_start());
            if let Some((_, last)) = joined.last_mut() {
                last.push_str(more);
            }
            open = goes_on;
            continue;
        }
        if says_nothing(dialect, raw) {
            continue;
        }
        if dialect == Dialect::Ini && depth.is_some_and(|depth| indent > depth) && !is_header(raw) {
            if let Some((_, last)) = joined.last_mut() {
                last.push('\n');
                last.push_str(raw.trim());
            }
            continue;
        }
        depth = (!is_header(raw)).then_some(indent);
        let (said, goes_on) = without_slash(dialect, raw.trim_start());
        joined.push((at + 1, said.to_owned()));
        open = goes_on;
    }
    joined
        .into_iter()
        .map(|(at, said)| (at, said.trim_end().to_owned()))
        .collect()
}

fn is_header(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('[') && line.ends_with(']')
}

fn without_slash(dialect: Dialect, line: &str) -> (&str, bool) {
    let ended = line.trim_end_matches(['\r', '\n']);
    let slashes = ended.len() - ended.trim_end_matches('\\').len();
    match dialect {
        Dialect::Properties | Dialect::Systemd if slashes % 2 == 1 => (&ended[..ended.len() - 1], true),
        _ => (ended, false),
    }
}

fn split(dialect: Dialect, said: &str) -> Result<(String, Data), &'static str> {
    let (key, value) = match dialect {
        Dialect::Ini => match said.find(['=', ':']) {
            None => (said, None),
            Some(at) => (&said[..at], Some(&said[at + 1..])),
        },
        Dialect::Systemd => match said.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => return Err("there is no `=`"),
        },
        Dialect::Properties => {
            let end = said
                .find(|c: char| c == '=' || c == ':' || c.is_whitespace())
                .unwrap_or(said.len());
            let value = said[end..].trim_start();
            (&said[..end], Some(value.strip_prefix(['=', ':']).unwrap_or(value)))
        }
        Dialect::Env => {
            let said = said.strip_prefix("export ").unwrap_or(said);
            let (key, value) = said.split_once('=').ok_or("there is no `=`")?;
            return Ok((named(key)?, Data::text(unquoted(value.trim())?)));
        }
    };
    let value = value.map(str::trim);
    let value = match (dialect, value) {
        (_, None) => Data::null(),
        (Dialect::Properties, Some(value)) => Data::text(value.replace("\\\\", "\\")),
        (_, Some(value)) => Data::text(value),
    };
    Ok((named(key)?, value))
}

fn named(key: &str) -> Result<String, &'static str> {
    match key.trim() {
        "" => Err("there is no key before the value"),
        key => Ok(key.to_owned()),
    }
}

/// Where the comment behind a value of an .env file begins.
pub fn comment_in(value: &str) -> Option<usize> {
    let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
    let from = match quote {
        Some(quote) => 1 + closing(&value[1..], quote)? + 1,
        None => 0,
    };
    let rest = &value[from..];
    let marks = rest.match_indices('#').map(|(at, _)| at);
    let mut own = marks.filter(|at| from + at == 0 || value[..from + at].ends_with([' ', '\t']));
    own.next().map(|at| from + at)
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            _ if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    let Some(quote) = value.chars().next().filter(|c| *c == '"' || *c == '\'') else {
        let bare = comment_in(value).map_or(value, |at| &value[..at]);
        return Ok(bare.trim_end().to_owned());
    };
    let end = closing(&value[1..], quote).ok_or("the quotes do not end on this line")?;
    let inner = &value[1..=end];
    let behind = value[end + 2..].trim_start();
    if !behind.is_empty() && !behind.starts_with('#') {
        return Err("something stands behind the closing quote");
    }
    Ok(if quote == '"' {
        inner.replace("\\\"", "\"").replace("\\\\", "\\")
    } else {
        inner.to_owned()
    })
}
