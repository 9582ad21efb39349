//! Which scheme a file's versions are of, by its headings.

use jiff::civil::Date;

use super::blocks::{self, Block};
use super::check::{self, Finding};
use super::front;
use super::heading::{self, Title};
use super::matter::{self, Above};
use super::reader::{self, Document};
use crate::version::{Dotted, Scheme, Version};

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

/// Reads a file in the grammar given, or in the one that understands more of its headings. `0b1` alone is a version in both;
/// there the narrower, lifecycle, is meant.
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

fn detected(above: &Above, blocks: &[Block]) -> Grammar {
    let named = (front::names::<Version>(above), front::names::<Dotted>(above));
    let mut counts = [usize::from(named.0), usize::from(named.1)];
    for block in blocks {
        if let Block::Heading(heading) = block {
            counts[0] += usize::from(is_release::<Version>(&heading.text));
            counts[1] += usize::from(is_release::<Dotted>(&heading.text));
        }
    }
    if counts[0] > 0 && counts[0] >= counts[1] {
        Grammar::Lifecycle
    } else {
        Grammar::Dotted
    }
}

/// Most headings name a section, and have no digit.
fn is_release<V: Scheme>(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && matches!(heading::read::<V>(text), Title::Release(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_found_by_the_headings() {
        let is_lifecycle = |text| matches!(read_any(text, None), AnyDocument::Lifecycle(_));
        for text in ["# 0b1\n- x", "# 0r1\n- x\n# 0b1\n- y", "---\nversion: 0r1\n---\n- x"] {
            assert!(is_lifecycle(text), "{text}");
        }
        for text in [
            "# 1.0.0\n- x",
            "# 1.0.0\n- x\n# 0b1\n- y",
            "",
            "---\nversion: 1.7\n---\n- x",
        ] {
            assert!(!is_lifecycle(text), "{text}");
        }
    }
}
