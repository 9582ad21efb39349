//! Files of every format that no one thought of: up and down again, undisturbed and around what the user changed.

use proptest::prelude::*;

use crate::migrate::config::edit::Edit;
use crate::migrate::config::inverse::around_changes;
use crate::migrate::config::*;

/// Key, value and comment.
type Line = (String, String, Option<String>);

/// What a file says, to be written in any format.
#[derive(Debug, Clone)]
struct Wanted {
    root: Vec<Line>,
    tables: Vec<(String, Vec<Line>)>,
    windows: bool,
    ended: bool,
}

/// `a` to `d` are what operations are about; `own` ones are the user's.
fn entries() -> impl Strategy<Value = Vec<Line>> {
    let entry = (
        "[a-d]|own[0-9]",
        "[0-9]|[1-9][0-9]|[a-z]{1,4}",
        proptest::option::of("[a-z]{1,6}"),
    );
    proptest::collection::vec(entry, 0..5).prop_map(|mut all| {
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|(key, ..)| seen.insert(key.clone()));
        all
    })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let tables = proptest::collection::vec(("[e-g]", entries()), 0..3).prop_map(|mut all| {
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|(name, entries)| !entries.is_empty() && seen.insert(name.clone()));
        all
    });
    (entries(), tables, any::<bool>(), any::<bool>()).prop_map(|(root, tables, windows, ended)| Wanted {
        root,
        tables,
        windows,
        ended,
    })
}

impl Wanted {
    fn written(&self, format: Format) -> String {
        let text = match format {
            Format::Yaml => self.yaml(),
            Format::Jsonc => self.json(),
            _ => self.ini(),
        };
        let text = if self.ended { text } else { text.trim_end().to_owned() };
        if self.windows { text.replace('\n', "\r\n") } else { text }
    }

    fn yaml(&self) -> String {
        let lines = |entries: &[Line], indent: &str| {
            let line = |(key, value, comment): &Line| match comment {
                Some(comment) if comment.len() > 3 => format!("{indent}# {comment}\n{indent}{key}: {value}\n"),
                Some(comment) => format!("{indent}{key}:  {value} # {comment}\n"),
                None => format!("{indent}{key}: {value}\n"),
            };
            entries.iter().map(line).collect::<String>()
        };
        let tables = self.tables.iter().map(|(name, entries)| match entries.len() % 2 {
            0 => format!("{name}:\n{}\n", lines(entries, "  ")),
            _ => format!("{name}: # of {name}\n{}", lines(entries, "    ")),
        });
        lines(&self.root, "") + &tables.collect::<String>()
    }

    fn json(&self) -> String {
        let said = |value: &str| {
            if value.parse::<u8>().is_ok() {
                value.to_owned()
            } else {
                format!("\"{value}\"")
            }
        };
        let mut lines: Vec<String> = Vec::new();
        for (key, value, comment) in &self.root {
            let comment = comment
                .as_ref()
                .map(|comment| format!("  // {comment}\n"))
                .unwrap_or_default();
            lines.push(format!("{comment}  \"{key}\": {}", said(value)));
        }
        for (name, entries) in &self.tables {
            let inner: Vec<String> = entries
                .iter()
                .map(|(key, value, _)| format!("\"{key}\": {}", said(value)))
                .collect();
            lines.push(match entries.len() % 2 {
                0 => format!("  \"{name}\": {{\n    {}\n  }}", inner.join(",\n    ")),
                _ => format!("  \"{name}\": {{ {} }}", inner.join(", ")),
            });
        }
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }

    fn ini(&self) -> String {
        let lines = |entries: &[Line]| {
            let line = |(key, value, comment): &Line| {
                let comment = comment
                    .as_ref()
                    .map(|comment| format!("; {comment}\n"))
                    .unwrap_or_default();
                format!("{comment}{key} = {value}\n")
            };
            entries.iter().map(line).collect::<String>()
        };
        let tables = self
            .tables
            .iter()
            .map(|(name, entries)| format!("\n[{name}]\n{}", lines(entries)));
        lines(&self.root) + &tables.collect::<String>()
    }
}

fn an_op() -> impl Strategy<Value = String> {
    let key = || "([e-h]\\.)?[a-d]";
    prop_oneof![
        3 => (key(), key()).prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        1 => ("[e-h]", "[e-h]").prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        1 => ("[a-d]", "[a-d]").prop_map(|(from, to)| format!("move: {{from: '*.{from}', to: '$1.{to}'}}")),
        2 => (key(), 0..9).prop_map(|(key, value)| format!("set_default: {{key: {key}, value: {value}, comment: new}}")),
        1 => key().prop_map(|key| format!("delete: {{key: {key}}}")),
        1 => key().prop_map(|key| format!("delete: {{key: {key}, keep_comment: true}}")),
        1 => (key(), 0..9).prop_map(|(key, value)| format!("change: {{key: {key}, from: [1, 2, 3], to: {value}}}")),
        1 => key().prop_map(|key| format!("transform: {{key: {key}, with: [uppercase]}}")),
    ]
}

fn a_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Yaml), Just(Format::Jsonc), Just(Format::Ini)]
}

fn parsed(wanted: &[String]) -> Vec<Op> {
    let list: String = wanted.iter().map(|op| format!("- {op}\n")).collect();
    serde_saphyr::from_str(&list).unwrap()
}

/// What the user's own keys say.
fn own(format: Format, text: &str) -> Vec<(String, String)> {
    let data = format.data("x", text).unwrap().unwrap();
    let leaves = data.leaves().into_iter();
    let own = leaves.filter(|(key, _)| key.last().starts_with("own"));
    let mut own: Vec<_> = own
        .map(|(key, value)| (key.last().to_owned(), value.to_string()))
        .collect();
    own.sort();
    own
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn up_and_down_is_the_same_to_the_byte(
        wanted in wanted(), format in a_format(), ops in proptest::collection::vec(an_op(), 1..5),
    ) {
        let text = wanted.written(format);
        prop_assert!(check(format, "x", &text).is_ok(), "{text}");
        let Ok(Applied { text: now, inverse, .. }) = apply(format, &text, &parsed(&ops)) else { return Ok(()) };
        prop_assert!(check(format, "x", &now).is_ok());
        prop_assert_eq!(invert(&now, &inverse).unwrap(), &*text);
        prop_assert_eq!(around_changes(&now, &inverse).unwrap(), &*text, "by its edits, from {}", now);
        if !ops.iter().any(|op| op.contains("delete") || op.contains("from: '*") || op.contains("from: e") || op.contains("from: f") || op.contains("from: g")) {
            prop_assert_eq!(own(format, &now), own(format, &text));
        }
    }

    /// The user changed values of their own and added a key at the end.
    #[test]
    fn the_user_s_changes_survive_the_way_back(
        wanted in wanted(), format in a_format(), ops in proptest::collection::vec(an_op(), 1..4), value in 100..200_i64,
    ) {
        let text = wanted.written(format);
        let Ok(Applied { text: now, inverse, .. }) = apply(format, &text, &parsed(&ops)) else { return Ok(()) };
        let said = format.data("x", &now).unwrap().unwrap();
        let keys = said.leaves().into_iter().map(|(key, _)| key).filter(|key| key.last().starts_with("own"));
        let mut edited = now.clone();
        for key in keys {
            let edit = Edit::Set { key, value: format.value(&Data::integer(value)), raw: None };
            if let Some((text, _)) = format.run(&edited, &edit).unwrap() {
                edited = text;
            }
        }
        prop_assume!(edited != now);
        let mine = own(format, &edited);
        let back = match invert(&edited, &inverse) {
            Ok(back) => back,
            // Said, and nothing changed: the text in the way is beside it.
            Err(e) => { prop_assert!(!e.to_string().is_empty()); return Ok(()) }
        };
                for entry in mine {
            prop_assert!(own(format, &back).contains(&entry), "{:?} is lost in {}", entry, back);
        }
    }
}
