-- Who is at the page: each session stands for a token, and for nothing more than it. What the browser sends is never kept, only its SHA-256.
CREATE TABLE sessions (
    digest       TEXT PRIMARY KEY,
    prefix       TEXT NOT NULL REFERENCES tokens (prefix),
    begun_at     TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    last_used_at TEXT NOT NULL
) STRICT;
