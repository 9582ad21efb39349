//! A changelog as data: releases, their sections and entries, and what their publishers ask of whoever upgrades.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::release::Expression;
use crate::version::{Channel, Constraint, Scheme, Version};

/// Where entries go that stand under no heading of their own.
pub(super) const NO_HEADING: &str = "Changes";

/// What changed in one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct Changelog<V: Scheme = Version> {
    pub version: V,
    /// Further versions under the same heading, e.g. `1.2.1 - 1.2.3`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub together_with: Vec<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// What its heading has for a date, where that tells no day: `05/01/2024`, `January 2024`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    pub channel: Channel,
    /// Headed `Unreleased`, `TBD` or the like beside its version.
    #[serde(skip_serializing_if = "is_false")]
    pub pending: bool,
    /// Address that the heading links to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yanked: Option<Yanked<V>>,
    #[serde(flatten)]
    pub notes: Notes<V>,
    #[serde(flatten)]
    pub body: Body,
    /// Where its heading stands; not part of what it says.
    #[serde(skip)]
    pub place: Place,
}

/// What stands under a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Body {
    /// Markdown blocks before the first list or section.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preamble: Vec<String>,
    pub sections: Vec<Section>,
}

/// What is to come, under a heading without a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    pub title: String,
    #[serde(flatten)]
    pub body: Body,
    #[serde(skip)]
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    pub kind: SectionKind,
    /// As the file has it, e.g. `Bug Fixes`.
    pub title: String,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionKind {
    Breaking,
    UpgradeNotes,
    Security,
    Added,
    Changed,
    Deprecated,
    Removed,
    Fixed,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Markdown, without the list's mark.
    pub text: String,
    /// What it says to be, where its section does not: `[BUGFIX] …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<SectionKind>,
    /// Marked as one that breaks what worked before.
    #[serde(skip_serializing_if = "is_false")]
    pub breaking: bool,
    #[serde(skip)]
    pub form: Form,
    #[serde(skip)]
    pub place: Place,
}

/// How an entry stands in its section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Item,
    /// An item of a numbered list.
    Numbered(u32),
    /// A paragraph, table, block of code or the like between the lists.
    Block,
}

/// Line and column in the file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    Low,
    Medium,
    High,
    Critical,
}

/// A release was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Yanked<V: Scheme = Version> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version to take instead.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<V>,
}

/// What the front matter of a release tells whoever upgrades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct Notes<V: Scheme = Version> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breaking: Vec<Note>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Note>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Note>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deprecated: Vec<Note>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<UpgradeNote<V>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub id: NoteId,
    pub text: String,
}

/// A note that concerns only some installations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct UpgradeNote<V: Scheme = Version> {
    pub id: NoteId,
    /// Versions that one may come from for the note to matter; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Constraint<V>>,
    /// A condition over the installation's facts, evaluated where those are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    #[serde(default)]
    pub level: Level,
    pub text: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    #[default]
    Warning,
    /// Must be acknowledged before the update begins.
    Blocking,
}

/// What a note is acknowledged by: letters, digits, `.`, `_` and `-`, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoteId(String);

const LONGEST_ID: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not the id of a note: it takes 1 to {LONGEST_ID} letters, digits, `.`, `_` or `-`", .0.escape_debug())]
pub struct NoteIdError(String);

impl TryFrom<String> for NoteId {
    type Error = NoteIdError;

    fn try_from(text: String) -> Result<Self, NoteIdError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text))
        } else {
            Err(NoteIdError(text.chars().take(LONGEST_ID).collect()))
        }
    }
}

impl From<NoteId> for String {
    fn from(id: NoteId) -> Self {
        id.0
    }
}

impl fmt::Display for NoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

impl<V: Scheme> Default for Notes<V> {
    fn default() -> Self {
        Self {
            breaking: Vec::new(),
            actions: Vec::new(),
            security: Vec::new(),
            deprecated: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl<V: Scheme> Notes<V> {
    pub fn is_empty(&self) -> bool {
        let plain = [&self.breaking, &self.actions, &self.security, &self.deprecated];
        plain.iter().all(|notes| notes.is_empty()) && self.notes.is_empty()
    }
}

impl<V: Scheme> Changelog<V> {
    /// Nothing but its version.
    pub(super) fn bare(version: V) -> Self {
        Self {
            channel: version.channel(),
            version,
            together_with: Vec::new(),
            date: None,
            dated: None,
            pending: false,
            link: None,
            urgency: None,
            end_of_life: None,
            yanked: None,
            notes: Notes::default(),
            body: Body::default(),
            place: Place::default(),
        }
    }

    pub fn is_yanked(&self) -> bool {
        self.yanked.is_some()
    }
}

impl Body {
    pub fn is_empty(&self) -> bool {
        self.preamble.is_empty() && self.sections.is_empty()
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.sections.iter().flat_map(|section| &section.entries)
    }
}

impl<V: Scheme> Yanked<V> {
    pub(super) fn unexplained() -> Self {
        Self {
            reason: None,
            instead: None,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_false(value: &bool) -> bool {
    !value
}
