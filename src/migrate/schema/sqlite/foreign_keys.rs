//! Rows of an SQLite database that point to nothing.

use rusqlite::Connection;

use crate::migrate::schema::foreign_keys::Broken;

pub(super) fn broken(connection: &Connection) -> rusqlite::Result<Broken> {
    let mut found = Broken::new();
    let all = "SELECT \"table\", parent, rowid FROM pragma_foreign_key_check";
    match collect(connection, all, [], &mut found) {
        Err(e) if is_mismatch(&e) => each(connection),
        checked => checked.map(|()| found),
    }
}

/// Table by table, where one of them cannot be checked.
fn each(connection: &Connection) -> rusqlite::Result<Broken> {
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables = names
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut found = Broken::new();
    for table in tables {
        // A key whose parent has no matching unique index makes the check itself fail: broken as a whole, also when it
        // was so before.
        if let Err(e) = broken_of(connection, &table, &mut found) {
            if !is_mismatch(&e) {
                return Err(e);
            }
            found.insert((table, "a table without the unique key it needs".into(), None), 1);
        }
    }
    Ok(found)
}

fn is_mismatch(error: &rusqlite::Error) -> bool {
    error.to_string().contains("foreign key mismatch")
}

fn broken_of(connection: &Connection, table: &str, found: &mut Broken) -> rusqlite::Result<()> {
    let one = "SELECT \"table\", parent, rowid FROM pragma_foreign_key_check(?1)";
    collect(connection, one, [table], found)
}

fn collect(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    found: &mut Broken,
) -> rusqlite::Result<()> {
    let mut check = connection.prepare(query)?;
    let mut rows = check.query(parameters)?;
    while let Some(row) = rows.next()? {
        *found.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_default() += 1;
    }
    Ok(())
}
