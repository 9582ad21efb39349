//! What changed between two versions: the releases in (A, B] in the order of versions, newest first.

use jiff::civil::Date;
use serde::Serialize;

use super::model::{Body, Changelog, Level, Note, NoteId, Notes, Pending, SectionKind, UpgradeNote, Urgency};
use crate::release::Expression;
use crate::version::{Channel, Constraint, Scheme, Version};

/// Which releases are wanted; without bounds, all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<V: Scheme = Version> {
    pub since: Option<V>,
    pub until: Option<V>,
    /// Pre-releases by themselves, not as part of their release.
    pub pre: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Up,
    /// From a newer version to an older one: what the releases brought gets lost.
    Down,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct View<V: Scheme = Version> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<V>,
    pub way: Way,
    /// The worst on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    #[serde(flatten)]
    pub told: Told<V>,
    /// What is to come; only where no range was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    pub releases: Vec<Shown<V>>,
}

/// The notes of all releases of a range, each once, the most urgent first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct Told<V: Scheme = Version> {
    pub breaking: Vec<Gathered<V>>,
    pub actions: Vec<Gathered<V>>,
    pub security: Vec<Gathered<V>>,
    pub deprecated: Vec<Gathered<V>>,
    pub notes: Vec<Gathered<V>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct Gathered<V: Scheme = Version> {
    pub id: NoteId,
    /// As the newest release has it.
    pub text: String,
    /// The releases that have it, newest first.
    pub versions: Vec<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Constraint<V>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// A release as part of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct Shown<V: Scheme = Version> {
    #[serde(flatten)]
    pub release: Changelog<V>,
    /// Pre-releases whose changes are told here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<V>,
    /// Where to go instead, when it was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<V>,
}

impl<V: Scheme> Span<V> {
    pub fn all() -> Self {
        Self {
            since: None,
            until: None,
            pre: true,
        }
    }

    fn way(&self) -> Way {
        match (&self.since, &self.until) {
            (Some(since), Some(until)) if since > until => Way::Down,
            _ => Way::Up,
        }
    }

    pub fn holds(&self, version: &V) -> bool {
        let (low, high) = match self.way() {
            Way::Up => (&self.since, &self.until),
            Way::Down => (&self.until, &self.since),
        };
        low.as_ref().is_none_or(|low| version > low) && high.as_ref().is_none_or(|high| version <= high)
    }
}

/// The releases of a span out of `releases`, which may come in any order.
pub fn view<V: Scheme>(releases: Vec<Changelog<V>>, pending: Vec<Pending>, span: &Span<V>) -> View<V> {
    let mut sorted = releases;
    sorted.sort_by(|a, b| b.version.cmp(&a.version));
    let instead = ways_out(&sorted);
    let shown = sorted
        .into_iter()
        .zip(instead)
        .filter(|(release, _)| span.holds(&release.version));
    let mut shown: Vec<Shown<V>> = shown
        .map(|(release, instead)| Shown {
            release,
            with: Vec::new(),
            instead,
        })
        .collect();
    if !span.pre {
        shown = folded(shown);
    }
    let is_range = span.since.is_some() || span.until.is_some();
    View {
        since: span.since.clone(),
        until: span.until.clone(),
        way: span.way(),
        urgency: shown.iter().filter_map(|one| one.release.urgency).max(),
        told: told(&shown),
        pending: if is_range { Vec::new() } else { pending },
        releases: shown,
    }
}

/// For each withdrawn release of a list, newest first: what it names itself, else the next newer release at least as stable.
fn ways_out<V: Scheme>(newest_first: &[Changelog<V>]) -> Vec<Option<V>> {
    let mut nearest: [Option<V>; 3] = [None, None, None];
    let at_least = |channel: Channel| match channel {
        Channel::Alpha => 0,
        Channel::Beta => 1,
        Channel::Release => 2,
    };
    let mut found = Vec::with_capacity(newest_first.len());
    for release in newest_first {
        let stability = at_least(release.channel);
        found.push(match &release.yanked {
            Some(yanked) => yanked.instead.clone().or_else(|| nearest[stability].clone()),
            None => None,
        });
        if release.yanked.is_none() && !release.pending {
            nearest[..=stability].fill(Some(release.version.clone()));
        }
    }
    found
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

/// Pre-releases told as part of their release, where that is among them. Takes and gives newest first.
fn folded<V: Scheme>(shown: Vec<Shown<V>>) -> Vec<Shown<V>> {
    let mut out: Vec<Shown<V>> = Vec::with_capacity(shown.len());
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
            Some(home) => home.take_in(one.release),
            None => out.push(one),
        }
    }
    out
}

impl<V: Scheme> Shown<V> {
    fn take_in(&mut self, pre: Changelog<V>) {
        let Changelog {
            version,
            body,
            notes,
            urgency,
            ..
        } = pre;
        self.with.push(version);
        self.release.urgency = self.release.urgency.max(urgency);
        merge_body(&mut self.release.body, body);
        let own = &mut self.release.notes;
        let Notes {
            breaking,
            actions,
            security,
            deprecated,
            notes,
        } = notes;
        merge_notes(&mut own.breaking, breaking);
        merge_notes(&mut own.actions, actions);
        merge_notes(&mut own.security, security);
        merge_notes(&mut own.deprecated, deprecated);
        let new: Vec<UpgradeNote<V>> = notes
            .into_iter()
            .filter(|note| own.notes.iter().all(|known| known.id != note.id))
            .collect();
        own.notes.extend(new);
    }
}

fn merge_notes(into: &mut Vec<Note>, notes: Vec<Note>) {
    let new: Vec<Note> = notes
        .into_iter()
        .filter(|note| into.iter().all(|known| known.id != note.id))
        .collect();
    into.extend(new);
}

/// Entries of a section join those of the section of the same kind; what the release repeats is told once.
fn merge_body(into: &mut Body, from: Body) {
    let known: std::collections::HashSet<String> = into.entries().map(|entry| entry.text.clone()).collect();
    into.preamble
        .extend(from.preamble.into_iter().filter(|text| !known.contains(text)));
    for mut section in from.sections {
        section.entries.retain(|entry| !known.contains(&entry.text));
        let same = into
            .sections
            .iter_mut()
            .find(|own| own.kind == section.kind && (own.kind != SectionKind::Other || own.title == section.title));
        match same {
            _ if section.entries.is_empty() => {}
            Some(own) => own.entries.extend(section.entries),
            None => into.sections.push(section),
        }
    }
}

fn told<V: Scheme>(shown: &[Shown<V>]) -> Told<V> {
    let gather = |of: fn(&Notes<V>) -> &Vec<Note>| {
        let each = shown
            .iter()
            .flat_map(|one| of(&one.release.notes).iter().map(move |note| (one, note)));
        gathered(each.map(|(one, note)| Gathered {
            id: note.id.clone(),
            text: note.text.clone(),
            versions: vec![one.release.version.clone()],
            urgency: one.release.urgency,
            from: None,
            when: None,
            level: None,
        }))
    };
    let notes = shown
        .iter()
        .flat_map(|one| one.release.notes.notes.iter().map(move |note| (one, note)));
    Told {
        breaking: gather(|notes| &notes.breaking),
        actions: gather(|notes| &notes.actions),
        security: gather(|notes| &notes.security),
        deprecated: gather(|notes| &notes.deprecated),
        notes: gathered(notes.map(|(one, note)| Gathered {
            id: note.id.clone(),
            text: note.text.clone(),
            versions: vec![one.release.version.clone()],
            urgency: one.release.urgency,
            from: note.from.clone(),
            when: note.when.clone(),
            level: Some(note.level),
        })),
    }
}

/// Each id once; blocking ones first, then by urgency; of like ones the newest first.
fn gathered<V: Scheme>(notes: impl Iterator<Item = Gathered<V>>) -> Vec<Gathered<V>> {
    let mut places = std::collections::HashMap::new();
    let mut out: Vec<Gathered<V>> = Vec::new();
    for note in notes {
        let at = *places.entry(note.id.clone()).or_insert(out.len());
        match out.get_mut(at) {
            None => out.push(note),
            Some(known) => {
                known.versions.extend(note.versions);
                known.urgency = known.urgency.max(note.urgency);
                known.level = known.level.max(note.level);
            }
        }
    }
    out.sort_by_key(|note| std::cmp::Reverse((note.level, note.urgency)));
    out
}

impl<V: Scheme> Told<V> {
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, notes)| notes.is_empty())
    }

    /// Each list with its title, the gravest first.
    pub fn lists(&self) -> [(&'static str, &[Gathered<V>]); 5] {
        [
            ("Breaking changes", &self.breaking),
            ("What you must do", &self.actions),
            ("Upgrade notes", &self.notes),
            ("Security", &self.security),
            ("Deprecated", &self.deprecated),
        ]
    }
}

impl<V: Scheme> View<V> {
    /// The first end of life that the newest release of the range has.
    pub fn end_of_life(&self) -> Option<Date> {
        self.releases.first().and_then(|one| one.release.end_of_life)
    }
}
