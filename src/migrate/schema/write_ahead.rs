//! Many files are many commits, each of which waits for the disk. Where nobody else uses a database of SQLite, it has a write-ahead log
//! for the length of the run, and is afterwards what it was before.

use super::database::{Database, Place, at};
use super::files::Run;
use super::witness::{Log, NotKept, Witness};
use super::{Applied, SchemaError};

/// Fewer commits do not make up for the change there and back.
const MANY: usize = 8;

/// Runs `files` on a connection of its own.
pub(super) fn migrate(
    db: &Place,
    witness: &mut dyn Witness,
    files: impl FnOnce(&mut dyn Database, &mut dyn Witness) -> Result<Applied, SchemaError>,
) -> Result<Applied, SchemaError> {
    let mut connection = db.open_to_migrate()?;
    let applied = files(connection.as_mut(), witness);
    let ended = end(connection.as_mut(), db, witness);
    let closed = connection.close().map_err(at("close", db));
    let applied = applied?;
    ended.and(closed).map(|()| applied)
}

/// Before these files. One that is not a transaction may itself say how the database commits, or be of use only where it has no log.
pub(super) fn begin(
    connection: &mut dyn Database,
    db: &Place,
    files: &[Run],
    witness: &mut dyn Witness,
) -> Result<(), SchemaError> {
    let prepare = at("prepare", db);
    let is_fit = files.len() >= MANY && files.iter().all(|run| *run == Run::Whole);
    if !is_fit || log(witness)? != Log::MayChange || !connection.could_log_ahead().map_err(&prepare)? {
        return Ok(());
    }
    witness.log_changed(true).map_err(not_kept)?;
    connection.log_ahead(true).map_err(&prepare)
}

fn end(connection: &mut dyn Database, db: &Place, witness: &mut dyn Witness) -> Result<(), SchemaError> {
    if log(witness)? != Log::Changed {
        return Ok(());
    }
    connection
        .log_ahead(false)
        .map_err(at("take the write-ahead log from", db))?;
    witness.log_changed(false).map_err(not_kept)
}

fn log(witness: &dyn Witness) -> Result<Log, SchemaError> {
    witness.log().map_err(not_kept)
}

fn not_kept(source: NotKept) -> SchemaError {
    SchemaError::Log { source }
}

/// What a run leaves that was killed right after its last file.
pub(super) fn clear(db: &Place, witness: &mut dyn Witness) -> Result<(), SchemaError> {
    if log(witness)? != Log::Changed {
        return db.clear();
    }
    migrate(db, witness, |_, _| Ok(Applied::default())).map(drop)
}
