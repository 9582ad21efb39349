-- Who may ask the server for what. A token itself is never kept, only its SHA-256; rows stay for good, so that the audit can name them.
CREATE TABLE tokens (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The beginning of the token, for people to tell it by.
    prefix       TEXT NOT NULL UNIQUE,
    digest       TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at   TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT
) STRICT;
