//! Is the server there, is the installation fit, what is this node in its cluster.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, Viewer, sender};
use super::answer::{Answer, blocking, tagged};
use super::problem::Refusals;
use crate::app::{self, Finding, Looked, NodeView};
use crate::serving::{Certificate, Work};
use crate::store::Role;

/// Alive, whatever the installation is doing.
#[utoipa::path(get, tag = "server", path = "/health/live", security(()), responses((status = 204, description = "The server answers")))]
pub async fn live() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    ready: bool,
    /// Why not; empty when it is. Without a token in general words, which name no file and no setting.
    reasons: Vec<String>,
    /// What should be seen to all the same.
    warnings: Vec<String>,
}

/// Whether the server takes orders and the installation is as it should be.
#[utoipa::path(get, tag = "server", path = "/health/ready", security(()), responses(
    (status = 200, description = "It is", body = Readiness),
    (status = 503, description = "It is not, for these reasons", body = Readiness)))]
pub async fn ready(request: HttpRequest, work: web::Data<Work>, certificate: web::Data<Certificate>) -> HttpResponse {
    let asked = blocking(move || Ok(work.look())).await;
    let Looked { reasons, mut warnings } = asked.unwrap_or_else(|problem| Looked {
        reasons: vec![problem.to_string().into()],
        ..Looked::default()
    });
    warnings.extend(certificate.trouble());
    let is_let_in = sender(&request).is_ok_and(|identity| identity.may(Role::Viewer).is_ok());
    let told = |found: Vec<Finding>| -> Vec<String> {
        let told = |one: Finding| if is_let_in { one.detail } else { one.outline };
        found.into_iter().map(told).collect()
    };
    let readiness = Readiness {
        ready: reasons.is_empty(),
        reasons: told(reasons),
        warnings: told(warnings),
    };
    match readiness.ready {
        true => HttpResponse::Ok().json(readiness),
        false => HttpResponse::ServiceUnavailable().json(readiness),
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Cluster {
    /// One node that stands alone.
    mode: Mode,
    nodes: Vec<NodeView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Single,
}

/// The nodes of the cluster: this one.
#[utoipa::path(get, operation_id = "cluster_status", tag = "server", path = "/cluster/status", security(("token" = ["viewer"])), responses(
    (status = 200, description = "Each with its version and state", body = Cluster), Refusals))]
pub async fn cluster(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let node = blocking(move || app::this_node(&work.open()?)).await?;
    let cluster = Cluster {
        mode: Mode::Single,
        nodes: vec![node],
    };
    tagged(&request, &cluster)
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Protocol {
    /// That the installed release speaks; null when it does not say.
    #[schema(required = true)]
    protocol_version: Option<u32>,
    /// The oldest that it understands.
    #[schema(required = true)]
    min_compatible_version: Option<u32>,
}

/// Which protocol the installed release speaks with other nodes.
#[utoipa::path(get, operation_id = "protocol_version", tag = "server", path = "/cluster/protocol-version", security(("token" = ["viewer"])), responses(
    (status = 200, description = "As its manifest says", body = Protocol), Refusals))]
pub async fn protocol(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let node = blocking(move || app::this_node(&work.open()?)).await?;
    let protocol = Protocol {
        protocol_version: node.protocol_version,
        min_compatible_version: node.min_compatible_version,
    };
    tagged(&request, &protocol)
}
