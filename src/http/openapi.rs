//! The description of the interface, made from the handlers themselves; `openapi.yaml` is this text, kept in the repository.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;
use super::{api, changing};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "NetLink",
        description = "Upgrades of a self-hosted product: check, start, watch, take back.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(api::live, api::describe, api::version, api::check, api::status, changing::upgrade, changing::rollback),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The content of `.netlink/token`, made at the first start of the server.",
            ))
            .build();
        let components = description.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// OpenAPI 3.1, as YAML.
pub fn document() -> Result<String, String> {
    Description::openapi().to_yaml().map_err(|e| e.to_string())
}
