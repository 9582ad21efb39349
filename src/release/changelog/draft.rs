//! A first draft of a changelog out of commit messages, after conventionalcommits.org 1.0.

use super::mark::{self, Conventional};
use super::reverts::{self, Fate};

/// One commit that went in.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Short hash, shown behind the entry.
    pub id: &'a str,
    pub message: &'a str,
}

/// Sections in the order of the draft, with the types of commits that belong there.
const SECTIONS: [(&str, &[&str]); 7] = [
    ("Breaking changes", &[]),
    ("Security", &["security", "sec"]),
    ("Added", &["feat", "feature", "add"]),
    ("Changed", &["perf", "refactor", "change", "improve", "revert"]),
    ("Deprecated", &["deprecate", "deprecated"]),
    ("Removed", &["remove", "removed"]),
    ("Fixed", &["fix", "bugfix", "hotfix"]),
];
/// Where it stands that something was taken back.
const CHANGED: usize = 3;
/// Work that users do not notice.
const INNER: [&str; 8] = ["chore", "ci", "test", "tests", "style", "docs", "build", "release"];
/// What has no known type; the publisher sorts it by hand.
const UNSORTED: &str = "Other changes";
const FOOTERS: [&str; 2] = ["BREAKING CHANGE:", "BREAKING-CHANGE:"];

/// Markdown headed `title`; the commits come newest first, and so do the entries.
pub fn draft<'a>(title: &str, changes: impl IntoIterator<Item = Change<'a>>) -> String {
    let changes: Vec<Change> = changes.into_iter().collect();
    let mut sections: Vec<Vec<String>> = vec![Vec::new(); SECTIONS.len() + 1];
    let mut left_out = 0_usize;
    for (change, fate) in changes.iter().zip(reverts::fates(&changes)) {
        let (subject, back) = match &fate {
            Fate::Told(subject) => (subject, false),
            Fate::Reverted(subject) => (subject, true),
            Fate::Silent => continue,
        };
        // `Fences: …` has the form, but `Fences` is a word of the sentence.
        let commit = mark::conventional(subject).filter(|commit| is_known(commit.kind) || commit.breaking);
        let footer = breaking_footer(change.message);
        // To take back what broke something may be a relief.
        let breaks = footer.is_some() || !back && commit.as_ref().is_some_and(|commit| commit.breaking);
        let text = text(subject, commit.as_ref());
        let entry = format!("- {}{text} ({})", if back { "Reverted: " } else { "" }, change.id);
        match (breaks, footer) {
            (true, Some(footer)) => sections[0].push(format!("- {} ({})", told(&footer), change.id)),
            (true, None) => {
                sections[0].push(entry);
                continue;
            }
            (false, _) => {}
        }
        match place(commit.as_ref()) {
            Some(_) if back => sections[CHANGED].push(entry),
            Some(at) => sections[at].push(entry),
            None => left_out += 1,
        }
    }
    let titles = SECTIONS.iter().map(|(title, _)| *title).chain([UNSORTED]);
    let mut out = format!("# {title}\n");
    for (title, entries) in titles.zip(&sections).filter(|(_, entries)| !entries.is_empty()) {
        out += &format!("\n## {title}\n\n{}\n", entries.join("\n"));
    }
    if left_out > 0 {
        let commits = if left_out == 1 {
            "1 commit".to_owned()
        } else {
            format!("{left_out} commits")
        };
        out += &format!("\n<!-- Left out: {commits} of the types {}. -->\n", INNER.join(", "));
    }
    out
}

fn is_known(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    INNER.contains(&kind.as_str()) || SECTIONS.iter().any(|(_, kinds)| kinds.contains(&kind.as_str()))
}

/// None for work that users do not notice.
fn place(commit: Option<&Conventional>) -> Option<usize> {
    let kind = commit
        .map(|commit| commit.kind.to_ascii_lowercase())
        .unwrap_or_default();
    if INNER.contains(&kind.as_str()) {
        return None;
    }
    let known = SECTIONS.iter().position(|(_, kinds)| kinds.contains(&kind.as_str()));
    Some(known.unwrap_or(SECTIONS.len()))
}

fn text(subject: &str, commit: Option<&Conventional>) -> String {
    match commit {
        Some(Conventional {
            scope: Some(scope),
            text,
            ..
        }) => format!("**{}:** {}", told(scope), told(text)),
        Some(Conventional { text, .. }) => told(text),
        None => told(subject),
    }
}

/// The text behind `BREAKING CHANGE:`, up to an empty line or the next footer.
fn breaking_footer(message: &str) -> Option<String> {
    let mut lines = message.lines().skip(1);
    let first = lines.find_map(|line| FOOTERS.iter().find_map(|mark| line.strip_prefix(mark)))?;
    let more = lines.take_while(|line| !line.trim().is_empty() && !is_footer(line));
    let text: Vec<&str> = std::iter::once(first).chain(more).map(str::trim).collect();
    Some(text.join(" ").trim().to_owned())
}

/// `Reviewed-by: x`, `Closes #1`.
fn is_footer(line: &str) -> bool {
    let end = line.find([':', ' ']).unwrap_or(line.len());
    let token = line[..end].chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && end > 0;
    token && (line[end..].starts_with(": ") || line[end..].starts_with(" #"))
}

/// Commit messages use backticks as Markdown does, but `Vec<u8>` outside of them is no HTML.
fn told(text: &str) -> String {
    let mut code = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '`' => code = !code,
            '<' | '>' if !code => out.push('\\'),
            _ => {}
        }
        out.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_grouped_by_their_types() {
        let messages = [
            "feat(api)!: drop v1",
            "fix: a `Vec<u8>` and a Vec<u8>",
            "feat: add b\n\nLong story.\n\nBREAKING CHANGE: b needs c,\n  and d\nCloses #1\n",
            "chore: tidy",
            "Fences: update the thing",
            "perf(core): faster",
        ];
        let changes = messages.iter().map(|message| Change { id: "abc", message });
        assert_eq!(
            draft("1.2.0", changes),
            "# 1.2.0\n\n## Breaking changes\n\n- **api:** drop v1 (abc)\n- b needs c, and d (abc)\n\n## Added\n\n- add b (abc)\n\n\
             ## Changed\n\n- **core:** faster (abc)\n\n## Fixed\n\n- a `Vec<u8>` and a Vec\\<u8\\> (abc)\n\n\
             ## Other changes\n\n- Fences: update the thing (abc)\n\n\
             <!-- Left out: 1 commit of the types chore, ci, test, tests, style, docs, build, release. -->\n"
        );
        assert_eq!(draft("Unreleased", []), "# Unreleased\n");
    }

    #[test]
    fn what_was_taken_back_is_no_change() {
        let messages = [
            "Revert \"feat(api)!: drop v0\"\n\nThis reverts commit 12345678.",
            "revert: feat: add x",
            "fixup! fix: leak",
            "feat: add x",
            "fix: leak",
            "revert: chore: tidy",
        ];
        let changes = messages.iter().map(|message| Change { id: "abc", message });
        assert_eq!(
            draft("1.2.0", changes),
            "# 1.2.0\n\n## Changed\n\n- Reverted: **api:** drop v0 (abc)\n\n## Fixed\n\n- leak (abc)\n\n\
             <!-- Left out: 1 commit of the types chore, ci, test, tests, style, docs, build, release. -->\n"
        );
    }
}
