//! What a publisher should mend before publishing: findings with their place in the file.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Serialize;

use super::asks::Topic;
use super::matter::KEYS;
use super::model::{Changelog, Place};
use super::reader::{Document, WarningKind};
use crate::version::Scheme;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub kind: FindingKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FindingKind {
    #[error("no release: no heading (level 1 to 3) names a version")]
    MissingVersion,
    #[error("{message}")]
    FrontMatter { message: String },
    #[error("the front matter names {version}, but no heading does")]
    OtherVersion { version: String },
    #[error("the front matter names no `version`, and there are {releases} releases; say which it is of")]
    NoVersion { releases: usize },
    #[error("the front matter has none of a changelog's keys and is let be; those are {}", KEYS.join(", "))]
    ForeignFront,
    #[error("`{}` looks like a release but was not understood", heading.escape_debug())]
    NotUnderstood { heading: String },
    #[error("this heading has no version")]
    VersionlessHeading,
    #[error("`{}` looks like a release but stands within a list, a quotation or HTML", heading.escape_debug())]
    InnerHeading { heading: String },
    #[error("`{}` has a day that no calendar has", heading.escape_debug())]
    NoSuchDay { heading: String },
    #[error("`{}` may be {day_first} or {month_first}; write the year first", text.escape_debug())]
    UnclearDay {
        text: String,
        day_first: Date,
        month_first: Date,
    },
    #[error("{version} is newer than {above}, which stands above it; put the newest first")]
    WrongOrder { version: String, above: String },
    #[error("{version} stands in line {first_line} already")]
    Duplicate { version: String, first_line: usize },
    #[error("{version} has no entry; say what changed")]
    Empty { version: String },
    #[error("{version} has breaking changes but no upgrade note, action or note on what to do about them")]
    BreakingWithoutNote { version: String },
    #[error("{version} is dated {date}, which is after today ({today})")]
    DateAhead { version: String, date: Date, today: Date },
    #[error("{version} has its end of life, {end}, before its date, {date}")]
    DeadOnArrival { version: String, date: Date, end: Date },
    #[error("{version} was withdrawn in favour of {instead}, which was withdrawn as well")]
    WithdrawnInstead { version: String, instead: String },
}

/// In the order of the file.
pub fn check<V: Scheme>(document: &Document<V>, today: Date) -> Vec<Finding> {
    let warnings = document.warnings.iter().map(|warning| Finding {
        place: warning.place,
        kind: of_warning(&warning.kind),
    });
    let mut found: Vec<Finding> = warnings.collect();
    found.extend(of_the_whole(document));
    found.extend(order(&document.releases));
    found.extend(duplicates(&document.releases));
    for release in &document.releases {
        found.extend(of_one(release, today).into_iter().map(|kind| at(release, kind)));
    }
    found.extend(withdrawn(&document.releases));
    found.sort_by_key(|finding| finding.place);
    found
}

fn at<V: Scheme>(release: &Changelog<V>, kind: FindingKind) -> Finding {
    Finding {
        place: release.place,
        kind,
    }
}

fn of_warning(warning: &WarningKind) -> FindingKind {
    match warning {
        WarningKind::NotUnderstood(heading) => FindingKind::NotUnderstood {
            heading: heading.clone(),
        },
        WarningKind::Versionless => FindingKind::VersionlessHeading,
        WarningKind::Inner(heading) => FindingKind::InnerHeading {
            heading: heading.clone(),
        },
        WarningKind::NoSuchDay(heading) => FindingKind::NoSuchDay {
            heading: heading.clone(),
        },
        WarningKind::UnclearDay {
            text,
            day_first,
            month_first,
        } => FindingKind::UnclearDay {
            text: text.clone(),
            day_first: *day_first,
            month_first: *month_first,
        },
        WarningKind::Front(error) => FindingKind::FrontMatter {
            message: error.to_string(),
        },
        WarningKind::OtherVersion(version) => FindingKind::OtherVersion {
            version: version.clone(),
        },
        WarningKind::NoVersion(releases) => FindingKind::NoVersion { releases: *releases },
    }
}

fn of_the_whole<V: Scheme>(document: &Document<V>) -> Vec<Finding> {
    let mut kinds = Vec::new();
    if document.foreign {
        kinds.push(FindingKind::ForeignFront);
    }
    // A file of one version may name it in its front matter alone.
    if document.releases.is_empty() && document.named().is_none() {
        kinds.push(FindingKind::MissingVersion);
    }
    let at_top = |kind| Finding {
        place: Place { line: 1, column: 1 },
        kind,
    };
    kinds.into_iter().map(at_top).collect()
}

/// Each release that is newer than the one above it. Lines of old versions that go on beside newer ones (`1.9.3` dated after
/// `2.0.0`) may stand above: there the dates are the order.
fn order<V: Scheme>(releases: &[Changelog<V>]) -> Vec<Finding> {
    let by_date = |pair: &[Changelog<V>]| {
        pair[0]
            .date
            .zip(pair[1].date)
            .is_some_and(|(above, below)| above > below)
    };
    let pairs = releases
        .windows(2)
        .filter(|pair| pair[1].version > pair[0].version && !by_date(pair));
    let found = pairs.map(|pair| {
        let (version, above) = (pair[1].version.to_string(), pair[0].version.to_string());
        at(&pair[1], FindingKind::WrongOrder { version, above })
    });
    found.collect()
}

fn duplicates<V: Scheme>(releases: &[Changelog<V>]) -> Vec<Finding> {
    let mut lines: HashMap<&V, usize> = HashMap::new();
    let mut found = Vec::new();
    for release in releases {
        let first_line = *lines.entry(&release.version).or_insert(release.place.line);
        if first_line != release.place.line {
            let version = release.version.to_string();
            found.push(at(release, FindingKind::Duplicate { version, first_line }));
        }
    }
    found
}

fn of_one<V: Scheme>(release: &Changelog<V>, today: Date) -> Vec<FindingKind> {
    let version = || release.version.to_string();
    let mut found = Vec::new();
    if release.body.is_empty() && release.notes.is_empty() && !release.pending {
        found.push(FindingKind::Empty { version: version() });
    }
    let breaks = release.asks().any(|(topic, _)| topic == Topic::Breaking);
    let tells = !release.notes.notes.is_empty() || release.asks().any(|(topic, _)| topic == Topic::Action);
    if breaks && !tells {
        found.push(FindingKind::BreakingWithoutNote { version: version() });
    }
    if let Some(date) = release.date {
        if date > today {
            found.push(FindingKind::DateAhead {
                version: version(),
                date,
                today,
            });
        }
        if let Some(end) = release.end_of_life.filter(|end| *end < date) {
            found.push(FindingKind::DeadOnArrival {
                version: version(),
                date,
                end,
            });
        }
    }
    found
}

fn withdrawn<V: Scheme>(releases: &[Changelog<V>]) -> Vec<Finding> {
    let gone: std::collections::HashSet<&V> = releases
        .iter()
        .filter(|one| one.is_yanked())
        .map(|one| &one.version)
        .collect();
    let wrong = releases.iter().filter_map(|release| {
        let instead = release
            .yanked
            .as_ref()?
            .instead
            .as_ref()
            .filter(|instead| gone.contains(instead))?;
        let (version, instead) = (release.version.to_string(), instead.to_string());
        Some(at(release, FindingKind::WithdrawnInstead { version, instead }))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::version::Dotted;

    /// `line:column word` of each finding.
    fn found(text: &str) -> Vec<String> {
        let today = jiff::civil::date(2024, 6, 1);
        let findings = check::<Dotted>(&read(text), today);
        let short = |one: &Finding| {
            let document = serde_json::to_value(one).unwrap();
            format!(
                "{}:{} {}",
                document["line"],
                document["column"],
                document["kind"].as_str().unwrap()
            )
        };
        findings.iter().map(short).collect()
    }

    #[test]
    fn headings_of_releases_without_a_version_are_found() {
        for heading in [
            "## [] - 2020-01-01",
            "## - 2020-01-01",
            "##",
            "## 2020-01-01",
            "## [v] - 2020-01-01",
            "## Version (2020-01-01)",
        ] {
            let text = format!("# Log\n\n## 2.0.0 - 2021-01-01\n- a\n\n{heading}\n- b\n\n## 1.0.0 - 2019-01-01\n- c\n");
            assert_eq!(found(&text), ["6:1 versionless-heading"], "{heading}");
        }
        for heading in ["### 2020-01-01", "### Changes", "## Changes", "## Version history"] {
            let text = format!("# Log\n\n## 2.0.0 - 2021-01-01\n- a\n\n{heading}\n- b\n\n## 1.0.0 - 2019-01-01\n- c\n");
            assert_eq!(found(&text), [""; 0], "{heading}");
        }
    }

    #[test]
    fn findings_come_with_their_places() {
        let table: [(&str, &[&str]); 21] = [
            (
                "# Log\n\n## 1.1.0 - 2024-05-02\n- a\n\n## 1.0.0 - 2024-05-01\n- b\n",
                &[],
            ),
            ("# Log\n\n- a\n", &["1:1 missing-version"]),
            ("## 1.0.0\n- a\n## 1.1.0\n- b\n", &["3:1 wrong-order"]),
            (
                "## 1.0.0\n- a\n\n  ## 1.0\n- b\n## 1.0.0\n- c\n",
                &["4:3 inner-heading", "6:1 duplicate"],
            ),
            ("## 1.0.0\n- a\n\n## 0.9\n\n### Added\n", &["4:1 empty"]),
            ("## 1.0.0\n- **BREAKING** a\n", &["1:1 breaking-without-note"]),
            ("## 1.0.0\n- feat!: a\n\n### Upgrade notes\n\nDo b.\n", &[]),
            ("## 1.0.0 - 2024-06-02\n- a\n", &["1:1 date-ahead"]),
            ("## 1.0.0 - 2024-06-31\n- a\n", &["1:1 no-such-day"]),
            ("## 1.0.0 -- 05/01/2024\n- a\n", &["1:1 unclear-day"]),
            ("## 1.0.0 -- 05/13/2024\n- a\n", &[]),
            ("## 1.0.0.foo\n- a\n## 1.0.0\n- a\n", &["1:1 not-understood"]),
            ("## 1.1.0\n- a\n\n<h2>1.0.0</h2>\n\n- b\n", &["4:1 inner-heading"]),
            (
                "## 1.1.0\n- a\n\n  ## 1.0.0\n\n> ## 0.9.0\n",
                &["4:3 inner-heading", "6:3 inner-heading"],
            ),
            ("## 1.1.0 - 2022-10-081\n- a\n", &["1:1 no-such-day"]),
            (
                "---\nversion: 1.0\ndate: 2024-05-01\nend_of_life: 2024-04-01\nbreaking: [{id: a, text: b}]\n---\n\n# 1.0\n",
                &["8:1 breaking-without-note", "8:1 dead-on-arrival"],
            ),
            ("---\nversion: 2.0\n---\n# 1.0\n- x", &["2:1 other-version"]),
            (
                "---\nbreaking: [{id: a, text: x}]\n---\n# 1.0\n- y",
                &["4:1 breaking-without-note"],
            ),
            ("---\nurgency: high\n---\n# 1.1\n- y\n# 1.0\n- x", &["2:1 no-version"]),
            ("---\ntitle: Log\nlayout: page\n---\n# 1.0\n- y", &["1:1 foreign-front"]),
            (
                "---\ntitle: Log\ndate: 2024-01-02 10:00:00 +0000\n---\n# 1.0\n- y",
                &["2:1 front-matter", "3:1 front-matter"],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
