//! What a release asks of whoever passes it, and what it brings: the one place that decides which of its words count, for
//! plans, views and checks alike.

use std::collections::HashMap;

use super::model::{Body, Changelog, Entry, Note, NoteId, SectionKind};
use crate::version::Scheme;

/// What something that a release says is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What worked before and does not any more.
    Breaking,
    /// What a person has to do.
    Action,
    Security,
    Deprecated,
}

/// Something that a release says in its data or in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// Data has one, entries have none.
    pub id: Option<&'a NoteId>,
    /// Markdown.
    pub text: &'a str,
}

/// Remembers what was told: what has a known id or a known text was.
#[derive(Debug, Default)]
pub struct Once<'a> {
    ids: HashMap<&'a NoteId, usize>,
    texts: HashMap<&'a str, usize>,
}

impl<V: Scheme> Changelog<V> {
    /// Data first, then entries in their order. A withdrawn release asks nothing, for nobody is to come to it.
    pub fn asks(&self) -> impl Iterator<Item = (Topic, Said<'_>)> {
        let data = [
            (Topic::Breaking, &self.notes.breaking),
            (Topic::Action, &self.notes.actions),
            (Topic::Security, &self.notes.security),
            (Topic::Deprecated, &self.notes.deprecated),
        ];
        let data = data
            .into_iter()
            .flat_map(|(topic, notes)| notes.iter().map(move |note| (topic, Said::of(note))));
        let entries = self.body.by_kind().filter_map(|(kind, entry)| {
            let topic = match kind {
                _ if entry.breaking => Topic::Breaking,
                SectionKind::UpgradeNotes => Topic::Action,
                SectionKind::Security => Topic::Security,
                SectionKind::Deprecated => Topic::Deprecated,
                _ => return None,
            };
            Some((topic, Said::by(entry)))
        });
        data.chain(entries).filter(|_| !self.is_yanked())
    }

    /// What whoever leaves the release for an older one will miss.
    pub fn brings(&self) -> impl Iterator<Item = Said<'_>> {
        let entries = self
            .body
            .by_kind()
            .filter(|(kind, _)| matches!(kind, SectionKind::Security | SectionKind::Added))
            .map(|(_, entry)| Said::by(entry));
        let data = self.notes.security.iter().map(Said::of);
        data.chain(entries).filter(|_| !self.is_yanked())
    }
}

impl Body {
    /// Each entry with its kind: its own, or that of its section.
    fn by_kind(&self) -> impl Iterator<Item = (SectionKind, &Entry)> {
        let of = |section: &super::model::Section| section.kind;
        self.sections.iter().flat_map(move |section| {
            let entries = section.entries.iter();
            entries.map(move |entry| (entry.kind.unwrap_or(of(section)), entry))
        })
    }
}

impl<'a> Said<'a> {
    fn of(note: &'a Note) -> Self {
        Self {
            id: Some(&note.id),
            text: &note.text,
        }
    }

    fn by(entry: &'a Entry) -> Self {
        Self {
            id: None,
            text: &entry.text,
        }
    }
}

impl<'a> Once<'a> {
    /// Where in the list of what was told it stands already; when nowhere, it is taken to be put at `next`.
    pub fn place(&mut self, said: Said<'a>, next: usize) -> Option<usize> {
        let by_id = said.id.and_then(|id| self.ids.get(id)).copied();
        let known = by_id.or_else(|| self.texts.get(said.text).copied());
        if let Some(id) = said.id {
            self.ids.entry(id).or_insert(known.unwrap_or(next));
        }
        if known.is_none() {
            self.texts.insert(said.text, next);
        }
        known
    }
}
