//! Which problems each operation may answer with, by status: what is the same for many stands in the components, the rest at each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::Example;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Header, OpenApi, Ref, RefOr, Required};

use super::examples;
use crate::app::codes;
use crate::http::problem::{MARK, kind_of};

const PROBLEM: &str = "application/problem+json";
/// A plan cannot be made, or leads where it may not.
const PLANNING: &[&str] = &[
    "NL0101", "NL0102", "NL0103", "NL0104", "NL0105", "NL0106", "NL0107", "NL0115", "NL0123", "NL0201", "NL0407",
];
/// An order is not taken.
const ORDERING: &[&str] = &["NL0402", "NL0715"];
const BEGINNING: &[&str] = &["NL0108", "NL0113", "NL0114", "NL0120", "NL0122"];
const OPENING_BACKUPS: &[&str] = &["NL0606", "NL0621"];
const BACKUP: &[&str] = &["NL0601"];

/// What an operation says no with besides what [`COMMON`] has.
const OF_EACH: &[(&str, &[&[&str]])] = &[
    ("audit", &[]),
    ("backup", &[BACKUP, OPENING_BACKUPS]),
    ("backups", &[OPENING_BACKUPS]),
    ("begin_session", &[]),
    ("cancel_order", &[&["NL0718", "NL0719"]]),
    ("cancel_update", &[&["NL0406", "NL0407", "NL0718", "NL0719"]]),
    ("changelog", &[&["NL0101", "NL0102", "NL0107", "NL0201"]]),
    ("check", &[&["NL0201"]]),
    ("cluster_status", &[]),
    ("create_backup", &[OPENING_BACKUPS, ORDERING]),
    ("create_token", &[&["NL0711"]]),
    ("description", &[]),
    ("downgrade", &[PLANNING, ORDERING, BEGINNING]),
    ("drill_backup", &[BACKUP, OPENING_BACKUPS, ORDERING]),
    ("end_session", &[]),
    ("events", &[]),
    ("events_of_update", &[&["NL0406", "NL0718"]]),
    ("live", &[]),
    ("history", &[]),
    ("maintenance", &[]),
    ("metrics", &[]),
    ("order", &[&["NL0718"]]),
    ("orders", &[]),
    ("plan", &[PLANNING, &["NL0406", "NL0749", "NL0756"]]),
    ("policy", &[]),
    ("protocol_version", &[]),
    ("prune_backups", &[BACKUP, OPENING_BACKUPS, ORDERING]),
    ("queue", &[]),
    ("ready", &[]),
    ("report", &[&["NL0406", "NL0407"]]),
    (
        "restore_backup",
        &[BACKUP, OPENING_BACKUPS, ORDERING, &["NL0110", "NL0604", "NL0605"]],
    ),
    ("resume_update", &[&["NL0402", "NL0406", "NL0407", "NL0719"]]),
    ("revoke_token", &[&["NL0712"]]),
    (
        "rollback",
        &[PLANNING, ORDERING, BEGINNING, &["NL0406", "NL0749", "NL0756"]],
    ),
    ("session", &[]),
    ("set_maintenance", &[&["NL0402", "NL0407"]]),
    ("standing", &[&["NL0406"]]),
    ("status", &[&["NL0406", "NL0718"]]),
    ("tokens", &[]),
    ("upgrade", &[PLANNING, ORDERING, BEGINNING]),
    ("verify_audit", &[]),
    ("verify_backup", &[BACKUP, OPENING_BACKUPS, ORDERING]),
    ("version", &[]),
];

/// All that they ask for has a default.
const BODY_MAY_BE_MISSING: &[&str] = &["create_backup", "restore_backup", "rollback"];

/// An answer that stands in the components.
struct Common {
    name: &'static str,
    status: u16,
    description: &'static str,
    types: Types,
    header: Option<(&'static str, &'static str)>,
}

enum Types {
    These(&'static [&'static str]),
    /// Whatever can fail in an installation: docs/codes.md has them all.
    Any,
}

const COMMON: &[Common] = &[
    Common {
        name: "Malformed",
        status: 400,
        description: "Parameters or body are not as described.",
        types: Types::These(&["NL0703", "NL0751"]),
        header: None,
    },
    Common {
        name: "Denied",
        status: 401,
        description: "No token was sent, or a wrong, an expired or a revoked one.",
        types: Types::These(&["NL0701"]),
        header: Some(("WWW-Authenticate", "`Bearer`, and what is wrong with what was sent")),
    },
    Common {
        name: "Forbidden",
        status: 403,
        description: "The token's role is too low, or a session was used from elsewhere than the page.",
        types: Types::These(&["NL0713", "NL0731"]),
        header: None,
    },
    Common {
        name: "NotAcceptable",
        status: 406,
        description: "`Accept` names nothing of what there is here.",
        types: Types::These(&["NL0703"]),
        header: None,
    },
    Common {
        name: "Slow",
        status: 408,
        description: "The body has not come in time.",
        types: Types::These(&["NL0703"]),
        header: None,
    },
    Common {
        name: "ChangedSince",
        status: 412,
        description: "It has changed since it was seen.",
        types: Types::These(&["NL0703"]),
        header: None,
    },
    Common {
        name: "TooLong",
        status: 413,
        description: "The body is too long.",
        types: Types::These(&["NL0703"]),
        header: None,
    },
    Common {
        name: "NoJson",
        status: 415,
        description: "The body is not sent as JSON.",
        types: Types::These(&["NL0703"]),
        header: None,
    },
    Common {
        name: "TooOften",
        status: 429,
        description: "Too many wrong tokens came from this address, or too many changes with this token.",
        types: Types::These(&["NL0714"]),
        header: Some(("Retry-After", "Seconds")),
    },
    Common {
        name: "Failed",
        status: 500,
        description: "Something is wrong with the installation or has failed in it; `netlink explain` knows each code.",
        types: Types::Any,
        header: None,
    },
    Common {
        name: "Unavailable",
        status: 503,
        description: "The server takes no more of it for now.",
        types: Types::These(&["NL0716", "NL0720", "NL0727", "NL0750", "NL0754"]),
        header: Some(("Retry-After", "Seconds")),
    },
];

/// Puts them into the description.
pub fn describe(description: &mut OpenApi) {
    let components = description.components.get_or_insert_with(Default::default);
    for common in COMMON {
        components
            .responses
            .insert(common.name.to_owned(), RefOr::T(common.response()));
    }
    for item in description.paths.paths.values_mut() {
        let changing = [&mut item.put, &mut item.post, &mut item.delete];
        for operation in changing.into_iter().flatten() {
            describe_at(operation, true);
        }
        for operation in item.get.iter_mut() {
            describe_at(operation, false);
        }
    }
}

fn describe_at(operation: &mut Operation, changes: bool) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let needs_token = operation.responses.responses.remove(MARK).is_some();
    let takes_body = changes
        && !matches!(
            id.as_str(),
            "end_session" | "begin_session" | "revoke_token" | "cancel_order"
        );
    let fits = |common: &&Common| match common.status {
        406 => id == "changelog",
        408 | 413 | 415 => takes_body,
        412 => id == "set_maintenance",
        401 | 403 | 429 | 500 => needs_token,
        _ => true,
    };
    if let (true, Some(RefOr::T(body))) = (BODY_MAY_BE_MISSING.contains(&id.as_str()), &mut operation.request_body) {
        body.required = Some(Required::False);
    }
    for common in COMMON.iter().filter(fits) {
        let reference = RefOr::Ref(Ref::from_response_name(common.name));
        match operation.responses.responses.entry(common.status.to_string()) {
            Entry::Vacant(vacant) => drop(vacant.insert(reference)),
            // It answers so in a way of its own; a problem may come all the same.
            Entry::Occupied(mut own) => {
                if let RefOr::T(own) = own.get_mut() {
                    own.content.extend(common.response().content);
                }
            }
        }
    }
    let own = OF_EACH
        .iter()
        .find(|(named, _)| *named == id)
        .map_or(&[][..], |(_, own)| *own);
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for code in own.iter().copied().flatten() {
        let code = codes::lookup(code);
        by_status.entry(code.kind.http()).or_default().push(code.id);
    }
    for (status, mut codes) in by_status {
        codes.sort_unstable();
        codes.dedup();
        let response = RefOr::T(own_response(status, &codes));
        operation.responses.responses.insert(status.to_string(), response);
    }
}

fn own_response(status: u16, codes: &[&'static str]) -> Response {
    let described = match status {
        404 => "Something that it names is not there.",
        409 => "It cannot be carried out as things stand; with `Retry-After`, not now.",
        _ => "It is wrong, however the installation stands.",
    };
    let answer = problem(described, codes);
    match status {
        409 => answer.header("Retry-After", header("Seconds, where it may be possible later", false)),
        _ => answer,
    }
    .build()
}

impl Common {
    fn response(&self) -> Response {
        let of_any = || {
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build()
        };
        let answer = match self.types {
            Types::These(codes) => problem(self.description, codes),
            Types::Any => ResponseBuilder::new()
                .description(self.description)
                .content(PROBLEM, of_any()),
        };
        match self.header {
            Some((name, described)) => answer.header(name, header(described, true)),
            None => answer,
        }
        .build()
    }
}

/// Such a document, of one of these types; with those of them that a server has given.
fn problem(description: &str, codes: &[&'static str]) -> ResponseBuilder {
    let types: Vec<String> = codes.iter().map(|code| kind_of(code)).collect();
    let of_types = ObjectBuilder::new()
        .property("type", words(types))
        .property("code", words(codes.iter().copied()));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(of_types);
    let given = codes
        .iter()
        .filter_map(|code| Some((*code, examples::of_problem(code)?)));
    let content = ContentBuilder::new()
        .schema(Some(schema))
        .examples_from_iter(given.map(|(code, value)| {
            let example = Example::builder().summary(codes::lookup(code).title).value(Some(value));
            (code, example.build())
        }));
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM, content.build())
}

fn words<T: Into<serde_json::Value>>(words: impl IntoIterator<Item = T>) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    text.enum_values(Some(words))
}

/// One that not every such answer has may be null in its description.
fn header(description: &str, is_sure: bool) -> Header {
    let types = match is_sure {
        true => SchemaType::Type(Type::String),
        false => SchemaType::Array(vec![Type::String, Type::Null]),
    };
    HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(types)))
        .build()
}

/// Every operation is in the table, and nothing else.
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::OpenApi;

    use super::*;
    use crate::http::openapi::Description;

    #[test]
    fn the_table_has_each_operation_and_only_codes_that_there_are() {
        let description = Description::openapi();
        let items = description.paths.paths.values();
        let operations = items.flat_map(|item| [&item.get, &item.put, &item.post, &item.delete]);
        let ids: BTreeSet<&str> = operations
            .flatten()
            .filter_map(|operation| operation.operation_id.as_deref())
            .collect();
        let table: BTreeSet<&str> = OF_EACH.iter().map(|(id, _)| *id).collect();
        assert_eq!((table.len(), table), (OF_EACH.len(), ids));
        for code in OF_EACH.iter().flat_map(|(_, own)| own.iter().copied().flatten()) {
            assert_eq!(codes::lookup(code).id, *code);
        }
    }
}
