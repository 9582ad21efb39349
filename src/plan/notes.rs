//! What the publishers of the releases on the way ask of whoever goes it.

use std::collections::HashMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::release::FactSheet;
use crate::release::changelog::{Changelog, Level, Once, Said, Topic, UpgradeNote, Urgency};
use crate::version::{Constraint, Version};

/// Of all releases that a plan passes, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanNotes {
    /// The highest of all releases on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// When the publisher ends its care for the release where the way ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub end_of_life: Option<Date>,
    /// What worked before and will not any more; asks for consent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaking: Vec<PlanNote>,
    /// What concerns installations such as this one, the blocking ones first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<Concern>,
    /// What a person has to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<PlanNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<PlanNote>,
    /// On the way down: what the releases above brought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<PlanNote>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanNote {
    /// The release that says so.
    #[schema(value_type = String)]
    pub version: Version,
    /// The publisher's name for it, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Markdown.
    pub text: String,
}

/// A note for some installations, of which this is one, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Concern {
    /// The release that says so.
    #[schema(value_type = String)]
    pub version: Version,
    /// What it is acknowledged by.
    pub id: String,
    pub level: Level,
    /// Markdown.
    pub text: String,
    /// The condition, where the facts of this installation do not tell whether it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

impl PlanNotes {
    /// Of the way up from `from`, by the changelogs of the releases on it: data first, then what their sections say. What two
    /// releases say with one id is told once, as the newer has it; what cannot concern this installation is not told.
    pub fn of_the_way_up(changelogs: &[Changelog], from: &Version, facts: &FactSheet) -> Self {
        let newest_first = newest_first(changelogs);
        let [mut breaking, mut actions, mut security]: [List; 3] = Default::default();
        let mut concerns = Concerns::default();
        for one in &newest_first {
            for (topic, said) in one.asks() {
                match topic {
                    Topic::Breaking => breaking.tell(&one.version, said),
                    Topic::Action => actions.tell(&one.version, said),
                    Topic::Security => security.tell(&one.version, said),
                    Topic::Deprecated => {}
                }
            }
            let notes = one.notes.notes.iter();
            notes
                .filter_map(|note| concern(&one.version, note, from, facts))
                .for_each(|concern| concerns.raise(concern));
        }
        Self {
            urgency: newest_first.iter().filter_map(|one| one.urgency).max(),
            end_of_life: newest_first.first().and_then(|one| one.end_of_life),
            breaking: breaking.notes,
            concerns: concerns.gravest_first(),
            actions: actions.notes,
            security: security.notes,
            lost: Vec::new(),
        }
    }

    /// Of the way down, by the changelogs of the releases that are left: what will be missed.
    pub fn of_the_way_down(changelogs: &[Changelog]) -> Self {
        let mut lost = List::default();
        for one in newest_first(changelogs) {
            one.brings().for_each(|said| lost.tell(&one.version, said));
        }
        Self {
            lost: lost.notes,
            ..Self::default()
        }
    }

    /// Notes that must be acknowledged, each by its id, before the update begins.
    pub fn blocking(&self) -> impl Iterator<Item = &Concern> {
        self.concerns.iter().filter(|concern| concern.level == Level::Blocking)
    }

    /// What whoever accepts the plan consents to.
    pub fn consents(&self) -> Vec<String> {
        let breaking = self.breaking.iter().map(ToString::to_string);
        breaking.chain(self.blocking().map(ToString::to_string)).collect()
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is told, each thing once.
#[derive(Default)]
struct List<'a> {
    notes: Vec<PlanNote>,
    known: Once<'a>,
}

impl<'a> List<'a> {
    fn tell(&mut self, version: &Version, said: Said<'a>) {
        if self.known.place(said, self.notes.len()).is_none() {
            self.notes.push(PlanNote {
                version: version.clone(),
                id: said.id.map(ToString::to_string),
                text: said.text.to_owned(),
            });
        }
    }
}

#[derive(Default)]
struct Concerns {
    all: Vec<Concern>,
    places: HashMap<String, usize>,
}

impl Concerns {
    /// The newer release's words hold, the graver level of the two.
    fn raise(&mut self, concern: Concern) {
        let at = *self.places.entry(concern.id.clone()).or_insert(self.all.len());
        match self.all.get_mut(at) {
            Some(known) => known.level = known.level.max(concern.level),
            None => self.all.push(concern),
        }
    }

    fn gravest_first(mut self) -> Vec<Concern> {
        self.all.sort_by_key(|concern| std::cmp::Reverse(concern.level));
        self.all
    }
}

fn newest_first(changelogs: &[Changelog]) -> Vec<&Changelog> {
    let mut out: Vec<&Changelog> = changelogs.iter().filter(|one| !one.is_yanked()).collect();
    out.sort_by(|a, b| b.version.cmp(&a.version));
    out
}

/// None when the note cannot concern whoever comes from `from` under these facts.
fn concern(version: &Version, note: &UpgradeNote, from: &Version, facts: &FactSheet) -> Option<Concern> {
    let fits = |range: &Constraint| range.matches(from);
    if !note.from.as_ref().is_none_or(fits) {
        return None;
    }
    let undecided = match &note.when {
        None => None,
        Some(when) => match when.holds(facts) {
            Some(false) => return None,
            Some(true) => None,
            None => Some(when.to_string()),
        },
    };
    Some(Concern {
        version: version.clone(),
        id: note.id.to_string(),
        level: note.level,
        text: note.text.clone(),
        undecided,
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As one line.
impl fmt::Display for PlanNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.version, one_line(&self.text))
    }
}

/// As one line.
impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.version, one_line(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Fact;

    fn changelog(version: &str, text: &str) -> Changelog {
        Changelog::parse(&version.parse().unwrap(), text).unwrap()
    }

    fn told(notes: &[PlanNote]) -> Vec<String> {
        notes.iter().map(|n| format!("{} {}", n.version, n.text)).collect()
    }

    #[test]
    fn notes_are_gathered_newest_first_and_each_once() {
        let all = [
            changelog(
                "0b1",
                "---\nurgency: high\nend_of_life: 2026-01-01\nbreaking:\n  - {id: rename, text: old}\nactions:\n  - {id: a, text: Do it}\n---\n# 0b1\n\n## Added\n\n- x\n",
            ),
            changelog(
                "0r1",
                "---\nurgency: low\nend_of_life: 2027-01-01\nbreaking:\n  - {id: rename, text: new}\n---\n# 0r1\n\n## Breaking\n\n- Gone\n\n## Security\n\n- A hole\n",
            ),
        ];
        let notes = PlanNotes::of_the_way_up(&all, &"0a1".parse().unwrap(), &FactSheet::default());
        assert_eq!(told(&notes.breaking), ["0r1 new", "0r1 Gone"]);
        assert_eq!(told(&notes.actions), ["0b1 Do it"]);
        assert_eq!(told(&notes.security), ["0r1 A hole"]);
        assert_eq!(notes.urgency, Some(Urgency::High));
        assert_eq!(notes.end_of_life.unwrap().to_string(), "2027-01-01");
        assert_eq!(
            told(&PlanNotes::of_the_way_down(&all).lost),
            ["0r1 A hole", "0b1 x"],
            "what is broken is whole again on the way down"
        );
    }

    #[test]
    fn only_notes_that_may_concern_the_installation_are_told() {
        let text = "---\nnotes:\n\
            - {id: old, from: '<0b1', text: for old ones}\n\
            - {id: new, from: '>=0b1', text: for new ones}\n\
            - {id: big, when: rows > 10, level: blocking, text: for big ones}\n\
            - {id: small, when: rows < 10, level: blocking, text: for small ones}\n\
            - {id: told, when: moons > 1, text: who knows}\n\
            ---\n# 0r1\n\n- x\n";
        let older = "---\nnotes:\n- {id: old, level: blocking, text: as it was}\n---\n# 0b1\n\n- x\n";
        let mut facts = FactSheet::default();
        facts.insert("rows", Fact::Number(12.0.into()));
        let all = [changelog("0b1", older), changelog("0r1", text)];
        let notes = PlanNotes::of_the_way_up(&all, &"0a1".parse().unwrap(), &facts);
        let told: Vec<String> = notes
            .concerns
            .iter()
            .map(|c| format!("{:?} {} {} {:?}", c.level, c.id, c.text, c.undecided))
            .collect();
        assert_eq!(
            told,
            [
                "Blocking old for old ones None",
                "Blocking big for big ones None",
                "Warning told who knows Some(\"moons > 1\")",
            ]
        );
        assert_eq!(notes.consents(), ["0r1: for old ones", "0r1: for big ones"]);
    }
}
