//! Views of a range, in every form.

use super::super::{Changelog, Place, Span, View, read, view};
use super::*;
use crate::version::Dotted;

const FILE: &str = "# Log\n\n## 2.0.0 - 2024-03-01\n- drops\n\n## 1.2.0\n### Added\n- c\n- b\n## 1.2.0-rc.1\n### Added\n- b\n### Fixed\n- a\n## 1.1.0 [YANKED]\n- broken\n## 1.0.0\n- first\n";

fn of(text: &str, since: Option<&str>, until: Option<&str>, pre: bool) -> View<Dotted> {
    let (releases, pending) = read::<Dotted>(text).into_releases();
    let parse = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    let span = Span {
        since: parse(since),
        until: parse(until),
        pre,
    };
    view(releases, pending, &span)
}

fn versions_of(view: &View<Dotted>) -> Vec<String> {
    view.releases
        .iter()
        .map(|one| one.release.version.to_string())
        .collect()
}

#[test]
fn a_range_is_open_below_and_closed_above_in_version_order() {
    type Row = (
        Option<&'static str>,
        Option<&'static str>,
        bool,
        &'static [&'static str],
    );
    let table: [Row; 6] = [
        (None, None, true, &["2.0.0", "1.2.0", "1.2.0-rc.1", "1.1.0", "1.0.0"]),
        (None, None, false, &["2.0.0", "1.2.0", "1.1.0", "1.0.0"]),
        (Some("1.0.0"), Some("1.2.0"), false, &["1.2.0", "1.1.0"]),
        (Some("1.0"), Some("1.2.0-rc.1"), false, &["1.2.0-rc.1", "1.1.0"]),
        (Some("2.0.0"), None, false, &[]),
        (Some("2.0.0"), Some("1.1.0"), false, &["2.0.0", "1.2.0"]),
    ];
    for (since, until, pre, expected) in table {
        assert_eq!(
            versions_of(&of(FILE, since, until, pre)),
            expected,
            "{since:?} {until:?}"
        );
    }
    let mut lines: Vec<&str> = FILE.split("## ").skip(1).collect();
    lines.reverse();
    let upside_down = format!(
        "## {}",
        lines.join("\n## ").replace("\n## # ", "\n### ").replace("#\n", "\n")
    );
    assert_eq!(versions_of(&of(&upside_down, None, None, true))[0], "2.0.0");
}

#[test]
fn pre_releases_are_told_with_their_release_once() {
    let folded = of(FILE, Some("1.1.0"), Some("1.2.0"), false);
    let one = &folded.releases[0];
    assert_eq!(one.with[0].to_string(), "1.2.0-rc.1");
    let entries: Vec<&str> = one.release.body.entries().map(|entry| entry.text.as_str()).collect();
    assert_eq!(entries, ["c", "b", "a"]);
}

#[test]
fn withdrawn_releases_say_where_to_go_and_ways_down_what_is_lost() {
    let plain = |_: Mark, text: &str| text.to_owned();
    let up = of(FILE, Some("1.0.0"), None, false);
    assert!(text(&up, 80, &plain).contains("1.1.0 [withdrawn; use 1.2.0]"));
    assert!(markdown(&up).contains("# ~~1.1.0~~ [YANKED]\n\n> withdrawn; use 1.2.0\n"));
    assert!(html(&up).contains("<del>1.1.0</del>"));
    let down = of(FILE, Some("2.0.0"), Some("1.2.0"), false);
    for out in [text(&down, 80, &plain), markdown(&down), html(&down)] {
        assert!(
            out.contains("You will lose") && out.contains("drops") && !out.contains("broken"),
            "{out}"
        );
    }
}

#[test]
fn markdown_of_withdrawn_releases_reads_back_the_same() {
    let file = "---\nversion: 1.1.0\nyanked: {reason: 'loses *data*; <all>', use: 1.3.0}\n---\n# 1.3.0\n- d\n# 1.2.0\n- c\n# 1.1.0\n- b\n# 1.0.0 [YANKED]\n- a\n";
    for (since, until) in [(None, None), (Some("0.9"), Some("1.1.0"))] {
        let first = markdown(&of(file, since, until, false));
        assert!(first.contains("withdrawn: loses"), "{first}");
        let second = markdown(&of(&first, None, None, false));
        assert_eq!(second, first);
        assert_eq!(markdown(&of(&second, None, None, false)), first);
    }
}

#[test]
fn notes_of_a_range_come_once_and_the_worst_first() {
    let one = |version: &str, urgency: &str, notes: &str| {
        let text = format!("---\nversion: {version}\nurgency: {urgency}\nactions: [{notes}]\n---\n# {version}\n- x\n");
        read::<Dotted>(&text).into_releases().0.remove(0)
    };
    let releases = vec![
        one("1.1", "low", "{id: a, text: old a}, {id: b, text: b}"),
        one("1.2", "critical", "{id: c, text: c}"),
        one("1.3", "low", "{id: a, text: new a}"),
    ];
    let all = view(releases, Vec::new(), &Span::all());
    assert_eq!(all.urgency, Some(super::super::Urgency::Critical));
    let told: Vec<String> = all
        .told
        .actions
        .iter()
        .map(|note| format!("{} {} {}", note.id.clone().unwrap(), note.text, list(&note.versions)))
        .collect();
    assert_eq!(told, ["c c 1.2", "a new a 1.3, 1.1", "b b 1.1"]);
    let out = text(&all, 80, &|_, text| text.to_owned());
    assert!(
        out.starts_with("Notes (urgency: critical)\n\n  What you must do\n    - c\n      c, 1.2\n"),
        "{out}"
    );
}

#[test]
fn entries_count_as_data_does() {
    let file = "---\nversion: 1.1\nsecurity: [{id: hole, text: A hole}]\n---\n# 1.2\n## Security\n- B hole\n- A hole\n\
                ## Fixed\n- **BREAKING** c\n- [SECURITY] d\n## Upgrade notes\n- e\n# 1.1\n## Deprecated\n- f\n\
                # 1.0 [YANKED]\n- **BREAKING** g\n";
    let all = of(file, None, None, true);
    let told = |notes: &[super::super::Gathered<Dotted>]| -> Vec<String> {
        let one = |note: &super::super::Gathered<Dotted>| format!("{} {}", note.text, list(&note.versions));
        notes.iter().map(one).collect()
    };
    assert_eq!(told(&all.told.breaking), ["**BREAKING** c 1.2"]);
    assert_eq!(
        told(&all.told.security),
        ["B hole 1.2", "A hole 1.2, 1.1", "[SECURITY] d 1.2"]
    );
    assert_eq!(told(&all.told.actions), ["e 1.2"]);
    assert_eq!(told(&all.told.deprecated), ["f 1.1"]);
    let out = text(&all, 80, &|_, text| text.to_owned());
    assert!(
        out.starts_with("Notes\n\n  Security\n    - A hole\n      hole, 1.2, 1.1\n\n1.2\n"),
        "{out}"
    );
}

#[test]
fn the_newest_release_when_withdrawn_says_to_go_back() {
    let plain = |_: Mark, text: &str| text.to_owned();
    let table = [
        ("# 1.2 [YANKED]\n- a\n# 1.1\n- b\n", "1.2 [withdrawn; go back to 1.1]"),
        (
            "# 1.2 [YANKED]\n- a\n# 1.1-rc.1\n- c\n# 1.0\n- b\n",
            "1.2 [withdrawn; go back to 1.0]",
        ),
        (
            "# 1.2 [YANKED]\n- a\n# 1.1-rc.1\n- b\n",
            "1.2 [withdrawn; go back to 1.1-rc.1]",
        ),
        ("# 1.2 [YANKED]\n- a\n# 1.1 [YANKED]\n- b\n", "1.2 [withdrawn]"),
    ];
    for (file, expected) in table {
        let out = text(&of(file, None, None, true), 80, &plain);
        assert!(out.starts_with(expected), "{out}");
    }
}

#[test]
fn a_date_that_names_no_day_is_kept_as_it_is() {
    let file = "## 1.1.0 -- 05/01/2024\n- a\n## 1.0.0 (January 2024)\n- b\n## 0.9 - 05/13/2024\n- c\n## 0.8 - 2024-02-30\n- d\n";
    let document = read::<Dotted>(file);
    assert_eq!(document.warnings.len(), 2, "{:?}", document.warnings);
    assert_eq!(
        document.warnings[0].kind.to_string(),
        "`05/01/2024` may be 2024-01-05 or 2024-05-01; write the year first"
    );
    let all = of(file, None, None, true);
    for out in [text(&all, 80, &|_, text| text.to_owned()), markdown(&all), html(&all)] {
        for date in ["05/01/2024", "January 2024", "2024-05-13", "2024-02-30"] {
            assert!(out.contains(date), "{date}: {out}");
        }
    }
}

#[test]
fn foreign_text_brings_neither_escapes_nor_html() {
    let evil = "## 1.0.0\n\n\u{1b}]0;x\u{7} \u{202e}abc\n\n### <b>\u{9b}31m</b> T\n- \u{1b}[31mred <img src=x onerror=y> [j](javascript:x) [d](data:x) ![p](http://p)\n\n<script>x</script>\n\n```x\" onload=\"y\n\u{1b}[0m\n```\n- [ok](https://ok.example/?a=\"b\") <a@b.example>\n- a &#27;[31mRED &#x202e;x `&#27;` [&#155;](https://y.example/&#27;)\n\n### &#27;[31mT\n\n- x\n";
    let view = of(evil, None, None, true);
    let plain = |_: Mark, text: &str| text.to_owned();
    for out in [text(&view, 40, &plain), markdown(&view), html(&view)] {
        let obeyed = out.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(obeyed, None, "{out}");
    }
    let page = html(&view);
    for bad in [
        "<script",
        "<img",
        "<b>",
        "javascript:",
        "data:",
        "onload=\"",
        "http://p",
    ] {
        assert!(!page.contains(bad), "{bad}: {page}");
    }
    assert!(
        page.contains("&lt;script&gt;") && page.contains("<a href=\"https://ok.example/?a="),
        "{page}"
    );
    assert!(page.contains("<a href=\"mailto:a@b.example\">"), "{page}");
}

#[test]
fn text_is_wrapped_to_the_width() {
    let long = format!("## 1.0.0\n- {}\n  1. {}\n", "word ".repeat(40), "inner ".repeat(30));
    let out = text(&of(&long, None, None, true), 50, &|_, text| text.to_owned());
    assert!(
        out.lines()
            .all(|line| line.chars().count() <= 50 && line == line.trim_end()),
        "{out}"
    );
    assert_eq!(out.matches("word").count() + out.matches("inner").count(), 70);
}

/// All that a release says, without where it stands.
fn only_said(mut release: Changelog<Dotted>) -> Changelog<Dotted> {
    release.place = Place::default();
    let entries = release
        .body
        .sections
        .iter_mut()
        .flat_map(|section| &mut section.entries);
    entries.for_each(|entry| entry.place = Place::default());
    release
}

#[test]
fn a_file_of_its_own_says_the_same_again() {
    for text in [
        "## 1.2.0 and 1.2.1\n- a\n",
        "## v3\n- a\n",
        "## 1.1 -- 05/01/2024\n- [BUGFIX] a\n",
        "## Tue, Jan. 2024: 1.1\n- a\n",
        "## v3, v2.0\n- a\n",
        "## v3 / 2.0-rc1\n- a\n",
        "# 1.1\n#### 0.2\nx\n",
        "# 1.1\n## Added\n- a\n#### 0.2 was odd.1\n- b\n",
        "# 1.1\n#### 2024-01-02\n- b\n",
        "# 1.1\n## Added\n## 2024-01-02\n- b\n",
        "# 1.1 - 2024-13\n2024-01-02\n",
        "# 1.1 - January 2024\n2024-01-02\n\n2024-01-03\n",
    ] {
        let release = read::<Dotted>(text).releases.remove(0);
        let again = read::<Dotted>(&release.to_markdown()).releases.remove(0);
        assert_eq!(only_said(again), only_said(release), "{text}");
    }
}
