//! Backups over REST. What takes its time is an order.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Admin, Caller, Operator, Viewer};
use super::answer::{Answer, blocking, tagged};
use super::body::{Empty, Sent};
use super::orders::{Key, ordered_besides};
use super::problem::{Problem, Refusals};
use super::query::Asked;
use crate::app::{self, BackupFileView, BackupView, OrderView, Wanted};
use crate::backup::BackupId;
use crate::release::RelPath;
use crate::serving::Work;

#[derive(Debug, Serialize, ToSchema)]
pub struct Backups {
    backups: Vec<BackupView>,
}

/// All backups, newest first; failed and damaged ones with the reason.
#[utoipa::path(get, operation_id = "backups", tag = "backups", path = "/api/v1/system/backups", security(("token" = ["viewer"])), responses(
    (status = 200, description = "What there is to restore", body = Backups,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn list(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let backups = blocking(move || app::backup_views(&work.open()?)).await?;
    tagged(&request, &Backups { backups })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FilesPage {
    /// As `next` of the page before.
    #[param(example = "1000")]
    cursor: Option<String>,
    #[serde(default = "page")]
    #[param(minimum = 1, maximum = 10000, default = 1000)]
    limit: usize,
}

fn page() -> usize {
    1000
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BackupFiles {
    backup: BackupView,
    files: Vec<BackupFileView>,
    /// To be sent as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// A backup with its files.
#[utoipa::path(get, operation_id = "backup", tag = "backups", path = "/api/v1/system/backups/{backup_id}", security(("token" = ["viewer"])),
    params(("backup_id" = String, Path, example = "backup_0b1_20260131_235959"), FilesPage), responses(
    (status = 200, description = "A page of its files", body = BackupFiles,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn show(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    id: web::Path<String>,
    wanted: Asked<FilesPage>,
    request: HttpRequest,
) -> Answer {
    let id = parsed(&id)?;
    let FilesPage { cursor, limit } = wanted.into_inner();
    let wrong = |_| Problem::malformed("`cursor` is none that this address has given".to_owned());
    let from = cursor.map_or(Ok(0), |cursor| cursor.parse::<usize>().map_err(wrong))?;
    if !(1..=10_000).contains(&limit) {
        return Err(Problem::malformed("`limit` is 1 to 10000".to_owned()));
    }
    let (backup, files) = blocking(move || app::backup_contents(&work.open()?, &id)).await?;
    let next = from.saturating_add(limit);
    let next = (next < files.len()).then(|| next.to_string());
    let files = files.into_iter().skip(from).take(limit).collect();
    tagged(&request, &BackupFiles { backup, files, next })
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// Read every file, also those that have not changed since the last backup.
    #[serde(default)]
    full: bool,
}

/// Backs up data and configuration; the product may run.
#[utoipa::path(post, operation_id = "create_backup", tag = "backups", path = "/api/v1/system/backups", security(("token" = ["operator"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    request_body = BackupRequest, responses(
    (status = 202, description = "Ordered", body = OrderView, headers(("Location" = String, description = "Where it can be followed"))),
    Refusals))]
pub async fn create(caller: Caller<Operator>, key: Key, work: web::Data<Work>, sent: Sent<BackupRequest>) -> Answer {
    let ticket = key.ticket(&caller.identity, sent.fingerprint)?;
    let wanted = Wanted::BackupCreate { full: sent.value.full };
    ordered_besides(work, |work| work.order_for_backups(ticket, wanted)).await
}

/// Reads every byte of a backup.
#[utoipa::path(post, operation_id = "verify_backup", tag = "backups", path = "/api/v1/system/backups/{backup_id}/verify", security(("token" = ["operator"])),
    params(("backup_id" = String, Path, example = "backup_0b1_20260131_235959"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    responses(
    (status = 202, description = "Ordered", body = OrderView, headers(("Location" = String, description = "Where it can be followed"))),
    Refusals))]
pub async fn verify(
    caller: Caller<Operator>,
    key: Key,
    work: web::Data<Work>,
    id: web::Path<String>,
    sent: Sent<Empty>,
) -> Answer {
    let (backup_id, ticket) = (parsed(&id)?, key.ticket(&caller.identity, sent.fingerprint)?);
    let wanted = Wanted::BackupVerify { backup_id };
    ordered_besides(work, |work| work.order_for_backups(ticket, wanted)).await
}

/// Restores a backup for practice, compares every file, and forgets it.
#[utoipa::path(post, operation_id = "drill_backup", tag = "backups", path = "/api/v1/system/backups/{backup_id}/drill", security(("token" = ["operator"])),
    params(("backup_id" = String, Path, example = "backup_0b1_20260131_235959"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    responses(
    (status = 202, description = "Ordered", body = OrderView, headers(("Location" = String, description = "Where it can be followed"))),
    Refusals))]
pub async fn drill(
    caller: Caller<Operator>,
    key: Key,
    work: web::Data<Work>,
    id: web::Path<String>,
    sent: Sent<Empty>,
) -> Answer {
    let (backup_id, ticket) = (parsed(&id)?, key.ticket(&caller.identity, sent.fingerprint)?);
    let wanted = Wanted::BackupDrill { backup_id };
    ordered_besides(work, |work| work.order_for_backups(ticket, wanted)).await
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// Only these paths, e.g. `config/app.toml`; everything when empty.
    #[serde(default)]
    only: Vec<String>,
}

/// Puts the files of a backup in place; the product must be stopped.
#[utoipa::path(post, operation_id = "restore_backup", tag = "backups", path = "/api/v1/system/backups/{backup_id}/restore", security(("token" = ["admin"])),
    params(("backup_id" = String, Path, example = "backup_0b1_20260131_235959"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    request_body = RestoreRequest, responses(
    (status = 202, description = "Ordered", body = OrderView, headers(("Location" = String, description = "Where it can be followed"))),
    Refusals))]
pub async fn restore(
    caller: Caller<Admin>,
    key: Key,
    work: web::Data<Work>,
    id: web::Path<String>,
    sent: Sent<RestoreRequest>,
) -> Answer {
    let wrong = |e: crate::release::NameError| Problem::new("NL0110", e.to_string());
    let paths = sent
        .value
        .only
        .iter()
        .map(|path| path.trim_end_matches('/').parse().map_err(wrong));
    let only: Vec<RelPath> = paths.collect::<Result<_, _>>()?;
    let (backup_id, ticket) = (parsed(&id)?, key.ticket(&caller.identity, sent.fingerprint)?);
    let wanted = Wanted::BackupRestore { backup_id, only };
    ordered_besides(work, |work| work.order_for_backups(ticket, wanted)).await
}

/// Lets go of backups that the settings do not keep.
#[utoipa::path(post, operation_id = "prune_backups", tag = "backups", path = "/api/v1/system/backups/prune", security(("token" = ["operator"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    responses(
    (status = 202, description = "Ordered", body = OrderView, headers(("Location" = String, description = "Where it can be followed"))),
    Refusals))]
pub async fn prune(caller: Caller<Operator>, key: Key, work: web::Data<Work>, sent: Sent<Empty>) -> Answer {
    let ticket = key.ticket(&caller.identity, sent.fingerprint)?;
    ordered_besides(work, |work| work.order_for_backups(ticket, Wanted::BackupPrune)).await
}

fn parsed(id: &str) -> Result<BackupId, Problem> {
    let unknown = |e| Problem::new("NL0601", format!("there is no such backup: {e}"));
    id.parse().map_err(unknown)
}
