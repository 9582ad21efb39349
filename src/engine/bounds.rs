//! What commands that run in an installation may change, and as whom: the operator's in all of it, a release's in what outlives releases.

use std::path::{Path, PathBuf};

use super::{Layout, StepError};
use crate::disk;
use crate::host::{Bounds, Confining, User, UserError};
use crate::release::HookPoint;
use crate::settings::Settings;

/// Of the product's own making.
const PRODUCTS: [&str; 3] = ["data", "config", "logs"];

impl Layout {
    pub fn bounds_of_hook(&self, point: HookPoint) -> Bounds {
        match self.confinement().unconfined_hooks.contains(&point) {
            true => Bounds::none().with_memory(self.confinement().memory),
            false => self.bounds_of_operator(),
        }
    }

    /// For what the operator has put into the settings.
    pub fn bounds_of_operator(&self) -> Bounds {
        self.bounds(vec![self.root().to_path_buf()])
    }

    /// For what a release brings.
    pub fn bounds_of_release(&self) -> Bounds {
        self.bounds(PRODUCTS.iter().map(|name| self.root().join(name)).collect())
    }

    fn bounds(&self, mut writes: Vec<PathBuf>) -> Bounds {
        let confinement = self.confinement();
        let bounds = match confinement.enabled {
            true => {
                writes.extend(confinement.writes.iter().map(|path| self.root().join(path)));
                Bounds::within(writes)
            }
            false => Bounds::none(),
        };
        let user = confinement.user.as_ref().map(ToString::to_string);
        bounds.with_memory(confinement.memory).run_as(user)
    }

    /// Whether commands can run as the user whom the settings name.
    pub fn commands_can_run(&self) -> Result<(), UserError> {
        let user = self.confinement().user.as_ref();
        user.map_or(Ok(()), |user| User::try_out(&user.to_string()))
    }

    /// Where a release's command finds these files of NetLink's own folder: a user of its own cannot look into that.
    pub fn lend(&self, files: &Path) -> Result<PathBuf, StepError> {
        let Some(name) = &self.confinement().user else {
            return Ok(files.to_path_buf());
        };
        let user = User::find(&name.to_string()).map_err(|e| StepError::because("NL0332", &e))?;
        let lent = self.lent();
        lend(files, &lent, &user).map_err(|e| StepError::because("NL0307", &e))?;
        Ok(lent)
    }
}

/// Closed to all others from its beginning.
fn lend(files: &Path, lent: &Path, user: &User) -> disk::Result<()> {
    disk::remove_tree(lent)?;
    disk::create_dir_all(lent)?;
    disk::set_mode(lent, 0o700)?;
    disk::copy_tree(files, lent)?;
    for entry in disk::walk(lent)? {
        disk::set_owner(&lent.join(&entry.path), user.id, user.group)?;
    }
    disk::set_owner(lent, user.id, user.group)
}

/// What whoever reads a plan must know of the hooks that it runs: where they are not confined.
pub fn unconfined(settings: &Settings) -> Vec<String> {
    let (confinement, hooks) = (&settings.confinement, &settings.hooks);
    if hooks.is_empty() {
        return Vec::new();
    }
    if !confinement.enabled {
        return vec!["hooks and commands of releases are not confined (`confinement.enabled`)".to_owned()];
    }
    let here = Confining::here();
    if !matches!(here, Confining::Possible { .. }) {
        return vec![here.to_string()];
    }
    let free = hooks
        .keys()
        .filter(|point| confinement.unconfined_hooks.contains(point));
    free.map(|point| format!("the hook at {point} is not confined (`confinement.unconfined_hooks`)"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Confinement;

    #[test]
    fn a_release_may_change_less_than_a_hook_and_a_hook_that_is_let_off_anything() {
        let confinement = Confinement {
            writes: vec!["extra".into(), "/srv/other".into()],
            unconfined_hooks: [HookPoint::Drain].into(),
            memory: Some(1),
            user: Some("lamp".parse().unwrap()),
            ..Confinement::default()
        };
        let layout = Layout::new("/i".into()).confined_as(confinement.clone());
        let within = |places: &[&str]| {
            let bounds = Bounds::within(places.iter().map(PathBuf::from).collect());
            bounds.with_memory(Some(1)).run_as(Some("lamp".into()))
        };
        assert_eq!(
            layout.bounds_of_hook(HookPoint::Validate),
            within(&["/i", "/i/extra", "/srv/other"])
        );
        assert_eq!(
            layout.bounds_of_hook(HookPoint::Drain),
            Bounds::none().with_memory(Some(1))
        );
        assert_eq!(
            layout.bounds_of_release(),
            within(&["/i/data", "/i/config", "/i/logs", "/i/extra", "/srv/other"])
        );
        let off = Confinement {
            enabled: false,
            ..confinement
        };
        let layout = layout.confined_as(off);
        let free = Bounds::none().with_memory(Some(1));
        assert_eq!(layout.bounds_of_release(), free.run_as(Some("lamp".into())));
    }
}
