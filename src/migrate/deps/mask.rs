//! Who fetches packages with a password gives it in a URL. No message, journal or log shows one.

const HIDDEN: &str = "***";
/// Shorter ones are found in the URL alone: as words of their own they would be found everywhere.
const TELLING: usize = 4;

/// What is to be hidden wherever it appears: the passwords of these URLs, as they are written and as they are meant.
pub fn secrets_of<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all = Vec::new();
    for url in urls {
        let user = url.split_once("://").and_then(|(_, rest)| user_of(rest));
        let Some((_, password)) = user.and_then(|user| user.split_once(':')) else {
            continue;
        };
        let meant = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
        all.extend([password.to_owned(), meant.into_owned()]);
    }
    all.retain(|secret| secret.len() >= TELLING);
    all
}

/// The text without these secrets, and without who is named in any URL.
pub fn masked(text: &str, secrets: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        out.push_str(before);
        rest = after;
        if let Some(user) = user_of(after) {
            out.push_str(HIDDEN);
            rest = &after[user.len()..];
        }
    }
    out.push_str(rest);
    secrets
        .iter()
        .fold(out, |text, secret| text.replace(secret.as_str(), HIDDEN))
}

/// `user:password` of what follows `://`, if there is any.
fn user_of(rest: &str) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>');
    let place = &rest[..rest.find(ends).unwrap_or(rest.len())];
    place.rfind('@').map(|at| &place[..at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobody_is_named_in_urls() {
        for (text, shown) in [
            (
                "Looking in https://me:pass@host/simple",
                "Looking in https://***@host/simple",
            ),
            (
                "`http://token@host:80` and ssh://git@h",
                "`http://***@host:80` and ssh://***@h",
            ),
            ("https://host/a@b mail@host", "https://host/a@b mail@host"),
            ("a://b@c@d/e x://", "a://***@d/e x://"),
        ] {
            assert_eq!(masked(text, &[]), shown);
        }
        let secrets = secrets_of(["https://me:p%40ssword@host", "https://me:abc@host", "https://host"].into_iter());
        assert_eq!(secrets, ["p%40ssword", "p@ssword"]);
        assert_eq!(
            masked("login p@ssword or p%40ssword failed", &secrets),
            "login *** or *** failed"
        );
    }

    proptest! {
        #[test]
        fn no_password_is_left(before in "\\PC{0,20}", password in "[a-z0-9%@:]{1,12}", after in "(|[/ ]\\PC{0,20})") {
            let shown = masked(&format!("{before}https://me:{password}@host{after}"), &[]);
            prop_assert!(shown.contains("https://***@host"), "{shown}");
            prop_assert_eq!(masked(&shown, &[]), shown.clone());
        }
    }
}
