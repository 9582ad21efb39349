//! Front matter: what one file per version says above its text, in YAML between `---` or TOML between `+++`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::day;
use super::matter::{self, Above, KEYS, Language};
use super::model::{Changelog, Note, Notes, UpgradeNote, Urgency, Yanked};
use crate::named;
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
        "the front matter is not right: line {line}: `{}` is not one of its keys: {}", key.escape_debug(), KEYS.join(", ")
    )]
    Unknown { line: usize, key: String },
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
            Self::Wrong { line, .. } | Self::Unknown { line, .. } => *line,
        }
    }
}

/// What stands above a text of releases.
#[derive(Debug)]
pub(super) struct Matter<V: Scheme> {
    pub front: Option<Front<V>>,
    /// The line of `version`, or of the first key where there is none.
    pub line: usize,
    pub mistakes: Vec<FrontError>,
    /// It has none of our keys.
    pub foreign: bool,
}

/// All that can be understood of it; what cannot is among the mistakes.
pub(super) fn read<V: Scheme>(above: &Above) -> Matter<V> {
    let mut matter = Matter {
        front: None,
        line: 1,
        mistakes: Vec::new(),
        foreign: false,
    };
    match above {
        Above::Nothing => {}
        Above::Foreign => matter.foreign = true,
        Above::Open(error) => matter.mistakes.push(error.clone()),
        Above::Ours(source) => {
            let (front, mistakes) = of_ours(source);
            let first = source.blocks.first().map(|block| block.line);
            matter.line = source.line_of("version").or(first).unwrap_or(1);
            (matter.front, matter.mistakes) = (Some(front), mistakes);
        }
    }
    matter
}

fn of_ours<V: Scheme>(source: &matter::Matter) -> (Front<V>, Vec<FrontError>) {
    let first = match parse(source.language, source.text) {
        Ok(front) => {
            let twice = unique(&front).err();
            return (front, twice.into_iter().collect());
        }
        Err(error) => error,
    };
    let mut left: Vec<&str> = KEYS.to_vec();
    let foreign = source.blocks.iter().filter(|block| !KEYS.contains(&block.key));
    let mut mistakes: Vec<FrontError> = foreign
        .map(|block| FrontError::Unknown {
            line: block.line,
            key: block.key.to_owned(),
        })
        .collect();
    // Each round takes out the key that is wrong.
    let front = loop {
        match parse::<V>(source.language, &source.only(|block| left.contains(&block.key))) {
            Ok(front) => break Some(front),
            Err(error) => {
                let wrong = source.blocks.iter().rfind(|block| block.line <= error.line());
                let known = wrong.and_then(|block| left.iter().position(|key| *key == block.key));
                mistakes.push(error);
                match known {
                    Some(at) => left.swap_remove(at),
                    None => break None,
                };
            }
        }
    };
    if mistakes.is_empty() {
        mistakes.push(first);
    }
    mistakes.sort_by_key(FrontError::line);
    let front = front.unwrap_or_default();
    mistakes.extend(unique(&front).err());
    (front, mistakes)
}

/// Whether front matter names a version of this scheme.
pub(super) fn names<V: Scheme>(above: &Above) -> bool {
    let Above::Ours(matter) = above else {
        return false;
    };
    let values = matter.text.lines().filter_map(|line| line.strip_prefix("version"));
    let mut values = values.filter_map(|rest| rest.trim_start().strip_prefix([':', '=']));
    values.any(|value| value.trim().trim_matches(['"', '\'']).parse::<V>().is_ok())
}

fn parse<V: Scheme>(language: Language, matter: &str) -> Result<Front<V>, FrontError> {
    // Without a key YAML has nothing, which is no map.
    match language {
        Language::Yaml if matter.trim().is_empty() => Ok(Front::default()),
        Language::Yaml => yaml(matter),
        Language::Toml => toml(matter),
    }
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
    named::from_toml(matter).map_err(|e| FrontError::Wrong {
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

impl<V: Scheme> Default for Front<V> {
    fn default() -> Self {
        Self {
            version: None,
            date: None,
            channel: None,
            urgency: None,
            end_of_life: None,
            yanked: None,
            breaking: Vec::new(),
            actions: Vec::new(),
            security: Vec::new(),
            deprecated: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl<V: Scheme> Front<V> {
    /// What the front matter says goes over what the heading said.
    pub(super) fn apply(self, release: &mut Changelog<V>) {
        if self.date.is_some() {
            release.date = self.date;
            release.dated = None;
        }
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
