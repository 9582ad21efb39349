//! upgrade, downgrade, rollback, resume: plan under the lock, let the door ask, accept, drive, and look afresh at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::offer::Offer;
use super::report::{Report, ReportStatus, reported};
use super::repository::Repository;
use super::watch::{Watcher, drive_watched};
use super::{AppError, Consent, EventView, Installation, Result, answers, calendar, facts, finalize};
use crate::clock;
use crate::engine::{Control, InstallationLock};
use crate::journal::{Course, Event, PauseReason, State};
use crate::plan::{self, Explanation, Plan, PlanError, Planned, UpgradeStrategy};
use crate::release::ExtensionName;
use crate::settings::Side;
use crate::store::{OrderId, StoreError, UpdateId, UpdateRecord, Verb};
use crate::version::Version;

pub use crate::plan::{Fetch, Goal, Settled, Wish};

/// What is asked for, and on which terms.
#[derive(Debug, Clone)]
pub struct Order {
    pub goal: Goal,
    /// Names of the blocks that cannot be judged here and that the operator takes all the same.
    pub accepted_risks: BTreeSet<String>,
    /// A repository in one file, in place of that of the installation.
    pub bundle: Option<PathBuf>,
    /// On a way down the database may be restored from the backup from before, where its ways down do not lead; what was written
    /// since is lost.
    pub restore_backup: bool,
    /// Extensions that may be switched off where a release does not support them.
    pub disable_incompatible: BTreeSet<ExtensionName>,
    /// Also at a time that the operator's calendar keeps closed.
    pub forced: bool,
}

impl From<Goal> for Order {
    fn from(goal: Goal) -> Self {
        Self {
            goal,
            accepted_risks: BTreeSet::new(),
            bundle: None,
            restore_backup: false,
            disable_incompatible: BTreeSet::new(),
            forced: false,
        }
    }
}

/// A plan to look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    pub plan: Plan,
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// What a goal comes to.
pub enum Ready<T> {
    AlreadyThere(Settled),
    Go(T),
}

/// Plans without taking the lock and without changing anything.
pub fn preview(installation: &Installation, order: &Order) -> Result<Ready<PlanView>> {
    Ok(match make(installation, order)? {
        Ready::AlreadyThere(settled) => Ready::AlreadyThere(settled),
        Ready::Go((plan, explanation)) => Ready::Go(PlanView { plan, explanation }),
    })
}

fn make(installation: &Installation, order: &Order) -> Result<Ready<(Plan, Explanation)>> {
    // Some of them are asked already for the plan.
    installation.commands_can_run()?;
    let mut facts = facts::gather_for(installation, &order.goal)?;
    facts.terms.accepted_risks.clone_from(&order.accepted_risks);
    if let (true, Goal::Downgrade(to) | Goal::Rollback(to)) = (order.restore_backup, &order.goal) {
        facts.restore = Some(facts::restorable(installation, to)?);
    }
    facts.extensions = facts::extensions(installation, order)?;
    let offer = Offer::of(installation, order)?;
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    if let Some(version) = installed.filter(|version| offer.catalog.has_patches_from(version)) {
        facts.altered = facts::altered(installation, version);
    }
    let planned = plan::plan(&facts, &offer.catalog, &order.goal);
    match planned.map_err(|refusal| AppError::Refused(Box::new(refusal)))? {
        Planned::AlreadyThere(settled) => Ok(Ready::AlreadyThere(settled)),
        Planned::Go(plan) => {
            let explanation = plan::explain(&facts, &offer.catalog, &plan);
            let plan = offer.completed(*plan, &order.goal, &facts)?;
            Ok(Ready::Go((plan, explanation)))
        }
    }
}

/// A plan made under the lock; nothing has changed yet. Dropping it lets everything be.
pub struct Prepared {
    pub(super) installation: Installation,
    lock: InstallationLock,
    plan: Plan,
    verb: Verb,
    pub(super) answers: BTreeMap<String, Side>,
}

/// What there is to do, after what had to be done first.
pub struct Outset {
    /// An update that an earlier run left unfinished, brought to its end.
    pub before: Option<Box<Report>>,
    pub ready: Ready<Prepared>,
}

/// Takes the lock, finishes what an earlier run left, and plans.
pub fn prepare(root: &Path, config: Option<&Path>, order: &Order, watcher: &mut Watcher<'_>) -> Result<Outset> {
    prepare_waiting(root, config, order, Duration::ZERO, watcher)
}

/// As [`prepare`]; while somebody else is at work it is asked again and again, for so long.
pub fn prepare_waiting(
    root: &Path,
    config: Option<&Path>,
    order: &Order,
    patience: Duration,
    watcher: &mut Watcher<'_>,
) -> Result<Outset> {
    let installation = Installation::open(root, config)?;
    let doing = verb_of(&order.goal, installation.installed()?.is_none()).name();
    let lock = InstallationLock::take_within(&installation.layout, &format!("netlink update {doing}"), patience)?;
    let before = settle(&installation, &lock, watcher)?;
    let ready = planned(installation, lock, order)?;
    Ok(Outset { before, ready })
}

/// As [`prepare`] for a caller who waits for the answer: an unfinished update is not driven to its end first, but refused.
pub fn prepare_at_once(root: &Path, config: Option<&Path>, order: &Order) -> Result<Ready<Prepared>> {
    let installation = Installation::open(root, config)?;
    let doing = format!("netlink update {}", verb_of(&order.goal, false).name());
    let lock = InstallationLock::take(&installation.layout, &doing)?;
    match installation.store.unfinished()? {
        Some(id) => Err(StoreError::Unfinished { id }.into()),
        None => planned(installation, lock, order),
    }
}

fn planned(installation: Installation, lock: InstallationLock, order: &Order) -> Result<Ready<Prepared>> {
    let verb = verb_of(&order.goal, installation.installed()?.is_none());
    // Whoever goes back still needs the release before.
    if matches!(order.goal, Goal::Upgrade(..)) {
        finalize::finalize_when_due(&installation, &lock)?;
    }
    let plan = match make(&installation, order)? {
        Ready::AlreadyThere(settled) => return Ok(Ready::AlreadyThere(settled)),
        Ready::Go((plan, _)) => plan,
    };
    calendar::refuse_when_closed(&installation, &order.goal, &plan, order.forced)?;
    Ok(Ready::Go(Prepared {
        verb,
        installation,
        lock,
        plan,
        answers: BTreeMap::new(),
    }))
}

/// As [`prepare`] for the target of `wanted`, refused when the plan of today differs from it in any way.
pub fn prepare_exactly(
    root: &Path,
    config: Option<&Path>,
    wanted: &Plan,
    forced: bool,
    watcher: &mut Watcher<'_>,
) -> Result<Outset> {
    let order = Order {
        goal: Goal::Upgrade(Wish::To(wanted.to().clone()), wanted.fetch()),
        accepted_risks: wanted.accepted_risks().clone(),
        bundle: wanted.bundle().map(Path::to_path_buf),
        restore_backup: wanted.restore().is_some(),
        disable_incompatible: wanted.disables(),
        forced,
    };
    let outset = prepare(root, config, &order, watcher)?;
    match &outset.ready {
        Ready::Go(prepared) if prepared.plan.fingerprint() != wanted.fingerprint() => {
            let message = "the installation or the releases have changed since the plan was written; make a new one with `netlink update plan`";
            Err(AppError::said("NL0109", message))
        }
        _ => Ok(outset),
    }
}

fn verb_of(goal: &Goal, first: bool) -> Verb {
    match goal {
        Goal::Upgrade(..) if first => Verb::Install,
        Goal::Upgrade(..) => Verb::Upgrade,
        Goal::Downgrade(_) => Verb::Downgrade,
        Goal::Rollback(_) => Verb::Rollback,
        Goal::Schema(_) => Verb::UpgradeDb,
    }
}

/// An update that an earlier run left unfinished is finished or undone before anything new begins, and it is said.
fn settle(
    installation: &Installation,
    lock: &InstallationLock,
    watcher: &mut Watcher<'_>,
) -> Result<Option<Box<Report>>> {
    let Some(id) = installation.store.unfinished()? else {
        return Ok(None);
    };
    let update = record(installation, &id)?;
    let told = |kind, message: String| -> Result<EventView> {
        let seq = installation.store.journal(&id, 0)?.last().map_or(0, |row| row.seq);
        Ok(EventView::said(&id, seq, kind, message))
    };
    let to = update.plan.to();
    let message = format!("update {id} to {to} was left unfinished: it is brought to its end first");
    watcher(&told("settling", message)?);
    let report = run(installation, lock, &id, &Control::default(), watcher)?;
    let ended = match report.status {
        ReportStatus::Completed => "is finished",
        ReportStatus::RolledBack => "was rolled back",
        ReportStatus::Paused | ReportStatus::UndoFailed | ReportStatus::CleanUpFailed => {
            let failure = report.failure.map(|failure| failure.message).unwrap_or_default();
            let code = if report.status == ReportStatus::Paused {
                "NL0407"
            } else {
                "NL0324"
            };
            let message = format!(
                "update {id} is not finished: {failure}; `netlink update resume` goes on with it, `netlink update status` tells more"
            );
            return Err(AppError::said(code, message));
        }
    };
    let installed = report
        .installed
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let message = format!("update {id} {ended}, {installed} is in place; now to what was asked for");
    watcher(&told("settled", message)?);
    Ok(Some(Box::new(report)))
}

impl Prepared {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The same, begun in this way; with the seconds that the product has to become quiet, where the policy does not say them.
    pub fn begun_as(self, strategy: UpgradeStrategy, graceful_timeout: Option<u32>) -> Result<Self> {
        let unsound = |e: PlanError| AppError::below("NL0323", &e);
        let plan = self.plan.begun_as(strategy, graceful_timeout).map_err(unsound)?;
        Ok(Self { plan, ..self })
    }

    /// Refuses as [`Self::accept`] would.
    pub fn is_covered_by(&self, consent: &Consent) -> Result<()> {
        is_covered(&self.plan, consent)
    }

    /// Stores the plan and gives the id under which it will run; from here on a crash resumes. What the plan asks consent for
    /// must have been agreed to; who did, and when, is remembered with the update.
    pub fn accept(self, by: &str, consent: &Consent) -> Result<Accepted> {
        self.accept_for(None, by, consent)
    }

    /// The same for an order to the server, which has begun then.
    pub(super) fn accept_for(self, order: Option<&OrderId>, by: &str, consent: &Consent) -> Result<Accepted> {
        self.is_covered_by(consent)?;
        answers::keep(&self.installation, &self.plan, &self.answers)?;
        let id = self
            .installation
            .store
            .accept(&self.plan, self.verb, by, order, clock::now())?;
        Ok(Accepted {
            installation: self.installation,
            lock: self.lock,
            id,
        })
    }
}

/// Nothing on the way needs a word that was not given, and no extension stands in it.
pub fn is_covered(plan: &Plan, consent: &Consent) -> Result<()> {
    let incompatible = plan.incompatible();
    if incompatible.is_empty() {
        return consent.covers(plan.notes());
    }
    let told: Vec<String> = incompatible.iter().map(ToString::to_string).collect();
    Err(AppError::said("NL0123", told.join("\n")))
}

/// An update that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub update_id: UpdateId,
    pub verb: Verb,
    pub from: Option<Version>,
    pub to: Version,
    pub by: String,
    /// It had begun before.
    pub goes_on: bool,
}

/// A stored plan whose time has come.
#[must_use = "an accepted update waits until it is run"]
pub struct Accepted {
    installation: Installation,
    lock: InstallationLock,
    id: UpdateId,
}

impl Accepted {
    pub fn id(&self) -> &UpdateId {
        &self.id
    }

    /// What is about to run.
    pub fn beginning(&self) -> Result<Beginning> {
        let update = record(&self.installation, &self.id)?;
        Ok(Beginning {
            goes_on: replay(&self.installation, &update)?.has_begun(),
            update_id: update.id,
            verb: update.verb,
            from: update.plan.from().cloned(),
            to: update.plan.to().clone(),
            by: update.accepted_by,
        })
    }

    /// It was paused, and not by the end of a server.
    pub(super) fn waits_for_a_person(&self) -> Result<bool> {
        let update = record(&self.installation, &self.id)?;
        let paused = replay(&self.installation, &update)?.paused();
        Ok(paused.is_some_and(|reason| reason != PauseReason::ServerEnded))
    }

    pub fn run(self, control: &Control, watcher: &mut Watcher<'_>) -> Result<Report> {
        run(&self.installation, &self.lock, &self.id, control, watcher)
    }
}

/// Goes on with the unfinished update; none when there is none.
pub fn resume(
    root: &Path,
    config: Option<&Path>,
    control: &Control,
    watcher: &mut Watcher<'_>,
) -> Result<Option<Report>> {
    match take_up(root, config, "netlink update resume")? {
        None => Ok(None),
        Some(left) => left.run(control, watcher).map(Some),
    }
}

/// The unfinished update with the lock to drive it.
pub(super) fn take_up(root: &Path, config: Option<&Path>, doing: &str) -> Result<Option<Accepted>> {
    let installation = Installation::open(root, config)?;
    let lock = InstallationLock::take(&installation.layout, doing)?;
    let id = installation.store.unfinished()?;
    Ok(id.map(|id| Accepted { installation, lock, id }))
}

/// Takes the lock for the unfinished update, to go on with it, none when there is none;
/// and journals that it does, so that from here on a crash goes on, too.
pub fn begin_resuming(root: &Path, config: Option<&Path>) -> Result<Option<Accepted>> {
    let left = take_up(root, config, "netlink update resume")?;
    if let Some(left) = &left {
        go_on_if_paused(&left.installation, &record(&left.installation, &left.id)?)?;
    }
    Ok(left)
}

fn go_on_if_paused(installation: &Installation, update: &UpdateRecord) -> Result<()> {
    if replay(installation, update)?.paused().is_some() {
        let by = "the operator".into();
        installation
            .store
            .append(&update.id, &Event::Resumed { by }, clock::now())?;
    }
    Ok(())
}

/// Turns a running or waiting update back; for `rollback` while it is not finished.
pub fn turn_back(
    root: &Path,
    config: Option<&Path>,
    control: &Control,
    watcher: &mut Watcher<'_>,
) -> Result<Option<Report>> {
    match begin_turning_back(root, config, "rollback")? {
        None => Ok(None),
        Some(turned) => turned.run(control, watcher).map(Some),
    }
}

/// Takes the lock and journals that the unfinished update is to go back; from here on a crash goes on with that.
pub fn begin_turning_back(root: &Path, config: Option<&Path>, by: &str) -> Result<Option<Accepted>> {
    let Some(left) = take_up(root, config, "netlink update rollback")? else {
        return Ok(None);
    };
    let (store, id) = (&left.installation.store, &left.id);
    let mut state = replay(&left.installation, &record(&left.installation, id)?)?;
    if state.course() == Course::Committed {
        let message = format!(
            "update {id} is past the point where it can be turned back, only tidying is left; \
             `netlink update resume` finishes it, then `netlink update rollback` goes back"
        );
        return Err(AppError::said("NL0407", message));
    }
    let abort = Event::Aborted { by: by.to_owned() };
    if state.apply(&abort).is_ok() {
        store.append(id, &abort, clock::now())?;
    }
    Ok(Some(left))
}

fn run(
    installation: &Installation,
    lock: &InstallationLock,
    id: &UpdateId,
    control: &Control,
    watcher: &mut Watcher<'_>,
) -> Result<Report> {
    let started = clock::monotonic();
    let update = record(installation, id)?;
    go_on_if_paused(installation, &update)?;
    let repository = match update.plan.bundle() {
        Some(file) => Some(Repository::in_bundle(installation, file.to_path_buf())),
        None => Repository::of(installation)?,
    };
    let stopped = drive_watched(
        installation,
        lock,
        (id, &update.plan),
        repository.as_ref().map(Repository::sources),
        control,
        watcher,
    )?;
    reported(installation, &update, stopped, started.elapsed())
}

pub(super) fn record(installation: &Installation, id: &UpdateId) -> Result<UpdateRecord> {
    installation
        .store
        .update(id)?
        .ok_or_else(|| AppError::UnknownUpdate(id.clone()))
}

pub(super) fn replay(installation: &Installation, update: &UpdateRecord) -> Result<State> {
    replay_to(installation, update).map(|(state, _)| state)
}

/// The same with the number of the newest entry.
pub(super) fn replay_to(installation: &Installation, update: &UpdateRecord) -> Result<(State, i64)> {
    let rows = installation.store.journal(&update.id, 0)?;
    let state = State::replay(&update.plan, rows.iter().map(|row| &row.event));
    let state = state.map_err(|e| AppError::below("NL0404", &e))?;
    Ok((state, rows.last().map_or(0, |row| row.seq)))
}
