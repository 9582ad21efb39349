//! Changelogs: any Markdown file of releases as data, what changed between two versions, and how that is written.
//!
//! ```text
//! text -> front matter | blocks (pulldown-cmark) -> headings (nom) -> Document -> View -> text, JSON, Markdown, HTML
//! ```
//! Nothing of an entry is lost on the way: what is read and written as Markdown again is the same, item by item.

mod asks;
mod blocks;
mod breaking;
mod check;
mod date;
mod day;
mod detect;
mod draft;
mod fold;
mod front;
mod heading;
mod mark;
mod matter;
mod model;
mod one;
mod range;
mod reader;
mod render;
mod reverts;
mod source;
mod withdrawn;

pub use asks::{Once, Said, Topic};
pub use check::{Finding, FindingKind, check};
pub use detect::{AnyDocument, Grammar, check_any, grammar_of, read_any};
pub use draft::{Change, draft};
pub use front::FrontError;
pub use model::{
    Body, Changelog, Entry, Form, Level, Note, NoteId, NoteIdError, Notes, Pending, Place, Section, SectionKind,
    UpgradeNote, Urgency, Yanked,
};
pub use one::ChangelogError;
pub use range::{Gathered, Shown, Span, Told, View, Way, view};
pub use reader::{Document, Warning, WarningKind, read};
pub use render::{Mark, html, is_obeyed, markdown, text};

/// A changelog file has at most this many bytes.
pub const INPUT_LIMIT: u64 = 16 << 20;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
