//! What an update does to a file, for people: a unified diff without secrets.

use diffy::DiffOptions;

use super::format::Format;
use super::secrets::{Secrets, masked};

/// Empty when nothing changes. A change of a secret alone is told in words.
pub fn diff(format: Format, file: &str, old: &str, new: &str, secrets: &Secrets) -> String {
    if old == new {
        return String::new();
    }
    let (old, new) = (masked(format, old, secrets), masked(format, new, secrets));
    if old == new {
        return format!("--- {file}\n+++ {file}\n(only secrets change)\n");
    }
    let mut options = DiffOptions::new();
    options
        .set_original_filename(file.to_owned())
        .set_modified_filename(file.to_owned());
    options.create_patch(&old, &new).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_what_changes_but_no_secret() {
        let old = "a = 1\npassword = \"hunter2\"\nb = 2\n";
        let new = "a = 1\npassword = \"hunter3\"\nc = 2\n";
        let shown = diff(Format::Toml, "app.toml", old, new, &Secrets::default());
        assert!(shown.starts_with("--- app.toml\n+++ app.toml\n@@"), "{shown}");
        assert!(
            shown.contains("\n-b = 2\n+c = 2\n") && !shown.contains("hunter"),
            "{shown}"
        );
        assert_eq!(diff(Format::Toml, "x", old, old, &Secrets::default()), "");
        let secret = diff(
            Format::Toml,
            "x",
            old,
            &old.replace("hunter2", "hunter4"),
            &Secrets::default(),
        );
        assert!(secret.contains("only secrets"), "{secret}");
    }
}
