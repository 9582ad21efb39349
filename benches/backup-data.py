#!/usr/bin/env python3
"""backup-data.py make INTO | change INTO: data of a product, from files that every Debian machine has, and what a day changes in it.

INTO gets product/ (benches/payload.pl makes it), small/ (50,000 files) and app.db (some 465 MB of rows; a day changes 1% of them).
"""
import os, random, sqlite3, sys
from pathlib import Path

ROWS, FILES = 460_000, 50_000


def texts():
    """Lines of documents, over and over."""
    while True:
        for folder in ("/usr/share/doc", "/usr/share/perl", "/usr/share/common-licenses", "/usr/lib/python3"):
            for root, folders, names in os.walk(folder):
                folders.sort()
                for name in sorted(names):
                    path = os.path.join(root, name)
                    if os.path.isfile(path) and not name.endswith((".gz", ".pyc", ".so")):
                        with open(path, errors="replace") as file:
                            yield from (line.strip() for line in file if len(line) > 20)


def words(source, least):
    text = ""
    while len(text) < least:
        text += next(source) + "\n"
    return text


def make(into):
    chance, source = random.Random(1), texts()
    for n in range(FILES):
        folder = into / "small" / f"{n // 500:03}"
        if n % 500 == 0:
            folder.mkdir(parents=True)
        (folder / f"{n}.txt").write_text(f"{n}\n" + words(source, chance.choice((80, 200, 400, 1500, 6000))))
    db = sqlite3.connect(into / "app.db")
    db.executescript("PRAGMA journal_mode=WAL; CREATE TABLE entry (id INTEGER PRIMARY KEY, at TEXT, who TEXT, said TEXT, mark BLOB);"
                     "CREATE INDEX entry_who ON entry (who)")
    row = lambda n: (f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}", f"user{chance.randrange(5000)}", words(source, 750), chance.randbytes(100))
    db.executemany("INSERT INTO entry (at, who, said, mark) VALUES (?, ?, ?, ?)", (row(n) for n in range(ROWS)))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def change(into):
    chance = random.Random(2)
    db = sqlite3.connect(into / "app.db")
    for n in chance.sample(range(1, ROWS), ROWS // 100):
        db.execute("UPDATE entry SET at = '2027-01-01', mark = ? WHERE id = ?", (chance.randbytes(100), n))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


{"make": make, "change": change}[sys.argv[1]](Path(sys.argv[2]))
