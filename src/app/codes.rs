//! The one table of codes: what each `NL…` means, and how every door says it.

/// How a kind of no is said: exit code of the command line, HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be carried out as it stands.
    Refused,
    /// The installation is not fit for any request; whoever asked from afar cannot help it.
    Unfit,
    /// What was named is not there.
    NotFound,
    /// Somebody else is at work, or an earlier update is not finished.
    NotNow,
    /// Not confirmed, or stopped by the operator.
    Cancelled,
    /// Tried and failed; everything is as it was, or was put back.
    Failed,
    /// A person is needed.
    Stuck,
    /// The token is missing or wrong.
    Denied,
}

impl Kind {
    /// INTERFACES: 1 failed, 2 refused, 3 cancelled, 4 a person is needed, 75 not now.
    pub fn exit(self) -> u8 {
        match self {
            Self::Refused | Self::Unfit | Self::NotFound | Self::Denied => 2,
            Self::NotNow => 75,
            Self::Cancelled => 3,
            Self::Failed => 1,
            Self::Stuck => 4,
        }
    }

    pub fn http(self) -> u16 {
        match self {
            Self::Refused => 422,
            Self::NotFound => 404,
            Self::NotNow | Self::Cancelled => 409,
            Self::Failed | Self::Stuck | Self::Unfit => 500,
            Self::Denied => 401,
        }
    }
}

#[derive(Debug)]
pub struct Code {
    pub id: &'static str,
    pub kind: Kind,
    /// A few words, the same every time.
    pub title: &'static str,
    /// What it means and what to do.
    pub explanation: &'static str,
}

const fn code(id: &'static str, kind: Kind, title: &'static str, explanation: &'static str) -> Code {
    Code {
        id,
        kind,
        title,
        explanation,
    }
}

/// In order of their numbers: 01 usage and planning, 02 the repository, 03 steps of an update, 04 the installation, 05 publishing, 06 backups, 07 the server.
pub const CODES: &[Code] = &[
    code(
        "NL0101",
        Kind::Refused,
        "not a version",
        "The text is not a version of the product's scheme. The message names the byte and what was expected there.",
    ),
    code(
        "NL0102",
        Kind::Refused,
        "unknown version",
        "No release of that version is in the repository or on this disk. The message lists those that are.",
    ),
    code(
        "NL0103",
        Kind::Refused,
        "no permitted path",
        "The releases' rules allow no way there. `netlink update plan --to V --explain` shows every refused move with its rule.",
    ),
    code(
        "NL0104",
        Kind::Refused,
        "wrong direction",
        "`upgrade` goes up and `downgrade` goes down; the message names the command that fits.",
    ),
    code(
        "NL0105",
        Kind::Refused,
        "no release fits",
        "The repository has no release of the wanted kind for this platform.",
    ),
    code(
        "NL0106",
        Kind::Refused,
        "schema ahead",
        "The database is of a newer schema than the release's code knows. Go to a version that knows it.",
    ),
    code(
        "NL0107",
        Kind::Refused,
        "nothing installed",
        "There is no version to go back from. Install one with `netlink init --version V`.",
    ),
    code(
        "NL0108",
        Kind::Cancelled,
        "not confirmed",
        "The question was answered with no, or there is no terminal to ask on. Add `--yes`, or `force: true` in a request to the server, to go on without a question.",
    ),
    code(
        "NL0109",
        Kind::Refused,
        "plan out of date",
        "The installation or the releases have changed since the plan was written. Make a new one with `netlink update plan`.",
    ),
    code(
        "NL0110",
        Kind::Refused,
        "wrong usage",
        "The arguments do not fit together; see `--help`.",
    ),
    code(
        "NL0111",
        Kind::Refused,
        "release index not understood",
        "The file is not a release index, or its releases, edges and blocks contradict each other. The message names the place.",
    ),
    code(
        "NL0112",
        Kind::Failed,
        "fact not known",
        "A command under `policy.facts` of config/update.yml failed, so the planner cannot know what rules may depend on.",
    ),
    code(
        "NL0113",
        Kind::Cancelled,
        "breaking changes",
        "Releases on the way break something that worked before. Read what they say, then add `--accept-breaking`, or answer yes.",
    ),
    code(
        "NL0114",
        Kind::Cancelled,
        "notes to acknowledge",
        "Releases on the way have notes that concern this installation and must be seen to first. Do what each says, then add `--acknowledge ID` for it, or type its id when asked.",
    ),
    code(
        "NL0201",
        Kind::Refused,
        "no repository",
        "The installation does not know where releases come from. Name it with `netlink init --repository URL --root-metadata FILE`.",
    ),
    code(
        "NL0202",
        Kind::Failed,
        "repository not reachable",
        "The repository does not answer. Nothing was changed; check the address and the network and try again.",
    ),
    code(
        "NL0203",
        Kind::Failed,
        "metadata not trusted",
        "The repository's metadata is not signed as it must be, has expired, or is older than what was seen before. Nothing of it was used. Ask the publisher.",
    ),
    code(
        "NL0204",
        Kind::Failed,
        "metadata contradicts itself",
        "The signed metadata describes a release in two ways. Ask the publisher.",
    ),
    code(
        "NL0205",
        Kind::Failed,
        "target not listed",
        "No role of the repository that may speak for a target of this name lists it, or one that would have to be asked cannot be used; the lines before say which were asked.",
    ),
    code(
        "NL0206",
        Kind::Failed,
        "target not fetched",
        "A target could not be fetched as it was signed. Nothing of it was kept.",
    ),
    code(
        "NL0301",
        Kind::Failed,
        "disk full",
        "There is not enough room. The message says how much is needed and free.",
    ),
    code(
        "NL0302",
        Kind::Failed,
        "permission missing",
        "NetLink may not write where it must. Run it as the user who owns the installation.",
    ),
    code(
        "NL0303",
        Kind::Failed,
        "configuration broken",
        "A configuration file cannot be read. The message names file and line; mend it and run the update again.",
    ),
    code(
        "NL0304",
        Kind::Failed,
        "schema not as planned",
        "The database is not at the schema level that the plan starts from.",
    ),
    code(
        "NL0305",
        Kind::Failed,
        "download failed",
        "A package could not be fetched whole from the repository or any of its mirrors. Nothing was changed; what arrived of it and is worth going on with is kept for the next try.",
    ),
    code(
        "NL0306",
        Kind::Failed,
        "package refused",
        "A package or a release tree is not what the publisher signed. Nothing of it is used.",
    ),
    code(
        "NL0307",
        Kind::Failed,
        "trial failed",
        "A migration failed on a copy of your data; the product and its data were not touched. Tell the publisher.",
    ),
    code(
        "NL0308",
        Kind::Failed,
        "backup failed",
        "No verified backup could be made, so nothing else was done.",
    ),
    code(
        "NL0309",
        Kind::Failed,
        "hook failed",
        "A hook of this installation ended with an error; its last lines are in `netlink update why`.",
    ),
    code(
        "NL0310",
        Kind::Failed,
        "product not stopped",
        "The product could not be stopped in time.",
    ),
    code(
        "NL0311",
        Kind::Failed,
        "dependencies failed",
        "The release's command for its dependencies failed.",
    ),
    code(
        "NL0312",
        Kind::Failed,
        "configuration not migrated",
        "The configuration could not be brought to the new version; it was left as it was.",
    ),
    code(
        "NL0313",
        Kind::Failed,
        "schema not migrated",
        "The database could not be brought to the new schema; the copy from before was put back.",
    ),
    code(
        "NL0314",
        Kind::Failed,
        "switch failed",
        "The active release could not be switched.",
    ),
    code(
        "NL0315",
        Kind::Failed,
        "product not started",
        "The product could not be started; see `netlink update why` for its last log lines.",
    ),
    code(
        "NL0316",
        Kind::Failed,
        "product not healthy",
        "The product does not answer its health checks; see `netlink update why` for what was expected and found.",
    ),
    code(
        "NL0317",
        Kind::Failed,
        "product test failed",
        "The release's own test failed on the running product.",
    ),
    code(
        "NL0318",
        Kind::Failed,
        "version not recorded",
        "The new version could not be recorded.",
    ),
    code(
        "NL0319",
        Kind::Stuck,
        "tidying failed",
        "The new version runs, but what it no longer needs could not be removed. `netlink update resume` tries again.",
    ),
    code(
        "NL0320",
        Kind::Failed,
        "disk error",
        "A file could not be read or written; the message names it.",
    ),
    code(
        "NL0321",
        Kind::Failed,
        "died repeatedly",
        "NetLink ended three times within one step, so the update was turned back.",
    ),
    code(
        "NL0322",
        Kind::Failed,
        "not as planned",
        "The installation is not what the plan was made for. Make a new plan.",
    ),
    code(
        "NL0323",
        Kind::Failed,
        "fault in NetLink",
        "A step ended by a fault in NetLink itself. Please report it with the output of `netlink update why`.",
    ),
    code(
        "NL0324",
        Kind::Stuck,
        "not undone",
        "A step could not be undone. `netlink update status` says in what state each thing is; mend the cause and run `netlink update resume`.",
    ),
    code(
        "NL0325",
        Kind::Failed,
        "rolled back",
        "The update failed and everything was put back; `netlink update why` tells the reason.",
    ),
    code(
        "NL0326",
        Kind::Cancelled,
        "paused",
        "The update waits between two steps. `netlink update resume` goes on, `netlink update rollback` goes back.",
    ),
    code(
        "NL0327",
        Kind::Stuck,
        "end state differs",
        "After the update the installation is not in the state it should be; the message lists the differences.",
    ),
    code(
        "NL0328",
        Kind::Stuck,
        "update cut off",
        "The update could not go on because its journal could not be written or read. Mend the cause and run `netlink update resume`, which finishes or undoes it.",
    ),
    code(
        "NL0401",
        Kind::Unfit,
        "not an installation",
        "There is no NetLink installation in that folder. Make one with `netlink init`, or name the right folder with `--root`.",
    ),
    code(
        "NL0402",
        Kind::NotNow,
        "busy",
        "Another NetLink changes this installation right now. Try again when it is done.",
    ),
    code(
        "NL0403",
        Kind::Unfit,
        "settings wrong",
        "config/update.yml or an environment variable cannot be read; the message names the key and the line.",
    ),
    code(
        "NL0404",
        Kind::Failed,
        "state not readable",
        "NetLink's own state cannot be read or written.",
    ),
    code(
        "NL0405",
        Kind::Unfit,
        "state from a newer NetLink",
        "The state was written by a newer NetLink; use that one or a later one.",
    ),
    code(
        "NL0406",
        Kind::NotFound,
        "unknown update",
        "There is no update of that id; `netlink update history` lists them.",
    ),
    code(
        "NL0407",
        Kind::NotNow,
        "unfinished update",
        "An earlier update is not finished. `netlink update resume` finishes or undoes it.",
    ),
    code(
        "NL0408",
        Kind::Failed,
        "disk error",
        "A file of the installation could not be read or written; the message names it.",
    ),
    code(
        "NL0409",
        Kind::Failed,
        "verification failed",
        "Files of the installed release differ from what the publisher signed, or records disagree; the list is above.",
    ),
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
        Kind::Refused,
        "product runs",
        "The product writes to what would be restored. Stop it first, or restore elsewhere with `--into`.",
    ),
    code(
        "NL0605",
        Kind::Refused,
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

/// The entry of this id; an id that is not in the table is a fault of ours and shown as the last one.
pub fn lookup(id: &str) -> &'static Code {
    const LAST: Code = code("NL0999", Kind::Failed, "something else", "The message says what.");
    CODES
        .iter()
        .find(|code| code.id.eq_ignore_ascii_case(id))
        .unwrap_or(&LAST)
}
