//! Copies of the product's database, to try migrations on and to compare with. They are thrown away.

use std::path::Path;

use super::{Layout, StepError, knows, servers};
use crate::backup::{BesidePurpose, Server};
use crate::migrate::schema::{NotKept, Place, Reach, Renew, SchemaError};
use crate::release::ReleaseManifest;
use crate::settings::Settings;
use crate::{disk, store};

/// Which kind of copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// With all that the live database has.
    Whole,
    Empty,
}

/// The database of a release as the configuration has it now.
pub struct Live<'a> {
    pub layout: &'a Layout,
    pub settings: &'a Settings,
    pub manifest: &'a ReleaseManifest,
}

impl Live<'_> {
    /// Runs `work` on a copy, which may be made anew meanwhile; `scratch` is where that of a file lies. `code` is what its failures are.
    pub fn on_copy<T>(
        &self,
        copy: Copy,
        scratch: &Path,
        code: &'static str,
        work: impl FnOnce(&Place, Renew<'_>) -> Result<T, SchemaError>,
    ) -> Result<T, StepError> {
        match self.server()? {
            Some(server) => on_copy_beside(&server, copy, code, work),
            None => self.on_copied_file(copy, &scratch.join("copy.db"), code, work),
        }
    }

    /// None for a database that is a file.
    pub fn server(&self) -> Result<Option<Server>, StepError> {
        let mut found = servers(self.layout, self.settings, self.manifest)?;
        Ok(found.pop().filter(|_| self.manifest.migrations().is_some()))
    }

    fn on_copied_file<T>(
        &self,
        copy: Copy,
        path: &Path,
        code: &'static str,
        work: impl FnOnce(&Place, Renew<'_>) -> Result<T, SchemaError>,
    ) -> Result<T, StepError> {
        disk::create_dir_of(path).map_err(|e| StepError::because("NL0320", &e))?;
        store::remove(path).map_err(|e| StepError::because(code, &e))?;
        let live = match knows::place(self.layout, self.manifest)? {
            Some(Place::Sqlite(live)) if copy == Copy::Whole && live.exists() => Some(live),
            _ => None,
        };
        let make = || match &live {
            Some(live) => store::copy_live(live, path),
            None => Ok(()),
        };
        make().map_err(|e| StepError::because(code, &e))?;
        let done = work(&Place::Sqlite(path.to_path_buf()), &mut || {
            make().map_err(NotKept::from)
        });
        let removed = store::remove(path);
        let done = done.map_err(|e| StepError::because(code, &e))?;
        removed.map_err(|e| StepError::because(code, &e))?;
        Ok(done)
    }
}

fn on_copy_beside<T>(
    server: &Server,
    copy: Copy,
    code: &'static str,
    work: impl FnOnce(&Place, Renew<'_>) -> Result<T, SchemaError>,
) -> Result<T, StepError> {
    let purpose = match copy {
        Copy::Whole => BesidePurpose::Trial,
        Copy::Empty => BesidePurpose::Fresh,
    };
    let make = || match copy {
        Copy::Whole => server.copy(purpose),
        Copy::Empty => server.make_empty(purpose),
    };
    make().map_err(|e| StepError::because(e.code(), &e))?;
    let place = Place::Server(Reach::new(server.login_beside(purpose)));
    let done = work(&place, &mut || make().map(drop).map_err(NotKept::from));
    let removed = server.remove_left(purpose);
    let done = done.map_err(|e| StepError::because(code, &e))?;
    removed.map_err(|e| StepError::because(e.code(), &e))?;
    Ok(done)
}
