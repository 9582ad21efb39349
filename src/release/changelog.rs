//! The changelog of one release: Markdown with a heading for the version and one for each kind of change (keepachangelog.com).

use std::ops::Range;

use jiff::civil::Date;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Serialize;

use crate::version::Version;

/// Where entries go that stand under no heading of their own.
const NO_HEADING: &str = "Changes";
const TEXT_WIDTH: usize = 96;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changelog {
    pub version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// E.g. `Added`, `Fixed`.
    pub title: String,
    /// Markdown, without the list's mark.
    pub entries: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangelogError {
    #[error("the changelog of {expected} is headed `{found}`; each release has a changelog of its own")]
    OtherVersion { expected: Version, found: String },
    #[error("the changelog of {version} has no entry")]
    Empty { version: Version },
}

/// The changelogs after `since`, newest first.
pub fn between(all: Vec<Changelog>, since: &Version) -> Vec<Changelog> {
    let mut newer: Vec<Changelog> = all.into_iter().filter(|one| one.version > *since).collect();
    newer.sort_by(|a, b| b.version.cmp(&a.version));
    newer
}

impl Changelog {
    /// Reads the changelog of `version`. A first heading that names another version is refused.
    pub fn parse(version: &Version, text: &str) -> Result<Self, ChangelogError> {
        let mut found = Self {
            version: version.clone(),
            date: None,
            sections: Vec::new(),
        };
        for (index, block) in blocks(text).into_iter().enumerate() {
            match block {
                Block::Heading(title) if index == 0 && names_a_version(&title) => found.take_title(&title)?,
                Block::Heading(title) => found.sections.push(Section {
                    title,
                    entries: Vec::new(),
                }),
                Block::Entry(entry) => found.section().entries.push(entry),
            }
        }
        found.sections.retain(|section| !section.entries.is_empty());
        if found.sections.is_empty() {
            return Err(ChangelogError::Empty {
                version: version.clone(),
            });
        }
        Ok(found)
    }

    fn take_title(&mut self, title: &str) -> Result<(), ChangelogError> {
        let named = title_version(title);
        if named.as_ref() != Some(&self.version) {
            return Err(ChangelogError::OtherVersion {
                expected: self.version.clone(),
                found: title.to_owned(),
            });
        }
        self.date = title
            .split_whitespace()
            .find_map(|word| word.trim_matches(['(', ')']).parse().ok());
        Ok(())
    }

    fn section(&mut self) -> &mut Section {
        if self.sections.is_empty() {
            self.sections.push(Section {
                title: NO_HEADING.into(),
                entries: Vec::new(),
            });
        }
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title());
        for section in &self.sections {
            text.push_str(&format!("\n## {}\n\n", section.title));
            for entry in &section.entries {
                text.push_str(&format!("- {}\n", entry.replace('\n', "\n  ")));
            }
        }
        text
    }

    /// For a terminal: without markup, wrapped.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.title());
        for section in &self.sections {
            text.push_str(&format!("\n  {}\n", section.title));
            for entry in &section.entries {
                text.push_str(&wrapped(&plain(entry)));
            }
        }
        text
    }

    fn title(&self) -> String {
        match self.date {
            Some(date) => format!("{} - {date}", self.version),
            None => self.version.to_string(),
        }
    }
}

fn title_version(title: &str) -> Option<Version> {
    let words = title
        .split_whitespace()
        .map(|word| word.trim_matches(['[', ']', '(', ')']));
    words
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find_map(|word| word.parse().ok())
}

/// Whether a heading is that of a release rather than of a kind of change: some word of it begins with a digit.
fn names_a_version(title: &str) -> bool {
    let words = title
        .split_whitespace()
        .map(|word| word.trim_start_matches(['[', '(', 'v']));
    words
        .into_iter()
        .any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

enum Block {
    Heading(String),
    Entry(String),
}

/// The headings, and each list item or other block between them, in order.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut depth = 0;
    let mut heading: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 && level <= HeadingLevel::H3 => {
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) if heading.is_some() => {
                blocks.extend(heading.take().map(|title| Block::Heading(title.trim().to_owned())));
            }
            Event::Text(words) | Event::Code(words) if heading.is_some() => {
                if let Some(title) = &mut heading {
                    title.push_str(&words);
                }
            }
            Event::Start(Tag::List(_)) if depth == 0 => {}
            Event::End(TagEnd::List(_)) if depth == 0 => {}
            Event::Start(_) if heading.is_none() => {
                if depth == 0 {
                    blocks.push(Block::Entry(entry(text, range)));
                }
                depth += 1;
            }
            Event::End(_) if heading.is_none() => depth -= 1,
            _ => {}
        }
    }
    blocks
}

/// The source of a block, without a list's mark and the indent that goes with it.
fn entry(text: &str, range: Range<usize>) -> String {
    let source = text[range].trim_end();
    let mark = source.len() - source.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &source[mark..];
    let is_item = rest.starts_with(['-', '*', '+', '.', ')']) && rest[1..].starts_with(' ');
    let content = if is_item { rest[1..].trim_start() } else { source };
    let indent = source.len() - content.len();
    let mut lines = content.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let unindented = |line: &str| {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        line[blanks.min(indent)..].to_owned()
    };
    std::iter::once(first)
        .chain(lines.map(unindented))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The words of Markdown without its markup.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Item | TagEnd::Paragraph) => text.push(' '),
            _ => {}
        }
    }
    text
}

fn wrapped(text: &str) -> String {
    let mut out = String::from("    -");
    let mut width = out.len();
    for word in text.split_whitespace() {
        if width + 1 + word.chars().count() > TEXT_WIDTH {
            out.push_str("\n     ");
            width = 5;
        }
        out.push(' ');
        out.push_str(word);
        width += 1 + word.chars().count();
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    const TEXT: &str = "# 0b1 - 2026-02-09\n\nFor all who write `much`.\n\n## Added\n\n- Word *counts*,\n  in every list.\n\n  - also old ones\n- Second\n\n### Fixed\n\n1. A [bug](https://x.example)\n";

    #[test]
    fn a_changelog_keeps_all_that_stands_in_it() {
        let read = Changelog::parse(&version("0b1"), TEXT).unwrap();
        assert_eq!(read.date, Some(jiff::civil::date(2026, 2, 9)));
        let sections: Vec<(&str, usize)> = read
            .sections
            .iter()
            .map(|s| (s.title.as_str(), s.entries.len()))
            .collect();
        assert_eq!(sections, [(NO_HEADING, 1), ("Added", 2), ("Fixed", 1)]);
        assert_eq!(
            read.sections[1].entries[0],
            "Word *counts*,\nin every list.\n\n- also old ones"
        );
        assert_eq!(Changelog::parse(&version("0b1"), &read.to_markdown()).unwrap(), read);
        let text = read.to_text();
        assert!(
            text.contains("- Word counts, in every list. also old ones\n") && text.contains("- A bug"),
            "{text}"
        );
    }

    #[test]
    fn the_heading_of_another_version_and_an_empty_file_are_refused() {
        for (text, found) in [("# 0a1\n- x", "0a1"), ("# 9.9 - next\n- x", "9.9 - next")] {
            let refused = Changelog::parse(&version("0b1"), text);
            assert!(refused.unwrap_err().to_string().contains(&format!("headed `{found}`")));
        }
        assert!(matches!(
            Changelog::parse(&version("0b1"), "# 0b1\n\n## Added\n"),
            Err(ChangelogError::Empty { .. })
        ));
    }

    #[test]
    fn only_newer_ones_newest_first() {
        let one = |text: &str| Changelog::parse(&version(text), "- x").unwrap();
        let newer = between(vec![one("0a1"), one("0r1"), one("0b1")], &version("0a1"));
        let versions: Vec<String> = newer.iter().map(|one| one.version.to_string()).collect();
        assert_eq!(versions, ["0r1", "0b1"]);
    }
}
