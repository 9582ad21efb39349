//! Front matter: what one file per version says above its text, in YAML between `---` or TOML between `+++`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::day;
use super::model::{Changelog, Note, Notes, UpgradeNote, Urgency, Yanked};
use crate::version::{Channel, Scheme};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub(super) struct Front<V: Scheme> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<V>,
    #[serde(with = "day", default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    #[serde(with = "day", default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<Yanked<V>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaking: Vec<Note>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Note>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Note>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deprecated: Vec<Note>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<UpgradeNote<V>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontError {
    #[error("the front matter opened by `{mark}` in line 1 is not closed by a line `{mark}`")]
    Open { mark: &'static str },
    #[error("the front matter is not right: line {line}: {message}")]
    Wrong { line: usize, message: String },
    #[error(
        "the front matter names the note `{id}` twice in `{list}`; ids are what people acknowledge by, give each its own"
    )]
    Twice { list: &'static str, id: String },
}

impl FrontError {
    /// The line of the file that it is about, from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Open { .. } | Self::Twice { .. } => 1,
            Self::Wrong { line, .. } => *line,
        }
    }
}

/// Front matter as text: its mark, what it says, and the text below it.
type Parts<'a> = (Option<(&'static str, &'a str)>, &'a str, usize);

/// The front matter of a tidy text, what stands below it, and how many lines it takes.
pub(super) fn split<V: Scheme>(text: &str) -> Result<(Option<Front<V>>, &str, usize), FrontError> {
    let (matter, body, above) = parts(text)?;
    let front = match matter {
        None => return Ok((None, body, above)),
        Some(("---", matter)) => yaml(matter)?,
        Some((_, matter)) => toml(matter)?,
    };
    unique(&front)?;
    Ok((Some(front), body, above))
}

pub(super) fn parts(text: &str) -> Result<Parts<'_>, FrontError> {
    let Some(mark) = ["---", "+++"].into_iter().find(|mark| opens(text, mark)) else {
        return Ok((None, text, 0));
    };
    let inner = &text[text.find('\n').map_or(text.len(), |at| at + 1)..];
    let mut end = 0;
    let close = inner.split_inclusive('\n').find_map(|line| {
        let start = end;
        end += line.len();
        (line.trim_end() == mark).then_some(start)
    });
    // A ruler at the top of an ordinary file is followed by no key.
    let first = inner.lines().next().unwrap_or_default();
    let is_ruler = mark == "---"
        && !first
            .split_once(':')
            .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    match close {
        _ if is_ruler => Ok((None, text, 0)),
        None => Err(FrontError::Open { mark }),
        Some(close) => {
            let matter = &inner[..close];
            Ok((Some((mark, matter)), &inner[end..], matter.matches('\n').count() + 2))
        }
    }
}

/// Whether front matter names a version of this scheme.
pub(super) fn names<V: Scheme>(text: &str) -> bool {
    let Ok((Some((_, matter)), ..)) = parts(text) else {
        return false;
    };
    let values = matter.lines().filter_map(|line| line.strip_prefix("version"));
    let mut values = values.filter_map(|rest| rest.trim_start().strip_prefix([':', '=']));
    values.any(|value| value.trim().trim_matches(['"', '\'']).parse::<V>().is_ok())
}

fn opens(text: &str, mark: &str) -> bool {
    text.strip_prefix(mark)
        .is_some_and(|rest| rest.lines().next().unwrap_or_default().trim().is_empty())
}

fn yaml<V: Scheme>(matter: &str) -> Result<Front<V>, FrontError> {
    serde_saphyr::from_str(matter).map_err(|e| FrontError::Wrong {
        line: e.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1) + 1),
        message: without_place(&first_line(&e.without_snippet().to_string())).to_owned(),
    })
}

/// Lines are told as those of the file, not of the matter.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

fn toml<V: Scheme>(matter: &str) -> Result<Front<V>, FrontError> {
    toml_edit::de::from_str(matter).map_err(|e| FrontError::Wrong {
        line: e.span().map_or(1, |span| {
            matter[..span.start.min(matter.len())].matches('\n').count() + 2
        }),
        message: first_line(e.message()),
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn unique<V: Scheme>(front: &Front<V>) -> Result<(), FrontError> {
    let ids = |notes: &[Note]| notes.iter().map(|note| note.id.to_string()).collect();
    let lists: [(&'static str, Vec<String>); 5] = [
        ("breaking", ids(&front.breaking)),
        ("actions", ids(&front.actions)),
        ("security", ids(&front.security)),
        ("deprecated", ids(&front.deprecated)),
        ("notes", front.notes.iter().map(|note| note.id.to_string()).collect()),
    ];
    for (list, mut ids) in lists {
        ids.sort();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(FrontError::Twice {
                list,
                id: pair[0].clone(),
            });
        }
    }
    Ok(())
}

impl<V: Scheme> Front<V> {
    /// What the front matter says goes over what the heading said.
    pub(super) fn apply(self, release: &mut Changelog<V>) {
        release.date = self.date.or(release.date);
        release.channel = self.channel.unwrap_or(release.channel);
        release.urgency = self.urgency;
        release.end_of_life = self.end_of_life;
        release.yanked = self.yanked.or_else(|| release.yanked.take());
        release.notes = Notes {
            breaking: self.breaking,
            actions: self.actions,
            security: self.security,
            deprecated: self.deprecated,
            notes: self.notes,
        };
    }

    /// What a release's heading cannot say; none when there is nothing of the kind.
    pub(super) fn of(release: &Changelog<V>) -> Option<Self> {
        let explained = release
            .yanked
            .as_ref()
            .filter(|yanked| yanked.reason.is_some() || yanked.instead.is_some());
        let channel = (release.channel != release.version.channel()).then_some(release.channel);
        let silent = release.urgency.is_none() && release.end_of_life.is_none() && release.notes.is_empty();
        if silent && explained.is_none() && channel.is_none() {
            return None;
        }
        let notes = release.notes.clone();
        Some(Self {
            version: Some(release.version.clone()),
            date: release.date,
            channel,
            urgency: release.urgency,
            end_of_life: release.end_of_life,
            yanked: release.yanked.clone(),
            breaking: notes.breaking,
            actions: notes.actions,
            security: notes.security,
            deprecated: notes.deprecated,
            notes: notes.notes,
        })
    }

    /// With its marks, ready to stand above a text.
    pub(super) fn to_text(&self) -> String {
        // The types hold only strings, dates and lists, which TOML can always say.
        let toml = toml_edit::ser::to_string_pretty(self).unwrap_or_default();
        format!("+++\n{toml}+++\n\n")
    }
}
