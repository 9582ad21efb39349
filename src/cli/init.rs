//! `netlink init`

use super::args::{Global, InitArgs, Output};
use super::output::{Result, result};
use super::update;
use crate::app::{self, Consent, Fetch, Goal, InitOptions, Wish};
use crate::plan::UpgradeStrategy;
use crate::version::legacy;

pub fn run(global: &Global, wanted: &InitArgs) -> Result<()> {
    let first = match &wanted.legacy {
        Some(text) => Some(legacy(text).map_err(|e| app::AppError::below("NL0101", &e))?),
        None => wanted.version.clone(),
    };
    let options = InitOptions {
        product: wanted.product.clone(),
        repository: wanted.repository.clone(),
        root_metadata: wanted.root_metadata.clone(),
    };
    let report = app::init(&global.root, global.config.as_deref(), &options)?;
    let installs = first.is_some();
    if global.output == Output::Text || !installs {
        result(global, &report, |report| {
            let done = if report.created { "made" } else { "is" };
            let adopted = report
                .adopted
                .as_ref()
                .map(|version| format!("; took in {version}"))
                .unwrap_or_default();
            format!(
                "{} {done} an installation of {}{adopted}",
                report.root.display(),
                report.product
            )
        })?;
    }
    match first {
        None => Ok(()),
        // The command itself is the consent: there is nothing yet that could be lost.
        Some(version) => {
            let how = update::How {
                dry_run: false,
                force: true,
                consent: Consent::default(),
                strategy: UpgradeStrategy::default(),
                graceful_timeout: None,
            };
            update::go(global, &Goal::Upgrade(Wish::To(version), Fetch::AsNeeded).into(), how)
        }
    }
}
