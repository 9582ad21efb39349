//! What the publishers of the releases on the way ask of whoever goes it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::release::changelog::{Changelog, SectionKind};
use crate::version::Version;

/// Of all releases that a plan passes, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanNotes {
    /// What worked before and will not any more; asks for consent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaking: Vec<PlanNote>,
    /// What a person has to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<PlanNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<PlanNote>,
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

impl PlanNotes {
    /// Gathers the notes of these changelogs, data first, then what their sections say; what two releases say with one id is told
    /// once, as the newer has it.
    pub fn of(changelogs: &[Changelog]) -> Self {
        let mut newest_first: Vec<&Changelog> = changelogs.iter().filter(|one| !one.is_yanked()).collect();
        newest_first.sort_by(|a, b| b.version.cmp(&a.version));
        let mut notes = Self::default();
        for one in newest_first {
            let data = [
                (&mut notes.breaking, &one.notes.breaking),
                (&mut notes.actions, &one.notes.actions),
                (&mut notes.security, &one.notes.security),
            ];
            for (told, listed) in data {
                for note in listed {
                    tell(told, &one.version, Some(note.id.to_string()), &note.text);
                }
            }
            for entry in one.breaking_entries() {
                tell(&mut notes.breaking, &one.version, None, &entry.text);
            }
            for section in &one.body.sections {
                let told = match section.kind {
                    SectionKind::UpgradeNotes => &mut notes.actions,
                    SectionKind::Security => &mut notes.security,
                    _ => continue,
                };
                for entry in section.entries.iter().filter(|entry| !entry.breaking) {
                    tell(told, &one.version, None, &entry.text);
                }
            }
        }
        notes
    }

    /// What whoever accepts the plan consents to.
    pub fn consents(&self) -> Vec<String> {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = self.breaking.iter();
        told.map(|note| format!("{}: {}", note.version, one_line(&note.text)))
            .collect()
    }

    pub fn is_empty(&self) -> bool {
        self.breaking.is_empty() && self.actions.is_empty() && self.security.is_empty()
    }
}

fn tell(told: &mut Vec<PlanNote>, version: &Version, id: Option<String>, text: &str) {
    let same = |note: &PlanNote| note.text == text || (id.is_some() && note.id == id);
    if !told.iter().any(same) {
        told.push(PlanNote {
            version: version.clone(),
            id,
            text: text.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changelog(version: &str, text: &str) -> Changelog {
        Changelog::parse(&version.parse().unwrap(), text).unwrap()
    }

    #[test]
    fn notes_are_gathered_newest_first_and_each_once() {
        let all = [
            changelog(
                "0b1",
                "---\nbreaking:\n  - {id: rename, text: old}\nactions:\n  - {id: a, text: Do it}\n---\n# 0b1\n\n## Added\n\n- x\n",
            ),
            changelog(
                "0r1",
                "---\nbreaking:\n  - {id: rename, text: new}\n---\n# 0r1\n\n## Breaking\n\n- Gone\n\n## Security\n\n- A hole\n",
            ),
        ];
        let notes = PlanNotes::of(&all);
        let told = |notes: &[PlanNote]| {
            notes
                .iter()
                .map(|n| format!("{} {}", n.version, n.text))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(&notes.breaking), ["0r1 new", "0r1 Gone"]);
        assert_eq!(told(&notes.actions), ["0b1 Do it"]);
        assert_eq!(told(&notes.security), ["0r1 A hole"]);
    }
}
