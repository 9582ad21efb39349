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

/// A text for MySQL and MariaDB, whatever the SQL mode is.
pub fn hex_text(value: &str) -> String {
    match value.is_empty() {
        true => "''".to_owned(),
        false => format!("CONVERT(0x{} USING utf8mb4)", hex::encode(value)),
    }
}

/// A value of a connection string.
pub fn parameter(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
