//! The description of the interface, made from the handlers themselves; `openapi.yaml` is this text, kept in the repository.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

mod examples;
mod refusals;
mod tags;

use super::problem::Problem;
use super::text::{PlanTo, VersionText};
use super::{
    api, audit, backups, changing, events, health, maintenance, metrics, orders, policy, reads, session, tokens,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "NetLink",
        description = "Upgrades of a self-hosted product: check, start, watch, take back.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(health::live, health::ready, metrics::metrics, health::cluster, health::protocol, api::describe, reads::version, reads::standing, reads::report, reads::check, reads::status, reads::plan, reads::history, reads::changelog,
        changing::upgrade, changing::downgrade, changing::rollback, changing::resume, changing::cancel,
        events::of_update, events::of_all, maintenance::look, maintenance::switch,
        orders::list, orders::look, orders::cancel, policy::queue, policy::policy,
        backups::list, backups::create, backups::show, backups::verify, backups::drill, backups::restore, backups::prune,
        tokens::tokens, tokens::create, tokens::revoke, audit::rows, audit::verify,
        session::begin, session::look, session::end),
    components(schemas(Problem, PlanTo, VersionText)),
    security(("token" = [])),
    modifiers(&Token, &Answers)
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "Made by `netlink token create`; the first one by the first start of the server, in `.netlink/token`. Each has a role: \
                 viewer, operator or admin, of which each may do what those before it may.",
            ))
            .build();
        let components = description.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(
            "netlink_session",
            "The page's session, begun by `POST /api/v1/system/session`, which says how the cookie is called in full; it lets in as its token does, and only what comes from the page itself.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// What each operation may say no with, and what its answers look like.
struct Answers;

impl Modify for Answers {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        tags::describe(description);
        refusals::describe(description);
        examples::describe(description);
    }
}

/// The same as JSON.
pub fn json() -> Result<String, String> {
    Description::openapi().to_json().map_err(|e| e.to_string())
}

/// OpenAPI 3.1, as YAML.
pub fn document() -> Result<String, String> {
    Description::openapi().to_yaml().map_err(|e| e.to_string())
}
