//! Facts of an installation by name, and expressions over them: what stops and blocks may depend on.

mod expression;
mod number;

pub use expression::{Expression, ExpressionError};
pub use number::Number;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::version::Dotted;

/// What the names of components' versions begin with.
const COMPONENTS: &str = "components.";

/// One fact. A text that is a dotted version compares as one, and beside it so does a number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    Truth(bool),
    Number(Number),
    Text(String),
}

/// All that is known, by dotted name, e.g. `rows`, `components.db`. A fact that is missing is not known, which is not false.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FactSheet(BTreeMap<String, Fact>);

impl FactSheet {
    pub fn insert(&mut self, name: impl Into<String>, fact: Fact) {
        self.0.insert(name.into(), fact);
    }

    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// With the facts of `other` in place of ours where both know.
    #[must_use]
    pub fn overridden(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.0.get(name)
    }

    /// The version of a component, where it is known and is one.
    pub fn component(&self, name: &str) -> Option<Dotted> {
        self.get(&format!("{COMPONENTS}{name}")).and_then(Fact::version)
    }
}

/// Numbers are finite: others are not read as numbers.
impl Eq for Fact {}

impl Fact {
    /// From what people type or a command prints: `true`, `12`, anything else as text.
    pub fn read(text: &str) -> Self {
        match text.trim() {
            "true" => Self::Truth(true),
            "false" => Self::Truth(false),
            text => Number::read(text).map_or_else(|| Self::Text(text.to_owned()), Self::Number),
        }
    }

    fn version(&self) -> Option<Dotted> {
        match self {
            Self::Truth(_) => None,
            Self::Number(number) => number.written().parse().ok(),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Nested tables become dotted names: `{"components": {"db": "15.2"}}` is `components.db`.
impl<'de> Deserialize<'de> for FactSheet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a fact is a number, a text, true, false, null, or a table of such"
        )]
        enum Nested {
            One(Fact),
            /// `null`: not known.
            Nothing(()),
            Table(BTreeMap<String, Nested>),
        }
        fn flatten(prefix: &str, table: BTreeMap<String, Nested>, sheet: &mut FactSheet) {
            for (name, nested) in table {
                let name = format!("{prefix}{name}");
                match nested {
                    Nested::One(fact) => sheet.insert(name, fact),
                    Nested::Nothing(()) => {}
                    Nested::Table(table) => flatten(&format!("{name}."), table, sheet),
                }
            }
        }
        let mut sheet = Self::default();
        flatten("", BTreeMap::deserialize(deserializer)?, &mut sheet);
        Ok(sheet)
    }
}
