//! Which scheme a file's versions are of, by its headings.

use jiff::civil::Date;

use super::blocks::{self, Block};
use super::check::{self, Finding};
use super::front;
use super::heading::{self, Title};
use super::matter::{self, Above};
use super::reader::{self, Document};
use crate::version::{Dotted, Version};

/// A file read in the scheme that its headings are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyDocument {
    Lifecycle(Document<Version>),
    Dotted(Document<Dotted>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    Lifecycle,
    Dotted,
}

/// Reads a file in the grammar given, or in the one that understands more of its headings. `0b1` is a version in both; there
/// the narrower, lifecycle, is meant.
pub fn read_any(text: &str, grammar: Option<Grammar>) -> AnyDocument {
    let text = blocks::tidy(text);
    let parts = matter::parts(&text);
    let blocks = blocks::blocks(parts.body, parts.lines);
    match grammar.unwrap_or_else(|| detected(&parts.above, &blocks)) {
        Grammar::Lifecycle => AnyDocument::Lifecycle(reader::of_blocks(front::read(&parts.above), blocks)),
        Grammar::Dotted => AnyDocument::Dotted(reader::of_blocks(front::read(&parts.above), blocks)),
    }
}

/// What to mend in a file.
pub fn check_any(text: &str, grammar: Option<Grammar>, today: Date) -> Vec<Finding> {
    match read_any(text, grammar) {
        AnyDocument::Lifecycle(document) => check::check(&document, today),
        AnyDocument::Dotted(document) => check::check(&document, today),
    }
}

/// The scheme that a version is meant to be of, be it a right one or not.
pub fn grammar_of(version: &str) -> Grammar {
    if heading::meant_as_lifecycle(version) {
        Grammar::Lifecycle
    } else {
        Grammar::Dotted
    }
}

fn detected(above: &Above, blocks: &[Block]) -> Grammar {
    let named = (front::names::<Version>(above), front::names::<Dotted>(above));
    let mut counts = [usize::from(named.0), usize::from(named.1 && !named.0)];
    for block in blocks {
        if let Block::Heading(heading) = block {
            match meant(&heading.text) {
                Some(Grammar::Lifecycle) => counts[0] += 1,
                Some(Grammar::Dotted) => counts[1] += 1,
                None => {}
            }
        }
    }
    if counts[0] > 0 && counts[0] >= counts[1] {
        Grammar::Lifecycle
    } else {
        Grammar::Dotted
    }
}

/// The scheme that the heading of a release is in. What has the form of a lifecycle version is of that scheme even with a
/// slip in it: `0b01` would be a version in the other one.
fn meant(text: &str) -> Option<Grammar> {
    // Most headings name a section, and have no digit.
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if heading::meant_as_lifecycle(text) {
        let is_release = matches!(heading::read::<Version>(text), Title::Release(_) | Title::Odd);
        return is_release.then_some(Grammar::Lifecycle);
    }
    matches!(heading::read::<Dotted>(text), Title::Release(_)).then_some(Grammar::Dotted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_found_by_the_headings() {
        let is_lifecycle = |text| matches!(read_any(text, None), AnyDocument::Lifecycle(_));
        for text in [
            "# 0b1\n- x",
            "# 0r1\n- x\n# 0b1\n- y",
            "---\nversion: 0r1\n---\n- x",
            "# 0b2 - 2026-02-01\n- x\n# 0b01 - 2026-01-01\n- y\n",
            "# 0b2\n- x\n# 0B1\n- y\n",
            "# 0b01\n- x\n",
            "# 1.0.0\n- x\n# 0b1\n- y",
        ] {
            assert!(is_lifecycle(text), "{text}");
        }
        for text in [
            "# 1.0.0\n- x",
            "# 1.0.0\n- x\n# 0.9.0\n- x\n# 0b1\n- y",
            "# 1.0.0b1\n- x\n",
            "",
            "---\nversion: 1.7\n---\n- x",
        ] {
            assert!(!is_lifecycle(text), "{text}");
        }
    }
}
