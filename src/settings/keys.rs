//! The known keys, and the one that a mistyped key most likely means.

use serde_json::Value;

use super::File;
use crate::release::HookPoint;

/// Further apart than this, two names have nothing to do with each other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.7;

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
            return Some((key.clone(), nearest(key, known.keys())));
        };
        if let Some((below, nearest)) = unknown(value, section) {
            let nearest = nearest.map(|name| format!("{key}.{name}"));
            return Some((format!("{key}.{below}"), nearest));
        }
    }
    None
}

pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.clone())
}
