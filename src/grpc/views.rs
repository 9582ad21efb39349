//! What app and the server show, as messages; words are those of REST.

use jiff::Timestamp;
use prost_types::value::Kind;
use serde::Serialize;
use serde_json::Value;

use super::pb;
use crate::app::{
    self, AppError, CheckView, DryRun, EventView, Held, OrderView, PlanView, Running, UpdateView, Validation,
    VersionView, codes,
};
use crate::journal::{Failure, Outcome};
use crate::store::OrderState;
use crate::version::Version;

pub fn version(view: VersionView) -> pb::GetVersionInfoResponse {
    pb::GetVersionInfoResponse {
        product: view.product,
        current_version: text(view.current_version.as_ref()),
        channel: view.channel.map(|channel| channel.to_string()),
        netlink_version: view.netlink.into_owned(),
        root: view.root.display().to_string(),
        repository: view.repository,
        kept_versions: view.kept.iter().map(Version::to_string).collect(),
        last_updated: view.last_updated.map(time),
    }
}

pub fn check(view: CheckView) -> pb::CheckForUpdatesResponse {
    let available = view.available.into_iter().map(|one| pb::AvailableVersion {
        version: one.version.to_string(),
        channel: one.channel.to_string(),
        released_at: one.released_at.map(time),
        download_bytes: one.download_bytes,
        withdrawn: one.withdrawn,
        held: one.held.into_iter().map(held).collect(),
        taken_at: one.taken_at.map(time),
    });
    pb::CheckForUpdatesResponse {
        current_version: text(view.current_version.as_ref()),
        updates_available: view.updates_available,
        latest_version: text(view.latest_version.as_ref()),
        latest_stable: text(view.latest_stable.as_ref()),
        available: available.collect(),
        notes: view.notes,
    }
}

fn held(held: Held) -> pb::Held {
    pb::Held {
        by: word(&held.by),
        message: held.message,
        until: held.until.map(time),
    }
}

pub fn validation(found: &Validation) -> pb::ValidateUpgradeResponse {
    pb::ValidateUpgradeResponse {
        valid: found.problems.is_empty(),
        plan: found.plan.as_ref().map(plan),
        problems: found.problems.iter().map(problem).collect(),
        already_installed: found.already_there,
    }
}

fn problem(error: &AppError) -> pb::Problem {
    pb::Problem {
        code: error.code().id.to_owned(),
        title: error.code().title.to_owned(),
        detail: error.to_string(),
    }
}

fn plan(view: &PlanView) -> pb::UpgradePlan {
    let plan = &view.plan;
    let because = view.explanation.because.iter().map(Some).chain(std::iter::repeat(None));
    let path = plan.hops().zip(because).map(|(hop, because)| pb::Hop {
        to_version: hop.to.to_string(),
        stop: hop.stop,
        reversible: hop.reversible,
        because: because.cloned().unwrap_or_default(),
    });
    let steps = plan.steps().iter().map(|step| pb::PlannedStep {
        name: step.kind.name().to_owned(),
        phase: word(&step.kind.phase()),
        release: plan.legs()[step.leg].to.to_string(),
    });
    let warnings = plan.warnings().iter().map(|warning| pb::Problem {
        code: warning.code.clone(),
        title: String::new(),
        detail: warning.message.clone(),
    });
    let blocking = plan.notes().blocking().map(|note| pb::BlockingNote {
        id: note.id.clone(),
        version: note.version.to_string(),
        text: note.text.clone(),
    });
    let cost = plan.cost();
    pb::UpgradePlan {
        from_version: text(plan.from()),
        to_version: plan.to().to_string(),
        direction: word(&plan.direction()),
        path: path.collect(),
        steps: steps.collect(),
        warnings: warnings.collect(),
        breaking: plan.notes().breaking.iter().map(ToString::to_string).collect(),
        blocking: blocking.collect(),
        irreversible: plan.irreversible().to_vec(),
        download_bytes: cost.download_bytes,
        disk_bytes: cost.disk_bytes,
        seconds: cost.seconds,
        downtime_seconds: cost.downtime_seconds,
        fingerprint: plan.fingerprint().to_string(),
    }
}

pub fn dry_run(tried: &DryRun) -> app::Result<pb::DryRun> {
    let document = serde_json::to_value(tried).map_err(|e| AppError::below("NL0999", &e))?;
    Ok(pb::DryRun {
        plan: Some(plan(&tried.view)),
        document: match value(document).kind {
            Some(Kind::StructValue(fields)) => Some(fields),
            _ => None,
        },
    })
}

pub fn update(view: UpdateView) -> pb::Update {
    let (state, outcome, waits) = match &view.running {
        Running::Running { .. } => (pb::UpdateState::Running, pb::UpdateOutcome::Unspecified, String::new()),
        Running::Died => (pb::UpdateState::Died, pb::UpdateOutcome::Unspecified, String::new()),
        Running::Waiting { reason } => (pb::UpdateState::Waiting, pb::UpdateOutcome::Unspecified, word(reason)),
        Running::Finished { outcome } => (pb::UpdateState::Finished, of_outcome(*outcome), String::new()),
    };
    let steps = view.steps.iter().map(|step| pb::UpdateStep {
        name: step.step.name().to_owned(),
        release: step.release.to_string(),
        state: step.state.to_string(),
    });
    pb::Update {
        update_id: view.update_id.to_string(),
        verb: view.verb.name().to_owned(),
        strategy: view.strategy.name().to_owned(),
        from_version: text(view.from.as_ref()),
        to_version: view.to.to_string(),
        accepted_at: Some(time(view.accepted_at)),
        accepted_by: view.accepted_by,
        consented_to: view.consented_to,
        finished_at: view.finished_at.map(time),
        finalized_at: view.finalized_at.map(time),
        state: state.into(),
        course: view.course.into_owned(),
        outcome: outcome.into(),
        waits_because: waits,
        steps: steps.collect(),
        failed_step: text(view.failed_step.as_ref()),
        failure: view.failure.map(failure),
        aborted_by: view.aborted_by,
    }
}

fn of_outcome(outcome: Outcome) -> pb::UpdateOutcome {
    match outcome {
        Outcome::Completed => pb::UpdateOutcome::Completed,
        Outcome::RolledBack => pb::UpdateOutcome::RolledBack,
    }
}

fn failure(failure: Failure) -> pb::Failure {
    pb::Failure {
        code: failure.code,
        message: failure.message,
        expected: failure.expected,
        found: failure.found,
        log: failure.log,
    }
}

pub fn order(view: OrderView) -> pb::Order {
    let state = match view.state {
        OrderState::Waiting => pb::OrderState::Waiting,
        OrderState::Running => pb::OrderState::Running,
        OrderState::Begun => pb::OrderState::Begun,
        OrderState::Done => pb::OrderState::Done,
        OrderState::Refused => pb::OrderState::Refused,
        OrderState::Cancelled => pb::OrderState::Cancelled,
    };
    pb::Order {
        order_id: view.order_id.to_string(),
        what: view.order.told(),
        state: state.into(),
        ordered_at: Some(time(view.ordered_at)),
        ordered_by: view.ordered_by,
        scheduled_time: view.scheduled_time.map(time),
        position: view
            .position
            .map(|position| u32::try_from(position).unwrap_or(u32::MAX)),
        reason: view.reason,
        update_id: text(view.update_id.as_ref()),
        problem: view.problem.map(|problem| pb::Problem {
            title: codes::lookup(&problem.code).title.to_owned(),
            code: problem.code,
            detail: problem.detail,
        }),
    }
}

pub fn event(view: &EventView) -> pb::UpgradeStatusEvent {
    pb::UpgradeStatusEvent {
        sequence: view.seq,
        time: Some(time(view.time)),
        update_id: view.update_id.to_string(),
        kind: view.kind.to_string(),
        phase: view.phase.map(|phase| word(&phase)),
        step: text(view.step.as_ref()),
        strategy: text(view.strategy.as_ref()),
        progress: view.progress.as_ref().map(|progress| pb::Progress {
            done: progress.done,
            total: progress.total,
            unit: progress.unit.to_string(),
            per_second: progress.per_second,
            seconds_left: progress.seconds_left,
        }),
        message: view.message.clone(),
    }
}

pub fn time(time: Timestamp) -> prost_types::Timestamp {
    const SECOND: i128 = 1_000_000_000;
    let nanos = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(SECOND)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default(),
    }
}

fn text(value: Option<&impl ToString>) -> Option<String> {
    value.map(ToString::to_string)
}

/// The word that REST has for it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn value(json: Value) -> prost_types::Value {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => Kind::ListValue(prost_types::ListValue {
            values: items.into_iter().map(value).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(prost_types::Struct {
            fields: fields.into_iter().map(|(name, field)| (name, value(field))).collect(),
        }),
    };
    prost_types::Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_have_their_nanoseconds_forward() {
        let before = Timestamp::new(-1, -500_000_000).unwrap();
        let told = time(before);
        assert_eq!((told.seconds, told.nanos), (-2, 500_000_000));
        let after = time(Timestamp::new(1, 5).unwrap());
        assert_eq!((after.seconds, after.nanos), (1, 5));
    }

    #[test]
    fn words_are_those_of_rest() {
        assert_eq!(word(&crate::plan::Phase::Pre), "pre");
        assert_eq!(word(&crate::journal::PauseReason::ServerEnded), "server_ended");
        assert_eq!(word(&app::HeldBy::NoWay), "no-way");
    }

    #[test]
    fn a_document_keeps_its_shape() {
        let json = serde_json::json!({"a": [1, null, "x"], "b": {"c": true}});
        let Some(Kind::StructValue(fields)) = value(json).kind else {
            panic!("no struct");
        };
        let Some(Kind::ListValue(list)) = &fields.fields["a"].kind else {
            panic!("no list");
        };
        assert_eq!(list.values[0].kind, Some(Kind::NumberValue(1.0)));
        assert_eq!(list.values[1].kind, Some(Kind::NullValue(0)));
        assert!(matches!(&fields.fields["b"].kind, Some(Kind::StructValue(_))));
    }
}
