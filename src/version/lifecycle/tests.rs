//! Order, mistakes and properties of lifecycle versions.

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn each_row_is_older_than_the_next() {
    let rows = [
        "0a1",
        "0b1",
        "0b1+0",
        "0b1+00",
        "0b1+7",
        "0b1+7.a",
        "0b1+07",
        "0b1+20241219.7",
        "0b1+20241219.10",
        "0b1+99999999999999999999999",
        "0b1+-",
        "0b1+A",
        "0b1+a",
        "0b1+a.1",
        "0b1+a1",
        "0r1",
        "0a2",
        "0b2",
        "0r2",
        "0a10",
        "1a1",
        "10a1",
        "4294967295r4294967295",
    ];
    for (i, older) in rows.iter().enumerate() {
        for (j, newer) in rows.iter().enumerate() {
            assert_eq!(
                version(older).cmp(&version(newer)),
                i.cmp(&j),
                "{older} against {newer}"
            );
        }
    }
}

#[test]
fn mistakes_are_placed() {
    for (text, at, expected) in [
        ("", 0, "a number"),
        ("v0a1", 0, "a number"),
        ("01a1", 0, "leading zeros"),
        ("0", 1, "`a`, `b` or `r`"),
        ("0A1", 1, "`a`, `b` or `r`"),
        ("0x1", 1, "`a`, `b` or `r`"),
        ("1.7.0", 1, "`a`, `b` or `r`"),
        ("0a", 2, "a number"),
        ("0a0", 2, "from 1"),
        ("0a01", 2, "leading zeros"),
        ("0a4294967296", 2, "up to 4294967295"),
        ("4294967296a1", 0, "up to 4294967295"),
        ("0a1 ", 3, "the end"),
        ("0a1\n", 3, "the end"),
        ("0b1+", 4, "a letter"),
        ("0b1+a..b", 6, "a letter"),
        ("0b1+a.", 6, "a letter"),
        ("0b1+a_b", 5, "the end"),
        ("0b1+a+b", 5, "the end"),
        ("0b1+é", 4, "a letter"),
    ] {
        let error = text.parse::<Version>().unwrap_err();
        assert_eq!(error.at, at, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(
        "0x1".parse::<Version>().unwrap_err().to_string(),
        "`0x1` is not a version: at byte 1 expected `a`, `b` or `r`, found `x`"
    );
    let endless = format!("0a1+{}", "é".repeat(500));
    assert!(endless.parse::<Version>().unwrap_err().to_string().len() < 400);
}

#[test]
fn the_lifecycle_goes_on() {
    let mut at = version("0a1+7");
    for expected in ["0b1", "0r1", "0a2", "0b2"] {
        at = at.next().unwrap();
        assert_eq!(at.to_string(), expected);
    }
    assert_eq!(version("0r4294967295").next().unwrap().to_string(), "1a1");
    assert_eq!(version("4294967295r4294967295").next(), None);
}

fn text() -> impl Strategy<Value = String> {
    let number = prop_oneof![0..4_u32, any::<u32>()];
    let part = "([0-9]{1,3}|[0-9a-bA-B-]{1,3})";
    let build = prop::option::of(prop::collection::vec(part, 1..4));
    (number.clone(), "[abr]", number, build).prop_map(|(major, letter, minor, build)| {
        let build = build.map_or(String::new(), |parts| format!("+{}", parts.join(".")));
        format!("{major}{letter}{}{build}", minor.max(1))
    })
}

proptest! {
    #[test]
    fn what_is_read_is_printed(text in text()) {
        prop_assert_eq!(version(&text).to_string(), text);
    }

    #[test]
    fn the_order_is_total(a in text(), b in text(), c in text()) {
        let [a, b, c] = [version(&a), version(&b), version(&c)];
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        prop_assert!(a.next().is_none_or(|next| next > a));
    }

    #[test]
    fn short_texts_are_read_as_the_grammar_has_it(text in "[0-9]{0,4}[/:abrxR]?[0-9]{0,7}[+]?") {
        let whole = grammar(&text).ok().filter(|read| read.build.is_none());
        let whole = whole.map(|read| (read.major, read.channel, read.minor));
        let is_short = |(major, _, minor): &(u32, Channel, u32)| *major < 1000 && *minor < 1_000_000;
        prop_assert_eq!(short::read(text.as_bytes()), whole.filter(is_short));
    }

    #[test]
    fn no_text_makes_the_parser_fall_over(text in "\\PC{0,12}") {
        let _ = text.parse::<Version>();
        let _ = text.parse::<crate::version::Constraint>();
    }
}
