//! Migrations of configuration: above the line `%%%` a file, below it the operations. The first line may name the format of the
//! file, as in `%yaml`; else it is TOML. What was done is taken back to the byte.
#![no_main]

use netlink::migrate::config::{Applied, Format, Inverse, Migration, apply, check, invert};
use netlink_fuzz::survives_json;
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (format, text) = format_of(text);
    let (before, ops) = text.split_once("%%%\n").unwrap_or((text, ""));
    let ops = format!("a.file:\n{ops}");
    if check(format, "a.file", before).is_err() {
        return;
    }
    let Ok(migration) = Migration::parse("0a1".parse().unwrap(), &ops) else {
        return;
    };
    let Some(ops) = migration.ops_for(&"a.file".parse().unwrap()) else {
        return;
    };
    let Ok(Applied { text: now, inverse, .. }) = apply(format, before, ops) else {
        return;
    };
    check(format, "a.file", &now).unwrap_or_else(|e| panic!("{e}: {now}"));
    assert_eq!(invert(&now, &inverse).unwrap(), before);
    survives_json(&inverse);
    if format == Format::Toml {
        around_changes(before, &now, &inverse);
    }
});

fn format_of(text: &str) -> (Format, &str) {
    let formats = [
        ("%yaml\n", Format::Yaml),
        ("%json\n", Format::Json),
        ("%jsonc\n", Format::Jsonc),
        ("%ini\n", Format::Ini),
        ("%env\n", Format::Env),
        ("%properties\n", Format::Properties),
        ("%systemd\n", Format::Systemd),
    ];
    let named = formats
        .iter()
        .find_map(|(name, format)| Some((*format, text.strip_prefix(name)?)));
    named.unwrap_or((Format::Toml, text))
}

/// What the user added since stays, and the rest says what it said.
fn around_changes(before: &str, now: &str, inverse: &Inverse) {
    let edit = |text: &str| format!("# first\n{text}\n# last\n[added-by-the-user]\nkey = 1\n");
    let is_fine = |text: &str| check(Format::Toml, "a.file", &edit(text)).is_ok();
    if !is_fine(before) || !is_fine(now) {
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
