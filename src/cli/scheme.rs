//! `netlink scheme …`: pure questions about versions.

use std::io::BufRead;

use serde_json::json;

use super::args::{Global, SchemeArgs, SchemeVerb, VersionScheme};
use super::output::{Failed, Result, result};
use crate::app::AppError;
use crate::version::{Constraint, Dotted, Scheme, Version};

/// `scheme sort` reads at most this many bytes.
const INPUT_LIMIT: u64 = 64 << 20;

pub fn run(global: &Global, args: &SchemeArgs) -> Result<()> {
    match args.scheme {
        VersionScheme::Lifecycle => answer::<Version>(global, &args.verb),
        VersionScheme::Dotted => answer::<Dotted>(global, &args.verb),
    }
}

fn answer<V: Scheme>(global: &Global, verb: &SchemeVerb) -> Result<()> {
    match verb {
        SchemeVerb::Parse { version } => {
            let version = parse::<V>(version)?;
            let (channel, next) = (version.channel(), version.next());
            let document = json!({
                "version": version.to_string(), "scheme": V::NAME, "channel": channel,
                "stable": version.is_stable(), "next": next,
            });
            result(global, &document, |_| {
                let next = next.map_or_else(|| "none".to_owned(), |next| next.to_string());
                format!("{version}: {channel} channel, next {next}")
            })
        }
        SchemeVerb::Compare { a, b } => {
            let order = match parse::<V>(a)?.cmp(&parse(b)?) {
                std::cmp::Ordering::Less => "<",
                std::cmp::Ordering::Equal => "=",
                std::cmp::Ordering::Greater => ">",
            };
            result(global, &json!({"order": order}), |_| order.to_owned())
        }
        SchemeVerb::Sort => {
            let mut versions = read_lines::<V>()?;
            versions.sort();
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            result(global, &versions, |versions| versions.join("\n"))
        }
        SchemeVerb::Next { version } => {
            let version = parse::<V>(version)?;
            let next = version
                .next()
                .ok_or_else(|| AppError::said("NL0101", format!("{version} is the last version of its scheme")))?;
            result(global, &next, ToString::to_string)
        }
        SchemeVerb::Satisfies { version, constraint } => {
            let constraint: Constraint<V> = constraint.parse().map_err(|e| AppError::below("NL0101", &e))?;
            let fits = constraint.matches(&parse(version)?);
            result(global, &fits, ToString::to_string)?;
            if fits { Ok(()) } else { Err(Failed::Exit(1)) }
        }
    }
}

fn parse<V: Scheme>(text: &str) -> Result<V> {
    Ok(text.parse().map_err(|e| AppError::below("NL0101", &e))?)
}

fn read_lines<V: Scheme>() -> Result<Vec<V>> {
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
