//! `netlink release bundle`

use super::super::args::{BundleArgs, Global};
use super::super::output::{Result, bytes, green, result};
use crate::app::{self, BundleWanted};

pub fn run(global: &Global, args: &BundleArgs) -> Result<()> {
    let wanted = BundleWanted {
        product: args.product.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        platforms: args.platform.clone(),
    };
    let bundled = app::release_bundle(&args.repo, &wanted, &args.out)?;
    result(global, &bundled, |bundled| {
        let versions: Vec<String> = bundled.versions.iter().map(ToString::to_string).collect();
        format!(
            "{} {} {} with {}; clients take it until {:.0}",
            green("bundled"),
            bundled.file.display(),
            bytes(bundled.bytes),
            versions.join(", "),
            bundled.good_until
        )
    })
}
