//! The plan itself: made once by [`super::plan`], stored, fingerprinted and executed as it is.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{ExtensionChanges, Fetch, Incompatible, PlanNotes, Strategy, UpgradeStrategy, WhyFull};
use crate::crypt::Digest;
use crate::release::{ExtensionName, ProductName, ReleaseRules};
use crate::version::Version;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Nothing is installed yet.
    Install,
    Up,
    Down,
    /// From the installed release to itself: its tree is replaced by what the publisher signed.
    Repair,
    /// The database alone goes to the schema of another release, or of the installed one; the installed release stays.
    Schema,
}

/// One permitted move between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hop {
    #[schema(value_type = Option<String>, required = true)]
    pub from: Option<Version>,
    #[schema(value_type = String)]
    pub to: Version,
    /// `to` is a release that may not be skipped.
    pub stop: bool,
    /// `to` has to run before one goes on: it is a stop, or the next hop needs it to be there.
    pub runs: bool,
    /// One can come back over this hop without a restore.
    pub reversible: bool,
    /// Facts that must hold before this hop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
}

/// Hops done in one go, because none but the last needs its release to run: one backup, one outage, one switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leg {
    #[schema(value_type = Option<String>, required = true)]
    pub from: Option<Version>,
    #[schema(value_type = String)]
    pub to: Version,
    pub hops: Vec<Hop>,
    #[serde(flatten)]
    pub strategy: Strategy,
    /// What the signed metadata says of `to`; its package must say the same.
    pub rules: ReleaseRules,
    /// Absent when the level of the database stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaMove>,
    #[serde(default, skip_serializing_if = "ExtensionChanges::is_empty")]
    pub extensions: ExtensionChanges,
}

/// `from` is none while there is no database yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaMove {
    #[schema(required = true)]
    pub from: Option<u32>,
    pub to: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Pre,
    Update,
    Post,
}

/// One unit of work; the order of the variants is the order within a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    Preflight,
    Download,
    Stage,
    Environment,
    Trial,
    Backup,
    MaintenanceOn,
    SchemaBefore,
    Stop,
    ExtensionsOff,
    Exchange,
    Dependencies,
    Config,
    Schema,
    Switch,
    ExtensionsOn,
    Start,
    Health,
    Validate,
    SchemaAfter,
    Record,
    MaintenanceOff,
    Retention,
}

impl StepKind {
    /// The stable name in journal, events and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Download => "download",
            Self::Stage => "stage",
            Self::Environment => "environment",
            Self::Trial => "trial",
            Self::Backup => "backup",
            Self::MaintenanceOn => "maintenance-on",
            Self::SchemaBefore => "schema-before",
            Self::Stop => "stop",
            Self::ExtensionsOff => "extensions-off",
            Self::Exchange => "exchange",
            Self::Dependencies => "dependencies",
            Self::Config => "config",
            Self::Schema => "schema",
            Self::Switch => "switch",
            Self::ExtensionsOn => "extensions-on",
            Self::Start => "start",
            Self::Health => "health",
            Self::Validate => "validate",
            Self::SchemaAfter => "schema-after",
            Self::Record => "record",
            Self::MaintenanceOff => "maintenance-off",
            Self::Retention => "retention",
        }
    }

    pub fn phase(self) -> Phase {
        match self {
            Self::Preflight
            | Self::Download
            | Self::Stage
            | Self::Environment
            | Self::Trial
            | Self::Backup
            | Self::MaintenanceOn
            | Self::SchemaBefore => Phase::Pre,
            Self::Stop
            | Self::ExtensionsOff
            | Self::Exchange
            | Self::Dependencies
            | Self::Config
            | Self::Schema
            | Self::Switch
            | Self::ExtensionsOn
            | Self::Start => Phase::Update,
            Self::Health
            | Self::Validate
            | Self::SchemaAfter
            | Self::Record
            | Self::MaintenanceOff
            | Self::Retention => Phase::Post,
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Position among the steps of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct StepId(pub u16);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub id: StepId,
    pub kind: StepKind,
    /// Index into the legs of the plan.
    pub leg: usize,
}

/// Said before the update starts; none of them stops it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    pub code: String,
    pub message: String,
}

/// Estimates, for people; nothing depends on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    pub download_bytes: u64,
    /// Most bytes that will lie on disk in addition, at any one time.
    pub disk_bytes: u64,
    pub seconds: u64,
    /// Of these, seconds for which the product is stopped.
    pub downtime_seconds: u64,
}

/// What the fingerprint covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PlanBody)]
pub(super) struct Body {
    #[schema(value_type = String)]
    pub product: ProductName,
    pub direction: Direction,
    #[schema(value_type = Option<String>, required = true)]
    pub from: Option<Version>,
    #[schema(value_type = String)]
    pub to: Version,
    pub legs: Vec<Leg>,
    pub steps: Vec<Step>,
    pub warnings: Vec<Warning>,
    pub cost: Cost,
    /// What cannot be undone once the update is finalized, in words.
    pub irreversible: Vec<String>,
    /// What the releases on the way ask for.
    #[serde(default, skip_serializing_if = "PlanNotes::is_empty")]
    pub notes: PlanNotes,
    /// Names of the blocks that cannot be judged and that the operator takes all the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accepted_risks: BTreeSet<String>,
    /// The file that the packages come out of; when absent, from the repository of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bundle: Option<PathBuf>,
    /// The backup that the database comes back from, as its ways down do not lead there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<String>,
    /// Extensions that stand in the way: it is not begun as long as there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incompatible: Vec<Incompatible>,
    /// Absent when it is begun at once.
    #[serde(default, skip_serializing_if = "UpgradeStrategy::is_default")]
    pub begun: UpgradeStrategy,
    /// In which the product may become quiet, where that is not as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_timeout_seconds: Option<u32>,
}

/// Immutable. Reading one back checks its fingerprint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Plan {
    body: Body,
    fingerprint: Digest,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum PlanError {
    #[error("the plan was changed after it was made: its fingerprint does not match")]
    Fingerprint,
    #[error("the plan breaks a rule of every plan: {0}")]
    Unsound(String),
}

#[derive(Serialize, Deserialize, ToSchema)]
struct Stored {
    #[serde(flatten)]
    body: Body,
    #[schema(value_type = String)]
    fingerprint: Digest,
}

/// A plan is written as what is stored of it.
impl PartialSchema for Plan {
    fn schema() -> RefOr<Schema> {
        Stored::schema()
    }
}

impl ToSchema for Plan {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Stored::schemas(schemas);
    }
}

impl Plan {
    /// Seals a body that the linter has found sound.
    pub(super) fn seal(body: Body) -> Result<Self, PlanError> {
        super::lint::check(&body)?;
        let fingerprint = fingerprint(&body)?;
        Ok(Self { body, fingerprint })
    }

    pub fn product(&self) -> &ProductName {
        &self.body.product
    }

    pub fn direction(&self) -> Direction {
        self.body.direction
    }

    pub fn from(&self) -> Option<&Version> {
        self.body.from.as_ref()
    }

    pub fn to(&self) -> &Version {
        &self.body.to
    }

    /// The release that is in place once all is done.
    pub fn ends_at(&self) -> &Version {
        match (&self.body.from, self.body.direction) {
            (Some(installed), Direction::Schema) => installed,
            _ => &self.body.to,
        }
    }

    /// It does not lead from one release to another.
    pub fn leads_nowhere(&self) -> bool {
        matches!(self.body.direction, Direction::Repair | Direction::Schema)
    }

    pub fn legs(&self) -> &[Leg] {
        &self.body.legs
    }

    pub fn steps(&self) -> &[Step] {
        &self.body.steps
    }

    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.body.steps.get(usize::from(id.0))
    }

    pub fn warnings(&self) -> &[Warning] {
        &self.body.warnings
    }

    pub fn cost(&self) -> Cost {
        self.body.cost
    }

    pub fn irreversible(&self) -> &[String] {
        &self.body.irreversible
    }

    pub fn notes(&self) -> &PlanNotes {
        &self.body.notes
    }

    pub fn accepted_risks(&self) -> &BTreeSet<String> {
        &self.body.accepted_risks
    }

    pub fn bundle(&self) -> Option<&Path> {
        self.body.bundle.as_deref()
    }

    /// The backup that the database comes back from.
    pub fn restore(&self) -> Option<&str> {
        self.body.restore.as_deref()
    }

    /// Extensions that stand in the way.
    pub fn incompatible(&self) -> &[Incompatible] {
        &self.body.incompatible
    }

    /// Names of the extensions that it switches off.
    pub fn disables(&self) -> BTreeSet<ExtensionName> {
        let changes = self.body.legs.iter().flat_map(|leg| &leg.extensions.disabled);
        changes.map(|change| change.name.clone()).collect()
    }

    /// How it is begun.
    pub fn begun(&self) -> UpgradeStrategy {
        self.body.begun
    }

    /// In which the product may become quiet, where that is not as the policy says.
    pub fn graceful_timeout(&self) -> Option<Duration> {
        let seconds = self.body.graceful_timeout_seconds?;
        Some(Duration::from_secs(seconds.into()))
    }

    /// The same plan, begun in this way.
    pub fn begun_as(self, begun: UpgradeStrategy, graceful_timeout_seconds: Option<u32>) -> Result<Self, PlanError> {
        Self::seal(Body {
            begun,
            graceful_timeout_seconds,
            ..self.body
        })
    }

    /// The same plan, whose packages come out of a file, and what is to be said of that.
    pub fn out_of_bundle(self, file: PathBuf, warnings: Vec<Warning>) -> Result<Self, PlanError> {
        let mut body = self.body;
        body.bundle = Some(file);
        body.warnings.extend(warnings);
        Self::seal(body)
    }

    /// The same plan with what the releases on its way ask for; `today` tells whether care for the target has ended.
    pub fn with_notes(self, notes: PlanNotes, today: Date) -> Result<Self, PlanError> {
        let mut body = Body { notes, ..self.body };
        if let Some(ended) = body.notes.end_of_life.filter(|end| *end < today) {
            body.warnings.push(Warning {
                code: "end-of-life".into(),
                message: format!("{} has had no care from its publisher since {ended}", body.to),
            });
        }
        Self::seal(body)
    }

    /// Whether it was made to fetch every package whole.
    pub fn fetch(&self) -> Fetch {
        let forced = |leg: &Leg| {
            matches!(
                leg.strategy,
                Strategy::Full {
                    because: WhyFull::Forced,
                    ..
                }
            )
        };
        if self.body.legs.iter().any(forced) {
            Fetch::Full
        } else {
            Fetch::AsNeeded
        }
    }

    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.body.legs.iter().flat_map(|leg| &leg.hops)
    }

    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }
}

impl From<Plan> for Stored {
    fn from(plan: Plan) -> Self {
        Self {
            body: plan.body,
            fingerprint: plan.fingerprint,
        }
    }
}

impl TryFrom<Stored> for Plan {
    type Error = PlanError;

    fn try_from(stored: Stored) -> Result<Self, PlanError> {
        if fingerprint(&stored.body)? != stored.fingerprint {
            return Err(PlanError::Fingerprint);
        }
        Ok(Self {
            body: stored.body,
            fingerprint: stored.fingerprint,
        })
    }
}

/// Over the body's JSON, whose field order is that of the types.
fn fingerprint(body: &Body) -> Result<Digest, PlanError> {
    let json = serde_json::to_vec(body).map_err(|e| PlanError::Unsound(e.to_string()))?;
    Ok(crate::crypt::digest_of(&json))
}
