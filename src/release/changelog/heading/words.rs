//! The words that stand around versions in headings, and what they tell.

/// What a word says about whether its heading is that of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Goes with releases.
    Known,
    /// The heading speaks of a version, but is not that version's: `Upgrading to 2.0`.
    Stop,
    Unknown,
}

pub(super) const BETWEEN: &[&str] = &["between"];

pub(super) const YANKED: &[&str] = &["yanked", "withdrawn", "retracted", "pulled", "recalled"];

pub(super) const PENDING: &[&str] = &[
    "unreleased",
    "tbd",
    "tbc",
    "tba",
    "upcoming",
    "wip",
    "unpublished",
    "yyyy-mm-dd",
    "xxxx-xx-xx",
    "20xx-xx-xx",
    "future",
    "????-??-??",
];

/// Whole headings that announce what is to come.
pub(super) const PHRASES_OF_PENDING: &[&str] = &[
    "unreleased",
    "unreleased changes",
    "not released",
    "not yet released",
    "not released yet",
    "to be released",
    "upcoming",
    "upcoming release",
    "upcoming version",
    "next",
    "next release",
    "next version",
    "vnext",
    "v.next",
    "head",
    "master",
    "main",
    "trunk",
    "dev",
    "develop",
    "development",
    "in development",
    "under development",
    "in progress",
    "work in progress",
    "wip",
    "current",
    "edge",
    "tbd",
    "tbc",
    "coming soon",
    "x.y.z",
    "x.x.x",
];

const BEFORE: &[&str] = &[
    "version",
    "versions",
    "ver",
    "rev",
    "revision",
    "release",
    "releases",
    "released",
    "changes",
    "change",
    "changelog",
    "log",
    "history",
    "notes",
    "note",
    "what",
    "what's",
    "what’s",
    "new",
    "in",
    "for",
    "of",
    "the",
    "tag",
    "patch",
    "hotfix",
    "stable",
    "maintenance",
    "bugfix",
    "lts",
    "final",
    "latest",
    "milestone",
    "security",
    "v",
];

const AFTER: &[&str] = &[
    "released",
    "release",
    "on",
    "the",
    "at",
    "by",
    "in",
    "not",
    "yet",
    "be",
    "of",
    "to",
    "through",
    "until",
    "and",
    "up",
    "lts",
    "stable",
    "final",
    "beta",
    "alpha",
    "latest",
    "current",
    "hotfix",
    "patch",
    "security",
    "bugfix",
    "maintenance",
    "changelog",
    "changes",
    "notes",
    "diff",
    "compare",
    "pre-release",
    "prerelease",
    "preview",
    "candidate",
    "development",
    "progress",
    "recommended",
    "initial",
    "first",
    "major",
    "minor",
    "full",
    "see",
    "date",
];

/// A heading with one of these is about a version, not of one.
const STOPS: &[&str] = &[
    "since",
    "upgrade",
    "upgrades",
    "upgrading",
    "migrate",
    "migrating",
    "migration",
    "from",
    "before",
    "after",
    "support",
    "supports",
    "supported",
    "download",
    "downloads",
    "require",
    "requires",
    "required",
    "requirement",
    "drop",
    "drops",
    "dropped",
    "remove",
    "removed",
    "bump",
    "minimum",
    "guide",
    "known",
    "compatible",
    "compatibility",
    "is",
    "are",
    "was",
    "will",
    "using",
    "with",
    "binaries",
    "summary",
];

/// Right behind a version, they make a sentence of the heading.
pub(super) const VERBS: &[&str] = &["is", "are", "was", "will"];

pub(super) fn role_before(word: &str) -> Role {
    if STOPS.contains(&word) || word == "to" {
        Role::Stop
    } else if BEFORE.contains(&word) {
        Role::Known
    } else {
        Role::Unknown
    }
}

pub(super) fn role_after(word: &str) -> Role {
    if STOPS.contains(&word) {
        Role::Stop
    } else if AFTER.contains(&word) {
        Role::Known
    } else {
        Role::Unknown
    }
}
