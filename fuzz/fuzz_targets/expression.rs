//! Expressions over facts, and facts as people type them: the first line is an expression, the others are `NAME=VALUE`.
#![no_main]

use netlink::release::{Expression, Fact, FactSheet};
use netlink::version::Dotted;
use netlink_fuzz::{points_into, split, survives_json};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (written, rest) = split(text);
    let facts: Vec<(&str, Fact)> = rest.lines().take(8).filter_map(fact).collect();
    match written.parse::<Expression>() {
        Ok(expression) => check(&expression, &facts),
        Err(error) => {
            assert!(written.starts_with(&error.text));
            points_into(written, error.at);
        }
    }
});

fn fact(line: &str) -> Option<(&str, Fact)> {
    let (name, value) = line.split_once('=')?;
    let fact = Fact::read(value);
    assert_eq!(Fact::read(&fact.to_string()), fact);
    compares_as_version(value.trim(), &fact);
    Some((name.trim(), fact))
}

/// Beside a text that is a version, whatever can be a version is the one that was written.
fn compares_as_version(value: &str, fact: &Fact) {
    let Ok(version) = value.parse::<Dotted>() else { return };
    let mut sheet = FactSheet::default();
    sheet.insert("a", fact.clone());
    for other in ["1.9.0", "1.10.0", "v2"] {
        let bound: Dotted = other.parse().unwrap();
        let expression: Expression = format!("a < {other}").parse().unwrap();
        assert_eq!(expression.holds(&sheet), Some(version < bound), "{value} < {other}");
    }
}

fn check(expression: &Expression, facts: &[(&str, Fact)]) {
    assert_eq!(expression.to_string().parse().as_ref(), Ok(expression));
    survives_json(expression);
    let mut sheet = FactSheet::default();
    let mut known = expression.holds(&sheet);
    for (name, fact) in facts {
        let new = sheet.get(name).is_none();
        if new {
            sheet.insert(*name, fact.clone());
            let now = expression.holds(&sheet);
            assert!(
                known.is_none() || now == known,
                "{expression}: another fact turned a known answer"
            );
            known = now;
        }
    }
    laws(expression, &sheet);
}

/// Kleene's logic, as far as the limits of length and depth let the longer expressions be.
fn laws(expression: &Expression, sheet: &FactSheet) {
    let holds = expression.holds(sheet);
    let of = |text: String| text.parse::<Expression>().ok().map(|whole| whole.holds(sheet));
    let table = [
        (format!("({expression})"), holds),
        (format!("not ({expression})"), holds.map(|holds| !holds)),
        (format!("({expression}) and ({expression})"), holds),
        (format!("({expression}) or ({expression})"), holds),
        (
            format!("({expression}) or (nobody-knows)"),
            holds.filter(|holds| *holds),
        ),
        (format!("nobody-knows and ({expression})"), holds.filter(|holds| !holds)),
    ];
    for (text, expected) in table {
        if let Some(found) = of(text.clone()) {
            assert_eq!(found, expected, "{text}");
        }
    }
}
