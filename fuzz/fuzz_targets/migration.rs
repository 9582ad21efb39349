//! Migrations of configuration: above the line `%%%` a TOML file, below it the operations. What was done is taken back to the byte.
#![no_main]

use netlink::migrate::config::{Migration, apply, check, invert};
use netlink_fuzz::survives_json;
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (before, ops) = text.split_once("%%%\n").unwrap_or((text, ""));
    let ops = format!("a.toml:\n{ops}");
    if check("a.toml", before).is_err() {
        return;
    }
    let Ok(migration) = Migration::parse("0a1".parse().unwrap(), &ops) else {
        return;
    };
    let Some(ops) = migration.ops_for(&"a.toml".parse().unwrap()) else {
        return;
    };
    let Ok((now, inverse)) = apply(before, ops) else { return };
    check("a.toml", &now).unwrap_or_else(|e| panic!("{e}: {now}"));
    assert_eq!(invert(&now, &inverse).unwrap(), before);
    survives_json(&inverse);
    around_changes(before, &now, &inverse);
});

/// What the user added since stays, and the rest says what it said.
fn around_changes(before: &str, now: &str, inverse: &netlink::migrate::config::Inverse) {
    let edit = |text: &str| format!("# first\n{text}\n# last\n[added-by-the-user]\nkey = 1\n");
    if check("a.toml", &edit(before)).is_err() || check("a.toml", &edit(now)).is_err() {
        return;
    }
    let back = invert(&edit(now), inverse).unwrap_or_else(|e| panic!("{e}: {now}"));
    assert_eq!(said(&back), said(&edit(before)), "{back}");
    assert!(back.contains("# first") && back.contains("# last"), "{back}");
}

/// Without empty tables, which say nothing.
fn said(text: &str) -> Value {
    pruned(toml_edit::de::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}")))
}

fn pruned(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(key, value)| (key, pruned(value)));
            kept.filter(|(_, value)| !value.as_object().is_some_and(serde_json::Map::is_empty))
                .collect()
        }
        other => other,
    }
}
