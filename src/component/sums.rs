//! Files of checksums: `HASH  name` and `HASH *name` as `sha256sum` writes them, `SHA256 (name) = HASH` as BSD does, or one hash alone.

use crate::crypt::Digest;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SumsError {
    #[error("there is no line for `{0}`; check `checksums` in the source, or ask those who publish it")]
    Missing(String),
    #[error("there are two different hashes for `{0}`; ask those who publish it")]
    Different(String),
    #[error("the hash of `{0}` is not a SHA-256; name a file of SHA-256 checksums")]
    Kind(String),
}

/// The one hash that the text gives for the file `name`.
pub fn sum_of(text: &str, name: &str) -> Result<Digest, SumsError> {
    let lines = || text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let mut found: Option<Digest> = None;
    let mut is_of_another_kind = false;
    for (hash, _) in lines().filter_map(pair).filter(|(_, named)| is_named(named, name)) {
        match digest(hash) {
            None => is_of_another_kind = true,
            Some(digest) if found.is_some_and(|before| before != digest) => {
                return Err(SumsError::Different(name.to_owned()));
            }
            Some(digest) => found = Some(digest),
        }
    }
    // A file that holds nothing but a hash is that of the file it is named after.
    let alone = || {
        let mut lines = lines();
        let only = lines.next().filter(|_| lines.next().is_none())?;
        digest(only.trim())
    };
    match found.or_else(alone) {
        Some(digest) => Ok(digest),
        None if is_of_another_kind => Err(SumsError::Kind(name.to_owned())),
        None => Err(SumsError::Missing(name.to_owned())),
    }
}

/// Hash and name of a line.
fn pair(line: &str) -> Option<(&str, &str)> {
    if let Some((named, hash)) = line.rsplit_once(") = ") {
        let (kind, name) = named.split_once(" (")?;
        let is_wanted = kind.eq_ignore_ascii_case("sha256") || kind.eq_ignore_ascii_case("sha2-256");
        return Some((if is_wanted { hash.trim() } else { "another kind" }, name));
    }
    let (hash, rest) = line.trim_start().split_once([' ', '\t'])?;
    if hash.len() < 32 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    Some((hash, rest.strip_prefix('*').unwrap_or(rest)))
}

fn is_named(named: &str, name: &str) -> bool {
    named == name || named.strip_prefix("./").is_some_and(|named| named == name)
}

fn digest(hash: &str) -> Option<Digest> {
    hash.to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypt::digest_of;

    fn hash(of: &str) -> String {
        digest_of(of.as_bytes()).to_string()
    }

    #[test]
    fn the_usual_styles_are_read() {
        let (a, b) = (hash("a"), hash("b"));
        let upper = a.to_uppercase();
        for text in [
            format!("{a}  tool.tar.gz\n{b}  other.tar.gz\n"),
            format!("{b} *other.tar.gz\r\n{a} *tool.tar.gz\r\n"),
            format!("SHA256 (other.tar.gz) = {b}\nSHA256 (tool.tar.gz) = {a}\n"),
            format!("SHA512 (tool.tar.gz) = 00\nSHA256 (tool.tar.gz) = {a}\n"),
            format!("# sums\n\n{upper}\ttool.tar.gz"),
            format!("{a}  ./tool.tar.gz\n{a}  tool.tar.gz\n"),
            format!("{a}\n"),
        ] {
            assert_eq!(sum_of(&text, "tool.tar.gz"), Ok(digest_of(b"a")), "{text}");
        }
    }

    #[test]
    fn what_does_not_vouch_for_the_file_is_refused() {
        let (a, b) = (hash("a"), hash("b"));
        let of = |text: &str| sum_of(text, "tool").unwrap_err();
        for text in [
            "",
            &format!("{a}  tool.sig\n"),
            &format!("{a}  x/tool\n"),
            &format!("{a}  Tool\n"),
            &format!("{a}\n{b}\n"),
            "<html>not found</html>",
        ] {
            assert_eq!(of(text), SumsError::Missing("tool".into()), "{text}");
        }
        assert_eq!(
            of(&format!("{a}  tool\n{b}  tool\n")),
            SumsError::Different("tool".into())
        );
        assert_eq!(of(&format!("{a}{b}  tool\n")), SumsError::Kind("tool".into()));
    }

    proptest! {
        #[test]
        fn a_hash_among_others_is_found_and_no_other_is_taken(
            names in proptest::collection::btree_set("[a-z0-9._+-]{1,12}", 2..8),
            styles in proptest::collection::vec(0u8..3, 8),
        ) {
            let names: Vec<String> = names.into_iter().collect();
            let line = |(name, style): (&String, &u8)| match style {
                0 => format!("{}  {name}\n", hash(name)),
                1 => format!("{} *{name}\n", hash(name)),
                _ => format!("SHA256 ({name}) = {}\n", hash(name)),
            };
            let text: String = names.iter().zip(&styles).map(line).collect();
            for name in &names {
                prop_assert_eq!(sum_of(&text, name), Ok(digest_of(name.as_bytes())));
            }
            prop_assert!(sum_of(&text, "none of them").is_err());
        }
    }
}
