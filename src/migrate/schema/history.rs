//! refinery's history table: what is applied, and whether the files at hand tell the same story.

use refinery::Migration;

use super::SchemaError;
use super::database::{Database, Place, at};
use super::files::SchemaFiles;

pub(super) const TABLE: &str = "refinery_schema_history";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) level: u32,
    pub(super) name: String,
    pub(super) checksum: u64,
}

/// All of it; `version` as the database gives it as a whole number of 64 bits.
pub(super) fn query(version: &str) -> String {
    format!("SELECT {version}, name, checksum FROM {TABLE} ORDER BY version")
}

/// The highest applied level; 0 with an empty history. `None`: no database, or none that refinery has seen.
pub fn level(db: &Place) -> Result<Option<u32>, SchemaError> {
    let Some(mut connection) = db.open_to_read()? else {
        return Ok(None);
    };
    Ok(read(connection.as_mut(), db)?.map(|rows| highest(&rows)))
}

pub(super) fn highest(rows: &[Row]) -> u32 {
    rows.last().map_or(0, |row| row.level)
}

/// In the order of levels; `None` without the table.
pub(super) fn read(connection: &mut dyn Database, db: &Place) -> Result<Option<Vec<Row>>, SchemaError> {
    let rows = connection.history().map_err(at("read the history of", db))?;
    let Some(rows) = rows else { return Ok(None) };
    let unreadable = |reason: String| SchemaError::History {
        place: db.to_string(),
        reason,
    };
    let row = |(version, name, checksum): (i64, String, String)| {
        let level = u32::try_from(version).ok().filter(|level| *level > 0);
        Ok(Row {
            level: level.ok_or_else(|| unreadable(format!("it has a level {version}")))?,
            checksum: checksum
                .parse()
                .map_err(|_| unreadable(format!("level {version} has the checksum `{checksum}`")))?,
            name,
        })
    };
    rows.into_iter().map(row).collect::<Result<_, _>>().map(Some)
}

/// Every applied level must be among the files, unchanged, and none may be left out below the highest.
pub(super) fn compare(rows: &[Row], files: &SchemaFiles) -> Result<(), SchemaError> {
    let level = highest(rows);
    if let Some([first, second]) = rows.array_windows().find(|[one, next]| one.level == next.level) {
        return Err(SchemaError::Duplicate {
            level: first.level,
            first: first.name.clone(),
            second: second.name.clone(),
        });
    }
    if level > files.highest() {
        return Err(SchemaError::Ahead {
            found: level,
            known: files.highest(),
        });
    }
    for expected in 1..=level {
        let row = rows.iter().find(|row| row.level == expected);
        let (Some(row), Some(files)) = (row, files.get(expected)) else {
            return Err(SchemaError::Missing {
                level,
                missing: expected,
            });
        };
        if row.name != files.migration.name() || !is_same_content(row, &files.up.sql) {
            return Err(SchemaError::Changed {
                level: expected,
                applied: row.name.clone(),
                at_hand: files.migration.name().to_owned(),
            });
        }
    }
    Ok(())
}

/// Line ends are what copying between systems changes, and mean nothing in SQL: the same file with others is the same file.
fn is_same_content(row: &Row, sql: &str) -> bool {
    let checksum = |sql: &str| {
        let migration = Migration::unapplied(&format!("V{}__{}", row.level, row.name), sql);
        migration.map(|migration| migration.checksum()).ok()
    };
    let unix = sql.replace("\r\n", "\n");
    [sql, &unix, &unix.replace('\n', "\r\n")]
        .iter()
        .any(|sql| checksum(sql) == Some(row.checksum))
}
