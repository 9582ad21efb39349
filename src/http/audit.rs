//! The audit over REST: every changing request leaves a row before and one after; administrators read them.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Admin, Caller, NotLetIn, address, sender};
use super::answer::{Answer, blocking, tagged};
use super::problem::{Problem, Refusals};
use super::query::Asked;
use super::request_id;
use crate::app::{self, Act, AuditVerified};
use crate::serving::{self, Access, Asking, Work};
use crate::store::AuditRow;

/// What a request is about, in the words of its body; for the row that says what came of it.
pub struct Subject(pub String);

/// Writes the rows.
pub async fn record<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.method().is_safe() {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    match asked(request.request()).await {
        Ok(act) => {
            let answer = next.call(request).await?;
            if let Some(act) = act {
                became(&answer, act).await;
            }
            Ok(answer.map_into_left_body())
        }
        Err(problem) => {
            let response = problem.error_response();
            Ok(request.into_response(response).map_into_right_body())
        }
    }
}

/// The row before.
async fn asked(request: &HttpRequest) -> Result<Option<Act>, Problem> {
    let sender = match sender(request) {
        Ok(identity) => Ok(identity),
        Err(NotLetIn::Refused(refusal)) => Err(refusal),
        Err(NotLetIn::FromElsewhere) => return Ok(None),
    };
    let (work, access) = (data::<Work>(request)?, data::<Access>(request)?);
    let asking = Asking {
        id: request_id::of(request),
        action: format!("{} {}", request.method(), request.path()),
        from: address(request),
    };
    let written = web::block(move || serving::asked((&work, &access), sender, asking)).await;
    Ok(written.map_err(|e| Problem::new("NL0999", e.to_string()))??)
}

/// Also where nobody was there to refuse it: an unknown page, a method that there is not.
fn is_refusal<B>(answer: &ServiceResponse<B>) -> bool {
    answer.status().is_client_error() || answer.status().is_server_error()
}

/// The row after.
async fn became<B>(answer: &ServiceResponse<B>, act: Act) {
    let request = answer.request();
    let subject = request.extensions_mut().remove::<Subject>();
    let subject = subject.map_or_else(String::new, |subject| subject.0);
    let failed = answer
        .response()
        .error()
        .map(|error| match error.as_error::<Problem>() {
            Some(problem) => problem.code().to_owned(),
            None => answer.status().as_u16().to_string(),
        })
        .or_else(|| is_refusal(answer).then(|| answer.status().as_u16().to_string()));
    if let Ok(work) = data::<Work>(request) {
        // When its thread dies, that was said.
        let _ = web::block(move || serving::became(&work, act, &subject, failed)).await;
    }
}

fn data<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>, Problem> {
    let data = request.app_data::<web::Data<T>>().cloned();
    data.ok_or_else(|| Problem::new("NL0999", "the server has lost its installation".into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditPage {
    /// Rows before this one, newest first; the newest ones when absent.
    #[param(minimum = 1, maximum = 9223372036854775807i64)]
    before: Option<i64>,
    /// Rows after this one, oldest first; with `before` those between the two.
    #[param(minimum = 0, maximum = 9223372036854775807i64)]
    after: Option<i64>,
    #[serde(default = "page")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

fn page() -> u32 {
    100
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRows {
    /// Newest first; with `after` oldest first.
    rows: Vec<AuditRow>,
    /// To be asked for as `before`, or as `after`; null where there are no more.
    #[schema(required = true)]
    next: Option<i64>,
}

/// What was asked of this installation, by whom, and what came of it.
#[utoipa::path(get, operation_id = "audit", tag = "access", path = "/api/v1/system/audit", security(("token" = ["admin"])), params(AuditPage), responses(
    (status = 200, description = "A page of rows", body = AuditRows), Refusals))]
pub async fn rows(
    _caller: Caller<Admin>,
    work: web::Data<Work>,
    wanted: Asked<AuditPage>,
    request: HttpRequest,
) -> Answer {
    let AuditPage { before, after, limit } = wanted.into_inner();
    let is_odd = before.is_some_and(|before| before < 1) || after.is_some_and(|after| after < 0);
    if is_odd || !(1..=1000).contains(&limit) {
        let detail = "`before` is a row from 1 on, `after` one from 0 on; `limit` is 1 to 1000";
        return Err(Problem::malformed(detail.to_owned()));
    }
    if let Some(after) = after {
        let mut rows = blocking(move || app::audit_after(&work.open()?, after, limit)).await?;
        rows.retain(|row| before.is_none_or(|before| row.seq < before));
        let is_full = rows.len() == limit as usize;
        let next = rows.last().map(|row| row.seq).filter(|_| is_full);
        return tagged(&request, &AuditRows { rows, next });
    }
    let rows = blocking(move || app::audit_before(&work.open()?, before.unwrap_or(i64::MAX), limit)).await?;
    let next = rows.last().map(|row| row.seq).filter(|seq| *seq > 1);
    tagged(&request, &AuditRows { rows, next })
}

/// Looks whether any row was changed, removed, moved or cut off.
#[utoipa::path(get, operation_id = "verify_audit", tag = "access", path = "/api/v1/system/audit/verify", security(("token" = ["admin"])), responses(
    (status = 200, description = "What was found; all is well when `problems` is empty", body = AuditVerified), Refusals))]
pub async fn verify(_caller: Caller<Admin>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let verified = blocking(move || app::verify_audit(&work.open()?, None, None)).await?;
    tagged(&request, &verified)
}
