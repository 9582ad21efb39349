//! What requests and answers look like: those of a real server, kept in `examples.json`, which a test takes anew.

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr};

/// `requests` by operation, `answers` by operation, then by status and type; `problems` by code.
static TAKEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// A problem document of this code.
pub fn of_problem(code: &str) -> Option<Value> {
    TAKEN["problems"].get(code).cloned()
}

/// Puts them into the description.
pub fn describe(description: &mut OpenApi) {
    for item in description.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        operations.into_iter().flatten().for_each(show);
    }
}

fn show(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let contents = body.content.values_mut();
        contents.for_each(|content| put(content, TAKEN["requests"].get(&id)));
    }
    let answers = &TAKEN["answers"][&id];
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            for (kind, content) in &mut response.content {
                put(content, answers.get(format!("{status} {kind}")));
            }
        }
    }
}

fn put(content: &mut RefOr<Content>, example: Option<&Value>) {
    if let (RefOr::T(content), Some(example)) = (content, example) {
        content.example = Some(example.clone());
    }
}
