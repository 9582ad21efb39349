//! `netlink supervise`: the small process whose child the product is. Started by updates themselves; by hand after a reboot.

use super::args::{Global, SuperviseArgs};
use super::output::{Result, result};
use crate::app;

pub fn run(global: &Global, wanted: &SuperviseArgs) -> Result<()> {
    if wanted.stop {
        app::stop_product(&global.root)?;
        return result(global, &serde_json::json!({"stopped": true}), |_| {
            "the product and its supervisor are stopped".into()
        });
    }
    if wanted.start {
        let (version, said) = app::start_product(&global.root, global.config.as_deref())?;
        let document = serde_json::json!({"started": true, "version": version});
        return result(global, &document, |_| format!("{version} is running: {said}"));
    }
    Ok(app::supervise(&global.root)?)
}
