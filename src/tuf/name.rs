//! Names of roles and targets are the publisher's and may be anything; a file's name on this disk is made from one here.

use std::fmt::Write as _;

use crate::crypt::digest_of;

/// File systems take 255 bytes; endings and temporary names need some of them.
const LENGTH: usize = 200;

/// One file name for `name`, whatever is in it: quoted as in a URL, all but `A-Z a-z 0-9 - _ . ~`. Never a path, never
/// hidden, never the same for two names; a digest in the place of one that would be too long.
pub fn file_name(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && at > 0);
        if plain {
            quoted.push(char::from(byte));
        } else {
            let _ = write!(quoted, "%{byte:02X}");
        }
    }
    if quoted.len() > LENGTH {
        // No quoted name has this shape: a percent sign stands before two digits.
        return format!("%sha256-{}", digest_of(name.as_bytes()));
    }
    quoted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_leaves_its_folder_or_meets_another() {
        let long = "x".repeat(201);
        let names = [
            "a",
            "a.b",
            "..",
            ".",
            ".a",
            "%2Ea",
            "../a",
            "/etc/passwd",
            "a/b",
            "a%2Fb",
            "?",
            "#",
            "\0",
            "\n",
            "é",
            "a b",
            "~",
            long.as_str(),
        ];
        let files: BTreeSet<String> = names.iter().map(|name| file_name(name)).collect();
        assert_eq!(files.len(), names.len());
        for file in &files {
            assert!(
                !file.contains('/') && !file.starts_with('.') && file.len() <= 255,
                "{file}"
            );
            assert!(file.bytes().all(|byte| byte.is_ascii_graphic()), "{file}");
        }
        assert_eq!(file_name("../a b"), "%2E.%2Fa%20b");
        assert_eq!(file_name("guestbook-0.1_x~"), "guestbook-0.1_x~");
    }
}
