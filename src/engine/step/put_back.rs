//! What a migration is undone from: the whole database as it was in the stop, before the first file of it ran.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backup::{DumpFile, Server};
use crate::engine::{Context, StepError, keeping};
use crate::migrate::schema::{self, Place};
use crate::plan::Step;
use crate::{disk, store};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    Sqlite {
        database: PathBuf,
        existed: bool,
    },
    Server {
        level: Option<u32>,
        dump: DumpFile,
    },
    /// Of a product that migrates itself.
    Own {
        level: Option<u32>,
    },
}

/// Copies and marks of a step.
struct Kept(PathBuf);

impl Kept {
    fn of(cx: &Context<'_>, step: &Step) -> Self {
        Self(cx.layout.undo(cx.id).join(step.id.0.to_string()))
    }

    fn copy(&self) -> PathBuf {
        self.0.with_extension("db")
    }

    fn dump(&self) -> PathBuf {
        self.0.with_extension("dump")
    }

    /// How the database was when its migration ended: whether it is still so shows if the new version has written to it.
    fn stamp(&self) -> PathBuf {
        self.0.with_extension("migrated")
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> StepError {
    StepError::because("NL0313", error)
}

pub fn take(cx: &Context<'_>, step: &Step, place: Place, server: Option<&Server>) -> Result<Before, StepError> {
    let kept = Kept::of(cx, step);
    match (place, server) {
        (Place::Sqlite(database), _) => {
            let existed = database.exists();
            if existed {
                let copy = kept.copy();
                disk::create_dir_of(&copy).map_err(|e| StepError::because("NL0320", &e))?;
                store::copy_live(&database, &copy).map_err(|e| failed(&e))?;
            }
            Ok(Before::Sqlite { database, existed })
        }
        (place @ Place::Server(_), Some(server)) => Ok(Before::Server {
            level: schema::level(&place).map_err(|e| failed(&e))?,
            dump: server
                .dump_to(&kept.dump())
                .map_err(|e| StepError::because(e.code(), &e))?,
        }),
        (Place::Server(_), None) => Err(StepError::new("NL0323", "a database on a server without its tools")),
    }
}

/// The migration has ended; what is written from now on is the new version's.
pub fn mark(cx: &Context<'_>, step: &Step, before: &Before) -> Result<(), StepError> {
    let stamp = match before {
        Before::Sqlite { database, .. } => store::stamp(database),
        Before::Server { .. } | Before::Own { .. } => String::new(),
    };
    let path = Kept::of(cx, step).stamp();
    let kept = disk::create_dir_of(&path).and_then(|()| disk::write_atomic(&path, stamp.as_bytes(), 0o600));
    kept.map_err(|e| failed(&e))
}

/// What was written since the migration ended is set aside.
pub fn put_back(
    cx: &Context<'_>,
    step: &Step,
    before: &Before,
    place: &Place,
    server: Option<&Server>,
) -> Result<(), StepError> {
    let kept = Kept::of(cx, step);
    let aside = cx.layout.set_aside(cx.id).join(step.id.0.to_string());
    match (before, server) {
        (Before::Sqlite { database, existed }, _) => {
            file(&kept, database, *existed, &aside)?;
            keeping::nothing_stands(cx.store)
        }
        (Before::Server { level, dump }, Some(server)) => {
            let found = schema::level(place).map_err(|e| failed(&e))?;
            let stands = keeping::standing(cx.store).is_some();
            // A file that failed was taken back whole, and no release ran on what had been before it.
            if found != *level || stands {
                dumped(server, &kept, dump, &aside)?;
            }
            keeping::nothing_stands(cx.store)
        }
        (Before::Server { .. } | Before::Own { .. }, _) => {
            Err(StepError::new("NL0323", "a database on a server without its tools"))
        }
    }
}

fn file(kept: &Kept, database: &Path, existed: bool, aside: &Path) -> Result<(), StepError> {
    let migrated = disk::read_text_limited(&kept.stamp(), 4096).ok();
    if migrated.is_some_and(|stamp| stamp != store::stamp(database)) {
        let name = database.file_name().unwrap_or_default();
        store::set_aside(database, &aside.join(name)).map_err(|e| failed(&e))?;
    }
    // What is put back below is not what was migrated either: a repetition must not take it for somebody's writing.
    disk::remove_file(&kept.stamp()).map_err(|e| failed(&e))?;
    if existed {
        return store::put_back(&kept.copy(), database).map_err(|e| failed(&e));
    }
    store::remove(database).map_err(|e| failed(&e))
}

/// Nothing tells whether a server's database was written to: what is there is set aside whenever it could have been.
fn dumped(server: &Server, kept: &Kept, dump: &DumpFile, aside: &Path) -> Result<(), StepError> {
    let because = |e: crate::backup::BackupError| StepError::because(e.code(), &e);
    if disk::exists(&kept.stamp()).map_err(|e| failed(&e))? {
        let path = server.dump_path();
        let name = Path::new(&path).file_name().unwrap_or_default();
        server.dump_to(&aside.join(name)).map_err(because)?;
        disk::remove_file(&kept.stamp()).map_err(|e| failed(&e))?;
    }
    server.put_back(&kept.dump(), dump).map_err(because)
}
