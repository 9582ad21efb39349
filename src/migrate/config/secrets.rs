//! What is never shown: values of keys that look like secrets, or are named as such.

use super::data::Data;
use super::format::Format;
use super::key::KeyPath;
use super::text::{line_end, line_start};

/// Parts of keys, without what separates words, that make their values secrets.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "encryptionkey",
    "signingkey",
    "credential",
    "cookie",
    "salt",
    "dsn",
];

const MASK: &str = "***";

/// Which keys are secrets beside those that look like it.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<KeyPath>);

impl Secrets {
    pub fn named<'n>(names: impl IntoIterator<Item = &'n String>) -> Self {
        Self(names.into_iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Of everything below a secret key too.
    pub fn hides(&self, key: &KeyPath, value: &str) -> bool {
        key.parts().iter().any(|part| looks_secret(part))
            || self.0.iter().any(|named| key.is_within(named))
            || has_password(value)
    }

    pub(super) fn shown(&self, key: &KeyPath, value: &Data) -> String {
        let shown = value.to_string();
        if self.hides(key, &shown) {
            MASK.to_owned()
        } else {
            shown
        }
    }
}

fn looks_secret(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    WORDS.iter().any(|word| letters.contains(word))
}

/// An address with a password in it: `postgres://user:password@host`.
fn has_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', '"', '\'', ' ']).next().unwrap_or_default();
        authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// The text with `***` in place of what is secret.
pub(super) fn masked(format: Format, text: &str, secrets: &Secrets) -> String {
    let mut values = format.values(text).unwrap_or_default();
    values.sort_by_key(|(_, at)| at.start);
    let (mut out, mut copied) = (String::new(), 0);
    for (path, at) in values {
        if at.start >= copied && secrets.hides(&KeyPath::of(&path), &text[at.clone()]) {
            out.push_str(&text[copied..at.start]);
            out.push_str(MASK);
            copied = at.end;
        }
    }
    out.push_str(&text[copied..]);
    by_lines(&out, format)
}

/// Comments may hold old secrets, and of some files nothing but the lines is known.
fn by_lines(text: &str, format: Format) -> String {
    let (mut out, mut at) = (String::new(), 0);
    while at < text.len() {
        let end = line_end(text, at);
        let line = &text[line_start(text, at)..end];
        let is_comment = line.trim_start().starts_with(['#', ';', '!', '/', '*']);
        let hidden = if is_comment || format == Format::Text {
            hidden(line)
        } else {
            None
        };
        out.push_str(hidden.as_deref().unwrap_or(line));
        at = end;
    }
    out
}

fn hidden(line: &str) -> Option<String> {
    let at = line.find(['=', ':']).or_else(|| line.trim_end().rfind(' '))?;
    let (key, value) = line.split_at(at + 1);
    if value.trim().is_empty() || value.trim() == MASK || !(looks_secret(key) || has_password(line)) {
        return None;
    }
    let end = if line.ends_with('\n') { "\n" } else { "" };
    Some(format!("{key} {MASK}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let secrets = Secrets::named([&"pin".to_owned()]);
        for (format, text) in [
            (
                Format::Toml,
                "a = 1\npin = 'hunter2'\n[db]\nPassWord = \"\"\"hunter2\"\"\" # x\nurl = \"pg://me:hunter2@host/x\"\nx = { api-key = 'hunter2' }\n",
            ),
            (
                Format::Yaml,
                "a: 1\npin: hunter2\ndb:\n  password: >\n    hunter2\n  tokens: [hunter2]\n# secret: hunter2\n",
            ),
            (
                Format::Json,
                "{\"a\": 1, \"db\": {\"clientSecret\": \"hunter2\"}, \"pin\": [\"hunter2\"]}",
            ),
            (
                Format::Env,
                "a=1\nDB_PASSWORD='hunter2'\nDATABASE_URL=pg://me:hunter2@host\n",
            ),
            (Format::Text, "a 1\npassword = hunter2\nsecret hunter2\n"),
            (Format::Toml, "broken = \n# password = hunter2\n"),
        ] {
            let shown = masked(format, text, &secrets);
            assert!(!shown.contains("hunter2") && shown.contains(MASK), "{shown}");
            assert!(shown.contains('a'), "{shown}");
        }
        let plain = "monkey: 1\nport: 80 # of http://host:80/a@b\n";
        assert_eq!(masked(Format::Yaml, plain, &secrets), plain);
    }
}
