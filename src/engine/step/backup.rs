//! An encrypted backup of data and configuration, read back and verified before the update goes on.

use serde_json::Value;

use super::{Work, leave, nothing, stage};
use crate::backup::{self, Kind, Request};
use crate::engine::{Context, StepError, backups, product, servers};
use crate::plan::{Direction, Step};
use crate::{clock, disk};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    if !backups::are_made(cx.settings) {
        return Ok("switched off in config/update.yml".into());
    }
    let leg = cx.leg(step)?;
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0308", e);
    let home = backups::home(cx.layout, cx.settings, None).map_err(|e| failed(&e))?;
    let repository = backup::home::find_or_make(&home, &backups::author("netlink")).map_err(|e| failed(&e))?;
    let scratch = cx.layout.staging().join("backup");
    disk::create_dir_all(&scratch).map_err(|e| failed(&e))?;
    let manifest = match &leg.from {
        // Of the installed tree nothing can be relied on; the one that waits beside is verified, and of the same release.
        Some(from) if cx.plan.direction() == Direction::Repair => Some(stage::manifest_beside(cx, from)?),
        Some(from) => Some(product::manifest(cx.layout, from)?),
        None => None,
    };
    let (databases, servers) = match &manifest {
        Some(manifest) => (
            product::databases(cx.layout, manifest),
            servers(cx.layout, cx.settings, manifest)?,
        ),
        None => Default::default(),
    };
    let request = Request {
        root: cx.layout.root().to_path_buf(),
        trees: product::kept_trees(),
        databases,
        servers,
        scratch: scratch.clone(),
        kind: Kind::BeforeUpdate(cx.id.to_string()),
        version: leg.from.clone(),
        by: "netlink".into(),
        created: clock::now(),
        backups: home.folder.clone(),
        full: false,
    };
    let mut progress = |done, total| cx.report(step, done, total, "bytes");
    let warning = backups::warning(&repository).map_err(|e| failed(&e))?;
    let record = backup::create(&repository, &request, &mut progress).map_err(|e| failed(&e))?;
    disk::remove_tree(&scratch).map_err(|e| failed(&e))?;
    let mut said = vec![record.id.to_string()];
    said.extend(record.left_out());
    said.extend(warning.map(str::to_owned));
    let share = backups::reseal_share(&repository, cx.settings);
    said.extend(share.as_ref().map(backups::said_of_share));
    Ok(said.join("; "))
}
