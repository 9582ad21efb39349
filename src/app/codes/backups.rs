//! What backups and their keys can say no with: 06.

use super::{Code, Kind, code};

pub const CODES: &[Code] = &[
    code(
        "NL0601",
        Kind::NotFound,
        "unknown backup",
        "There is no such backup; `netlink backup list` lists them.",
    ),
    code(
        "NL0602",
        Kind::Failed,
        "backup damaged",
        "The backup is not whole or was changed; nothing was restored from it.",
    ),
    code(
        "NL0603",
        Kind::Failed,
        "backup failed",
        "The backup could not be made or restored; the message says what.",
    ),
    code(
        "NL0604",
        Kind::Conflict,
        "product runs",
        "The product writes to what would be restored. Stop it first, or restore elsewhere with `--into`.",
    ),
    code(
        "NL0605",
        Kind::Conflict,
        "backup of another version",
        "Data and configuration of one version do not fit another. Go to the backup's version first, or restore elsewhere with `--into`.",
    ),
    code(
        "NL0606",
        Kind::Refused,
        "backup key missing",
        "There are backups and no key that opens them. Put backup.key back from where you keep it, or move the old backups elsewhere.",
    ),
    code(
        "NL0611",
        Kind::Failed,
        "database tools missing or too old",
        "The product's database is on a server, and the tools that dump it are not there or older than the server. Install the package that the message names, or name the folder of the tools in `update_system.backup.server_tools`.",
    ),
    code(
        "NL0612",
        Kind::Failed,
        "database server refuses",
        "The product's database cannot be reached, or does not let its user in. The product's own configuration says where it is and who asks; the message has the server's words.",
    ),
    code(
        "NL0613",
        Kind::Failed,
        "database not dumped or restored",
        "A tool of the database server failed, and the message has its last lines. A dump that is not whole is no backup; a restore that failed left the database as it was.",
    ),
    code(
        "NL0614",
        Kind::Failed,
        "database not restored beside",
        "The backup was to be restored beside the live database, and that may not be made or is not what was dumped. The live one was not touched.",
    ),
    code(
        "NL0615",
        Kind::Stuck,
        "database half restored",
        "A restore failed after it had begun to exchange the database, and what was there could not be put back. Mend the cause that the message names and run the same restore again.",
    ),
    code(
        "NL0621",
        Kind::Refused,
        "backups not opened",
        "The secret opens none of the key slots. The message lists the slots and the options that open each; `netlink backup keys list` shows them, too.",
    ),
    code(
        "NL0622",
        Kind::Failed,
        "key slot damaged",
        "A key slot was changed, cut off or put in by somebody else. Other slots still open; put the folder `keys` back from a copy, or remove the file and add a slot.",
    ),
    code(
        "NL0623",
        Kind::Refused,
        "last key slot",
        "Nothing else opens the backups for good. Add another slot first.",
    ),
    code(
        "NL0624",
        Kind::Refused,
        "secret not usable",
        "A key file, an environment variable or a command did not give a secret that can be used. The message says why, and never what it gave.",
    ),
    code(
        "NL0625",
        Kind::NotFound,
        "unknown key slot",
        "There is no such slot, or several begin so; `netlink backup keys list` shows all.",
    ),
    code(
        "NL0626",
        Kind::Refused,
        "key slot behind",
        "The slot opens only what was sealed before the master key was rotated. Open the backups in another way and rotate the slot.",
    ),
    code(
        "NL0627",
        Kind::Refused,
        "key not changed",
        "What was asked for does not fit the slots as they are; the message says what does.",
    ),
    code(
        "NL0628",
        Kind::NotNow,
        "keys are being changed",
        "Another process changes the keys of these backups. Try again when it is done.",
    ),
];
