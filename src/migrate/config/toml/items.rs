//! Items of arrays: one more or one less, with the comments of the others.

use toml_edit::{Array, RawString, Value};

use super::value::{of_value, to_value};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;

/// The text of an array with an item put in at `at`; `None` when the text is no array.
pub(super) fn with(array: &str, at: usize, item: &Data) -> Result<Option<String>, ConfigError> {
    let Some(mut array) = read(array) else { return Ok(None) };
    let at = at.min(array.len());
    let new = to_value(item)?;
    let lead = array
        .get(at.saturating_sub(1))
        .and_then(|near| near.decor().prefix())
        .and_then(RawString::as_str);
    let indent = lead.map(|lead| lead.rsplit('\n').next().unwrap_or_default());
    let is_on_own_line = lead.is_some_and(|lead| lead.contains('\n'));
    let prefix = match indent {
        Some(indent) if is_on_own_line => format!("\n{indent}"),
        _ if at == 0 => String::new(),
        _ => " ".to_owned(),
    };
    // What stands behind the last item, e.g. its comment, stays on its line.
    if at == array.len() && is_on_own_line && array.trailing_comma() {
        let behind = array.trailing().as_str().unwrap_or_default().to_owned();
        let (own, rest) = behind.split_at(behind.find('\n').unwrap_or(0));
        array.set_trailing(rest);
        array.push_formatted(new.decorated(format!("{own}{prefix}"), ""));
    } else {
        array.insert_formatted(at, new.decorated(prefix, ""));
    }
    Ok(Some(array.to_string()))
}

/// Without the item at `at`; the comments before it stay.
pub(super) fn without(array: &str, at: usize) -> Option<String> {
    let mut array = read(array)?;
    if at >= array.len() {
        return None;
    }
    let gone = array.remove(at);
    let lead = gone.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
    if lead.contains('#') {
        match array.get_mut(at) {
            Some(next) => {
                let own = next.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
                let joined = format!("{}{}", lead.trim_end_matches([' ', '\t', '\n', '\r']), own_line(own));
                next.decor_mut().set_prefix(joined);
            }
            None => {
                let behind = array.trailing().as_str().unwrap_or_default();
                let joined = format!("{}{}", lead.trim_end_matches([' ', '\t', '\n', '\r']), own_line(behind));
                array.set_trailing(joined);
            }
        }
    } else if at == 0
        && let Some(first) = array.get_mut(0)
    {
        first.decor_mut().set_prefix(lead.to_owned());
    }
    Some(array.to_string())
}

fn own_line(decor: &str) -> String {
    if decor.contains('\n') {
        decor.to_owned()
    } else {
        format!("\n{decor}")
    }
}

pub(super) fn position(array: &str, item: &Data) -> Option<usize> {
    read(array)?.iter().position(|other| of_value(other) == *item)
}

fn read(array: &str) -> Option<Array> {
    match array.trim().parse::<Value>() {
        Ok(Value::Array(array)) => Some(array),
        _ => None,
    }
}
