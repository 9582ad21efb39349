//! Of files that no one thought of: up and down again, undisturbed and around what the user changed.

use proptest::prelude::*;

use crate::migrate::config::inverse::around_changes;
use crate::migrate::config::*;

fn apply(text: &str, ops: &[Op]) -> Result<(String, Inverse), ConfigError> {
    crate::migrate::config::apply(Format::Toml, text, ops).map(|applied| (applied.text, applied.inverse))
}

fn check(file: &str, text: &str) -> Result<(), ConfigError> {
    crate::migrate::config::check(Format::Toml, file, text)
}

fn said(text: &str) -> Data {
    Format::Toml.data("x", text).unwrap().unwrap().pruned()
}

fn a_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]|[1-9][0-9]{1,2}",
        "\"[a-z #=\\[]{0,5}\"",
        Just("[\n  1, # one\n  2,\n]".to_owned()),
        Just("'''\n[x]\n# no comment\n'''".to_owned()),
    ]
}

/// Keys `a` to `h` are those that operations are about; `own` ones are the user's, and have values that tests can find.
fn a_line() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => ("[a-d]", a_value(), "( # [a-z]{1,5})?").prop_map(|(key, value, comment)| format!("{key} = {value}{comment}")),
        1 => ("[a-d]\\.[x-z]", a_value()).prop_map(|(key, value)| format!("{key}={value}")),
        1 => Just("OWN = 111 # mine".to_owned()),
        2 => "\\[[e-h](\\.[x-z])?\\]( # [a-z]{1,5})?",
        1 => Just("[[list]]".to_owned()),
        2 => "# [a-z]{0,8}",
        2 => Just(String::new()),
    ]
}

fn a_file() -> impl Strategy<Value = String> {
    let lines = proptest::collection::vec(a_line(), 0..16);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, ended, windows)| {
        let named = lines
            .iter()
            .enumerate()
            .map(|(at, line)| line.replace("OWN", &format!("own{at}")));
        let text = named.collect::<Vec<_>>().join("\n") + if ended { "\n" } else { "" };
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

fn an_op() -> impl Strategy<Value = String> {
    let key = || "[a-h](\\.[x-z])?";
    prop_oneof![
        2 => (key(), key()).prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        2 => ("[a-d]", "[e-k]\\.[a-d]").prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        1 => ("[e-h]\\.[a-d]", "[a-d]").prop_map(|(from, to)| format!("rename: {{from: {from}, to: {to}}}")),
        1 => (key(), 0..9).prop_map(|(key, value)| format!("set_default: {{key: {key}, value: {value}, comment: new}}")),
        1 => key().prop_map(|key| format!("delete: {{key: {key}}}")),
        1 => ("[a-d]", 0..9).prop_map(|(key, value)| format!("change: {{key: {key}, from: [1, 2, 3], to: {value}}}")),
    ]
}

fn parsed(wanted: &[String]) -> Vec<Op> {
    let list: String = wanted.iter().map(|op| format!("- {op}\n")).collect();
    serde_saphyr::from_str(&list).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn up_and_down_is_the_same_to_the_byte(text in a_file(), wanted in proptest::collection::vec(an_op(), 1..5)) {
        if check("x", &text).is_err() {
            return Ok(());
        }
        let Ok((now, inverse)) = apply(&text, &parsed(&wanted)) else { return Ok(()) };
        prop_assert!(check("x", &now).is_ok());
        prop_assert_eq!(invert(&now, &inverse).unwrap(), &*text);
        // Of a file of which nothing is left, how its last line ended cannot be told.
        if !now.trim().is_empty() {
            prop_assert_eq!(around_changes(&now, &inverse).unwrap(), &*text, "step by step, from {}", now);
        }
    }

    #[test]
    fn only_what_the_user_changed_differs(text in a_file(), wanted in proptest::collection::vec(an_op(), 1..5)) {
        if check("x", &text).is_err() || !text.contains("111") || wanted.iter().any(|op| op.starts_with("delete")) {
            return Ok(());
        }
        let Ok((now, inverse)) = apply(&text, &parsed(&wanted)) else { return Ok(()) };
        let edit = |text: &str| text.replace("= 111 # mine", "= 222  # ours");
        prop_assert_eq!(now.matches("111 # mine").count(), text.matches("111 # mine").count());
        prop_assert_eq!(invert(&edit(&now), &inverse).unwrap(), edit(&text), "from {}", now);
    }

    /// The user added a table at the end and a comment at the start, next to what was put there.
    #[test]
    fn around_additions_the_meaning_is_the_same(text in a_file(), wanted in proptest::collection::vec(an_op(), 1..5)) {
        if check("x", &text).is_err() {
            return Ok(());
        }
        let Ok((now, inverse)) = apply(&text, &parsed(&wanted)) else { return Ok(()) };
        let edit = |text: &str| format!("# first\n{text}\n# last\n[added]\nkey = 1\n");
        let back = invert(&edit(&now), &inverse).unwrap();
        prop_assert_eq!(said(&back), said(&edit(&text)), "{}", back);
        prop_assert!(back.contains("# first") && back.contains("# last"), "{}", back);
    }
}
