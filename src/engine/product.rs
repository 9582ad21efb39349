//! What the engine knows of the product: its manifest, the values for its commands, how it is launched and checked.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Layout, StepError, knows};
use crate::clock::{self, Deadline};
use crate::package;
use crate::probe::{self, Check, Patience};
use crate::release::{
    CommandSpec, ConfigFormat, ConfigSpec, DatabaseSpec, RelPath, ReleaseManifest, Variable, counted, expand,
};
use crate::settings::Settings;
use crate::target::{self, Launch, Status};
use crate::version::Version;
use crate::{disk, host, migrate};

/// A configuration file of a product is at most this long.
pub const CONFIG_LIMIT: u64 = 16 << 20;
/// From asking the supervisor to its answer that the product was spawned.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Beyond the product's own limit for stopping, before the supervisor itself is given up.
const STOP_MARGIN: Duration = Duration::from_secs(20);
const KEPT_LOG_LINES: usize = 20;
/// A product without health checks must stay up this long.
const STEADY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const NOT_AS_SIGNED: &str = "NL0306";

pub fn manifest(layout: &Layout, version: &Version) -> Result<ReleaseManifest, StepError> {
    let found = package::manifest_of(&layout.release(version));
    found.map_err(|e| {
        let advice = format!("`netlink update upgrade --to {version} --full` repairs it");
        StepError::because(NOT_AS_SIGNED, &e).advising(NOT_AS_SIGNED, &advice)
    })
}

/// `root`, `release`, `data`, `config`.
pub fn places(layout: &Layout, manifest: &ReleaseManifest) -> BTreeMap<String, String> {
    let text = |path: &Path| path.display().to_string();
    BTreeMap::from([
        ("root".to_owned(), text(layout.root())),
        ("release".to_owned(), text(&layout.release(&manifest.version))),
        ("data".to_owned(), text(&layout.data())),
        ("config".to_owned(), text(&layout.config())),
    ])
}

/// The same and the manifest's variables as the configuration has them now.
pub fn values(layout: &Layout, manifest: &ReleaseManifest) -> Result<BTreeMap<String, String>, StepError> {
    values_in(layout, manifest, &layout.config())
}

/// The same as the files in another folder have them; what is not there is as it is now.
pub fn values_in(
    layout: &Layout,
    manifest: &ReleaseManifest,
    config: &Path,
) -> Result<BTreeMap<String, String>, StepError> {
    let mut values = places(layout, manifest);
    for (name, variable) in &manifest.variables {
        let is_there = variable.file.under(config).exists();
        let config = if is_there { config } else { &layout.config() };
        values.insert(name.clone(), value_of(config, manifest, variable)?);
    }
    Ok(values)
}

/// What a folder of configuration has for one of the manifest's variables.
pub fn value_of(config: &Path, manifest: &ReleaseManifest, variable: &Variable) -> Result<String, StepError> {
    let path = variable.file.under(config);
    let content = disk::read_text_limited(&path, CONFIG_LIMIT).map_err(|e| StepError::because("NL0303", &e))?;
    let format = manifest.config_file(&variable.file).map(ConfigSpec::format);
    let format = format.unwrap_or_else(|| ConfigFormat::of(&variable.file));
    let found = migrate::config::value_at(format, &content, &variable.key);
    let missing = || {
        let message = format!(
            "{} has no `{}`, which release {} needs",
            path.display(),
            variable.key,
            manifest.version
        );
        StepError::new("NL0303", message)
    };
    found.map_err(|e| StepError::because("NL0303", &e))?.ok_or_else(missing)
}

/// How the product of this release is started; none when it does not run.
pub fn launch(layout: &Layout, manifest: &ReleaseManifest) -> Result<Option<Launch>, StepError> {
    let Some(run) = &manifest.run else { return Ok(None) };
    let values = values(layout, manifest)?;
    let env = run
        .env
        .iter()
        .map(|(name, text)| Ok((name.clone(), expanded(text, &values)?)));
    Ok(Some(Launch {
        version: manifest.version.clone(),
        argv: run
            .command
            .iter()
            .map(|text| expanded(text, &values))
            .collect::<Result<_, _>>()?,
        env: env.collect::<Result<_, StepError>>()?,
        dir: layout.release(&manifest.version),
        stop_timeout: run.stop_timeout,
    }))
}

/// The operator's checks where there are any, else the release's own.
pub fn checks(layout: &Layout, settings: &Settings, manifest: &ReleaseManifest) -> Result<Vec<Check>, StepError> {
    let specs = if settings.health.checks.is_empty() {
        &manifest.health
    } else {
        &settings.health.checks
    };
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let values = values(layout, manifest)?;
    let resolve = |spec| probe::resolve(spec, &values).map_err(|e| StepError::because("NL0316", &e));
    specs.iter().map(resolve).collect()
}

/// Starts the release as the installation's running product; repeatable. False when the product does not run by itself.
pub fn start(layout: &Layout, manifest: &ReleaseManifest) -> Result<bool, StepError> {
    if manifest.run.is_some() {
        knows::refuse_unknown(layout, manifest)?;
    }
    start_as_it_was(layout, manifest)
}

/// The same for one that ran before on what there is again.
pub fn start_as_it_was(layout: &Layout, manifest: &ReleaseManifest) -> Result<bool, StepError> {
    let Some(launch) = launch(layout, manifest)? else {
        return Ok(false);
    };
    target::start(layout.root(), &launch, START_LIMIT).map_err(|e| StepError::because("NL0315", &e))?;
    Ok(true)
}

/// Stops whatever of the product runs; repeatable.
pub fn stop(layout: &Layout, limit: Duration) -> Result<(), StepError> {
    stop_within(layout, limit, None)
}

/// The same for one that may take longer to end by itself than its release says.
pub fn stop_within(layout: &Layout, limit: Duration, longest: Option<Duration>) -> Result<(), StepError> {
    let limit = limit.max(longest.unwrap_or_default());
    let stopped = target::stop_within(layout.root(), longest, limit + STOP_MARGIN);
    stopped.map(drop).map_err(|e| StepError::because("NL0310", &e))
}

/// Waits until the product answers all checks as a client would see it, up to the settings' limit.
pub fn become_healthy(
    layout: &Layout,
    settings: &Settings,
    manifest: &ReleaseManifest,
    give_up: &dyn Fn() -> bool,
) -> Result<String, StepError> {
    ask(layout, settings, manifest, settings.health.timeout, give_up)
}

/// One quick look: healthy now or not.
pub fn is_healthy(layout: &Layout, settings: &Settings, manifest: &ReleaseManifest) -> Result<String, StepError> {
    ask(layout, settings, manifest, Duration::ZERO, &|| false)
}

fn ask(
    layout: &Layout,
    settings: &Settings,
    manifest: &ReleaseManifest,
    limit: Duration,
    give_up: &dyn Fn() -> bool,
) -> Result<String, StepError> {
    let checks = checks(layout, settings, manifest)?;
    let seen = Seen::now(layout)?;
    if checks.is_empty() {
        stays_up(layout, manifest, seen, limit.min(STEADY))?;
        return Ok("no health checks are defined".into());
    }
    let patience = Patience {
        deadline: Deadline::after(limit),
        interval: settings.health.interval,
    };
    let ends = Ends {
        layout,
        manifest,
        allowed: settings.health.restarts,
        before: restarts(&status(layout)?),
    };
    let ended = RefCell::new(None);
    let give_up = || {
        ended.replace(ends.told());
        ended.borrow().is_some() || give_up()
    };
    let asked = probe::check_all(&checks, &patience, &give_up);
    match asked.map_err(|unhealthy| (unhealthy, ended.take())) {
        Ok(healthy) => {
            // Somebody else may answer in its place, while it dies again and again.
            stays_up(layout, manifest, seen, limit.min(settings.health.steady))?;
            Ok(match healthy.attempts {
                1 => "healthy".into(),
                attempts => format!("healthy at try {attempts}"),
            })
        }
        Err((_, Some(end))) => Err(ends.error(end)),
        Err((unhealthy, None)) => {
            let message = format!(
                "{} {} is not healthy: {}",
                manifest.product, manifest.version, unhealthy.check
            );
            Err(StepError::new("NL0316", message)
                .expected(unhealthy.expected, unhealthy.found)
                .log(last_lines(layout)))
        }
    }
}

/// A log that cannot be read must not hide what failed.
fn last_lines(layout: &Layout) -> Vec<String> {
    target::log_tail(layout.root(), KEPT_LOG_LINES).unwrap_or_default()
}

/// Whether the product has come to its end while it is waited for, so that nothing is left to wait for.
struct Ends<'a> {
    layout: &'a Layout,
    manifest: &'a ReleaseManifest,
    /// So often it may be started again.
    allowed: u32,
    /// How often it was before.
    before: u32,
}

impl Ends<'_> {
    /// How it ended, where it is not started again, or was often enough. While the supervisor has a try left it has not ended.
    fn told(&self) -> Option<String> {
        self.manifest.run.as_ref()?;
        let root = self.layout.root();
        match target::status(root).ok()? {
            Status::BackingOff {
                restarts, last_exit, ..
            } if restarts.saturating_sub(self.before) >= self.allowed => Some(match self.allowed {
                0 => last_exit,
                times => format!("{last_exit} (after {})", counted(times, "restart")),
            }),
            Status::Stopped if target::is_desired(root).is_ok_and(|desired| !desired) => {
                Some("stopped by somebody, and nothing starts it again".to_owned())
            }
            _ => None,
        }
    }

    fn error(&self, end: String) -> StepError {
        let Self { manifest, layout, .. } = self;
        let message = format!("{} {} does not stay up: {end}", manifest.product, manifest.version);
        StepError::new("NL0316", message)
            .expected(format!("running as {}", manifest.version), end)
            .log(last_lines(layout))
    }
}

fn restarts(status: &Status) -> u32 {
    match status {
        Status::Running { restarts, .. } | Status::BackingOff { restarts, .. } => *restarts,
        Status::NoSupervisor | Status::Stopped | Status::Stopping { .. } => 0,
    }
}

/// The product's process at a moment.
#[derive(Clone, Copy)]
struct Seen {
    pid: Option<u32>,
    at: Instant,
}

impl Seen {
    fn now(layout: &Layout) -> Result<Self, StepError> {
        Ok(Self::of(&status(layout)?))
    }

    fn of(status: &Status) -> Self {
        let pid = match status {
            Status::Running { pid, .. } => Some(*pid),
            _ => None,
        };
        let at = clock::monotonic();
        Self { pid, at }
    }
}

fn status(layout: &Layout) -> Result<Status, StepError> {
    target::status(layout.root()).map_err(|e| StepError::because("NL0315", &e))
}

/// Whether the product's own process runs as this release, and is the same one for so long. It was `seen` before; a restart before now
/// says nothing: only while it is being proven none is allowed.
fn stays_up(layout: &Layout, manifest: &ReleaseManifest, seen: Seen, time: Duration) -> Result<(), StepError> {
    if manifest.run.is_none() {
        return Ok(());
    }
    let mut proven = None;
    loop {
        let status = status(layout)?;
        let now = Seen::of(&status);
        let first = *proven.get_or_insert(if now.pid == seen.pid { seen } else { now });
        if status.running_version() != Some(&manifest.version) || now.pid != first.pid {
            let message = format!("{} {} does not stay up", manifest.product, manifest.version);
            let wanted = format!(
                "running as {}, the same process for {} s",
                manifest.version,
                time.as_secs_f32()
            );
            return Err(StepError::new("NL0316", message)
                .expected(wanted, status.to_string())
                .log(last_lines(layout)));
        }
        if now.at.saturating_duration_since(first.at) >= time {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Runs a command of the release in its tree; anything but exit code 0 is a failure with the last lines it printed.
pub fn run_command(
    layout: &Layout,
    manifest: &ReleaseManifest,
    spec: &CommandSpec,
    code: &'static str,
) -> Result<(), StepError> {
    run_with(layout, manifest, spec, &values(layout, manifest)?, code).map(drop)
}

/// The same, with more values for it. Gives the end of what it printed.
pub fn output_of(
    layout: &Layout,
    manifest: &ReleaseManifest,
    spec: &CommandSpec,
    more: &[(&str, u32)],
    code: &'static str,
) -> Result<String, StepError> {
    let mut values = values(layout, manifest)?;
    values.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
    run_with(layout, manifest, spec, &values, code)
}

/// The product's own look at configuration files that are not in place yet; it knows no variables, which come from those.
pub fn check_config(
    layout: &Layout,
    manifest: &ReleaseManifest,
    check: &CommandSpec,
    copies: &Path,
) -> Result<(), StepError> {
    let mut values = places(layout, manifest);
    let seen = layout.lend(copies)?;
    values.insert("config".to_owned(), seen.display().to_string());
    let checked = run_with(layout, manifest, check, &values, "NL0332");
    disk::remove_tree(&layout.lent()).map_err(|e| StepError::because("NL0307", &e))?;
    checked.map(drop)
}

/// With these values alone. Gives the end of what it printed.
pub fn run_with(
    layout: &Layout,
    manifest: &ReleaseManifest,
    spec: &CommandSpec,
    values: &BTreeMap<String, String>,
    code: &'static str,
) -> Result<String, StepError> {
    let argv = spec
        .command
        .iter()
        .map(|text| expanded(text, values))
        .collect::<Result<Vec<_>, _>>()?;
    let shown = argv.join(" ");
    let dir = layout.release(&manifest.version);
    let run = host::Run {
        argv,
        dir,
        env: host::command_mark(layout.root()),
        stdin: Vec::new(),
        limit: spec.timeout,
    };
    let bounds = layout.bounds_of_release();
    let finished = run.run_within(&bounds).map_err(|e| StepError::because(code, &e))?;
    if finished.status.success() {
        return Ok(finished.stdout);
    }
    let said = if finished.stderr.trim().is_empty() {
        finished.stdout
    } else {
        finished.stderr
    };
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let log = lines[lines.len().saturating_sub(KEPT_LOG_LINES)..].to_vec();
    let error = StepError::new(code, format!("`{shown}` failed"));
    Err(error.expected("exit code 0", finished.status.to_string()).log(log))
}

fn expanded(text: &str, values: &BTreeMap<String, String>) -> Result<String, StepError> {
    expand(text, values).map_err(|e| StepError::because("NL0303", &e))
}

/// What belongs to the operator and outlives releases.
pub fn kept_trees() -> Vec<RelPath> {
    ["data", "config"]
        .into_iter()
        .filter_map(|tree| tree.parse().ok())
        .collect()
}

/// The release's live SQLite databases, relative to the installation.
pub fn databases(layout: &Layout, manifest: &ReleaseManifest) -> Vec<RelPath> {
    let file = manifest.database.as_ref().and_then(DatabaseSpec::file);
    let database = file.map(|path| format!("data/{path}"));
    let there = database.filter(|path| layout.root().join(path).exists());
    there.and_then(|path| path.parse().ok()).into_iter().collect()
}
