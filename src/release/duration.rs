//! Lengths of time as people write them: `500ms`, `90s`, `1h 30m`, `30d`. A day is 24 hours, a week seven of them.

use std::fmt;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a length of time: expected numbers with their units, e.g. `500ms`, `90s`, `10m`, `1h 30m`, `30d`"
)]
pub struct DurationError(String);

pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let read = || {
        let span: Span = text.trim().parse().ok()?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(length).ok()
    };
    read().ok_or_else(|| DurationError(text.to_owned()))
}

pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    jiff::fmt::serde::unsigned_duration::friendly::compact::required::serialize(duration, serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Written)
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time, e.g. `90s`, `10m`, `30d`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(E::custom)
    }

    /// A number has no unit.
    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_all_else_refused_in_our_words() {
        for (text, seconds) in [
            ("90s", 90),
            ("1h 30m", 5400),
            ("10 minutes", 600),
            ("30d", 30 * 86400),
            ("2w", 14 * 86400),
            ("1d12h", 36 * 3600),
            ("PT5S", 5),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "30", "30x", "-5s", "1 month", "1y", "soon"] {
            let said = parse(bad).unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{bad}` is not a length of time")), "{said}");
        }
    }

    #[test]
    fn it_comes_back_from_what_is_written_of_it() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct One(#[serde(with = "super")] Duration);
        for seconds in [0, 1, 90, 3600, 30 * 86400] {
            let one = One(Duration::from_secs(seconds));
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<One>(&text).unwrap(), one, "{text}");
        }
        assert!(
            serde_json::from_str::<One>("30")
                .unwrap_err()
                .to_string()
                .contains("`30` is not")
        );
    }
}
