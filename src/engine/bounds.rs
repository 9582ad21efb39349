//! What commands that run in an installation may change: the operator's in all of it, a release's in what outlives releases.

use std::path::PathBuf;

use super::Layout;
use crate::host::{Bounds, Confining};
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
        bounds.with_memory(confinement.memory)
    }
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
            ..Confinement::default()
        };
        let layout = Layout::new("/i".into()).confined_as(confinement.clone());
        let within = |places: &[&str]| Bounds::within(places.iter().map(PathBuf::from).collect()).with_memory(Some(1));
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
        assert_eq!(layout.bounds_of_release(), Bounds::none().with_memory(Some(1)));
    }
}
