//! Changelogs of releases, from the repository's signed targets.

use super::repository::Repository;
use super::{AppError, Installation, Result};
use crate::fetch;
use crate::plan::{Direction, Plan, PlanNotes};
use crate::release::changelog::{Changelog, Span, View, Yanked, view};
use crate::release::{Catalog, CatalogRelease, FactSheet, Withdrawal};
use crate::version::{Scheme, Version};

/// Which changelogs are wanted.
#[derive(Debug, Clone)]
pub enum ChangesOf {
    /// The installed version.
    Installed,
    One(Version),
    /// Everything between two versions; without an end, up to the newest release.
    Span(Span),
}

/// Newest first.
pub fn changes(installation: &Installation, of: &ChangesOf) -> Result<View> {
    let repository = Repository::needed(installation, None)?;
    let (catalog, _) = repository.catalog(installation)?;
    let (versions, span): (Vec<Version>, Span) = match of {
        ChangesOf::Installed => {
            let missing = || AppError::said("NL0107", "nothing is installed; name a version with `--version V`");
            (vec![installation.installed()?.ok_or_else(missing)?], Span::all())
        }
        ChangesOf::One(version) => (vec![version.clone()], Span::all()),
        ChangesOf::Span(span) => {
            let wanted = catalog.releases().filter(|release| span.holds(&release.version));
            (wanted.map(|release| release.version.clone()).collect(), of_a_way(span))
        }
    };
    Ok(view(all(&repository, &catalog, &versions)?, Vec::new(), &span))
}

/// What the releases that an upgrade passes ask for; the first installation has nothing that could break.
pub(super) fn notes_of_the_way_up(
    repository: &Repository,
    catalog: &Catalog,
    plan: &Plan,
    facts: &FactSheet,
) -> Result<PlanNotes> {
    match plan.from() {
        Some(from) if plan.direction() == Direction::Up => {
            let passed = between(repository, catalog, from, plan.to())?;
            Ok(PlanNotes::of_the_way_up(&passed, from, facts))
        }
        _ => Ok(PlanNotes::default()),
    }
}

/// What the releases that a downgrade leaves had brought.
pub(super) fn notes_of_the_way_down(repository: &Repository, catalog: &Catalog, plan: &Plan) -> Result<PlanNotes> {
    match plan.from() {
        Some(from) => Ok(PlanNotes::of_the_way_down(&between(
            repository,
            catalog,
            plan.to(),
            from,
        )?)),
        None => Ok(PlanNotes::default()),
    }
}

/// The changelogs of the releases above `low` up to `high`, of those that have one.
fn between(repository: &Repository, catalog: &Catalog, low: &Version, high: &Version) -> Result<Vec<Changelog>> {
    let passed = catalog
        .releases()
        .filter(|release| release.version > *low && release.version <= *high);
    let told = passed.filter(|release| catalog.changelog(&release.version).is_some());
    let versions: Vec<Version> = told.map(|release| release.version.clone()).collect();
    all(repository, catalog, &versions)
}

/// Whoever comes from a pre-release follows them: those on the way are hops of their own.
fn of_a_way(span: &Span) -> Span {
    let follows = span.since.as_ref().is_some_and(|since| !since.is_stable());
    Span {
        pre: span.pre || follows,
        ..span.clone()
    }
}

/// In the order of the versions; of several that fail, the first one is told.
fn all(repository: &Repository, catalog: &Catalog, versions: &[Version]) -> Result<Vec<Changelog>> {
    let texts = fetch::several(repository.sources(), versions, |version| {
        text(repository, catalog, version)
    });
    let read = |(version, text): (&Version, Result<String>)| read(catalog, version, &text?);
    versions.iter().zip(texts).map(read).collect()
}

fn text(repository: &Repository, catalog: &Catalog, version: &Version) -> Result<String> {
    let missing = || {
        let version_of = |release: &CatalogRelease| release.version.to_string();
        let known = catalog.releases().map(version_of).collect::<Vec<_>>().join(", ");
        AppError::said(
            "NL0102",
            format!("there is no changelog of {version}; the versions that exist are: {known}"),
        )
    };
    repository.changelog(catalog.changelog(version).ok_or_else(missing)?)
}

fn read(catalog: &Catalog, version: &Version, text: &str) -> Result<Changelog> {
    let mut changelog = Changelog::parse(version, text).map_err(|e| AppError::below("NL0204", &e))?;
    // What was said later holds.
    if let Some(Withdrawal { reason, instead, .. }) = catalog.withdrawal(version) {
        changelog.yanked = Some(Yanked {
            reason: Some(reason.clone()),
            instead: instead.clone(),
        });
    }
    Ok(changelog)
}
