//! Names and texts as SQL has them.

/// A name for PostgreSQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text for PostgreSQL, whatever `standard_conforming_strings` is.
pub fn text(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('\'', "''");
    format!("E'{escaped}'")
}

/// A name for MySQL and MariaDB.
pub fn ticked(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// That a column of `information_schema` has exactly this value, for MySQL and MariaDB: their names compare without case and accents.
pub fn is(column: &str, value: &str) -> String {
    let value = hex::encode(value);
    format!(
        "{column} = CONVERT(0x{value} USING utf8mb4) AND CAST(CONVERT({column} USING utf8mb4) AS BINARY) = 0x{value}"
    )
}

/// A value of a connection string.
pub fn parameter(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
