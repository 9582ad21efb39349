-- What was ordered of the server: one thing at a time is done, the rest waits in the order of their numbers.
CREATE TABLE orders (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    -- JSON.
    what        TEXT NOT NULL,
    ordered_at  TEXT NOT NULL,
    ordered_by  TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'begun', 'done', 'refused', 'cancelled')),
    changed_at  TEXT NOT NULL,
    -- Of what has begun as an update.
    update_id   TEXT,
    -- JSON: what came of it.
    answer      TEXT,
    -- The Idempotency-Key with whose it is, and what was sent with it.
    key         TEXT UNIQUE,
    fingerprint TEXT NOT NULL
) STRICT;

CREATE INDEX waiting_orders ON orders (number) WHERE state = 'waiting';
