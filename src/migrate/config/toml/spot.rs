//! Where a piece of text stood, told by the statement above it: so it finds its way back in a text that was changed since.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::layout::{Layout, Statement};
use crate::migrate::config::key::KeyPath;
use crate::migrate::config::text::{is_blank, line_end, line_start_of_line_above};

/// What a cut left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// None at the start of the text.
    above: Option<Above>,
    /// What stood between.
    gap: String,
    /// The blank line that went too, lest two of them meet.
    blank: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Above {
    header: bool,
    path: KeyPath,
    /// Among statements of this path: `[[a]]` comes more than once.
    nth: usize,
}

/// A cut out piece and where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub(super) hole: Hole,
    pub(super) text: String,
    /// Whether it has a header, which takes what stands below it.
    header: bool,
}

pub(super) fn removed(text: &str, range: Range<usize>) -> String {
    format!("{}{}", &text[..range.start], &text[range.end..])
}

pub(super) fn inserted(text: &str, at: usize, piece: &str) -> String {
    format!("{}{piece}{}", &text[..at], &text[at..])
}

/// Takes a piece out, and one of two blank lines that would meet.
pub(super) fn cut(text: &str, layout: &Layout, range: Range<usize>) -> (String, Hole) {
    let above = layout.lines().take_while(|other| other.block.end <= range.start).last();
    let gap_start = above.map_or(layout.first, |above| above.block.end);
    let blank_above =
        range.start == layout.first || is_blank(&text[line_start_of_line_above(text, range.start)..range.start]);
    let below = &text[range.end..line_end(text, range.end)];
    let blank = if blank_above && !below.is_empty() && is_blank(below) {
        below
    } else {
        ""
    };
    let hole = Hole {
        above: above.map(|statement| layout.name_of(statement)),
        gap: text[gap_start..range.start].to_owned(),
        blank: blank.to_owned(),
    };
    (removed(text, range.start..range.end + blank.len()), hole)
}

pub(super) fn cut_piece(text: &str, layout: &Layout, range: Range<usize>, header: bool) -> (String, Piece) {
    let (rest, hole) = cut(text, layout, range.clone());
    let text = text[range].to_owned();
    (rest, Piece { hole, text, header })
}

impl Layout {
    /// Statements on lines of their own.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(|statement| !statement.is_inline())
    }

    fn name_of(&self, statement: &Statement) -> Above {
        let path = statement.path();
        let header = statement.is_header();
        let before = self
            .lines()
            .take_while(|other| other.block.end <= statement.block.start);
        Above {
            header,
            nth: before
                .filter(|other| other.is_header() == header && other.path() == path)
                .count(),
            path: KeyPath::of(&path),
        }
    }

    fn named(&self, above: &Above) -> Option<&Statement> {
        let same = |other: &&Statement| other.is_header() == above.header && other.path() == above.path.parts();
        self.lines().filter(same).nth(above.nth)
    }
}

impl Hole {
    /// Where it is and the table that it is in; `None` when what stood above it is gone.
    pub(super) fn find<'l>(&self, text: &str, layout: &'l Layout) -> Option<(Found, &'l [String])> {
        let (start, section): (usize, &[String]) = match &self.above {
            None => (layout.first, &[]),
            Some(above) => layout
                .named(above)
                .map(|above| (above.block.end, above.section.as_slice()))?,
        };
        let found = match text[start..].starts_with(&self.gap) {
            true => Found::Exact(start + self.gap.len()),
            false if self.above.is_none() => return None,
            false => Found::Near(start),
        };
        Some((found, section))
    }

    pub(super) fn fill(&self, text: &str, found: &Found, piece: &str) -> String {
        match found {
            Found::Exact(at) => inserted(text, *at, &format!("{piece}{}", self.blank)),
            Found::Near(at) => inserted(text, *at, piece),
        }
    }
}

pub(super) enum Found {
    Exact(usize),
    /// The right statement is above, but what follows it is not what did.
    Near(usize),
}

impl Found {
    pub(super) fn at(&self) -> usize {
        match self {
            Self::Exact(at) | Self::Near(at) => *at,
        }
    }
}

impl Piece {
    /// `None` when its place is gone, or entries of another table stand there now and would become its own.
    pub(super) fn put_back(&self, text: &str) -> Option<String> {
        let layout = Layout::of(text);
        let (found, _) = self.hole.find(text, &layout)?;
        let next = layout.lines().find(|statement| statement.keys_at().start >= found.at());
        if self.header && next.is_some_and(|next| !next.is_header()) {
            return None;
        }
        Some(self.hole.fill(text, &found, &self.text))
    }
}
