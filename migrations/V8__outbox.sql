-- Notices on their way: a row for each receiver, written in the commit of what it tells. Times are milliseconds since 1970, so that
-- they compare as numbers.
CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The same for all receivers and for every try.
    id         TEXT NOT NULL,
    receiver   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    -- What it is about; notices about the same go to a receiver one after the other.
    subject    TEXT NOT NULL,
    -- JSON.
    body       TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    tries      INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    settled_at INTEGER,
    -- Why the last try was none that arrived.
    problem    TEXT,
    UNIQUE (receiver, id)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (receiver, subject, number) WHERE state = 'waiting';
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE state <> 'waiting';

-- What became of tries so far, also of those whose rows are gone.
CREATE TABLE outbox_counts (
    receiver TEXT NOT NULL,
    result   TEXT NOT NULL CHECK (result IN ('delivered', 'failed', 'dead')),
    count    INTEGER NOT NULL,
    PRIMARY KEY (receiver, result)
) STRICT, WITHOUT ROWID;
