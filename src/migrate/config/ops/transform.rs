//! The functions of `transform`: from a value to another, with nothing else to go by.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::migrate::config::data::{Data, Kind};

/// Reasons say what was wanted, never the value: it may be a secret.
type Result<T> = std::result::Result<T, String>;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Function {
    /// Of a number, by a whole number or a fraction such as `1/1000`.
    Multiply(Factor),
    /// Of words such as yes, off and 1.
    ToBool,
    ToString,
    ToInteger,
    Lowercase,
    Uppercase,
    /// `90` of `from: s`, or `1m30s`, as a number of another unit, or as text with one (`as: text`).
    Duration(Duration),
    /// `64MB` or `65536` of `from: kib`, likewise.
    Bytes(Bytes),
    Split(String),
    Join(String),
    /// A single value becomes a list of it.
    WrapList,
    /// A list of one becomes its item.
    UnwrapList,
    /// What is in the table becomes its value there, anything else stays.
    MapValues(Vec<(Data, Data)>),
    Prefix(String),
    StripPrefix(String),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Data")]
pub struct Factor {
    times: i64,
    over: i64,
}

impl TryFrom<Data> for Factor {
    type Error = String;

    fn try_from(data: Data) -> Result<Self> {
        let wrong = || format!("{data} is not a whole number or a fraction such as 1/1000");
        let Data::Scalar(_, text) = &data else {
            return Err(wrong());
        };
        let (times, over) = text.split_once('/').unwrap_or((text, "1"));
        let number = |text: &str| text.trim().parse::<i64>().ok();
        match (number(times), number(over)) {
            (Some(times), Some(over)) if over > 0 => Ok(Self { times, over }),
            _ => Err(wrong()),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duration {
    /// The unit of a bare number.
    from: TimeUnit,
    to: TimeUnit,
    /// With the unit behind it: `90s`.
    #[serde(default)]
    text: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    Ms,
    S,
    M,
    H,
    D,
}

impl TimeUnit {
    const ALL: [(Self, &str, i128); 5] = [
        (Self::Ms, "ms", 1),
        (Self::S, "s", 1000),
        (Self::M, "m", 60_000),
        (Self::H, "h", 3_600_000),
        (Self::D, "d", 86_400_000),
    ];

    fn said(self) -> (&'static str, i128) {
        let found = Self::ALL.iter().find(|(unit, ..)| *unit == self);
        found.map_or(("ms", 1), |(_, name, size)| (*name, *size))
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    from: SizeUnit,
    to: SizeUnit,
    #[serde(default)]
    text: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeUnit {
    B,
    Kb,
    Mb,
    Gb,
    Kib,
    Mib,
    Gib,
}

impl SizeUnit {
    const ALL: [(Self, &str, i128); 7] = [
        (Self::B, "B", 1),
        (Self::Kb, "kB", 1000),
        (Self::Mb, "MB", 1_000_000),
        (Self::Gb, "GB", 1_000_000_000),
        (Self::Kib, "KiB", 1 << 10),
        (Self::Mib, "MiB", 1 << 20),
        (Self::Gib, "GiB", 1 << 30),
    ];

    fn said(self) -> (&'static str, i128) {
        let found = Self::ALL.iter().find(|(unit, ..)| *unit == self);
        found.map_or(("B", 1), |(_, name, size)| (*name, *size))
    }
}

impl Function {
    pub fn apply(&self, value: &Data) -> Result<Data> {
        Ok(match self {
            Self::Multiply(factor) => multiplied(value, *factor)?,
            Self::ToBool => Data::boolean(truth(scalar(value)?)?),
            Self::ToString => Data::text(scalar(value)?),
            Self::ToInteger => Data::integer(whole(scalar(value)?)?),
            Self::Lowercase => Data::text(scalar(value)?.to_lowercase()),
            Self::Uppercase => Data::text(scalar(value)?.to_uppercase()),
            Self::Duration(wanted) => {
                let units = TimeUnit::ALL.map(|(_, name, size)| (name, size));
                measured(value, &units, wanted.from.said(), wanted.to.said(), wanted.text)?
            }
            Self::Bytes(wanted) => {
                let units = SizeUnit::ALL.map(|(_, name, size)| (name, size));
                measured(value, &units, wanted.from.said(), wanted.to.said(), wanted.text)?
            }
            Self::Split(at) => match scalar(value)? {
                "" => Data::Array(Vec::new()),
                text if at.is_empty() => Data::Array(text.split_whitespace().map(Data::text).collect()),
                text => Data::Array(text.split(at.as_str()).map(|part| Data::text(part.trim())).collect()),
            },
            Self::Join(with) => {
                let items = list(value)?.iter().map(scalar).collect::<Result<Vec<_>>>()?;
                Data::text(items.join(with))
            }
            Self::WrapList => match value {
                Data::Array(_) => value.clone(),
                single => Data::Array(vec![single.clone()]),
            },
            Self::UnwrapList => match value {
                Data::Array(items) => match items.as_slice() {
                    [single] => single.clone(),
                    _ => return Err("it is not a list of exactly one item".into()),
                },
                single => single.clone(),
            },
            Self::MapValues(table) => mapped(value, table),
            Self::Prefix(prefix) => Data::text(format!("{prefix}{}", scalar(value)?)),
            Self::StripPrefix(prefix) => {
                let text = scalar(value)?;
                Data::text(text.strip_prefix(prefix.as_str()).unwrap_or(text))
            }
        })
    }
}

/// Of lists and tables, what is in them.
fn mapped(value: &Data, table: &[(Data, Data)]) -> Data {
    match value {
        Data::Array(items) => Data::Array(items.iter().map(|item| mapped(item, table)).collect()),
        Data::Table(entries) => {
            let mapped = entries.iter().map(|(key, value)| (key.clone(), mapped(value, table)));
            Data::Table(mapped.collect::<IndexMap<_, _>>())
        }
        single => {
            let found = table.iter().find(|(old, _)| old == single);
            found.map_or_else(|| single.clone(), |(_, new)| new.clone())
        }
    }
}

fn scalar(value: &Data) -> Result<&str> {
    match value {
        Data::Scalar(Kind::Null, _) | Data::Array(_) | Data::Table(_) => Err("it is not a single value".into()),
        Data::Scalar(_, text) => Ok(text),
    }
}

fn list(value: &Data) -> Result<&[Data]> {
    match value {
        Data::Array(items) => Ok(items),
        _ => Err("it is not a list".into()),
    }
}

fn truth(text: &str) -> Result<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "enabled" => Ok(true),
        "false" | "no" | "off" | "0" | "disabled" | "" => Ok(false),
        _ => Err("it is not one of true, false, yes, no, on, off, enabled, disabled, 1, 0".into()),
    }
}

fn whole(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| "it is not a whole number".to_owned())
}

/// Exactly, or not at all.
fn multiplied(value: &Data, factor: Factor) -> Result<Data> {
    let text = scalar(value)?;
    let too_large = || "the result is too large".to_owned();
    if let Ok(number) = text.trim().parse::<i64>() {
        let product = i128::from(number) * i128::from(factor.times);
        if product % i128::from(factor.over) == 0 {
            let number = i64::try_from(product / i128::from(factor.over)).map_err(|_| too_large())?;
            return Ok(Data::integer(number));
        }
        return Ok(Data::float(number as f64 * factor.times as f64 / factor.over as f64));
    }
    let number: f64 = text.trim().parse().map_err(|_| "it is not a number".to_owned())?;
    let product = number * factor.times as f64 / factor.over as f64;
    if product.is_finite() {
        Ok(Data::float(product))
    } else {
        Err(too_large())
    }
}

/// A number with or without a unit, in another unit.
fn measured(
    value: &Data,
    units: &[(&'static str, i128)],
    from: (&str, i128),
    to: (&str, i128),
    text: bool,
) -> Result<Data> {
    let total = total_of(scalar(value)?.trim(), units, from.1)?;
    if total % to.1 != 0 {
        return Err(format!("it is not a whole number of {}", to.0));
    }
    let number = i64::try_from(total / to.1).map_err(|_| "it is too large".to_owned())?;
    Ok(if text {
        Data::text(format!("{number}{}", to.0))
    } else {
        Data::integer(number)
    })
}

/// `90`, `1m30s`, `64 MB`: the sum in the smallest unit.
fn total_of(text: &str, units: &[(&'static str, i128)], bare: i128) -> Result<i128> {
    let wrong = || {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        format!("it is not a number with a unit of {}", names.join(", "))
    };
    let (mut rest, mut total) = (text, 0_i128);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i128 = rest[..digits].parse::<u64>().map_err(|_| wrong())?.into();
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let unit = &rest[..letters];
        rest = rest[letters..].trim_start();
        let size = match unit {
            "" if rest.is_empty() => bare,
            _ => units
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))
                .map(|(_, size)| *size)
                .ok_or_else(wrong)?,
        };
        total = number
            .checked_mul(size)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(wrong)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(function: &str, value: &str) -> Result<String> {
        let function: Function = serde_saphyr::from_str(function).unwrap();
        let value: Data = serde_json::from_str(value).unwrap();
        function.apply(&value).map(|new| serde_json::to_string(&new).unwrap())
    }

    #[test]
    fn each_function_makes_one_value_of_another() {
        for (function, value, expected) in [
            ("multiply: 1000", "3", "3000"),
            ("multiply: 1/1000", "3000", "3"),
            ("multiply: 1/2", "3", "1.5"),
            ("multiply: 2", "1.5", "3.0"),
            ("multiply: 60", "\"5\"", "300"),
            ("to_bool", "\"Yes\"", "true"),
            ("to_bool", "0", "false"),
            ("to_string", "12", "\"12\""),
            ("to_integer", "\"12\"", "12"),
            ("lowercase", "\"INFO\"", "\"info\""),
            ("duration: {from: s, to: ms}", "90", "90000"),
            ("duration: {from: s, to: s}", "\"1m30s\"", "90"),
            ("duration: {from: ms, to: s, text: true}", "5000", "\"5s\""),
            ("bytes: {from: mb, to: b}", "64", "64000000"),
            ("bytes: {from: b, to: mib, text: true}", "\"64 MiB\"", "\"64MiB\""),
            ("split: ','", "\"a, b,c\"", "[\"a\",\"b\",\"c\"]"),
            ("split: ''", "\"a  b\"", "[\"a\",\"b\"]"),
            ("join: ';'", "[\"a\",1]", "\"a;1\""),
            ("wrap_list", "\"a\"", "[\"a\"]"),
            ("wrap_list", "[1]", "[1]"),
            ("unwrap_list", "[1]", "1"),
            (
                "map_values: [[warn, warning], [1, 2]]",
                "{\"a\":\"warn\",\"b\":[1,3]}",
                "{\"a\":\"warning\",\"b\":[2,3]}",
            ),
            ("prefix: 'http://'", "\"x\"", "\"http://x\""),
            ("strip_prefix: 'http://'", "\"http://x\"", "\"x\""),
        ] {
            assert_eq!(done(function, value).as_deref(), Ok(expected), "{function} of {value}");
        }
    }

    #[test]
    fn what_cannot_be_done_says_why_and_not_of_what() {
        for (function, value, reason) in [
            ("multiply: 2", "\"hunter2\"", "not a number"),
            ("to_bool", "\"hunter2\"", "not one of"),
            ("duration: {from: s, to: m}", "90", "whole number of m"),
            ("duration: {from: s, to: s}", "\"5 weeks\"", "unit of ms, s"),
            ("bytes: {from: b, to: b}", "\"\"", "unit of B"),
            ("unwrap_list", "[1,2]", "exactly one"),
            ("join: ','", "\"a\"", "not a list"),
            ("to_integer", "[1]", "single value"),
            ("multiply: 9223372036854775807", "9", "too large"),
        ] {
            let error = done(function, value).unwrap_err();
            assert!(
                error.contains(reason) && !error.contains("hunter2"),
                "{function}: {error}"
            );
        }
        for wrong in ["multiply: x", "multiply: 1/0", "sum: 1", "duration: {from: s}"] {
            assert!(serde_saphyr::from_str::<Function>(wrong).is_err(), "{wrong}");
        }
    }
}
