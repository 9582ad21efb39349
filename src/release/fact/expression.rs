//! Expressions over facts: `rows > 1000000`, `platform == "linux-x86_64" and not finalized`, `components.db < 14`.
//!
//! Three-valued (Kleene): what depends on a fact that is not known is itself not known.
//!
//! ```text
//! or      = and { ("or" | "||") and }
//! and     = not { ("and" | "&&") not }
//! not     = ("not" | "!") not | "(" or ")" | compare
//! compare = name [ ("==" | "=" | "!=" | "<=" | "<" | ">=" | ">") literal ]
//! literal = number | version | "true" | "false" | '"' text '"' | "'" text "'"
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while1};
use nom::character::complete::{char, multispace0};
use nom::combinator::{cut, map, opt, value, verify};
use nom::error::Error;
use nom::multi::many0;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::{COMPONENTS, Fact, FactSheet};

/// Expressions come from outside; nothing that means something is longer or nested more deeply.
const LONGEST: usize = 1000;
const DEEPEST: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    text: String,
    root: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// A name alone means that the fact is true.
    Truth(String),
    Compare(String, Sign, Fact),
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an expression over facts: at byte {at} expected a comparison such as `rows > 1000`, `and`, `or`, `not` or parentheses; texts stand in quotes", .text.escape_debug())]
pub struct ExpressionError {
    pub text: String,
    pub at: usize,
}

impl Expression {
    /// None where it depends on facts that are not known, or that cannot be compared as it asks.
    pub fn holds(&self, facts: &FactSheet) -> Option<bool> {
        self.root.holds(facts)
    }
}

impl Node {
    fn holds(&self, facts: &FactSheet) -> Option<bool> {
        match self {
            Self::Truth(name) => match facts.get(name)? {
                Fact::Truth(truth) => Some(*truth),
                _ => None,
            },
            Self::Compare(name, sign, literal) => compare(name, facts.get(name)?, literal)?.answer(*sign),
            Self::Not(node) => node.holds(facts).map(|holds| !holds),
            Self::All(nodes) => decided(nodes, facts, false),
            Self::Any(nodes) => decided(nodes, facts, true),
        }
    }
}

/// One part that `decides` settles the whole; else one that is not known leaves it open.
fn decided(nodes: &[Node], facts: &FactSheet, decides: bool) -> Option<bool> {
    let mut open = false;
    for node in nodes {
        match node.holds(facts) {
            Some(holds) if holds == decides => return Some(decides),
            Some(_) => {}
            None => open = true,
        }
    }
    (!open).then_some(!decides)
}

/// How a fact stands to a literal.
enum Comparison {
    Ordered(Ordering),
    /// Of kinds that have no order.
    Same(bool),
}

/// Numbers as numbers, versions as versions, truths and other texts for equality only. What a component has is a version, even
/// where it looks like a number: `1.10` is newer than `1.9`.
fn compare(name: &str, fact: &Fact, literal: &Fact) -> Option<Comparison> {
    match (fact, literal) {
        (Fact::Number(fact), Fact::Number(literal)) if !name.starts_with(COMPONENTS) => {
            fact.compare(literal).map(Comparison::Ordered)
        }
        (Fact::Truth(fact), Fact::Truth(literal)) => Some(Comparison::Same(fact == literal)),
        (Fact::Truth(_), _) | (_, Fact::Truth(_)) => None,
        _ => Some(match (fact.version(), literal.version()) {
            (Some(fact), Some(literal)) => Comparison::Ordered(fact.cmp(&literal)),
            _ => Comparison::Same(fact.to_string() == literal.to_string()),
        }),
    }
}

impl Comparison {
    fn answer(self, sign: Sign) -> Option<bool> {
        match (self, sign) {
            (Self::Same(same), Sign::Equal) => Some(same),
            (Self::Same(same), Sign::NotEqual) => Some(!same),
            (Self::Same(_), _) => None,
            (Self::Ordered(found), Sign::Equal) => Some(found.is_eq()),
            (Self::Ordered(found), Sign::NotEqual) => Some(found.is_ne()),
            (Self::Ordered(found), Sign::Less) => Some(found.is_lt()),
            (Self::Ordered(found), Sign::AtMost) => Some(found.is_le()),
            (Self::Ordered(found), Sign::More) => Some(found.is_gt()),
            (Self::Ordered(found), Sign::AtLeast) => Some(found.is_ge()),
        }
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |at| ExpressionError {
            text: text.chars().take(LONGEST).collect(),
            at,
        };
        if text.len() > LONGEST {
            return Err(wrong(text.floor_char_boundary(LONGEST)));
        }
        match terminated(|text| any(text, DEEPEST), multispace0).parse(text) {
            Ok(("", root)) => Ok(Self {
                text: text.to_owned(),
                root,
            }),
            Ok((rest, _)) => Err(wrong(text.len() - rest.len())),
            Err(nom::Err::Error(e) | nom::Err::Failure(e)) => Err(wrong(text.len() - e.input.len())),
            Err(nom::Err::Incomplete(_)) => Err(wrong(text.len())),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Expression {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Expression {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.text)
    }
}

type Parsed<'a, T> = IResult<&'a str, T>;

/// At most so many levels `deeper`.
fn any(text: &str, deeper: usize) -> Parsed<'_, Node> {
    let (rest, first) = all(text, deeper)?;
    let (rest, mut more) = many0(preceded(word(&["||", "or"]), cut(|text| all(text, deeper)))).parse(rest)?;
    Ok((rest, joined(first, &mut more, Node::Any)))
}

fn all(text: &str, deeper: usize) -> Parsed<'_, Node> {
    let (rest, first) = not(text, deeper)?;
    let (rest, mut more) = many0(preceded(word(&["&&", "and"]), cut(|text| not(text, deeper)))).parse(rest)?;
    Ok((rest, joined(first, &mut more, Node::All)))
}

fn joined(first: Node, more: &mut Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    if more.is_empty() {
        return first;
    }
    more.insert(0, first);
    join(std::mem::take(more))
}

fn not(text: &str, deeper: usize) -> Parsed<'_, Node> {
    let Some(deeper) = deeper.checked_sub(1) else {
        return Err(nom::Err::Failure(Error::new(text, nom::error::ErrorKind::TooLarge)));
    };
    let negated = map(preceded(word(&["!", "not"]), cut(|text| not(text, deeper))), |node| {
        Node::Not(Box::new(node))
    });
    let grouped = delimited(word(&["("]), cut(|text| any(text, deeper)), cut(word(&[")"])));
    alt((negated, grouped, comparison)).parse(text)
}

fn comparison(text: &str) -> Parsed<'_, Node> {
    let (rest, name) = preceded(multispace0, name).parse(text)?;
    let (rest, compared) = opt((preceded(multispace0, sign), cut(preceded(multispace0, literal)))).parse(rest)?;
    Ok((
        rest,
        match compared {
            None => Node::Truth(name.to_owned()),
            Some((sign, literal)) => Node::Compare(name.to_owned(), sign, literal),
        },
    ))
}

fn name(text: &str) -> Parsed<'_, &str> {
    let allowed = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let (rest, found) = take_while1(allowed).parse(text)?;
    let mut reserved = ["and", "or", "not", "true", "false"].into_iter();
    let reserved = reserved.any(|word| found.eq_ignore_ascii_case(word));
    if reserved || !found.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Err(nom::Err::Error(Error::new(text, nom::error::ErrorKind::Alpha)));
    }
    Ok((rest, found))
}

fn sign(text: &str) -> Parsed<'_, Sign> {
    alt((
        value(Sign::Equal, tag("==")),
        value(Sign::NotEqual, tag("!=")),
        value(Sign::AtMost, tag("<=")),
        value(Sign::AtLeast, tag(">=")),
        value(Sign::Equal, tag("=")),
        value(Sign::Less, tag("<")),
        value(Sign::More, tag(">")),
    ))
    .parse(text)
}

fn literal(text: &str) -> Parsed<'_, Fact> {
    let quoted = |mark| delimited(char(mark), take_till(move |c| c == mark), cut(char(mark)));
    let text_in_quotes = map(alt((quoted('"'), quoted('\''))), |text: &str| {
        Fact::Text(text.to_owned())
    });
    let bare = take_while1(|c: char| c.is_alphanumeric() || "._+-".contains(c));
    // A word without quotes is more likely a slip than a text: `rows > 1_000`, `a == b`.
    let meant = |fact: &Fact| !matches!(fact, Fact::Text(_)) || fact.version().is_some();
    alt((text_in_quotes, verify(map(bare, Fact::read), meant))).parse(text)
}

/// One of these, with blanks before it; a word of letters ends where its letters end.
fn word(these: &'static [&'static str]) -> impl FnMut(&str) -> Parsed<'_, ()> {
    move |text| {
        let (rest, _) = multispace0(text)?;
        for this in these {
            if let Some(after) = rest.strip_prefix(this) {
                let letters = this.chars().all(char::is_alphabetic);
                if !letters || !after.starts_with(|c: char| c.is_alphanumeric() || "._-".contains(c)) {
                    return Ok((after, ()));
                }
            }
        }
        Err(nom::Err::Error(Error::new(rest, nom::error::ErrorKind::Tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_is_not_deep() {
        let many = vec!["a != 1"; 60].join(" and ");
        assert!(many.parse::<Expression>().is_ok());
        let nots = format!("{}a", "not ".repeat(31));
        assert!(nots.parse::<Expression>().is_ok());
        for deep in ["(".repeat(200), "not ".repeat(200), "!(".repeat(200)] {
            let error = format!("{deep}a").parse::<Expression>().unwrap_err();
            assert!(error.at < deep.len(), "{error}");
        }
    }

    #[test]
    fn expressions_mean_what_they_say() {
        let facts: FactSheet = serde_json::from_str(
            r#"{"rows": 120000, "finalized": true, "platform": "linux-x86_64", "components": {"db": "15.2"}, "port": "8080"}"#,
        )
        .unwrap();
        let mut facts = facts;
        facts.insert("components.cache", Fact::read("1.10"));
        facts.insert("codename", Fact::read("inf"));
        facts.insert("big", Fact::read("9007199254740993"));
        for (text, expected) in [
            ("rows > 1000000", Some(false)),
            ("rows>=120000", Some(true)),
            ("rows > 1e5 and finalized", Some(true)),
            ("finalized", Some(true)),
            ("not finalized or rows < 5", Some(false)),
            ("!(rows > 5 && finalized)", Some(false)),
            ("platform == \"linux-x86_64\"", Some(true)),
            ("platform != 'linux-x86_64'", Some(false)),
            ("components.db < 14", Some(false)),
            ("components.db >= 15.2.0", Some(true)),
            ("components.db < 15.10", Some(true)),
            ("components.cache < 1.9", Some(false)),
            ("codename == 'inf'", Some(true)),
            ("big > 9007199254740992", Some(true)),
            ("unknown", None),
            ("unknown > 3 or finalized", Some(true)),
            ("unknown > 3 and finalized", None),
            ("unknown > 3 and rows < 5", Some(false)),
            ("rows", None),
            ("platform < 'm'", None),
            ("finalized = true", Some(true)),
            ("port = 8080", Some(true)),
            ("order = 1", None),
        ] {
            let expression: Expression = text.parse().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(expression.holds(&facts), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, at) in [
            ("", 0),
            ("rows >", 6),
            ("rows > 5 and", 12),
            ("(rows > 5", 9),
            ("rows > 5)", 8),
            ("5 > rows", 0),
            ("rows > 5 finalized", 9),
            ("platform == \"linux", 18),
        ] {
            assert_eq!(text.parse::<Expression>().unwrap_err().at, at, "{text}");
        }
        let long = format!("a{}", "é".repeat(LONGEST));
        assert_eq!(long.parse::<Expression>().unwrap_err().at, LONGEST - 1);
        assert!("(".repeat(5000).parse::<Expression>().is_err());
        assert!("not ".repeat(200).parse::<Expression>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_fall_over(text in "[a-c()!&|<>=\"'. 0-9]{0,40}") {
            let _ = text.parse::<Expression>();
        }
    }
}
