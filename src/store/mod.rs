//! NetLink's own state in SQLite, and what it knows of SQLite files.

mod sqlite_file;

pub use sqlite_file::{SqliteFileError, copy_live, put_back};
