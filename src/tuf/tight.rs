//! Whether a text is its own canonical form, as most tools write metadata: then it is signed as it lies there.

use super::json::MAX_DEPTH;

/// What has more digits may be too long for an integer.
const DIGITS: usize = 18;

/// No white space, keys strictly ascending (hence no duplicates), integers, and only `"` and `\` escaped. Where this says no the
/// text may be canonical all the same: escaped keys and the longest integers are not looked into.
pub fn is_canonical(text: &str) -> bool {
    let mut scan = Scan { bytes: text.as_bytes() };
    scan.value(MAX_DEPTH).is_some() && scan.bytes.is_empty()
}

/// The rest of the text; none means no.
struct Scan<'a> {
    bytes: &'a [u8],
}

impl<'a> Scan<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.bytes.first()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => self.text().map(drop),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.integer(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.word(b"{")?;
        if self.word(b"}").is_some() {
            return Some(());
        }
        let mut last = None;
        loop {
            let key = self.text()?;
            if key.contains(&b'\\') || last.is_some_and(|last| last >= key) {
                return None;
            }
            last = Some(key);
            self.word(b":")?;
            self.value(depth)?;
            if self.word(b",").is_none() {
                return self.word(b"}");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.word(b"[")?;
        if self.word(b"]").is_some() {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.word(b",").is_none() {
                return self.word(b"]");
            }
        }
    }

    /// What stands between the quotes.
    fn text(&mut self) -> Option<&'a [u8]> {
        self.word(b"\"")?;
        let mut at = 0;
        loop {
            match self.bytes.get(at)? {
                b'"' => break,
                b'\\' if matches!(self.bytes.get(at + 1)?, b'"' | b'\\') => at += 2,
                b'\\' | ..b' ' => return None,
                _ => at += 1,
            }
        }
        let (text, rest) = self.bytes.split_at(at);
        self.bytes = &rest[1..];
        Some(text)
    }

    fn integer(&mut self) -> Option<()> {
        let negative = self.word(b"-").is_some();
        let digits = self.bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zero = self.bytes.first() == Some(&b'0');
        if digits == 0 || digits > DIGITS || (zero && (negative || digits > 1)) {
            return None;
        }
        self.bytes = &self.bytes[digits..];
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes = self.bytes.strip_prefix(word)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::tuf::{canonical, parse_strict};

    #[test]
    fn what_is_not_canonical_is_told() {
        for yes in ["{}", "[]", r#"{"A":[99,-1,0],"a":{"b":null,"c":true}}"#, r#"["\"\\é"]"#] {
            assert!(is_canonical(yes), "{yes}");
        }
        for no in [
            "",
            " {}",
            "{} ",
            "{}{}",
            "[1, 2]",
            "[1,]",
            "{\"a\":1,}",
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a\\":1}"#,
            r#"["\n"]"#,
            "[\"\n\"]",
            r#"["\u0041"]"#,
            r#"["\/"]"#,
            "-0",
            "01",
            "1.0",
            "1e2",
            "+1",
            "-",
            "nul",
            "\"a",
            "\"a\\",
            "[",
        ] {
            assert!(!is_canonical(no), "{no}");
        }
        assert!(!is_canonical(&format!("{}{}", "[".repeat(40), "]".repeat(40))));
        assert!(!is_canonical(&"[".repeat(1_000_000)));
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\\n é]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"é]{0,3}", inner, 0..5).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        /// What is taken as it lies there is what the careful way would make of it.
        #[test]
        fn it_agrees_with_the_canonical_form(value in document(), edit in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
            let mut text = serde_json::to_string(&value).unwrap();
            for _ in 0..2 {
                if is_canonical(&text) {
                    let again = parse_strict(text.as_bytes()).unwrap();
                    prop_assert_eq!(canonical(&again).unwrap(), text.as_bytes());
                }
                let at = edit.index(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                    text.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0; 4]));
                }
            }
        }
    }
}
