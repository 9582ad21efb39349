//! From a Markdown file to its releases. What a heading may be depends on the headings around it, so it is decided here.
//!
//! Chapters open at release headings; what comes before the first, and under headings that look like releases but
//! were not understood, is kept apart and never told as part of another release.

use jiff::civil::Date;

use super::blocks::{self, Block, DEEPEST, Heading};
use super::breaking;
use super::date::{self, When};
use super::front::{self, FrontError};
use super::heading::{self, Certainty, Release, Title};
use super::mark;
use super::matter;
use super::model::{Body, Changelog, Entry, Form, NO_HEADING, Pending, Place, Section, SectionKind, Yanked};
use super::withdrawn;
use crate::version::Scheme;

/// A changelog file: its releases in the order of the file, and all else that stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<V: Scheme> {
    pub releases: Vec<Changelog<V>>,
    pub pending: Vec<Pending>,
    /// What stands under headings such as `2.x`, and under those that were not understood.
    pub asides: Vec<Pending>,
    /// What stands above the first release.
    pub opening: Body,
    pub warnings: Vec<Warning>,
    /// Front matter that belongs to none of the releases.
    pub(super) front: Option<front::Front<V>>,
    /// There is front matter, but with none of our keys.
    pub(super) foreign: bool,
}

/// Something that a publisher should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub place: Place,
    pub kind: WarningKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarningKind {
    #[error("`{}` looks like a release but was not understood; what stands below it belongs to none", .0.escape_debug())]
    NotUnderstood(String),
    #[error("this heading has no version; what stands below it belongs to no release")]
    Versionless,
    #[error("`{}` looks like a release but stands within a list, a quotation or HTML, and is taken for part of that", .0.escape_debug())]
    Inner(String),
    #[error("`{}` has a day that no calendar has", .0.escape_debug())]
    NoSuchDay(String),
    #[error("`{}` may be {day_first} or {month_first}; write the year first", text.escape_debug())]
    UnclearDay {
        text: String,
        day_first: Date,
        month_first: Date,
    },
    #[error("{0}")]
    Front(FrontError),
    #[error("the front matter names {0}, but no heading does; what it says belongs to no release")]
    OtherVersion(String),
    #[error("the front matter names no `version` and there are {0} releases; what it says belongs to none of them")]
    NoVersion(usize),
}

struct Chapter<V: Scheme> {
    head: Head<V>,
    level: u8,
    place: Place,
    body: Body,
    /// Level of the last section's heading.
    section_level: u8,
}

enum Head<V: Scheme> {
    Opening,
    Release {
        release: Box<Release<V>>,
        link: Option<String>,
        yanked: Option<Yanked<V>>,
    },
    Pending(String),
    Aside(String),
}

/// Reads a whole file: any text is a changelog, perhaps one without releases. What is wrong in it is among the warnings.
pub fn read<V: Scheme>(text: &str) -> Document<V> {
    let text = blocks::tidy(text);
    let parts = matter::parts(&text);
    of_blocks(front::read(&parts.above), blocks::blocks(parts.body, parts.lines))
}

/// The same for a text whose blocks are known.
pub(super) fn of_blocks<V: Scheme>(matter: front::Matter<V>, blocks: Vec<Block>) -> Document<V> {
    let mut reader = Reader {
        chapters: vec![Chapter::new(Head::Opening, 0, Place::default())],
        levels: levels_of_releases::<V>(&blocks),
        warnings: Vec::new(),
    };
    for block in blocks {
        match block {
            Block::Heading(heading) => reader.heading(heading),
            Block::Entry { form, text, place } => reader.entry(form, text, place),
            Block::Inner { text, place } => reader.inner(text, place),
        }
    }
    reader.finish(matter)
}

/// For each level whether headings of releases stand there that are nothing else.
fn levels_of_releases<V: Scheme>(blocks: &[Block]) -> [bool; DEEPEST as usize + 1] {
    let mut levels = [false; DEEPEST as usize + 1];
    for block in blocks {
        if let Block::Heading(heading) = block
            && let Some(known) = levels.get_mut(usize::from(heading.level))
        {
            *known = *known || is_clear::<V>(&heading.text);
        }
    }
    levels
}

fn is_clear<V: Scheme>(text: &str) -> bool {
    matches!(heading::read::<V>(text), Title::Release(release) if release.certainty == Certainty::Clear)
}

struct Reader<V: Scheme> {
    chapters: Vec<Chapter<V>>,
    levels: [bool; DEEPEST as usize + 1],
    warnings: Vec<Warning>,
}

impl<V: Scheme> Reader<V> {
    fn heading(&mut self, heading: Heading) {
        // Headings of the opening do not make one a heading within a release.
        let inside = self.current().map_or(
            u8::MAX,
            |chapter| if chapter.level == 0 { u8::MAX } else { chapter.level },
        );
        let is_sibling = heading.level <= inside;
        if heading.level > DEEPEST {
            return self.deep(heading);
        }
        let at_releases = self.levels[usize::from(heading.level)];
        match heading::read::<V>(&heading.text) {
            Title::Release(release) if matches!(release.certainty, Certainty::Stopped | Certainty::Told) => {
                let in_opening = inside == u8::MAX && self.levels.contains(&true);
                if at_releases || is_sibling && !in_opening {
                    self.stopped(release, heading, is_sibling);
                } else {
                    self.section_or_block(heading);
                }
            }
            Title::Release(release) if release.certainty == Certainty::Clear || is_sibling => {
                self.release(release, heading);
            }
            // A name and a version below a release, `Python 3.8`: as likely a subject as a release.
            Title::Release(release) if release.certainty == Certainty::Named => self.section_or_block(heading),
            Title::Release(_) | Title::Odd => {
                self.warn(heading.place, WarningKind::NotUnderstood(heading.text.clone()));
                self.aside(heading);
            }
            Title::Pending if is_sibling => {
                let head = Head::Pending(heading.text);
                self.chapters.push(Chapter::new(head, heading.level, heading.place));
            }
            Title::Date(When::Day(day)) if self.takes_date(day) => {}
            Title::Date(_) | Title::Versionless if is_sibling && at_releases => {
                self.warn(heading.place, WarningKind::Versionless);
                self.aside(heading);
            }
            Title::Series if is_sibling => self.aside(heading),
            Title::Pending | Title::Series | Title::Date(_) | Title::Versionless | Title::Plain => {
                self.section_or_block(heading);
            }
        }
    }

    /// Where releases stand, a version with more behind it is one, unless it is a sentence or may be the title of a section.
    fn stopped(&mut self, release: Release<V>, heading: Heading, is_sibling: bool) {
        let is_release = release.certainty == Certainty::Stopped && (is_sibling || release.date.is_some());
        if is_release {
            self.release(release, heading);
        } else {
            self.warn(heading.place, WarningKind::NotUnderstood(heading.text.clone()));
            self.aside(heading);
        }
    }

    fn inner(&mut self, text: String, place: Place) {
        if is_clear::<V>(&text) {
            self.warn(place, WarningKind::Inner(text));
        }
    }

    fn release(&mut self, release: Release<V>, heading: Heading) {
        match release.date {
            Some(When::Impossible) => self.warn(heading.place, WarningKind::NoSuchDay(heading.text)),
            Some(When::Either(day_first, month_first)) => {
                let unclear = WarningKind::UnclearDay {
                    text: release.dated.clone(),
                    day_first,
                    month_first,
                };
                self.warn(heading.place, unclear);
            }
            _ => {}
        }
        let yanked = (release.yanked || heading.struck).then(Yanked::unexplained);
        let head = Head::Release {
            release: Box::new(release),
            link: heading.link,
            yanked,
        };
        self.chapters.push(Chapter::new(head, heading.level, heading.place));
    }

    fn aside(&mut self, heading: Heading) {
        self.chapters
            .push(Chapter::new(Head::Aside(heading.text), heading.level, heading.place));
    }

    fn warn(&mut self, place: Place, kind: WarningKind) {
        self.warnings.push(Warning { place, kind });
    }

    fn current(&mut self) -> Option<&mut Chapter<V>> {
        self.chapters.last_mut()
    }

    /// A date right below a release's heading is the release's, unless that names a day itself.
    fn takes_date(&mut self, day: Date) -> bool {
        match self.current() {
            Some(chapter) if chapter.says_nothing() => match &mut chapter.head {
                Head::Release { release, .. } if !matches!(release.date, Some(When::Day(_))) => {
                    release.date = Some(When::Day(day));
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Right below the heading of a withdrawn release, why it was and where to go.
    fn takes_explanation(&mut self, block: &str) -> bool {
        let explained = self
            .current()
            .filter(|chapter| chapter.says_nothing())
            .and_then(|chapter| match &mut chapter.head {
                Head::Release {
                    yanked: Some(yanked), ..
                } if *yanked == Yanked::unexplained() => {
                    *yanked = withdrawn::read(block)?;
                    Some(())
                }
                _ => None,
            });
        explained.is_some()
    }

    /// A section is written higher up, where a title such as `1.2.0` or `2024-01-02` would be more than its title.
    fn deep(&mut self, heading: Heading) {
        let is_more = match heading::read::<V>(&heading.text) {
            Title::Release(release) => matches!(release.certainty, Certainty::Clear | Certainty::Wordy),
            Title::Odd | Title::Date(When::Day(_)) => true,
            Title::Date(_) | Title::Versionless | Title::Pending | Title::Series | Title::Plain => false,
        };
        match self.current() {
            Some(chapter) if is_more => chapter.push_heading(&heading),
            _ => self.section_or_block(heading),
        }
    }

    fn section_or_block(&mut self, heading: Heading) {
        let Some(chapter) = self.current() else { return };
        let kind = mark::kind_of(&heading.text);
        let named = chapter.section_level;
        if kind == SectionKind::Other && named > 0 && heading.level > named {
            chapter.push_heading(&heading);
        } else {
            chapter.open(heading.text, kind);
            chapter.section_level = heading.level;
        }
    }

    fn entry(&mut self, form: Form, text: String, place: Place) {
        if form == Form::Block {
            // Below `1.2.0`, a paragraph such as `January 2, 2024`.
            let bare = text.trim_matches(|c: char| matches!(c, '_' | '*' | ' '));
            let bare = bare
                .strip_prefix("Released ")
                .or(bare.strip_prefix("Release date: "))
                .unwrap_or(bare);
            let is_date = match date::read(bare.trim_start_matches("on ")) {
                Some(("", When::Day(day))) => self.takes_date(day),
                _ => false,
            };
            if is_date || self.takes_explanation(&text) {
                return;
            }
        }
        let Some(chapter) = self.current() else { return };
        match mark::title_of(&text).filter(|_| form == Form::Block) {
            Some(title) => chapter.open(title.to_owned(), mark::kind_of(title)),
            None => chapter.push(form, text, place),
        }
    }

    fn finish(mut self, matter: front::Matter<V>) -> Document<V> {
        drop_tables_of_contents(&mut self.chapters);
        let mut document = Document {
            releases: Vec::new(),
            pending: Vec::new(),
            asides: Vec::new(),
            opening: Body::default(),
            warnings: self.warnings,
            front: None,
            foreign: matter.foreign,
        };
        for mut chapter in self.chapters {
            chapter.body.sections.retain(|section| !section.entries.is_empty());
            let Chapter { head, place, body, .. } = chapter;
            match head {
                Head::Opening => document.opening = body,
                Head::Release { release, link, yanked } => {
                    document.releases.push(finished(*release, link, yanked, body, place));
                }
                Head::Pending(title) => document.pending.push(Pending { title, body, place }),
                Head::Aside(title) => document.asides.push(Pending { title, body, place }),
            }
        }
        document.warn_of_asides();
        document.take_in(matter);
        document.warnings.sort_by_key(|warning| warning.place);
        document
    }
}

impl<V: Scheme> Document<V> {
    /// The version that front matter names and no heading does.
    pub fn named(&self) -> Option<&V> {
        self.front.as_ref().and_then(|front| front.version.as_ref())
    }

    /// Front matter belongs to the release that it names, or to the only one.
    fn take_in(&mut self, matter: front::Matter<V>) {
        let mistakes = matter
            .mistakes
            .into_iter()
            .map(|error| (error.line(), WarningKind::Front(error)));
        let mut told: Vec<(usize, WarningKind)> = mistakes.collect();
        if let Some(front) = matter.front {
            let releases = self.releases.len();
            let own = match &front.version {
                None if releases == 1 => Some(0),
                None => None,
                Some(version) => self.releases.iter().position(|release| release.version == *version),
            };
            match own.and_then(|at| self.releases.get_mut(at)) {
                Some(release) => front.apply(release),
                None => {
                    let odd = match &front.version {
                        Some(version) if releases > 0 => Some(WarningKind::OtherVersion(version.to_string())),
                        None if releases > 1 => Some(WarningKind::NoVersion(releases)),
                        // The file is of one version that has no heading.
                        _ => None,
                    };
                    told.extend(odd.map(|kind| (matter.line, kind)));
                    self.front = Some(front);
                }
            }
        }
        self.warnings.extend(told.into_iter().map(|(line, kind)| Warning {
            place: Place { line, column: 1 },
            kind,
        }));
    }

    /// All releases; a file of one version may name it in its front matter alone.
    pub fn into_releases(mut self) -> (Vec<Changelog<V>>, Vec<Pending>) {
        if let (true, Some(front)) = (self.releases.is_empty(), self.front)
            && let Some(version) = front.version.clone()
        {
            let mut release = Changelog {
                body: self.opening,
                ..Changelog::bare(version)
            };
            front.apply(&mut release);
            self.releases.push(release);
        }
        (self.releases, self.pending)
    }

    /// A heading such as `2.x` divides and needs no warning, unless changes stand below it.
    fn warn_of_asides(&mut self) {
        let told: Vec<Place> = self.warnings.iter().map(|warning| warning.place).collect();
        let silent =
            |aside: &&Pending| aside.body.entries().next().is_some() && told.binary_search(&aside.place).is_err();
        let warnings = self.asides.iter().filter(silent).map(|aside| Warning {
            place: aside.place,
            kind: WarningKind::NotUnderstood(aside.title.clone()),
        });
        let warnings: Vec<Warning> = warnings.collect();
        self.warnings.extend(warnings);
    }
}

impl<V: Scheme> Chapter<V> {
    fn new(head: Head<V>, level: u8, place: Place) -> Self {
        Self {
            head,
            level,
            place,
            body: Body::default(),
            section_level: 0,
        }
    }

    fn open(&mut self, title: String, kind: SectionKind) {
        self.body.sections.push(Section {
            kind,
            title,
            entries: Vec::new(),
        });
    }

    fn push(&mut self, form: Form, text: String, place: Place) {
        if self.body.sections.is_empty() {
            if form == Form::Block {
                self.body.preamble.push(text);
                return;
            }
            self.open(NO_HEADING.to_owned(), SectionKind::Other);
        }
        if let Some(section) = self.body.sections.last_mut() {
            let breaking = section.kind == SectionKind::Breaking && !mark::is_none(&text) || breaking::breaks(&text);
            section.entries.push(Entry {
                kind: mark::kind_named(&text).filter(|kind| *kind != section.kind),
                text,
                breaking,
                form,
                place,
            });
        }
    }

    /// As a block of what it stands in. A section is written at level 2, so what is below one is deeper.
    fn push_heading(&mut self, heading: &Heading) {
        let marks = "#".repeat(usize::from(heading.level.max(3)));
        self.push(Form::Block, format!("{marks} {}", heading.markdown), heading.place);
    }

    /// Headings without entries are not kept.
    fn says_nothing(&self) -> bool {
        self.body.preamble.is_empty() && !self.has_entries()
    }

    fn has_entries(&self) -> bool {
        self.body.entries().next().is_some()
    }
}

fn finished<V: Scheme>(
    release: Release<V>,
    link: Option<String>,
    yanked: Option<Yanked<V>>,
    body: Body,
    place: Place,
) -> Changelog<V> {
    let (date, dated) = match release.date {
        Some(When::Day(day)) => (Some(day), None),
        Some(_) => (None, Some(release.dated)),
        None => (None, None),
    };
    Changelog {
        together_with: release.together_with,
        date,
        dated,
        pending: release.pending,
        link,
        yanked,
        body,
        place,
        ..Changelog::bare(release.version)
    }
}

/// Headings without entries that only lead to the real ones: a list of links above, or `2.1` above `2.1.0`.
fn drop_tables_of_contents<V: Scheme>(chapters: &mut Vec<Chapter<V>>) {
    let version = |chapter: &Chapter<V>| match &chapter.head {
        Head::Release { release, .. } => Some(release.version.clone()),
        _ => None,
    };
    let full: std::collections::HashSet<V> = chapters
        .iter()
        .filter(|one| one.has_entries())
        .filter_map(version)
        .collect();
    let empty = |chapter: &Chapter<V>| !chapter.has_entries();
    let leads = |at: usize| {
        let (one, next) = (&chapters[at], chapters.get(at + 1));
        let Head::Release { release, .. } = &one.head else {
            return false;
        };
        let below = next.is_some_and(|next| match &next.head {
            Head::Release { release: next, .. } => {
                let rest = next
                    .written
                    .trim_start_matches(['v', 'V'])
                    .strip_prefix(release.written.trim_start_matches(['v', 'V']));
                rest.is_some_and(|rest| rest.starts_with('.') || rest.starts_with('-'))
            }
            _ => false,
        });
        let deeper = next.is_some_and(|next| next.level > one.level);
        empty(one) && (full.contains(&release.version) || below && deeper)
    };
    let gone: Vec<bool> = (0..chapters.len()).map(leads).collect();
    let mut gone = gone.into_iter();
    chapters.retain(|_| !gone.next().unwrap_or(false));
}
