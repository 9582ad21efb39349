ALTER TABLE entries RENAME TO entries_by_author;

-- Made as V1 and V2 made it: SQLite keeps the text of its statements, and the schema is to be the same to the letter.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    author TEXT NOT NULL,
    message TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
ALTER TABLE entries ADD COLUMN words INTEGER NOT NULL DEFAULT 0;

INSERT INTO entries (id, author, message, created_at, words)
SELECT entries_by_author.id, authors.name, message, created_at, words
FROM entries_by_author JOIN authors ON authors.id = author_id;

DROP TABLE entries_by_author;
DROP TABLE authors;
