//! What publishing can say no with: 05.

use super::{Code, Kind, code};

pub const CODES: &[Code] = &[
    code(
        "NL0501",
        Kind::Refused,
        "release source wrong",
        "The release's folder or its release.toml is not right; the message says what.",
    ),
    code(
        "NL0502",
        Kind::Failed,
        "not published",
        "The repository could not be changed, or clients would have refused what came of it; they see what they saw before.",
    ),
    code(
        "NL0503",
        Kind::Failed,
        "repository damaged",
        "The repository is not what a client would accept; the message says what.",
    ),
    code(
        "NL0504",
        Kind::Refused,
        "changelog not readable",
        "The changelog file is not there, too large, or not UTF-8.",
    ),
    code(
        "NL0505",
        Kind::Refused,
        "no release in the changelog",
        "No heading of level 1 to 3 names a version of the scheme. Name the scheme with `--scheme`, or see `netlink changelog check FILE`.",
    ),
    code(
        "NL0506",
        Kind::Refused,
        "no draft",
        "The git repository cannot be read or does not know the commit to start from; the message says what.",
    ),
    code(
        "NL0511",
        Kind::NotNow,
        "repository busy",
        "Another process has been changing the repository for a minute. Try again when it is done.",
    ),
    code(
        "NL0512",
        Kind::Refused,
        "draft",
        "What is to come waits for signatures, does not wait, or belongs to an older state of the repository. `netlink release sign` adds signatures, `netlink release discard` drops what waits.",
    ),
    code(
        "NL0513",
        Kind::Refused,
        "signing keys",
        "A file of keys is not as it must be, the keys named are not those of the repository, or fewer would be left than must sign. Nothing was changed. See docs/keys.md.",
    ),
    code(
        "NL0514",
        Kind::Failed,
        "not signed",
        "A signature was not made, or is not one of the key that it should be of. Nothing was changed.",
    ),
    code(
        "NL0515",
        Kind::Refused,
        "published from elsewhere",
        "What lies where operators read it does not come from this repository, or comes after it. Nothing was put over it. See docs/publishing.md.",
    ),
    code(
        "NL0516",
        Kind::Failed,
        "not sent",
        "The store or the server of another machine did not take everything. Operators see what they saw before; the same command goes on.",
    ),
    code(
        "NL0520",
        Kind::Refused,
        "no patch to make",
        "The repository does not have both packages, of one platform, that the patch would lead between; the message says which it has.",
    ),
    code(
        "NL0530",
        Kind::Refused,
        "not a source",
        "The description of where a component comes from is not one, or what was asked of it is not possible. See docs/components.md.",
    ),
    code(
        "NL0531",
        Kind::Failed,
        "component not fetched",
        "The server of a component does not give what is asked for, or asks to wait. What arrived of a file is kept for the next try.",
    ),
    code(
        "NL0532",
        Kind::Failed,
        "component refused",
        "There is no such version or file, its checksum is another or missing, or its archive holds what is not unpacked. Nothing was made.",
    ),
    code(
        "NL0541",
        Kind::Refused,
        "another product",
        "The package is of a product that the repository has no release of, so that its name is most likely misspelt. `--new-product` lets the repository have it too. Nothing was changed.",
    ),
    code(
        "NL0542",
        Kind::Refused,
        "releases contradict each other",
        "What is said of the releases cannot all be meant: no operator's machine could plan over them. The message names the release; nothing was changed.",
    ),
    code(
        "NL0543",
        Kind::NotNow,
        "finished meanwhile",
        "The update that was to be turned back has come to its end by itself. `netlink update status` tells where it stands; `netlink update rollback` now goes back by an update of its own.",
    ),
];
