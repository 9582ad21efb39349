//! Whole files: what is read from them, kept, told, and refused.

use super::*;
use crate::version::{Dotted, Version};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn dotted(text: &str) -> Document<Dotted> {
    read(text)
}

/// Each release with its sections and how many entries they have.
fn outline(document: &Document<Dotted>) -> Vec<String> {
    let section = |section: &Section| format!("{}:{}", section.title, section.entries.len());
    let release = |one: &Changelog<Dotted>| {
        let sections: Vec<String> = one.body.sections.iter().map(section).collect();
        format!("{} {}", one.version, sections.join(" ")).trim().to_owned()
    };
    document.releases.iter().map(release).collect()
}

const TEXT: &str = "# 0b1 - 2026-02-09\n\nFor all who write `much`.\n\n## Added\n\n- Word *counts*,\n  in every list.\n\n  - also old ones\n- Second\n\n### Fixed\n\n1. A [bug](https://x.example)\n";

#[test]
fn a_changelog_keeps_all_that_stands_in_it() {
    let read = Changelog::parse(&version("0b1"), TEXT).unwrap();
    assert_eq!(read.date, Some(jiff::civil::date(2026, 2, 9)));
    assert_eq!(read.body.preamble, ["For all who write `much`."]);
    let sections: Vec<(&str, usize)> = read
        .body
        .sections
        .iter()
        .map(|s| (s.title.as_str(), s.entries.len()))
        .collect();
    assert_eq!(sections, [("Added", 2), ("Fixed", 1)]);
    assert_eq!(
        read.body.sections[0].entries[0].text,
        "Word *counts*,\nin every list.\n\n- also old ones"
    );
    let again = Changelog::parse(&version("0b1"), &read.to_markdown()).unwrap();
    assert_eq!(again.to_markdown(), read.to_markdown());
    let text = read.to_text();
    assert!(
        text.contains("    - Word counts, in every list.\n      - also old ones\n") && text.contains("1. A bug"),
        "{text}"
    );
}

#[test]
fn the_heading_of_another_version_and_an_empty_file_are_refused() {
    for (text, found) in [
        ("# 0a1\n- x", "0a1"),
        ("# 9.9 - next\n- x", "9.9 - next"),
        ("---\nversion: 0a1\n---\n- x", "0a1"),
    ] {
        let refused = Changelog::parse(&version("0b1"), text);
        assert!(refused.unwrap_err().to_string().contains(&format!("headed `{found}`")));
    }
    for text in ["# 0b1\n\n## Added\n", "", "# Changelog\n"] {
        let refused = Changelog::parse(&version("0b1"), text);
        assert!(matches!(refused, Err(ChangelogError::Empty { .. })), "{text}");
    }
    let of_many = Changelog::parse(&version("0b1"), "# 0r1\n- new\n# 0b1\n- old").unwrap();
    assert_eq!(of_many.body.sections[0].entries[0].text, "old");
}

#[test]
fn only_top_level_headings_open_releases() {
    let text = "# Log\n\n```\n# 9.9.9\n```\n\n> # 9.9.8\n\n- # 9.9.7\n- x\n\n<pre>\n# 9.9.6\n</pre>\n\n    # 9.9.5\n\n#### 9.9.4\n\n## 1.1.0\n- a\n\n1.0.0\n-----\n- b\n";
    assert_eq!(outline(&dotted(text)), ["1.1.0 Changes:1", "1.0.0 Changes:1"]);
}

#[test]
fn levels_may_differ_and_named_versions_below_a_release_are_subjects() {
    let text = "# [2.0.0](https://x.example) (2024-01-02)\n\n### Features\n* a\n\n## [1.1.0](https://x.example)\n\n### Python 3.8\n* b\n#### Linux\n* c\n\n### 1.0.1\n* d\n";
    let document = dotted(text);
    assert_eq!(
        outline(&document),
        ["2.0.0 Features:1", "1.1.0 Python 3.8:1 Linux:1", "1.0.1 Changes:1"][..1]
            .iter()
            .map(|s| (*s).to_owned())
            .chain(["1.1.0 Python 3.8:3".to_owned(), "1.0.1 Changes:1".to_owned()])
            .collect::<Vec<_>>()
    );
    assert_eq!(document.releases[0].link.as_deref(), Some("https://x.example"));
    assert_eq!(document.warnings, []);
}

#[test]
fn tables_of_contents_and_headings_of_series_are_no_releases() {
    let text = "# 2.1\n\n## [2.1.1](#211)\n## [2.1.0](#210)\n\n## 2.1.1\n- a\n## 2.1.0\n- b\n\n# 2.x\n\n# 1.0\n## 1.0.0\n- c\n";
    let document = dotted(text);
    assert_eq!(
        outline(&document),
        ["2.1.1 Changes:1", "2.1.0 Changes:1", "1.0.0 Changes:1"]
    );
    assert_eq!(document.warnings, []);
}

#[test]
fn what_is_said_not_to_break_breaks_nothing() {
    for section in [
        "### No breaking changes\n\n- a",
        "### Breaking changes: none\n\n- a",
        "### Breaking changes\n\n- None.",
        "### Breaking changes\n\nNo breaking changes.",
    ] {
        let document = dotted(&format!("# 1.0.0\n\n{section}\n"));
        assert_eq!(document.releases[0].asks().count(), 0, "{section}");
    }
}

#[test]
fn no_words_behind_a_version_hide_its_release() {
    for heading in [
        "[2.3.0] - 2024-01-01 (requires 2.0)",
        "2.3.0 – Upgrade recommended",
        "2.3.0 Migration release",
        "2.3.0 - requires PHP 8.1 (2024-01-01)",
        "2.3.0 - 2024-01-01 - supports Django 5.0",
        "v2.3.0 support for IE",
        "2.3.0 (was 2.2.9)",
        "2.3.0 (compatible with 1.0)",
        "2.3.0 [see upgrade guide]",
        "2.3.0 - for Django 4.2 and 5.0",
    ] {
        let text = format!(
            "# Log\n\n## 3.0.0 (2024-02-01)\n- a\n## 2.9.0 (2024-01-20)\n- b\n## {heading}\n- c\n## 2.0.0 (2023-01-01)\n- d\n"
        );
        let document = dotted(&text);
        let found: Vec<String> = document.releases.iter().map(|one| one.version.to_string()).collect();
        assert_eq!(found, ["3.0.0", "2.9.0", "2.3.0", "2.0.0"], "{heading}");
        assert!(
            document.releases.iter().all(|one| one.together_with.is_empty()),
            "{heading}"
        );
        assert_eq!(document.warnings, [], "{heading}");
    }
}

#[test]
fn sentences_about_versions_are_told_beside_releases_and_sections_within_them() {
    let text = "# Log\n## 2.0 migration guide\n- z\n## 2.0.0\n- a\n### 2.0 migration guide\n- b\n### 3.8 is now required\n- c\n";
    let document = dotted(text);
    assert_eq!(
        outline(&document),
        [
            "2.0 Changes:1",
            "2.0.0 Changes:1 2.0 migration guide:1 3.8 is now required:1"
        ]
    );
    for heading in [
        "3.8 is now required",
        "1.0 to 2.0 migration guide",
        "Python 3.8 support",
    ] {
        let document = dotted(&format!("## 2.0.0\n- a\n## {heading}\n- b\n## 1.0.0\n- c\n"));
        assert_eq!(outline(&document), ["2.0.0 Changes:1", "1.0.0 Changes:1"], "{heading}");
        assert_eq!(document.warnings.len(), 1, "{heading}");
        assert_eq!(document.warnings[0].place.line, 3, "{heading}");
    }
    let of_levels = dotted("# 2.0.0\n- a\n## 1.1.0 (2024-01-02) – upgrade soon\n- b\n## 1.0.0\n- c\n");
    assert_eq!(of_levels.releases.len(), 3);
}

#[test]
fn what_was_not_understood_is_told_with_its_line() {
    let text = "\u{feff}# Log\r\n\r\n## 1.2.3.foo\r\n- lost?\r\n\r\n## 1.2.2 (2024-02-30)\r\n- a\r\n## 1.x\r\n- b\r\n";
    let document = dotted(text);
    let told: Vec<(usize, usize, String)> = document
        .warnings
        .iter()
        .map(|w| (w.place.line, w.place.column, w.kind.to_string()))
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].0 == 3 && told[0].2.contains("`1.2.3.foo`"));
    assert!(told[1].0 == 6 && told[1].2.contains("calendar"));
    assert!(told[2].0 == 8 && told[2].2.contains("`1.x`"));
    assert_eq!(document.asides[0].body.sections[0].entries[0].text, "lost?");
}

#[test]
fn dates_below_the_heading_and_titles_without_one() {
    let text = "## 1.2.0\n### January 2, 2024\n\nFEATURES:\n\n* a\n\nBUG FIXES:\n\n* b\n\n## 1.1.0\n\n_Released 10/25/2022_\n\n**Breaking changes**\n\n* c\n";
    let document = dotted(text);
    assert_eq!(
        outline(&document),
        ["1.2.0 FEATURES:1 BUG FIXES:1", "1.1.0 Breaking changes:1"]
    );
    assert_eq!(document.releases[0].date, Some(jiff::civil::date(2024, 1, 2)));
    assert_eq!(document.releases[1].date, Some(jiff::civil::date(2022, 10, 25)));
    assert!(document.releases[1].body.sections[0].entries[0].breaking);
}

#[test]
fn references_come_with_their_addresses() {
    let text = "## [1.0.0]\n- See [#1], [the docs][d] and [more][] ![i][]\n\n[1.0.0]: https://x.example/1\n[#1]: https://x.example/#1\n[d]: <https://x.example/a b> \"T\"\n[more]: https://x.example/more\n[i]: /i.png\n";
    let document = dotted(text);
    assert_eq!(document.releases[0].link.as_deref(), Some("https://x.example/1"));
    assert_eq!(
        document.releases[0].body.sections[0].entries[0].text,
        "See [#1](https://x.example/#1), [the docs](<https://x.example/a b> \"T\") and [more](https://x.example/more) ![i](/i.png)"
    );
}

#[test]
fn front_matter_in_both_languages_says_the_same() {
    let yaml = "---\nversion: 1.7\ndate: 2024-01-02\nchannel: beta\nurgency: high\nend_of_life: 2025-01-01\nyanked:\n  reason: loses data\n  use: 1.7.1\nbreaking:\n  - id: tls\n    text: TLS 1.0 is gone\nnotes:\n  - {id: port, from: '<1.5', when: rows > 10, level: blocking, text: The port moved}\n---\n# 1.7\n\n- x\n";
    let toml = "+++\nversion = \"1.7\"\ndate = 2024-01-02\nchannel = \"beta\"\nurgency = \"high\"\nend_of_life = \"2025-01-01\"\nyanked = { reason = \"loses data\", use = \"1.7.1\" }\nbreaking = [{ id = \"tls\", text = \"TLS 1.0 is gone\" }]\n[[notes]]\nid = \"port\"\nfrom = \"<1.5\"\nwhen = \"rows > 10\"\nlevel = \"blocking\"\ntext = \"The port moved\"\n+++\n# 1.7\n\n- x\n";
    let version: Dotted = "1.7".parse().unwrap();
    let one = Changelog::parse(&version, yaml).unwrap();
    let mut other = Changelog::parse(&version, toml).unwrap();
    assert_eq!(one.notes.notes[0].level, Level::Blocking);
    assert_eq!(one.yanked.as_ref().unwrap().instead, Some("1.7.1".parse().unwrap()));
    // Only the lines differ, TOML's note takes more of them.
    assert_eq!(
        serde_json::to_string(&one).unwrap(),
        serde_json::to_string(&other).unwrap()
    );
    other = Changelog::parse(&version, &one.to_markdown()).unwrap();
    assert_eq!(
        serde_json::to_string(&one).unwrap(),
        serde_json::to_string(&other).unwrap()
    );
}

#[test]
fn mistakes_in_front_matter_are_told_with_their_line() {
    let table = [
        ("---\nversion: 1.0\nurgncy: high\n---\n", "line 3", "urgncy"),
        ("---\nversion: 1.0\nurgency: huge\n---\n", "line 3", "huge"),
        ("---\nversion: one\n---\n", "line 2", "not a version"),
        (
            "---\nversion: 1.0\nbreaking: [{id: a b, text: x}]\n---\n",
            "line 3",
            "`a b`",
        ),
        ("---\nversion: 1.0\ndate: 2024-02-30\n---\n", "line 3", "2024-02-30"),
        ("+++\nversion = \"1.0\"\ndat = \"2024-01-01\"\n+++\n", "line 3", "dat"),
        ("+++\nversion = \"1.0\n", "line 1", "not closed"),
        ("+++\nversion = \n+++\n", "line 2", ""),
        (
            "---\nbreaking: [{id: a, text: x}, {id: a, text: y}]\n---\n",
            "twice",
            "`a`",
        ),
    ];
    for (text, one, other) in table {
        let message = read::<Dotted>(text).warnings[0].kind.to_string();
        assert!(message.contains(one) && message.contains(other), "{text}: {message}");
    }
    for text in ["---\n\n# 1.0.0\n- x", "---\n# 1.0.0\n- x\n"] {
        assert_eq!(outline(&dotted(text)), ["1.0.0 Changes:1"], "{text}");
    }
}

#[test]
fn front_matter_without_a_version_is_of_the_only_release() {
    let text = "---\nbreaking: [{id: a, text: x}]\n---\n# 1.0\n- y";
    let document = dotted(text);
    assert_eq!(document.releases[0].notes.breaking[0].text, "x");
    let version: Dotted = "1.0".parse().unwrap();
    assert_eq!(
        Changelog::parse(&version, text).unwrap().notes,
        document.releases[0].notes
    );
    let of_two = format!("{text}\n# 0.9\n- z");
    let document = dotted(&of_two);
    assert!(document.releases.iter().all(|release| release.notes.is_empty()));
    assert_eq!(document.warnings[0].kind, WarningKind::NoVersion(2));
    assert!(matches!(
        Changelog::parse(&version, &of_two),
        Err(ChangelogError::NoVersion { releases: 2, .. })
    ));
    let other = dotted("---\nurgency: low\nversion: 2.0\n---\n# 1.0\n- y");
    assert_eq!(other.warnings[0].kind, WarningKind::OtherVersion("2.0".into()));
    assert_eq!(other.warnings[0].place.line, 3);
}

#[test]
fn front_matter_of_site_generators_hides_no_release() {
    for (matter, warnings) in [
        ("---\ntitle: Log\nlayout: page\nnav_order: 3\n---", 0),
        ("---\nid: changelog\nsidebar_label: \"Log: all\"\nslug: /log\n---", 0),
        ("+++\ntitle = \"Log\"\nweight = 3\n[params]\nversion = 'x'\n+++", 0),
        ("---\ntitle: a: b\n---", 0),
        ("---\ntitle: Log\ndate: 2024-01-02 10:00:00 +0000\n---", 2),
        ("+++\ntitle = 'Log'\ndate = 2024-01-02T10:00:00Z\ndraft = false\n+++", 3),
        ("---\nversion: current\nnotes: many\nsecurity: true\n---", 3),
        ("---\ndate: {{ page.date }}\ntitle: x\n---", 2),
        ("---\ntitle: x\nurgency: \"open\n---", 2),
    ] {
        let document = dotted(&format!("{matter}\n\n# 1.0\n- y"));
        assert_eq!(outline(&document), ["1.0 Changes:1"], "{matter}");
        assert_eq!(document.warnings.len(), warnings, "{matter} {:?}", document.warnings);
        let published = Changelog::parse(&"1.0".parse::<Dotted>().unwrap(), &format!("{matter}\n\n# 1.0\n- y"));
        assert_eq!(published.is_ok(), warnings == 0, "{matter}");
    }
    let partly = dotted("---\ntitle: Log\nurgency: high\ndate: 2024\nnotes:\n- {id: a, text: x}\n---\n# 1.0\n- y");
    assert_eq!(partly.releases[0].urgency, Some(Urgency::High));
    assert_eq!(partly.releases[0].notes.notes.len(), 1);
}
