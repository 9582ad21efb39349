//! The addresses of tokens: for administrators.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Admin, Caller};
use super::answer::{Answer, blocking, tagged};
use super::api::BASE;
use super::body::Sent;
use super::problem::Refusals;
use crate::app::{self, NewToken, TokenWanted};
use crate::serving::Work;
use crate::store::{Role, TokenRecord};

#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    tokens: Vec<TokenRecord>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for.
    #[schema(
        example = "dashboard",
        max_length = 100,
        pattern = r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$"
    )]
    name: String,
    role: Role,
    /// How long it lives, in seconds, minutes, hours, days or weeks; when absent, until it is revoked.
    #[serde(default)]
    #[schema(example = "90d", pattern = "^([1-9][0-9]{0,8}s|[1-9][0-9]{0,2}[mhdw])$")]
    expires_in: Option<String>,
}

/// All tokens there ever were, oldest first. Their texts are not kept.
#[utoipa::path(get, tag = "access", path = "/api/v1/system/tokens", security(("token" = ["admin"])), responses(
    (status = 200, description = "Every token with its role, expiry and last use", body = Tokens), Refusals))]
pub async fn tokens(_caller: Caller<Admin>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let tokens = blocking(move || app::list_tokens(&work.open()?)).await?;
    tagged(&request, &Tokens { tokens })
}

/// Makes a token. Its text is in this answer and nowhere else.
#[utoipa::path(post, operation_id = "create_token", tag = "access", path = "/api/v1/system/tokens", security(("token" = ["admin"])),
    request_body = TokenRequest, responses(
    (status = 201, description = "The new token", body = NewToken,
        headers(("Location" = String, description = "Where it can be revoked"))),
    Refusals))]
pub async fn create(caller: Caller<Admin>, work: web::Data<Work>, sent: Sent<TokenRequest>) -> Answer {
    let TokenRequest { name, role, expires_in } = sent.value;
    let made = blocking(move || {
        let life = expires_in.map(|text| app::token_life(&text)).transpose()?;
        app::create_token(&work.open()?, &TokenWanted { role, name, life }, &caller.name())
    });
    let made = made.await?;
    let place = format!("{BASE}/tokens/{}", made.record.prefix);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, place))
        .json(made))
}

/// Revokes a token: it lets nobody in from now on.
#[utoipa::path(delete, operation_id = "revoke_token", tag = "access", path = "/api/v1/system/tokens/{prefix}", security(("token" = ["admin"])),
    params(("prefix" = String, Path, description = "How the token begins", example = "nlk_1f2e3d4c")), responses(
    (status = 200, description = "The token as it is now", body = TokenRecord), Refusals))]
pub async fn revoke(_caller: Caller<Admin>, work: web::Data<Work>, prefix: web::Path<String>) -> Answer {
    let revoked = blocking(move || app::revoke_token(&work.open()?, &prefix)).await?;
    Ok(HttpResponse::Ok().json(revoked))
}
