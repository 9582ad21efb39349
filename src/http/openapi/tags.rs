//! Which looks carry an `ETag`: all but those that are new each time, or cost less than to ask whether they are.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Header, OpenApi, RefOr};

const WITHOUT: &[&str] = &[
    "events",
    "events_of_update",
    "live",
    "metrics",
    "policy",
    "ready",
    "session",
];

/// Puts that into the description.
pub fn describe(description: &mut OpenApi) {
    for operation in description
        .paths
        .paths
        .values_mut()
        .filter_map(|item| item.get.as_mut())
    {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        if !WITHOUT.contains(&id) {
            tagged(operation);
        }
    }
}

fn tagged(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(Response { headers, .. })) = responses.get_mut("200") {
        headers.entry("ETag".to_owned()).or_insert_with(|| RefOr::T(etag()));
    }
    let unchanged = ResponseBuilder::new()
        .description("As it was")
        .header("ETag", etag())
        .build();
    responses.insert("304".to_owned(), RefOr::T(unchanged));
}

fn etag() -> Header {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    HeaderBuilder::new()
        .description(Some("For `If-None-Match`"))
        .schema(Some(text))
        .build()
}
