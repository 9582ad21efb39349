//! Texts that requests carry, as the description has them: with the pattern that what is read must have, so that clients can know it.

use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::problem::Problem;
use crate::release::{ExtensionName, NameError};

/// In bytes, all of them ASCII.
const LONGEST_VERSION: usize = 100;
const VERSION: &str = r"(0|[1-9][0-9]{0,8})[abr][1-9][0-9]{0,8}(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?";

fn text(pattern: String, longest: usize, example: &str, description: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .pattern(Some(pattern))
        .max_length(Some(longest))
        .examples([example])
        .description(Some(description));
    RefOr::T(text.build().into())
}

/// A version that is asked for.
#[derive(Debug)]
pub enum VersionText {}

impl PartialSchema for VersionText {
    fn schema() -> RefOr<Schema> {
        let description = "A version of the product: `<major><a|b|r><minor>`, and a build if it has one.";
        text(format!("^{VERSION}$"), LONGEST_VERSION, "0b1", description)
    }
}

impl ToSchema for VersionText {
    fn name() -> std::borrow::Cow<'static, str> {
        "VersionText".into()
    }
}

/// Where a plan is to lead.
#[derive(Debug)]
pub enum PlanTo {}

impl PartialSchema for PlanTo {
    fn schema() -> RefOr<Schema> {
        let description = "The version to go to, up or down; `latest`; `stable`; `back` to where the last completed update came from; \
             or the id of the update to take back.";
        text(
            format!("^(latest|stable|back|update_.*|{VERSION})$"),
            250,
            "0b1",
            description,
        )
    }
}

impl ToSchema for PlanTo {
    fn name() -> std::borrow::Cow<'static, str> {
        "PlanTo".into()
    }
}

/// What keeps a request from being carried out twice.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct IdempotencyKey {
    /// The same key is the same order, for a day: visible characters, also with spaces between them.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, pattern = "^[!-~]([ -~]{0,253}[!-~])?$", max_length = 255, example = "night-42")]
    key: Option<String>,
}

/// Where a line of events goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct LastEventId {
    /// The id of the last event that was seen.
    #[param(rename = "Last-Event-ID", value_type = String, required = false, pattern = "^[0-9]{1,18}$", example = "42")]
    id: Option<String>,
}

/// So many seconds, from 1 on. JSON knows no difference between `60` and `60.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(pub u32);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        match number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number) {
            // Whole, and within its bounds.
            true => Ok(Self(number as u32)),
            false => Err(format!("{number} is no whole number of seconds from 1 to {}", u32::MAX)),
        }
    }
}

/// Extensions as they were named; what cannot be the name of one is none that could be switched off.
pub fn extensions<C: FromIterator<ExtensionName>>(names: impl IntoIterator<Item: AsRef<str>>) -> Result<C, Problem> {
    let none = |e: NameError| Problem::new("NL0123", format!("disable_incompatible: {e}"));
    names
        .into_iter()
        .map(|name| name.as_ref().parse().map_err(none))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_and_some() {
        let read = |text: &str| serde_json::from_str::<Seconds>(text).ok();
        assert_eq!((read("60"), read("60.0")), (Some(Seconds(60)), Some(Seconds(60))));
        assert_eq!(read("4294967295"), Some(Seconds(u32::MAX)));
        for wrong in ["0", "-1", "0.5", "4294967296", "1e30", "\"60\"", "null"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
