//! What the author of a migration says of it, in comments above its first statement:
//!
//! ```text
//! -- netlink: foreign_keys=defer lock_timeout=5s
//! -- netlink: require "SELECT count(*) < 1000000 FROM entries" "too many entries; archive some first"
//! ```

use std::fmt;
use std::time::Duration;

use nom::bytes::complete::{tag, tag_no_case, take_while, take_while1};
use nom::character::complete::{char, digit1, none_of, space0};
use nom::error::{ErrorKind, ParseError};
use nom::multi::{many0, separated_list1};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sql::{self, Dialect, Kind};
use super::statements::statements;

/// Of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Directives {
    pub(super) transaction: Transaction,
    pub(super) foreign_keys: ForeignKeys,
    /// Why there is no way down.
    pub(super) irreversible: Option<String>,
    pub(super) require: Vec<Requirement>,
    pub(super) server: Option<ServerVersion>,
    pub(super) phase: Phase,
    /// It may be run again from its beginning after it was cut off.
    pub(super) rerunnable: bool,
    pub(super) lock_timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Transaction {
    /// The file and its history row are one.
    #[default]
    One,
    /// Each statement by itself, for what a database does not do within one, e.g. `VACUUM`.
    Statements,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ForeignKeys {
    /// Off, so that a table can be rebuilt; before the commit it is checked that no row points to nothing which did not before.
    #[default]
    OffAndCheck,
    /// Each statement keeps them, and deletes cascade.
    On,
    /// Kept at the commit, and deletes cascade.
    Defer,
}

/// When a file is run, seen from the stop of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SchemaPhase)]
pub enum Phase {
    Before,
    #[default]
    During,
    After,
    Background,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
            Self::Background => "background",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) query: String,
    pub(super) message: String,
}

/// A database's version as far as it was written, e.g. `3.35`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServerVersion(Vec<u32>);

impl ServerVersion {
    /// The numbers that a version begins with, e.g. of `10.11.6-MariaDB`.
    pub(super) fn read(text: &str) -> Self {
        let numbers = text
            .split(|c: char| c != '.' && !c.is_ascii_digit())
            .next()
            .unwrap_or_default();
        Self(numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect())
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.pad(&parts.join("."))
    }
}

/// What is wrong at which byte of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) problem: String,
}

/// The directives of a file. Comments that only mention NetLink are none; what follows `netlink:` must be understood.
pub(super) fn directives(dialect: Dialect, sql: &str) -> Result<Directives, Mistake> {
    let mut said = Directives::default();
    let mut named: Vec<&'static str> = Vec::new();
    let mut is_below_code = false;
    for token in sql::tokens(dialect, sql) {
        is_below_code |= !token.is_blank() && token.kind != Kind::Semicolon;
        let Some(list) = (token.kind == Kind::LineComment).then(|| list(token.text)).flatten() else {
            continue;
        };
        let at = |rest: &str| token.at + token.text.trim_end().len() - rest.len();
        if is_below_code {
            return Err(Mistake {
                at: token.at,
                problem: "directives stand above the first statement of the file".into(),
            });
        }
        let mut rest = list;
        while !rest.is_empty() {
            let (after, directive) = match directive(dialect, rest) {
                Ok(parsed) => parsed,
                Err(nom::Err::Error(wrong) | nom::Err::Failure(wrong)) => {
                    let (at, problem) = (at(wrong.at), wrong.problem);
                    return Err(Mistake { at, problem });
                }
                Err(nom::Err::Incomplete(_)) => break,
            };
            let name = directive.name();
            if named.contains(&name) && name != "require" {
                let (at, problem) = (at(rest), format!("`{name}` is said twice"));
                return Err(Mistake { at, problem });
            }
            named.push(name);
            directive.into(&mut said);
            rest = after;
        }
    }
    Ok(said)
}

/// What comes after `-- netlink:`.
fn list(comment: &str) -> Option<&str> {
    let opened: IResult<&str, _, Wrong<'_>> =
        (tag("--"), space0, tag_no_case("netlink"), space0, char(':'), space0).parse(comment.trim_end());
    opened.ok().map(|(rest, _)| rest)
}

enum Directive {
    Transaction(Transaction),
    ForeignKeys(ForeignKeys),
    Irreversible(String),
    Require(Requirement),
    Server(ServerVersion),
    Phase(Phase),
    Rerunnable,
    LockTimeout(Duration),
}

const NAMES: [&str; 8] = [
    "transaction",
    "foreign_keys",
    "irreversible",
    "require",
    "server",
    "phase",
    "rerunnable",
    "lock_timeout",
];

impl Directive {
    fn name(&self) -> &'static str {
        match self {
            Self::Transaction(_) => "transaction",
            Self::ForeignKeys(_) => "foreign_keys",
            Self::Irreversible(_) => "irreversible",
            Self::Require(_) => "require",
            Self::Server(_) => "server",
            Self::Phase(_) => "phase",
            Self::Rerunnable => "rerunnable",
            Self::LockTimeout(_) => "lock_timeout",
        }
    }

    fn into(self, said: &mut Directives) {
        match self {
            Self::Transaction(transaction) => said.transaction = transaction,
            Self::ForeignKeys(keys) => said.foreign_keys = keys,
            Self::Irreversible(why) => said.irreversible = Some(why),
            Self::Require(requirement) => said.require.push(requirement),
            Self::Server(version) => said.server = Some(version),
            Self::Phase(phase) => said.phase = phase,
            Self::Rerunnable => said.rerunnable = true,
            Self::LockTimeout(limit) => said.lock_timeout = Some(limit),
        }
    }
}

/// Where the text is not understood, and what was expected there.
#[derive(Debug)]
struct Wrong<'i> {
    at: &'i str,
    problem: String,
}

impl<'i> ParseError<&'i str> for Wrong<'i> {
    fn from_error_kind(at: &'i str, _: ErrorKind) -> Self {
        Self {
            at,
            problem: "this is not understood".into(),
        }
    }

    fn append(_: &'i str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'i, T> = IResult<&'i str, T, Wrong<'i>>;

fn wrong<T>(at: &str, problem: impl Into<String>) -> Parsed<'_, T> {
    let problem = problem.into();
    Err(nom::Err::Failure(Wrong { at, problem }))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn directive(dialect: Dialect, text: &str) -> Parsed<'_, Directive> {
    let Ok((rest, name)) = take_while1::<_, _, Wrong<'_>>(is_of_name).parse(text) else {
        return wrong(text, "expected a directive; one after the other, with spaces between");
    };
    let (rest, directive) = match name {
        "transaction" => one_of(rest, &[("false", Transaction::Statements), ("true", Transaction::One)])
            .map(|(rest, found)| (rest, Directive::Transaction(found)))?,
        "foreign_keys" => {
            let known = [
                ("off+check", ForeignKeys::OffAndCheck),
                ("on", ForeignKeys::On),
                ("defer", ForeignKeys::Defer),
            ];
            one_of(rest, &known).map(|(rest, found)| (rest, Directive::ForeignKeys(found)))?
        }
        "phase" => {
            let known = [
                ("before", Phase::Before),
                ("during", Phase::During),
                ("after", Phase::After),
                ("background", Phase::Background),
            ];
            one_of(rest, &known).map(|(rest, found)| (rest, Directive::Phase(found)))?
        }
        "irreversible" => {
            let (rest, why) = preceded(expected("=", "`=\"why\"`"), text_in_quotes).parse(rest)?;
            (rest, Directive::Irreversible(why))
        }
        "require" => requirement(dialect, rest).map(|(rest, found)| (rest, Directive::Require(found)))?,
        "server" => server(rest).map(|(rest, found)| (rest, Directive::Server(found)))?,
        "lock_timeout" => duration(rest).map(|(rest, found)| (rest, Directive::LockTimeout(found)))?,
        "rerunnable" => (rest, Directive::Rerunnable),
        _ => return wrong(text, format!("there is no directive `{name}`{}", meant(name, &NAMES))),
    };
    let (after, blank) = space0::<_, Wrong<'_>>(rest)?;
    if blank.is_empty() && !after.is_empty() {
        return wrong(after, "expected a space before the next directive");
    }
    Ok((after, directive))
}

/// The nearest of the known words, if one is near.
fn meant(word: &str, known: &[&str]) -> String {
    const ALIKE: f64 = 0.7;
    let scored = known.iter().map(|known| (strsim::jaro_winkler(word, known), known));
    let nearest = scored
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or_else(
        || format!("; known are {}", known.join(", ")),
        |(_, known)| format!("; did you mean `{known}`?"),
    )
}

fn expected<'i>(sign: &'static str, what: &'static str) -> impl Parser<&'i str, Output = (), Error = Wrong<'i>> {
    move |text: &'i str| match text.strip_prefix(sign) {
        Some(rest) => Ok((rest, ())),
        None => wrong(text, format!("expected {what}")),
    }
}

fn one_of<'i, T: Copy>(text: &'i str, known: &[(&str, T)]) -> Parsed<'i, T> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let (rest, ()) = expected("=", "`=` and a value").parse(text)?;
    let (after, word) = take_while::<_, _, Wrong<'_>>(|c: char| !c.is_whitespace()).parse(rest)?;
    match known.iter().find(|(name, _)| *name == word) {
        Some((_, value)) => Ok((after, *value)),
        None => wrong(
            rest,
            format!("`{word}` is not one of {}{}", names.join(", "), near(word, &names)),
        ),
    }
}

fn near(word: &str, known: &[&str]) -> String {
    let meant = meant(word, known);
    if meant.contains("did you mean") {
        meant
    } else {
        String::new()
    }
}

/// In double quotes; `\"` and `\\` stand for themselves.
fn text_in_quotes(text: &str) -> Parsed<'_, String> {
    let escaped = preceded(char('\\'), none_of(""));
    let inner = many0(nom::branch::alt((escaped, none_of("\"\\"))));
    let parsed: Parsed<'_, Vec<char>> = delimited(char('"'), inner, char('"')).parse(text);
    match parsed {
        Ok((rest, said)) if !said.iter().all(|c| c.is_whitespace()) => Ok((rest, said.into_iter().collect())),
        _ => wrong(text, "expected a text in double quotes that says something"),
    }
}

fn requirement(dialect: Dialect, text: &str) -> Parsed<'_, Requirement> {
    let (after, query) = preceded(space0, text_in_quotes).parse(text)?;
    let (rest, message) = preceded(space0, text_in_quotes).parse(after)?;
    match statements(dialect, &query)[..] {
        [_] => Ok((rest, Requirement { query, message })),
        _ => wrong(text.trim_start(), "expected one query, then the message"),
    }
}

fn server(text: &str) -> Parsed<'_, ServerVersion> {
    let (rest, ()) = expected(">=", "`>=` and a version, e.g. `server>=3.35`").parse(text)?;
    let (after, parts) = match separated_list1(char('.'), digit1::<_, Wrong<'_>>).parse(rest) {
        Ok(parsed) => parsed,
        Err(_) => return wrong(rest, "expected a version of numbers and dots, e.g. `3.35`"),
    };
    match parts.iter().map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>() {
        Some(parts) => Ok((after, ServerVersion(parts))),
        None => wrong(rest, "a number of this version is too large"),
    }
}

fn duration(text: &str) -> Parsed<'_, Duration> {
    let (rest, ()) = expected("=", "`=` and a time, e.g. `5s`").parse(text)?;
    let (after, word) = take_while::<_, _, Wrong<'_>>(|c: char| !c.is_whitespace()).parse(rest)?;
    match jiff::fmt::friendly::SpanParser::new().parse_unsigned_duration(word) {
        Ok(time) if time <= LONGEST_WAIT => Ok((after, time)),
        Ok(_) => wrong(
            rest,
            format!("{word} is too long: at most {} s", LONGEST_WAIT.as_secs()),
        ),
        Err(_) => wrong(rest, format!("`{word}` is not a time such as 500ms, 5s or 1m")),
    }
}

/// Nothing waits for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(sql: &str) -> (usize, String) {
        let mistake = directives(Dialect::Sqlite, sql).unwrap_err();
        (mistake.at, mistake.problem)
    }

    #[test]
    fn all_that_can_be_said() {
        let sql = "-- a comment about netlink\n\
                   --Netlink: transaction=false rerunnable\tlock_timeout=1500ms\r\n\
                   /* x */ -- netlink: foreign_keys=off+check server>=3.35.2 phase=background\n\
                   -- netlink: require \"SELECT a = \\\"b\\\" FROM t;\" \"say \\\\ so\" require \"SELECT 1\" \"two\"\n\
                   -- netlink: irreversible=\"the old names are gone\"\n;\nSELECT '\n-- netlink: no\n';";
        let said = directives(Dialect::Sqlite, sql).unwrap();
        let require = |query: &str, message: &str| Requirement {
            query: query.into(),
            message: message.into(),
        };
        assert_eq!(
            said,
            Directives {
                transaction: Transaction::Statements,
                foreign_keys: ForeignKeys::OffAndCheck,
                irreversible: Some("the old names are gone".into()),
                require: vec![
                    require("SELECT a = \"b\" FROM t;", "say \\ so"),
                    require("SELECT 1", "two")
                ],
                server: Some(ServerVersion(vec![3, 35, 2])),
                phase: Phase::Background,
                rerunnable: true,
                lock_timeout: Some(Duration::from_millis(1500)),
            }
        );
        assert_eq!(directives(Dialect::Sqlite, "SELECT 1;").unwrap(), Directives::default());
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_place() {
        for (sql, at, said) in [
            ("-- netlink: transacton=false", 12, "did you mean `transaction`?"),
            ("-- netlink: xyz", 12, "known are transaction"),
            ("-- netlink: phase=durng", 18, "did you mean `during`?"),
            ("-- netlink: phase", 17, "`=` and a value"),
            ("-- netlink: rerunnable=true", 22, "expected a space"),
            ("-- netlink: irreversible", 24, "=\"why\""),
            ("-- netlink: irreversible=\" \"", 25, "double quotes"),
            ("-- netlink: require \"SELECT 1\"", 30, "double quotes"),
            ("-- netlink: require \"SELECT 1; SELECT 2\" \"x\"", 20, "one query"),
            ("-- netlink: server>3", 18, "`>=` and a version"),
            ("-- netlink: server>=three", 20, "numbers and dots"),
            ("-- netlink: lock_timeout=5 apples", 25, "not a time"),
            ("-- netlink: lock_timeout=2h", 25, "too long"),
            (
                "-- netlink: phase=after\n-- netlink: rerunnable phase=during",
                47,
                "said twice",
            ),
            ("SELECT 1;\n-- netlink: rerunnable", 10, "above the first statement"),
            ("-- netlink: ,", 12, "expected a directive"),
        ] {
            let (found, problem) = mistake(sql);
            assert!(problem.contains(said), "{sql}: {problem}");
            assert_eq!(found, at, "{sql}: {problem}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text| server(text).unwrap().1;
        assert!(version(">=3.9") < version(">=3.35"));
        assert!(version(">=3.35") <= ServerVersion::read(rusqlite::version()));
        assert!(version(">=10.11") <= ServerVersion::read("10.11.6-MariaDB-0+deb12u1"));
        assert!(version(">=16") > ServerVersion::read("15.18 (Debian)"));
    }
}
