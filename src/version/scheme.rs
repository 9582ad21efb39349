//! What the planner, constraints and changelogs ask of a version, whatever its scheme.

use std::cmp::Ordering;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Channel, VersionError};

/// A version that knows its scheme: versions of two schemes are two types, so comparing them does not compile.
pub trait Scheme:
    Clone
    + Debug
    + Display
    + Ord
    + Hash
    + Send
    + Sync
    + FromStr<Err = VersionError>
    + Serialize
    + DeserializeOwned
    + 'static
{
    /// As `--scheme` names it.
    const NAME: &'static str;
    /// What a bare mistake in a constraint is answered with.
    const EXAMPLES: &'static str;

    /// All versions that begin alike, e.g. `2.x`, `0b*`.
    type Pattern: Clone + Debug + Display + Eq + Hash + Send + Sync + 'static;

    fn channel(&self) -> Channel;

    /// The order of releases, whatever their builds.
    fn cmp_release(&self, other: &Self) -> Ordering;

    fn has_build(&self) -> bool;

    /// The next version of the scheme; none after the last.
    #[must_use]
    fn next(&self) -> Option<Self>;

    /// Reads a text with a wildcard in it; none when it has none and should be read as a version.
    fn pattern(text: &str) -> Result<Option<Self::Pattern>, VersionError>;

    /// All versions that begin as this one is written: `3.11` has `3.11.18`, `0b1` has `0b1+7`.
    fn series(&self) -> Self::Pattern;

    /// What `~` lets change: everything below the minor number.
    fn minor_series(&self) -> Self::Pattern;

    /// What `^` lets change: everything that keeps compatible.
    fn compatible_series(&self) -> Self::Pattern;

    fn fits(&self, pattern: &Self::Pattern) -> bool;

    /// Where this version lies beside the shortest stretch of the order that holds all of the pattern's versions.
    fn beside(&self, pattern: &Self::Pattern) -> Ordering;

    /// Whether all versions of that stretch fit.
    fn is_continuous(_pattern: &Self::Pattern) -> bool {
        true
    }

    fn is_stable(&self) -> bool {
        self.channel() == Channel::Release
    }
}
