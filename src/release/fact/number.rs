//! A number as a fact.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;

/// Kept as it was written too: beside a version, `1.10` is another than `1.1`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "f64")]
pub struct Number {
    value: f64,
    written: String,
}

impl Number {
    /// None for a text that is no number, and for words such as `inf` and `nan`, which are names of something.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
        Some(Self {
            value,
            written: text.to_owned(),
        })
    }

    /// Whole numbers to the last digit, others as floating point does it.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        let whole = |number: &Self| number.written.parse::<i128>().ok();
        match (whole(self), whole(other)) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => self.value.partial_cmp(&other.value),
        }
    }

    pub(super) fn written(&self) -> &str {
        &self.written
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self {
            value,
            written: value.to_string(),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}
