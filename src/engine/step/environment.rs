//! Brings the dependencies of a release into its tree while the old release still runs. What contradicts itself or cannot be had is
//! found here, before anything that the product notices.

use serde_json::Value;

use super::{Work, machine, nothing, stage};
use crate::engine::dependencies::{self, failed, of_the_tree, with_site};
use crate::engine::{Context, StepError, product};
use crate::migrate::deps;
use crate::package;
use crate::plan::{Direction, Step};
use crate::release::ReleaseManifest;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let version = &cx.leg(step)?.to;
    let said = if cx.plan.direction() == Direction::Repair {
        try_out(cx, step, &stage::manifest_beside(cx, version)?)?
    } else {
        let manifest = product::manifest(cx.layout, version)?;
        let mut said = dependencies::provide(cx.layout, cx.settings, &manifest)?;
        said.extend(machine::fetch(cx, step, &manifest)?);
        said
    };
    Ok(if said.is_empty() {
        "none".into()
    } else {
        said.join(", ")
    })
}

/// An environment cannot be moved: that of a repair is made once its tree is in its place, and only tried out now.
fn try_out(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest) -> Result<Vec<String>, StepError> {
    let tree = stage::beside(cx, &cx.leg(step)?.to);
    let scratch = cx.layout.staging().join("dependencies");
    with_site((cx.layout, cx.settings), manifest, &tree, |site| {
        let mut said = Vec::new();
        for spec in of_the_tree(manifest) {
            let planned = deps::try_out(site, spec, &scratch).map_err(|e| failed(spec, &e))?;
            said.push(format!("tried {}", dependencies::told(spec, planned.packages.len())));
        }
        Ok(said)
    })
}

fn undo(cx: &Context<'_>, step: &Step, _: &Value) -> Result<(), StepError> {
    let tree = cx.layout.release(&cx.leg(step)?.to);
    match package::manifest_of(&tree) {
        Ok(manifest) if cx.plan.direction() != Direction::Repair => {
            machine::forget(cx, step, &manifest)?;
            dependencies::sweep(cx.layout, &manifest)
        }
        // Without a manifest nothing was made by it.
        _ => Ok(()),
    }
}
