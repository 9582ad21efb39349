CREATE TABLE authors (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO authors (name) SELECT author FROM entries GROUP BY author ORDER BY min(id);

CREATE TABLE entries_by_author (
    id INTEGER PRIMARY KEY,
    author_id INTEGER NOT NULL REFERENCES authors (id),
    message TEXT NOT NULL,
    created_at TEXT NOT NULL,
    words INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO entries_by_author (id, author_id, message, created_at, words)
SELECT entries.id, authors.id, message, created_at, words FROM entries JOIN authors ON authors.name = entries.author;

DROP TABLE entries;
ALTER TABLE entries_by_author RENAME TO entries;
CREATE INDEX entries_author ON entries (author_id);
