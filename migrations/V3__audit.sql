-- What was asked of this installation, by whom, and what came of it. Each row's hash is over the row and the hash before it.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    time    TEXT NOT NULL,
    who     TEXT NOT NULL,
    origin  TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    hash    TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- A signature over the hash of a row stands for that row and all before it.
CREATE TABLE audit_checkpoints (
    seq       INTEGER PRIMARY KEY,
    hash      TEXT NOT NULL,
    time      TEXT NOT NULL,
    key       TEXT NOT NULL,
    signature TEXT NOT NULL,
    -- Set once it has left this host.
    copied_at TEXT
) STRICT;

CREATE TRIGGER audit_checkpoints_are_kept BEFORE UPDATE OF seq, hash, time, key, signature ON audit_checkpoints
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_checkpoints_stay BEFORE DELETE ON audit_checkpoints
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
