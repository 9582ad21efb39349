//! The known keys, and the one that a mistyped key most likely means.

use serde_json::Value;

use super::File;
use crate::release::{self, HookPoint};

/// All keys as a tree: objects are sections, anything else ends a path.
pub fn known() -> Value {
    let mut tree = serde_json::to_value(File::default()).unwrap_or_default();
    tree["hooks"] = HookPoint::ALL
        .iter()
        .map(|point| (point.to_string(), Value::Null))
        .collect();
    // Names of the operator's own.
    tree["policy"]["facts"] = Value::Null;
    tree["config"]["settled"] = Value::Null;
    tree
}

/// The first key of `found` that is not in `known`, dotted, with the known key it resembles most.
pub fn unknown(found: &Value, known: &Value) -> Option<(String, Option<String>)> {
    let (Value::Object(found), Value::Object(known)) = (found, known) else {
        return None;
    };
    for (key, value) in found {
        let Some(section) = known.get(key) else {
            return Some((key.clone(), nearest(key, known.keys().map(String::as_str))));
        };
        if let Some((below, nearest)) = unknown(value, section) {
            let nearest = nearest.map(|name| format!("{key}.{name}"));
            return Some((format!("{key}.{below}"), nearest));
        }
    }
    None
}

/// The first section, dotted, that `found` has a list for: what reads it would take the list's items for its keys, by their places.
/// Empty for the whole.
pub fn section_as_list(found: &Value, known: &Value) -> Option<String> {
    match (found, known) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Object(found), Value::Object(known)) => found.iter().find_map(|(key, value)| {
            let below = section_as_list(value, known.get(key)?)?;
            Some(if below.is_empty() {
                key.clone()
            } else {
                format!("{key}.{below}")
            })
        }),
        _ => None,
    }
}

pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    release::nearest(name, known).map(str::to_owned)
}

/// The dotted key on a line of the text in which `found` was read; none where that is not plain to see.
pub fn at_line(found: &Value, text: &str, line: u64) -> Option<String> {
    let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let mut all = Vec::new();
    collect(found, "", &mut all);
    let on_line = all.iter().filter(|(name, _)| {
        let mut words = line.split([' ', '{', ',', '\t']);
        words.any(|word| word.trim_matches(['"', '\'']).strip_suffix(':') == Some(name))
    });
    // A name that is in several sections says too little.
    let mut on_line = on_line.map(|(_, key)| key);
    on_line.next().filter(|_| on_line.next().is_none()).cloned()
}

/// Each name with its dotted key.
fn collect(value: &Value, above: &str, all: &mut Vec<(String, String)>) {
    for (name, below) in value.as_object().into_iter().flatten() {
        let key = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        collect(below, &key, all);
        if !below.is_object() {
            all.push((name.clone(), key));
        }
    }
}
