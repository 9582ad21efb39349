//! Pre-releases told as part of their release.

use std::collections::{HashMap, HashSet};

use super::model::{Body, Changelog, Note, NoteId, Notes, SectionKind};
use super::range::Shown;
use crate::version::Scheme;

/// Pre-releases told as part of their release, where that is among them. Takes and gives newest first.
pub(super) fn folded<V: Scheme>(shown: Vec<Shown<V>>) -> Vec<Shown<V>> {
    let mut out: Vec<Shown<V>> = Vec::with_capacity(shown.len());
    // Of the last one, once it has taken one in.
    let mut known: Option<Known> = None;
    for one in shown {
        let version = &one.release.version;
        // A pre-release lies right below its release, with at most other pre-releases of it between.
        let home = if version.is_stable() {
            None
        } else {
            let release = release_of(version);
            out.last_mut()
                .filter(|last| last.release.version.cmp_release(&release).is_eq())
        };
        match home {
            Some(home) => {
                let known = known.get_or_insert_with(|| Known::of(&home.release));
                take_in(home, one.release, known);
            }
            None => {
                known = None;
                out.push(one);
            }
        }
    }
    out
}

/// The release that a pre-release leads to.
fn release_of<V: Scheme>(version: &V) -> V {
    // Alpha, beta, release: two steps at most.
    let mut release = version.clone();
    for _ in 0..2 {
        if release.is_stable() {
            break;
        }
        let Some(next) = release.next() else { break };
        release = next;
    }
    release
}

/// What a release says by now, so that none of it is looked through again for each pre-release.
struct Known {
    texts: HashSet<String>,
    sections: HashMap<(SectionKind, String), usize>,
    /// Of each list.
    ids: [HashSet<NoteId>; 5],
}

impl Known {
    fn of<V: Scheme>(release: &Changelog<V>) -> Self {
        let ids = |notes: &[Note]| notes.iter().map(|note| note.id.clone()).collect();
        let Notes {
            breaking,
            actions,
            security,
            deprecated,
            notes,
        } = &release.notes;
        let mut known = Self {
            texts: texts(&release.body),
            sections: HashMap::new(),
            ids: [
                ids(breaking),
                ids(actions),
                ids(security),
                ids(deprecated),
                notes.iter().map(|note| note.id.clone()).collect(),
            ],
        };
        for (at, section) in release.body.sections.iter().enumerate() {
            known.sections.entry(key(section.kind, &section.title)).or_insert(at);
        }
        known
    }
}

fn texts(body: &Body) -> HashSet<String> {
    let entries = body.entries().map(|entry| &entry.text);
    body.preamble.iter().chain(entries).cloned().collect()
}

/// Sections of one kind are one; what is of no kind goes by its title.
fn key(kind: SectionKind, title: &str) -> (SectionKind, String) {
    let title = if kind == SectionKind::Other { title } else { "" };
    (kind, title.to_owned())
}

fn take_in<V: Scheme>(home: &mut Shown<V>, pre: Changelog<V>, known: &mut Known) {
    let Changelog {
        version,
        body,
        notes,
        urgency,
        ..
    } = pre;
    home.with.push(version);
    home.release.urgency = home.release.urgency.max(urgency);
    merge_body(&mut home.release.body, body, known);
    let own = &mut home.release.notes;
    let [breaking, actions, security, deprecated, upgrade] = &mut known.ids;
    merge_notes(&mut own.breaking, notes.breaking, breaking);
    merge_notes(&mut own.actions, notes.actions, actions);
    merge_notes(&mut own.security, notes.security, security);
    merge_notes(&mut own.deprecated, notes.deprecated, deprecated);
    let new = notes.notes.into_iter().filter(|note| upgrade.insert(note.id.clone()));
    own.notes.extend(new);
}

fn merge_notes(into: &mut Vec<Note>, notes: Vec<Note>, known: &mut HashSet<NoteId>) {
    into.extend(notes.into_iter().filter(|note| known.insert(note.id.clone())));
}

/// Entries of a section join those of the section of the same kind; what the release repeats is told once.
fn merge_body(into: &mut Body, mut from: Body, known: &mut Known) {
    from.preamble.retain(|text| !known.texts.contains(text));
    for section in &mut from.sections {
        section.entries.retain(|entry| !known.texts.contains(&entry.text));
    }
    // A pre-release may say a thing twice, as any release may.
    known.texts.extend(texts(&from));
    into.preamble.extend(from.preamble);
    for section in from.sections {
        if section.entries.is_empty() {
            continue;
        }
        let at = known.sections.entry(key(section.kind, &section.title));
        let at = *at.or_insert(into.sections.len());
        match into.sections.get_mut(at) {
            Some(own) => own.entries.extend(section.entries),
            None => into.sections.push(section),
        }
    }
}
