-- NetLink's own state of one installation.

-- Small facts: product, repository, installed version.
CREATE TABLE installation (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row an update; the plan is immutable.
CREATE TABLE updates (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    plan        TEXT NOT NULL,
    accepted_at TEXT NOT NULL,
    accepted_by TEXT NOT NULL,
    verb        TEXT NOT NULL CHECK (verb IN ('install', 'upgrade', 'downgrade', 'rollback')),
    -- Null while it is not finished; what replaying the journal gives, kept for quick answers.
    outcome     TEXT CHECK (outcome IN ('completed', 'rolled_back')),
    finished_at TEXT,
    -- Set once the old release was given up.
    finalized_at TEXT
) STRICT;

-- At most one update is not finished.
CREATE UNIQUE INDEX one_unfinished ON updates (outcome IS NULL) WHERE outcome IS NULL;

-- The journal, append-only.
CREATE TABLE journal (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    update_id TEXT NOT NULL REFERENCES updates (id),
    time      TEXT NOT NULL,
    event     TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_update ON journal (update_id, seq);

CREATE TRIGGER journal_is_kept BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Ways back, stored when the way there was taken, because an older package cannot know them.
CREATE TABLE schema_downs (
    level INTEGER PRIMARY KEY,
    down  TEXT NOT NULL
) STRICT;

CREATE TABLE config_inverses (
    version TEXT NOT NULL,
    file    TEXT NOT NULL,
    inverse TEXT NOT NULL,
    PRIMARY KEY (version, file)
) STRICT, WITHOUT ROWID;
