//! What the server can say no with: 07; and the last resort.

use super::{Code, Kind, code};

pub const CODES: &[Code] = &[
    code(
        "NL0701",
        Kind::Denied,
        "token missing or wrong",
        "Send `Authorization: Bearer <token>`; the token is in `.netlink/token`.",
    ),
    code(
        "NL0702",
        Kind::NotFound,
        "no such page",
        "The server has nothing at that address; `/openapi.yaml` describes what it has.",
    ),
    code(
        "NL0703",
        Kind::Refused,
        "request not understood",
        "The request's body or parameters are not as `/openapi.yaml` says.",
    ),
    code(
        "NL0704",
        Kind::Failed,
        "server not started",
        "The server could not listen at its address.",
    ),
    code("NL0999", Kind::Failed, "something else", "The message says what."),
];
