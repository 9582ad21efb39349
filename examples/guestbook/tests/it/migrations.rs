//! The migration files, up and down: what an upgrade changes and a downgrade must bring back to the letter.

use rusqlite::types::Value;

use crate::bench::Bench;

const ROWS: [(&str, &str); 6] = [
    ("Zoë", "Hello"),
    ("Ann", "two  words\n"),
    ("Zoë", " a\tb\r\n\r\nc   d     e "),
    ("Bob", "it's <b>; DROP TABLE entries; --"),
    ("ann", "   "),
    ("Ann", "größe 漢字 …"),
];
const WORDS: [i64; 6] = [1, 2, 5, 6, 0, 3];

/// The statements of the schema and every row of every table but the history.
fn dump(bench: &Bench) -> Vec<Vec<Value>> {
    let sql = bench.sql();
    let schema = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name <> 'refinery_schema_history' ORDER BY name";
    let mut all = rows(&sql, schema);
    for table in all.clone() {
        if let [Value::Text(kind), Value::Text(name), _] = &table[..]
            && kind == "table"
        {
            all.extend(rows(&sql, &format!("SELECT * FROM {name} ORDER BY id")));
        }
    }
    all
}

fn rows(sql: &rusqlite::Connection, query: &str) -> Vec<Vec<Value>> {
    let mut statement = sql.prepare(query).unwrap();
    let columns = statement.column_count();
    let read = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect());
    read.unwrap().map(Result::unwrap).collect()
}

fn filled() -> Bench {
    let bench = Bench::of("0a1");
    for (i, (author, message)) in (0_i64..).zip(ROWS) {
        // Numbers with gaps: a copy that numbers rows anew is seen.
        let insert = "INSERT INTO entries VALUES (?, ?, ?, '2026-01-01T00:00:00Z')";
        bench.sql().execute(insert, (i * i + 1, author, message)).unwrap();
    }
    bench
}

#[test]
fn down_brings_back_schema_and_data_to_the_letter() {
    let bench = filled();
    let first = dump(&bench);
    bench.up(2);
    let second = dump(&bench);
    bench.up(3);
    let third = dump(&bench);
    bench.down(3);
    assert_eq!(dump(&bench), second);
    bench.down(2);
    assert_eq!(dump(&bench), first);
    bench.up(2);
    assert_eq!(dump(&bench), second);
    bench.up(3);
    assert_eq!(dump(&bench), third);
    assert!(first != second && second != third);
}

#[test]
fn old_rows_get_their_words_counted_and_their_authors_shared() {
    let bench = filled();
    bench.up(2);
    let words = rows(&bench.sql(), "SELECT words FROM entries ORDER BY id").concat();
    assert_eq!(words, WORDS.map(Value::Integer));
    bench.up(3);
    let names = rows(&bench.sql(), "SELECT name FROM authors ORDER BY id").concat();
    assert_eq!(names, ["Zoë", "Ann", "Bob", "ann"].map(|name| Value::Text(name.into())));
    assert!(rows(&bench.sql(), "PRAGMA foreign_key_check").is_empty());
}

/// The program counts words itself when one signs; a migration down and up again must not change its counts.
#[test]
fn program_and_migration_count_words_alike() {
    let bench = Bench::of("0b1");
    let running = bench.start("0b1");
    for (_, message) in ROWS.into_iter().filter(|(_, message)| !message.trim().is_empty()) {
        let body = serde_json::json!({"author": "Ann", "message": message}).to_string();
        assert_eq!(running.post("/entries", &body).status, 201, "{message:?}");
    }
    drop(running);
    let counted = dump(&bench);
    bench.down(2);
    bench.up(2);
    assert_eq!(dump(&bench), counted);
}
