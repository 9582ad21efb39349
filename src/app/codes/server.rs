//! What the server can say no with: 07; and the last resort.

use super::{Code, Kind, code};

pub const CODES: &[Code] = &[
    code(
        "NL0701",
        Kind::Denied,
        "token missing or wrong",
        "Send `Authorization: Bearer <token>`; the first one is in `.netlink/token`, `netlink token create` makes others.",
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
    code(
        "NL0711",
        Kind::Refused,
        "token not possible",
        "A token needs a name of one line, a role (viewer, operator, admin) and, if it expires, a length of time like `90d`.",
    ),
    code(
        "NL0712",
        Kind::NotFound,
        "no such token",
        "Tokens are named by how they begin; `netlink token list` shows them.",
    ),
    code(
        "NL0713",
        Kind::Forbidden,
        "role too low",
        "The token is known, but its role may not do this; an administrator makes one of a higher role with `netlink token create`.",
    ),
    code(
        "NL0714",
        Kind::TooOften,
        "asked too often",
        "Too many wrong tokens from one address, or too many changes with one token, within a minute (`server.changes_per_minute`). `Retry-After` says when to ask again.",
    ),
    code(
        "NL0715",
        Kind::Refused,
        "key of another request",
        "This Idempotency-Key was sent with another request within the last day; take a new key for a new request.",
    ),
    code(
        "NL0716",
        Kind::Unavailable,
        "too many orders",
        "A hundred orders wait already; cancel some, or ask again when the first ones are done.",
    ),
    code(
        "NL0717",
        Kind::Failed,
        "the audit is not whole",
        "Rows of the audit were changed, removed, moved or cut off; the message names the first of them. Compare with the copies of checkpoints elsewhere (`audit.copy_to`), and find out who may write to `.netlink/netlink.db`.",
    ),
    code(
        "NL0718",
        Kind::NotFound,
        "no such order",
        "Orders are named `order_` and 16 hex digits, and are remembered for a day after they are done; `GET /api/v1/system/orders` lists them.",
    ),
    code(
        "NL0719",
        Kind::NotNow,
        "order waits no longer",
        "Only an order that waits can be cancelled. An update that runs is turned back by its own id, one that is done is rolled back.",
    ),
    code(
        "NL0720",
        Kind::Unavailable,
        "the server is ending",
        "The server was told to end; ask again in a moment, when the next one may be there.",
    ),
    code(
        "NL0721",
        Kind::Failed,
        "audit not signed or copied",
        "The checkpoint of the audit could not be made, or could not be brought to where `audit.copy_to` says; the row itself is written. The next one stands for it too.",
    ),
    code(
        "NL0725",
        Kind::Failed,
        "not known whether it was done",
        "The server was ended from outside while the order was carried out, and it cannot be told whether its work was done by then. It is not done a second time by itself: look, and order it anew if need be.",
    ),
    code(
        "NL0726",
        Kind::Failed,
        "broke off by a fault in NetLink",
        "What was being done broke off by a fault in NetLink itself; the server goes on with the next order. The message and the server's log say where: please report it. An update that broke off waits: `netlink update resume`.",
    ),
    code(
        "NL0727",
        Kind::Unavailable,
        "another server is at work",
        "Of several servers over one installation one carries out orders; this one takes them in for it, and takes over when it ends. `/health/ready` names its process.",
    ),
    code(
        "NL0731",
        Kind::Forbidden,
        "request from elsewhere",
        "A browser's session is for NetLink's own page alone; the request came from another page, or the browser did not say from where (`Sec-Fetch-Site`, `Origin`). Programs send `Authorization: Bearer <token>`.",
    ),
    code(
        "NL0736",
        Kind::Refused,
        "not over the network",
        "This command, or this option of it, works on the machine of the installation alone: it needs files, keys or time that are there. Run it there, without `--server`.",
    ),
    code(
        "NL0737",
        Kind::Failed,
        "server not reached",
        "The server of `--server` did not answer, or not as a NetLink server of this version does. Is it running, is the address right (`http://`, `https://` or `unix:`), does a firewall or a proxy stand between?",
    ),
    code(
        "NL0738",
        Kind::Stuck,
        "server out of sight",
        "The server went away while something was under way, and was not back in time (`--wait-for-server`). What it was doing goes on when it starts again: `netlink --server URL update status` tells how it went.",
    ),
    code(
        "NL0739",
        Kind::Refused,
        "no trusted connection",
        "TLS: the other side's certificate is not of an authority that is trusted here (`--ca FILE`, `server.tls.client_ca`), has expired or is for another name; or a certificate or key of one's own cannot be used: it is missing, is no PEM, belongs to another key, or its key can be read by everybody.",
    ),
    code(
        "NL0740",
        Kind::Cancelled,
        "looked away",
        "Ctrl-C has ended the watching, not the update, which goes on at the server; `netlink --server URL update watch` shows it again.",
    ),
    code(
        "NL0741",
        Kind::Failed,
        "notice not delivered",
        "A receiver of `notifications` did not take what it was told; the message says why. It is tried again with growing pauses until it is given up; `netlink notify list` shows what waits and what was given up, `netlink notify retry` tries all of it now.",
    ),
    code(
        "NL0742",
        Kind::NotFound,
        "no such receiver",
        "Receivers are the webhooks and commands under `notifications` of config/update.yml, by their names.",
    ),
    code(
        "NL0743",
        Kind::NotFound,
        "no such notice",
        "Notices are named `notice_` and 32 hex digits, and are remembered for 30 days after they were delivered or given up; `netlink notify list` shows them.",
    ),
    code("NL0999", Kind::Failed, "something else", "The message says what."),
];
