//! Keys with gaps: `servers.*.port` and, where it goes, `ports.$1`.

use serde::Deserialize;

use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;
use crate::migrate::config::key::KeyPath;

/// A dotted key in which `*` stands for any one part, and `$1` for what the first `*` stood for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Name(String),
    Any,
    /// Counted from 0.
    Gap(usize),
}

impl TryFrom<String> for Pattern {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        let parts = split(&text).into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(parts))
    }
}

/// At the dots outside quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '.') => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn part(text: &str) -> Result<Part, ConfigError> {
    let gap = text
        .trim()
        .strip_prefix('$')
        .and_then(|number| number.parse::<usize>().ok());
    match (text.trim(), gap) {
        ("*", _) => Ok(Part::Any),
        (_, Some(number)) if number > 0 => Ok(Part::Gap(number - 1)),
        _ => Ok(Part::Name(text.parse::<KeyPath>()?.last().to_owned())),
    }
}

impl Pattern {
    /// The keys that are there and fit, each with what its gaps stood for.
    pub(super) fn matches(&self, model: &Data) -> Vec<(KeyPath, Vec<String>)> {
        let mut found = vec![(Vec::new(), Vec::new(), model)];
        for part in &self.0 {
            let mut next = Vec::new();
            for (way, gaps, data) in found {
                let Data::Table(table) = data else { continue };
                for (name, value) in table {
                    let fits = match part {
                        Part::Name(wanted) => wanted == name,
                        Part::Any => true,
                        Part::Gap(_) => false,
                    };
                    if fits {
                        let gaps = match part {
                            Part::Any => [gaps.as_slice(), std::slice::from_ref(name)].concat(),
                            _ => Vec::clone(&gaps),
                        };
                        next.push(([way.as_slice(), std::slice::from_ref(name)].concat(), gaps, value));
                    }
                }
            }
            found = next;
        }
        found
            .into_iter()
            .map(|(way, gaps, _)| (KeyPath::of(&way), gaps))
            .collect()
    }

    /// The key with its gaps filled; `None` when it names a gap that there is not, or `*`.
    pub(super) fn filled(&self, gaps: &[String]) -> Option<KeyPath> {
        let fill = |part: &Part| match part {
            Part::Name(name) => Some(name.clone()),
            Part::Gap(number) => gaps.get(*number).cloned(),
            Part::Any => None,
        };
        Some(KeyPath::of(&self.0.iter().map(fill).collect::<Option<Vec<_>>>()?))
    }

    pub(super) fn gaps(&self) -> usize {
        self.0.iter().filter(|part| **part == Part::Any).count()
    }

    pub(super) fn refers_to_nothing(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, Part::Gap(_)))
    }

    /// Whether every gap it names is one of so many.
    pub(super) fn needs_at_most(&self, gaps: usize) -> bool {
        self.0.iter().all(|part| match part {
            Part::Name(_) => true,
            Part::Gap(number) => *number < gaps,
            Part::Any => false,
        })
    }
}
