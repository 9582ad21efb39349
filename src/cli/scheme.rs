//! `netlink scheme …`: pure questions about versions.

use std::io::BufRead;

use serde_json::json;

use super::args::{Global, SchemeVerb};
use super::output::{Failed, Result, result};
use crate::app::AppError;
use crate::version::Version;

/// `scheme sort` reads at most this many bytes.
const INPUT_LIMIT: u64 = 64 << 20;

pub fn run(global: &Global, verb: &SchemeVerb) -> Result<()> {
    match verb {
        SchemeVerb::Parse { version } => {
            let version = parse(version)?;
            let next = version.next();
            let document =
                json!({"version": version, "channel": version.channel(), "stable": version.is_stable(), "next": next});
            result(global, &document, |_| {
                format!("{version}: {} channel, next {next}", version.channel())
            })
        }
        SchemeVerb::Compare { a, b } => {
            let order = match parse(a)?.cmp(&parse(b)?) {
                std::cmp::Ordering::Less => "<",
                std::cmp::Ordering::Equal => "=",
                std::cmp::Ordering::Greater => ">",
            };
            result(global, &json!({"order": order}), |_| order.to_owned())
        }
        SchemeVerb::Sort => {
            let mut versions = read_lines()?;
            versions.sort();
            result(global, &versions, |versions| {
                versions.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            })
        }
        SchemeVerb::Next { version } => {
            let next = parse(version)?.next();
            result(global, &next, ToString::to_string)
        }
        SchemeVerb::Satisfies { version, constraint } => {
            let fits = constraint.matches(&parse(version)?);
            result(global, &fits, ToString::to_string)?;
            if fits { Ok(()) } else { Err(Failed::Exit(1)) }
        }
    }
}

fn parse(text: &str) -> Result<Version> {
    Ok(text.parse().map_err(|e| AppError::below("NL0101", &e))?)
}

fn read_lines() -> Result<Vec<Version>> {
    let mut versions = Vec::new();
    let input = std::io::Read::take(std::io::stdin().lock(), INPUT_LIMIT);
    for (at, text) in std::io::BufReader::new(input).lines().enumerate() {
        let text = text.map_err(|e| AppError::below("NL0110", &e))?;
        if text.trim().is_empty() {
            continue;
        }
        let version = text.trim().parse();
        versions.push(version.map_err(|e| AppError::said("NL0101", format!("line {}: {e}", at + 1)))?);
    }
    Ok(versions)
}
