//! `/metrics` for Prometheus: each finished update counted once, from the journal; the rest as it is when asked.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::access::{Caller, Viewer};
use super::answer::{Answer, blocking};
use super::problem::{Problem, Refusals};
use crate::app::{self, Measured, Standing, Unfinished, Wanted};
use crate::clock;
use crate::journal::Outcome;
use crate::plan::UpgradeStrategy;
use crate::serving::Work;
use crate::store::{NoticeCounts, OrderState, Verb};

/// Seconds; a step takes from nothing to hours.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// What an order comes to.
const ORDER_RESULTS: [OrderState; 4] = [
    OrderState::Begun,
    OrderState::Done,
    OrderState::Refused,
    OrderState::Cancelled,
];

type Labels = Vec<(&'static str, String)>;
type Fraction = Gauge<f64, AtomicU64>;

/// What was counted since the server has started; of the updates before, too.
#[derive(Default)]
pub struct Metrics(Mutex<Counted>);

struct Counted {
    /// The last update that was counted.
    number: i64,
    upgrades: Family<Labels, Counter>,
    rollbacks: Counter,
    steps: Family<Labels, Histogram, fn() -> Histogram>,
    downtime: Counter<f64, AtomicU64>,
    /// None while none has completed.
    last_success: Option<Fraction>,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            number: 0,
            upgrades: upgrades(),
            rollbacks: Counter::default(),
            steps: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            downtime: Counter::default(),
            last_success: None,
        }
    }
}

/// Each that may come to be begins with none: what is not there has no rate that rises.
fn upgrades() -> Family<Labels, Counter> {
    let upgrades = Family::<Labels, Counter>::default();
    for (strategy, verb) in UpgradeStrategy::ALL
        .iter()
        .flat_map(|one| Verb::ALL.map(|verb| (one, verb)))
    {
        for outcome in [Outcome::Completed, Outcome::RolledBack] {
            drop(upgrades.get_or_create(&finished(*strategy, verb, outcome)));
        }
    }
    upgrades
}

fn finished(strategy: UpgradeStrategy, verb: Verb, outcome: Outcome) -> Labels {
    let result = match outcome {
        Outcome::Completed => "completed",
        Outcome::RolledBack => "rolled_back",
    };
    vec![
        ("strategy", strategy.name().to_owned()),
        ("verb", verb.name().to_owned()),
        ("result", result.to_owned()),
    ]
}

impl Counted {
    fn count(&mut self, measured: &Measured) {
        self.number = measured.number;
        let labels = finished(measured.strategy, measured.verb, measured.outcome);
        self.upgrades.get_or_create(&labels).inc();
        if measured.verb == Verb::Rollback || measured.outcome == Outcome::RolledBack {
            self.rollbacks.inc();
        }
        for (step, seconds) in &measured.steps {
            let labels = vec![("step", (*step).to_owned())];
            self.steps.get_or_create(&labels).observe(*seconds);
        }
        self.downtime.inc_by(measured.downtime.unwrap_or_default());
        if measured.outcome == Outcome::Completed {
            let at = measured.finished_at.map(|at| at.as_duration().as_secs_f64());
            self.last_success = at.map(fraction);
        }
    }

    /// With how things stand now.
    fn registry(&self, standing: &Standing, watchers: usize) -> Registry {
        let mut all = Registry::with_prefix("netlink");
        all.register("upgrades", "Updates that have finished", self.upgrades.clone());
        all.register(
            "rollbacks",
            "Updates taken back, by hand or by themselves",
            self.rollbacks.clone(),
        );
        let steps = self.steps.clone();
        all.register_with_unit("step_duration", "Time of each step", Unit::Seconds, steps);
        let downtime = self.downtime.clone();
        all.register_with_unit(
            "downtime",
            "Time in which updates had the product stopped",
            Unit::Seconds,
            downtime,
        );
        if let Some(success) = &self.last_success {
            all.register(
                "last_success_timestamp_seconds",
                "When an update last completed",
                success.clone(),
            );
        }
        stand(&mut all, standing, watchers);
        all
    }
}

/// How things are now.
fn stand(all: &mut Registry, standing: &Standing, watchers: usize) {
    let version = Family::<Labels, Gauge>::default();
    let installed = standing
        .installed
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let labels = vec![("installed", installed), ("netlink", crate::VERSION.to_owned())];
    version.get_or_create(&labels).set(1);
    all.register("version_info", "What is installed", version);
    let number = |value: usize| whole(i64::try_from(value).unwrap_or(i64::MAX));
    tell_of_orders(all, standing);
    let state = Family::<Labels, Gauge>::default();
    for one in Unfinished::ALL {
        let is = i64::from(standing.unfinished == Some(one));
        state.get_or_create(&vec![("state", one.name().to_owned())]).set(is);
    }
    all.register("update_state", "1 for what an update does that is not finished", state);
    let is_running = standing.unfinished == Some(Unfinished::Running);
    all.register("update_running", "1 while an update runs", number(is_running.into()));
    all.register(
        "maintenance",
        "1 while maintenance is on",
        number(standing.maintenance.into()),
    );
    all.register("event_watchers", "Open lines of live events", number(watchers));
    tell_of_notices(all, &standing.notices);
    if let Some((created, size)) = standing.backup {
        let age = clock::now().duration_since(created).as_secs_f64();
        all.register_with_unit("backup_age", "Of the newest whole backup", Unit::Seconds, fraction(age));
        let size = whole(i64::try_from(size).unwrap_or(i64::MAX));
        all.register_with_unit(
            "backup_size",
            "Of the files of the newest whole backup",
            Unit::Bytes,
            size,
        );
    }
    if let Some(expires) = standing.metadata_expires {
        let at = fraction(expires.as_duration().as_secs_f64());
        all.register(
            "metadata_expiry_timestamp_seconds",
            "When trusted metadata first expires",
            at,
        );
    }
}

/// Now, and what they came to since the installation was made.
fn tell_of_orders(all: &mut Registry, standing: &Standing) {
    let number = |value: usize| whole(i64::try_from(value).unwrap_or(i64::MAX));
    all.register(
        "queue_length",
        "Orders that wait for their turn",
        number(standing.waiting),
    );
    all.register(
        "orders_scheduled",
        "Orders that wait for their time",
        number(standing.scheduled),
    );
    all.register(
        "orders_running",
        "Orders that are being done and are no updates",
        number(standing.running),
    );
    let counts = &standing.counts;
    let orders = Family::<Labels, Counter>::default();
    for (kind, result) in Wanted::KINDS
        .iter()
        .flat_map(|kind| ORDER_RESULTS.map(|result| (kind, result)))
    {
        drop(orders.get_or_create(&vec![
            ("kind", (*kind).to_owned()),
            ("result", result.name().to_owned()),
        ]));
    }
    for one in &counts.orders {
        let labels = vec![("kind", one.kind.clone()), ("result", one.result.clone())];
        orders.get_or_create(&labels).inc_by(one.count);
    }
    all.register("orders", "Orders that wait no longer, by what they came to", orders);
    let missed = Family::<Labels, Counter>::default();
    for (result, count) in [("made_up_for", counts.made_up_for), ("skipped", counts.skipped)] {
        missed.get_or_create(&vec![("result", result.to_owned())]).inc_by(count);
    }
    all.register("orders_missed", "Orders whose time was missed", missed);
    let fetched = Counter::<u64>::default();
    fetched.inc_by(counts.fetched);
    all.register_with_unit(
        "download",
        "What was fetched from the repository and its mirrors, whatever became of it",
        Unit::Bytes,
        fetched,
    );
}

fn tell_of_notices(all: &mut Registry, counts: &[NoticeCounts]) {
    let (waiting, dead) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
    let tried = Family::<Labels, Counter>::default();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    for one in counts {
        let receiver = vec![("receiver", one.receiver.clone())];
        waiting.get_or_create(&receiver).set(number(one.waiting));
        dead.get_or_create(&receiver).set(number(one.dead));
        for (result, count) in [("delivered", one.delivered), ("failed", one.failed), ("dead", one.died)] {
            let labels = vec![("receiver", one.receiver.clone()), ("result", result.to_owned())];
            tried.get_or_create(&labels).inc_by(count);
        }
    }
    all.register("notices", "Tries to tell receivers, and notices given up", tried);
    all.register("notices_waiting", "Notices on their way", waiting);
    all.register("notices_dead", "Notices given up, as long as they are remembered", dead);
}

fn whole(value: i64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}

fn fraction(value: f64) -> Fraction {
    let gauge = Fraction::default();
    gauge.set(value);
    gauge
}

/// Measures for Prometheus.
#[utoipa::path(get, tag = "server", path = "/metrics", security(("token" = ["viewer"])), responses(
    (status = 200, description = "OpenMetrics 1.0; who asks for plain text alone gets Prometheus' format 0.0.4", content(
        (String = "application/openmetrics-text"), (String = "text/plain"))), Refusals))]
pub async fn metrics(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    metrics: web::Data<Metrics>,
    request: HttpRequest,
) -> Answer {
    let text = blocking(move || {
        let installation = work.open()?;
        let standing = app::standing(&installation)?;
        let mut counted = metrics.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let new = app::measured_after(&installation, counted.number)?;
            if new.is_empty() {
                break;
            }
            new.iter().for_each(|measured| counted.count(measured));
        }
        let mut text = String::new();
        let written = encode(&mut text, &counted.registry(&standing, work.feed().watchers()));
        written.map_err(|e| app::AppError::below("NL0999", &e))?;
        Ok(text)
    });
    let text = text.await?;
    let (kind, text) = match wants_plain_text(&request) {
        true => ("text/plain; version=0.0.4; charset=utf-8", in_plain_text(&text)),
        false => ("application/openmetrics-text; version=1.0.0; charset=utf-8", text),
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::VARY, "Accept"));
    Ok::<_, Problem>(answer.content_type(kind).body(text))
}

/// Older tools name it, and do not know the other.
fn wants_plain_text(request: &HttpRequest) -> bool {
    let sent = request.headers().get(header::ACCEPT);
    let sent = sent.and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.contains("text/plain") && !sent.contains("openmetrics")
}

/// There a counter is described by the name that its samples have, and neither units nor an end are said.
fn in_plain_text(text: &str) -> String {
    let counter = |line: &'_ str| Some(line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?.to_owned());
    let counters: BTreeSet<String> = text.lines().filter_map(counter).collect();
    let mut plain = String::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest)) if counters.contains(name) => {
                plain += &format!("# {what} {name}_total {rest}\n");
            }
            (Some("#"), Some("UNIT" | "EOF"), ..) => {}
            _ => {
                plain += line;
                plain.push('\n');
            }
        }
    }
    plain
}
