//! What entries and section titles tell by their words: Conventional Commits and kinds of change.

use nom::Parser;
use nom::bytes::complete::{is_not, tag, take_while1};
use nom::character::complete::char;
use nom::combinator::{opt, recognize};
use nom::error::Error;
use nom::sequence::delimited;

use super::model::SectionKind;

/// `feat(parser)!: text`, as conventionalcommits.org 1.0 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conventional<'a> {
    pub kind: &'a str,
    pub scope: Option<&'a str>,
    pub breaking: bool,
    pub text: &'a str,
}

pub(super) fn conventional(line: &str) -> Option<Conventional<'_>> {
    let word = take_while1::<_, _, Error<&str>>(|c: char| c.is_ascii_alphanumeric() || c == '-');
    let scope = opt(delimited(char('('), is_not("()\n"), char(')')));
    let mark = recognize((opt(char('!')), tag(":")));
    let (rest, (kind, scope, mark)) = (word, scope, mark).parse(line).ok()?;
    let letters = kind.starts_with(|c: char| c.is_ascii_alphabetic());
    (letters && rest.starts_with([' ', '\t'])).then(|| Conventional {
        kind,
        scope,
        breaking: mark.starts_with('!'),
        text: rest.trim(),
    })
}

/// Titles say the same thing in many words; the first row with a word of the title decides.
const KINDS: &[(&[&str], SectionKind)] = &[
    (
        &["breaking", "incompatible", "incompatibilities", "backward", "backwards"],
        SectionKind::Breaking,
    ),
    (
        &["upgrade", "upgrading", "migration", "migrating", "migrations"],
        SectionKind::UpgradeNotes,
    ),
    (&["security", "vulnerabilities", "cve"], SectionKind::Security),
    (
        &["deprecated", "deprecations", "deprecation", "deprecates"],
        SectionKind::Deprecated,
    ),
    (
        &["removed", "removals", "removal", "removes", "deleted"],
        SectionKind::Removed,
    ),
    (
        &["fixed", "fixes", "fix", "bug", "bugs", "bugfix", "bugfixes"],
        SectionKind::Fixed,
    ),
    (
        &["added", "additions", "adds", "new", "feature", "features", "feat"],
        SectionKind::Added,
    ),
    (
        &[
            "changed",
            "changes",
            "change",
            "improvements",
            "improvement",
            "improved",
            "enhancements",
            "enhancement",
            "performance",
            "refactored",
        ],
        SectionKind::Changed,
    ),
];
/// In longer titles a word such as `new` says little.
const LONGEST_TITLE: usize = 5;
/// These make a section another thing: `Known bugs` are not fixed.
const OTHERS: [&str; 3] = ["known", "contributors", "planned"];

/// Ends the title of a section in which there is nothing.
const EMPTY: [&str; 3] = ["none", "nothing", "nil"];
const DENIALS: [&str; 5] = ["no", "not", "without", "zero", "never"];

pub(super) fn kind_of(title: &str) -> SectionKind {
    let lower = title.to_lowercase();
    let words = words(&lower);
    if words.len() > LONGEST_TITLE || words.iter().any(|word| OTHERS.contains(word)) {
        return SectionKind::Other;
    }
    // The catch-all for what stands under no heading is no kind.
    if title == super::model::NO_HEADING {
        return SectionKind::Other;
    }
    // `Breaking changes: none`
    if words.last().is_some_and(|last| EMPTY.contains(last)) || words.ends_with(&["n", "a"]) {
        return SectionKind::Other;
    }
    let says = |known: &[&str]| {
        words
            .iter()
            .enumerate()
            .any(|(at, word)| known.contains(word) && !is_negated(&words, at))
    };
    // What is compatible breaks nothing, what is not does.
    let compatible = words.iter().position(|word| *word == "compatible");
    let found = KINDS.iter().find(|(known, kind)| match (compatible, kind) {
        (Some(at), SectionKind::Breaking) => is_negated(&words, at),
        _ => says(known),
    });
    found.map_or(SectionKind::Other, |(_, kind)| *kind)
}

fn words(lower: &str) -> Vec<&str> {
    lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether an entry says no more than that what its section is for did not happen.
pub(super) fn is_none(entry: &str) -> bool {
    // No longer than these are.
    if entry.len() > 40 {
        return false;
    }
    match words(&entry.to_lowercase()).as_slice() {
        ["n", "a"] | ["no" | "without" | "zero", "breaking", "change" | "changes"] => true,
        [word] => EMPTY.contains(word),
        _ => false,
    }
}

/// `No breaking changes` denies all that follows, `non-breaking changes` the next word.
fn is_negated(words: &[&str], at: usize) -> bool {
    let before = &words[..at];
    before.iter().any(|word| DENIALS.contains(word)) || before.last() == Some(&"non")
}

/// What an entry says to be: `[BUGFIX] …`, as Prometheus and others write it.
pub(super) fn kind_named(entry: &str) -> Option<SectionKind> {
    let label = entry.trim_start_matches(['*', '_', '\\']).strip_prefix('[')?;
    let (label, rest) = label.split_once(']')?;
    let label = label.trim_end_matches('\\');
    let capitals = label.len() > 2
        && label
            .bytes()
            .all(|b| b.is_ascii_uppercase() || matches!(b, b' ' | b'/'));
    // An address behind it makes it a link, of whatever text.
    if !capitals || rest.starts_with('(') {
        return None;
    }
    Some(kind_of(label)).filter(|kind| *kind != SectionKind::Other)
}

/// The title that a paragraph is in place of a heading: `BUG FIXES:`, `**Fixed**`.
pub(super) fn title_of(paragraph: &str) -> Option<&str> {
    let text = paragraph.trim();
    let bold = ["**", "__", "*", "_"].iter().find_map(|mark| {
        let inner = text.trim_end_matches(':').strip_prefix(mark)?.strip_suffix(mark)?;
        (!inner.contains(['*', '_'])).then_some(inner)
    });
    let title = bold.or_else(|| text.strip_suffix(':'))?.trim().trim_end_matches(':');
    let plain = title
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '/' | '&'));
    (plain && title.len() <= 40 && kind_of(title) != SectionKind::Other).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_the_words_of_titles() {
        let table = [
            ("Added", SectionKind::Added),
            ("✨ New Features", SectionKind::Added),
            ("Bug Fixes", SectionKind::Fixed),
            (":bug: Fixed", SectionKind::Fixed),
            ("BREAKING CHANGES", SectionKind::Breaking),
            ("Backwards-incompatible changes", SectionKind::Breaking),
            ("No breaking changes", SectionKind::Other),
            ("There are no breaking changes", SectionKind::Other),
            ("Without breaking changes", SectionKind::Other),
            ("Breaking changes: none", SectionKind::Other),
            ("Breaking changes (None)", SectionKind::Other),
            ("Breaking changes - n/a", SectionKind::Other),
            ("Non-breaking changes", SectionKind::Changed),
            ("New features, no breaking changes", SectionKind::Added),
            ("Backwards compatible changes", SectionKind::Changed),
            ("Not backwards compatible", SectionKind::Breaking),
            ("No known security fixes", SectionKind::Other),
            ("Upgrade notes", SectionKind::UpgradeNotes),
            ("Security", SectionKind::Security),
            ("Deprecations", SectionKind::Deprecated),
            ("Removed", SectionKind::Removed),
            ("Performance Improvements", SectionKind::Changed),
            ("Changes", SectionKind::Other),
            ("CHANGES", SectionKind::Changed),
            ("Known bugs", SectionKind::Other),
            ("Contributors", SectionKind::Other),
            ("The new thing that everybody has been waiting for", SectionKind::Other),
        ];
        for (title, kind) in table {
            assert_eq!(kind_of(title), kind, "{title}");
        }
    }

    #[test]
    fn entries_that_say_that_there_is_nothing() {
        for entry in ["None", "_None._", "N/A", "No breaking changes.", "Nothing"] {
            assert!(is_none(entry), "{entry}");
        }
        for entry in [
            "",
            "None of the old flags works",
            "No more breaking changes to v1",
            "Nothing is kept",
        ] {
            assert!(!is_none(entry), "{entry}");
        }
    }

    #[test]
    fn entries_name_their_kind_in_capitals() {
        let table = [
            ("[CHANGE] x", Some(SectionKind::Changed)),
            ("[FEATURE] x", Some(SectionKind::Added)),
            ("[ENHANCEMENT] TSDB: x", Some(SectionKind::Changed)),
            ("[BUGFIX] x", Some(SectionKind::Fixed)),
            ("[SECURITY] x", Some(SectionKind::Security)),
            ("**[SECURITY]** x", Some(SectionKind::Security)),
            ("\\[BUGFIX\\] x", Some(SectionKind::Fixed)),
            ("[Security](https://x.example) x", None),
            ("[SECURITY](https://x.example) x", None),
            ("[API] x", None),
            ("[fix] x", None),
            ("[X", None),
        ];
        for (entry, kind) in table {
            assert_eq!(kind_named(entry), kind, "{entry}");
        }
    }

    #[test]
    fn paragraphs_that_are_titles() {
        assert_eq!(title_of("BUG FIXES:"), Some("BUG FIXES"));
        assert_eq!(title_of("**Fixed:**"), Some("Fixed"));
        assert_eq!(title_of("__New features__"), Some("New features"));
        for text in ["Fixed", "Note:", "*Very* **bold**", "This fixes:\nall"] {
            assert_eq!(title_of(text), None, "{text}");
        }
    }
}
