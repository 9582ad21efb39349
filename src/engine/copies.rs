//! Copies of the product's database, to try migrations on and to compare with. They are thrown away.

use std::path::{Path, PathBuf};

use super::servers::servers_in;
use super::{Layout, StepError, knows};
use crate::backup::{BesidePurpose, Server};
use crate::migrate::schema::{NotKept, Place, Reach, Renew, SchemaError};
use crate::release::ReleaseManifest;
use crate::settings::Settings;
use crate::{disk, store};

/// Which kind of copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// With all that the live database has: for the trial of an update.
    Trial,
    /// The same for a dry run, which may go on while an update runs.
    DryRun,
    Empty,
}

/// The database of a release.
pub struct Live<'a> {
    layout: &'a Layout,
    settings: &'a Settings,
    manifest: &'a ReleaseManifest,
    /// The folder of configuration that says where it is.
    config: PathBuf,
}

impl<'a> Live<'a> {
    /// Where the configuration has it now.
    pub fn now(layout: &'a Layout, settings: &'a Settings, manifest: &'a ReleaseManifest) -> Self {
        Self::by(layout, settings, manifest, layout.config())
    }

    /// Where files that are not in place yet will have it.
    pub fn by(layout: &'a Layout, settings: &'a Settings, manifest: &'a ReleaseManifest, config: PathBuf) -> Self {
        Self {
            layout,
            settings,
            manifest,
            config,
        }
    }
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
        let mut found = servers_in(self.layout, self.settings, self.manifest, &self.config)?;
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
            Some(Place::Sqlite(live)) if copy != Copy::Empty && live.exists() => Some(live),
            _ => None,
        };
        let make = || match &live {
            Some(live) => store::copy_to_try(live, path),
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
        Copy::Trial => BesidePurpose::Trial,
        Copy::DryRun => BesidePurpose::DryRun,
        Copy::Empty => BesidePurpose::Fresh,
    };
    let make = || match copy {
        Copy::Trial | Copy::DryRun => server.copy(purpose),
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
