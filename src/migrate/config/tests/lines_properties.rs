//! Files of lines (.env, properties, systemd units) and lists of every format that no one thought of: up and down again, undisturbed and
//! around what the user changed.

use proptest::prelude::*;

use crate::migrate::config::inverse::around_changes;
use crate::migrate::config::*;

fn parsed(wanted: &[String]) -> Vec<Op> {
    let list: String = wanted.iter().map(|op| format!("- {op}\n")).collect();
    serde_saphyr::from_str_with_options(&list, files::yaml_options()).unwrap()
}

/// `A` to `D` are what operations are about; `OWN` ones are the user's, and have values that tests can find.
fn env_line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(String::new()),
        "[0-9]",
        "[a-z/:.@]{1,6}",
        "\"[a-z #=$]{0,5}\"",
        "'[a-z #\"]{0,5}'",
        Just("\"two\\nlines\"".to_owned()),
    ];
    prop_oneof![
        4 => ("(export )?", "[A-D]", value, "( # [a-z]{1,4})?")
            .prop_map(|(export, key, value, comment)| format!("{export}{key}={value}{comment}")),
        2 => Just("OWN=111".to_owned()),
        1 => "# [a-z=]{0,6}",
        1 => Just(String::new()),
    ]
}

fn properties_line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(String::new()),
        "[0-9]",
        "[a-z =:]{1,6}",
        Just("one, \\\n    two".to_owned()),
        Just("\\u00e9 \\t x".to_owned()),
    ];
    prop_oneof![
        4 => ("( )?", "[a-d](\\.[a-d])?", "=| = | : |:| ", value)
            .prop_map(|(indent, key, between, value)| format!("{indent}{key}{between}{value}")),
        2 => Just("OWN=111".to_owned()),
        1 => "[#!] ?[a-z=]{0,6}",
        1 => Just(String::new()),
    ]
}

fn systemd_line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(String::new()),
        "[0-9]",
        "[a-z/=]{1,6}( [a-z]{1,3})?",
        Just("one \\\n  two".to_owned()),
    ];
    prop_oneof![
        4 => ("[A-D]", "=| = ", value).prop_map(|(key, between, value)| format!("{key}{between}{value}")),
        2 => Just("OWN=111".to_owned()),
        2 => "\\[(Unit|Service)\\]",
        1 => "[#;] ?[a-z=]{0,6}",
        1 => Just(String::new()),
    ]
}

fn a_file() -> impl Strategy<Value = (Format, String)> {
    let of = |format, line: BoxedStrategy<String>| {
        let lines = proptest::collection::vec(line, 0..14);
        (lines, any::<bool>(), any::<bool>()).prop_map(move |(mut lines, ended, windows)| {
            if format == Format::Systemd {
                lines.insert(0, "[Unit]".to_owned());
            }
            let named = lines
                .iter()
                .enumerate()
                .map(|(at, line)| line.replace("OWN", &format!("OWN{at}")));
            let text = named.collect::<Vec<_>>().join("\n") + if ended { "\n" } else { "" };
            (format, if windows { text.replace('\n', "\r\n") } else { text })
        })
    };
    prop_oneof![
        of(Format::Env, env_line().boxed()),
        of(Format::Properties, properties_line().boxed()),
        of(Format::Systemd, systemd_line().boxed()),
    ]
}

fn an_op(format: Format) -> impl Strategy<Value = String> {
    let key = match format {
        Format::Systemd => "(Unit|Service|Install)\\.[A-D]",
        Format::Properties => "[a-d](\\.[a-d])?",
        _ => "[A-D]",
    };
    prop_oneof![
        3 => (key, key).prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        2 => (key, 0..9, "(, comment: new)?")
            .prop_map(|(key, value, comment)| format!("set_default: {{key: {key}, value: '{value}'{comment}}}")),
        1 => key.prop_map(|key| format!("delete: {{key: {key}}}")),
        1 => key.prop_map(|key| format!("delete: {{key: {key}, keep_comment: true}}")),
        1 => (key, 0..9).prop_map(|(key, value)| format!("change: {{key: {key}, from: ['1', '2', '3'], to: '{value}'}}")),
        1 => key.prop_map(|key| format!("transform: {{key: {key}, with: [uppercase]}}")),
    ]
}

fn a_case() -> impl Strategy<Value = (Format, String, Vec<String>)> {
    a_file().prop_flat_map(|(format, text)| (Just(format), Just(text), proptest::collection::vec(an_op(format), 1..5)))
}

/// A list, with a key of the user's own after it.
#[derive(Debug, Clone)]
struct List {
    items: Vec<String>,
    is_long: bool,
    windows: bool,
}

fn a_list() -> impl Strategy<Value = List> {
    let items = proptest::collection::vec("[a-e]|own[0-9]", 0..6).prop_map(|mut items| {
        let mut seen = std::collections::BTreeSet::new();
        items.retain(|item| seen.insert(item.clone()));
        items
    });
    (items, any::<bool>(), any::<bool>()).prop_map(|(items, is_long, windows)| List {
        items,
        is_long,
        windows,
    })
}

impl List {
    fn written(&self, format: Format) -> String {
        let quoted: Vec<String> = self.items.iter().map(|item| format!("\"{item}\"")).collect();
        let is_long = self.is_long && !self.items.is_empty();
        let lines = |indent: &str, open: &str, close: &str, mark: &str| {
            let items = quoted
                .iter()
                .map(|item| format!("{indent}{item}, {mark} {}\n", item.len()));
            format!("{open}\n{}{close}", items.collect::<String>())
        };
        let text = match (format, is_long) {
            (Format::Toml, true) => format!("# l\nlist = {}\nother = 111\n", lines("  ", "[", "]", "#")),
            (Format::Toml, false) => format!("list = [{}] # l\nother = 111\n", quoted.join(", ")),
            (Format::Yaml, true) => {
                let items = self.items.iter().map(|item| format!("  - {item} # an item\n"));
                format!("# l\nlist:\n{}other: 111\n", items.collect::<String>())
            }
            (Format::Yaml, false) => format!("list: [{}] # l\nother: 111\n", self.items.join(", ")),
            (_, true) => {
                let items: Vec<String> = quoted.iter().map(|item| format!("    {item}")).collect();
                format!(
                    "{{\n  // l\n  \"list\": [\n{}\n  ],\n  \"other\": 111\n}}\n",
                    items.join(",\n")
                )
            }
            (_, false) => format!("{{ \"list\": [{}], \"other\": 111 }}\n", quoted.join(", ")),
        };
        if self.windows { text.replace('\n', "\r\n") } else { text }
    }
}

fn an_item_op() -> impl Strategy<Value = String> {
    ("append|remove_item", "[a-g]").prop_map(|(name, item)| format!("{name}: {{key: list, item: {item}}}"))
}

fn a_format_with_lists() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Toml), Just(Format::Yaml), Just(Format::Jsonc)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn lines_go_up_and_down_to_the_byte((format, text, ops) in a_case()) {
        if check(format, "x", &text).is_err() {
            return Ok(());
        }
        let Ok(Applied { text: now, inverse, .. }) = apply(format, &text, &parsed(&ops)) else { return Ok(()) };
        prop_assert!(check(format, "x", &now).is_ok(), "{:?}", now);
        prop_assert_eq!(invert(&now, &inverse).unwrap(), &*text);
        prop_assert_eq!(around_changes(&now, &inverse).unwrap(), &*text, "by its edits, from {:?}", now);
        let own = |text: &str| text.lines().filter(|line| line.starts_with("OWN")).map(str::to_owned).collect::<Vec<_>>();
        if !ops.iter().any(|op| op.contains("keep_comment")) {
            prop_assert_eq!(own(&now), own(&text), "from {:?}", now);
        }
    }

    #[test]
    fn values_that_the_user_changed_in_lines_survive_the_way_back((format, text, ops) in a_case()) {
        if check(format, "x", &text).is_err() || !text.contains("=111") {
            return Ok(());
        }
        let Ok(Applied { text: now, inverse, .. }) = apply(format, &text, &parsed(&ops)) else { return Ok(()) };
        let edit = |text: &str| text.replace("=111", "=222");
        match invert(&edit(&now), &inverse) {
            // What was taken out from between values that are others now may come back to another place.
            Ok(back) => {
                let said = |text: &str| format.data("x", text).unwrap().unwrap().pruned();
                prop_assert_eq!(said(&back), said(&edit(&text)), "from {:?} to {:?}", now, back);
            }
            // Said, and nothing changed.
            Err(e) => prop_assert!(!e.to_string().is_empty()),
        }
    }

    #[test]
    fn items_go_in_and_out_to_the_byte(
        list in a_list(), format in a_format_with_lists(), ops in proptest::collection::vec(an_item_op(), 1..5),
    ) {
        let text = list.written(format);
        prop_assert!(check(format, "x", &text).is_ok(), "{}", text);
        // One whose comment would be lost is refused.
        let Ok(Applied { text: now, inverse, .. }) = apply(format, &text, &parsed(&ops)) else { return Ok(()) };
        prop_assert_eq!(invert(&now, &inverse).unwrap(), &*text);
        prop_assert_eq!(around_changes(&now, &inverse).unwrap(), &*text, "by its edits, from {:?}", now);
        for item in list.items.iter().filter(|item| item.starts_with("own")) {
            prop_assert!(now.contains(item.as_str()), "{} is lost in {:?}", item, now);
        }
    }

    /// The user gave an item of their own another name, and another key another value.
    #[test]
    fn items_of_the_user_survive_the_way_back(
        list in a_list(), format in a_format_with_lists(), ops in proptest::collection::vec(an_item_op(), 1..5),
    ) {
        let text = list.written(format);
        // One whose comment would be lost is refused.
        let Ok(Applied { text: now, inverse, .. }) = apply(format, &text, &parsed(&ops)) else { return Ok(()) };
        let edit = |text: &str| text.replace("own", "mine").replace("111", "222");
        match invert(&edit(&now), &inverse) {
            Ok(back) => {
                for item in list.items.iter().filter(|item| item.starts_with("own")) {
                    let mine = item.replace("own", "mine");
                    prop_assert!(back.contains(&mine), "{} is lost in {:?}", mine, back);
                }
                prop_assert!(back.contains("222") && !back.contains("111"), "{:?}", back);
                let said = |text: &str| format.data("x", text).unwrap().unwrap().pruned();
                prop_assert_eq!(said(&back), said(&edit(&text)), "from {:?} to {:?}", now, back);
            }
            Err(e) => prop_assert!(!e.to_string().is_empty()),
        }
    }
}
