//! What changed between two versions: the releases in (A, B] in the order of versions, newest first.

use jiff::civil::Date;
use serde::Serialize;

use super::asks::{Once, Said, Topic};
use super::fold;
use super::model::{Changelog, Level, NoteId, Pending, Urgency};
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

/// What the releases of a range ask, by their data and their entries, each thing once, the most urgent first.
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
    /// Entries have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<NoteId>,
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
        shown = fold::folded(shown);
    }
    let standing = shown.iter().filter(|one| !one.release.is_yanked());
    let urgency = standing.filter_map(|one| one.release.urgency);
    let is_range = span.since.is_some() || span.until.is_some();
    View {
        since: span.since.clone(),
        until: span.until.clone(),
        way: span.way(),
        urgency: urgency.max(),
        told: told(&shown),
        pending: if is_range { Vec::new() } else { pending },
        releases: shown,
    }
}

/// For each withdrawn release of a list, newest first: what it names itself, else the next newer release at least as stable, else
/// the newest older one, at least as stable where there is such.
fn ways_out<V: Scheme>(newest_first: &[Changelog<V>]) -> Vec<Option<V>> {
    let stability = |release: &Changelog<V>| match release.channel {
        Channel::Alpha => 0,
        Channel::Beta => 1,
        Channel::Release => 2,
    };
    let nearest = |releases: &mut dyn Iterator<Item = &Changelog<V>>| {
        let mut nearest: [Option<V>; 3] = [None, None, None];
        let mut found = Vec::with_capacity(newest_first.len());
        for release in releases {
            found.push(nearest.clone());
            if release.yanked.is_none() && !release.pending {
                nearest[..=stability(release)].fill(Some(release.version.clone()));
            }
        }
        found
    };
    let newer = nearest(&mut newest_first.iter());
    let mut older = nearest(&mut newest_first.iter().rev());
    older.reverse();
    let around = newest_first.iter().zip(newer.into_iter().zip(older));
    let ways = around.map(|(release, (newer, older))| {
        let yanked = release.yanked.as_ref()?;
        let at = stability(release);
        let [any, ..] = &older;
        let known = yanked.instead.as_ref().or(newer[at].as_ref());
        known.or(older[at].as_ref()).or(any.as_ref()).cloned()
    });
    ways.collect()
}

fn told<V: Scheme>(shown: &[Shown<V>]) -> Told<V> {
    let mut lists = [const { Vec::new() }; 4];
    let mut known: [Once; 4] = Default::default();
    for one in shown {
        for (topic, said) in one.release.asks() {
            let at = match topic {
                Topic::Breaking => 0,
                Topic::Action => 1,
                Topic::Security => 2,
                Topic::Deprecated => 3,
            };
            gather(&mut lists[at], &mut known[at], said, Gathered::by(&one.release, said));
        }
    }
    let mut upgrade = Vec::new();
    let mut known = Once::default();
    let standing = shown.iter().filter(|one| !one.release.is_yanked());
    for (one, note) in standing.flat_map(|one| one.release.notes.notes.iter().map(move |note| (one, note))) {
        let said = Said {
            id: Some(&note.id),
            text: &note.text,
        };
        let gathered = Gathered {
            from: note.from.clone(),
            when: note.when.clone(),
            level: Some(note.level),
            ..Gathered::by(&one.release, said)
        };
        gather(&mut upgrade, &mut known, said, gathered);
    }
    let [breaking, actions, security, deprecated] = lists.map(gravest_first);
    Told {
        breaking,
        actions,
        security,
        deprecated,
        notes: gravest_first(upgrade),
    }
}

fn gather<'a, V: Scheme>(list: &mut Vec<Gathered<V>>, known: &mut Once<'a>, said: Said<'a>, new: Gathered<V>) {
    match known.place(said, list.len()).and_then(|at| list.get_mut(at)) {
        None => list.push(new),
        Some(known) => {
            known.id = known.id.take().or(new.id);
            // An entry may say what the data says.
            if known.versions.last() != new.versions.last() {
                known.versions.extend(new.versions);
            }
            known.urgency = known.urgency.max(new.urgency);
            known.level = known.level.max(new.level);
        }
    }
}

/// Blocking ones first, then by urgency; of like ones the newest first.
fn gravest_first<V: Scheme>(mut list: Vec<Gathered<V>>) -> Vec<Gathered<V>> {
    list.sort_by_key(|note| std::cmp::Reverse((note.level, note.urgency)));
    list
}

impl<V: Scheme> Gathered<V> {
    fn by(release: &Changelog<V>, said: Said) -> Self {
        Self {
            id: said.id.cloned(),
            text: said.text.to_owned(),
            versions: vec![release.version.clone()],
            urgency: release.urgency,
            from: None,
            when: None,
            level: None,
        }
    }
}

impl<V: Scheme> Told<V> {
    /// Each list with its title, the gravest first, as it stands above the releases: what the data says, by its ids. Entries
    /// are read where they stand.
    pub fn of_data(&self) -> impl Iterator<Item = (&'static str, Vec<(&NoteId, &Gathered<V>)>)> {
        let lists = [
            ("Breaking changes", &self.breaking),
            ("What you must do", &self.actions),
            ("Upgrade notes", &self.notes),
            ("Security", &self.security),
            ("Deprecated", &self.deprecated),
        ];
        let named = lists.map(|(title, notes)| {
            let named = notes.iter().filter_map(|note| Some((note.id.as_ref()?, note)));
            (title, named.collect::<Vec<_>>())
        });
        named.into_iter().filter(|(_, notes)| !notes.is_empty())
    }
}

impl<V: Scheme> View<V> {
    /// The first end of life that the newest release of the range has.
    pub fn end_of_life(&self) -> Option<Date> {
        self.releases.first().and_then(|one| one.release.end_of_life)
    }
}
