//! `netlink release import`

use super::super::args::{Global, ImportArgs};
use super::super::output::{Failed, Result, bytes, green, harmless, result, say};
use crate::app::{self, ComponentOffer, ImportWanted, OffersView};
use crate::release::{Platform, counted};

pub fn run(global: &Global, args: &ImportArgs) -> Result<()> {
    if args.list {
        return list(global, args);
    }
    let (Some(version), Some(into)) = (&args.version, &args.into) else {
        return Err(Failed::said(
            "NL0110",
            "name a version and a folder: `--version V --into DIR`",
        ));
    };
    let platform = args.platform.clone().unwrap_or_else(Platform::this_host);
    let wanted = ImportWanted {
        version,
        platform: &platform,
        into,
        release: args.release.as_ref(),
    };
    let imported = app::component_import(&args.source, &wanted)?;
    if imported.manifest.checked_against.is_none() {
        say(&format!(
            "warning: NOTHING VOUCHED FOR {}: the source says `unverified`, so that these bytes may be anybody's; look at them before you sign them",
            harmless(&imported.manifest.url)
        ));
    }
    result(global, &imported, |imported| {
        let manifest = &imported.manifest;
        format!(
            "{} {} {} for {} into {}: {}, {}",
            green("imported"),
            manifest.name,
            manifest.version,
            manifest.platform,
            imported.folder.display(),
            counted(imported.files_count, "file"),
            bytes(imported.bytes)
        )
    })
}

fn list(global: &Global, args: &ImportArgs) -> Result<()> {
    let offers = app::component_offers(&args.source)?;
    result(global, &offers, shown)
}

fn shown(view: &OffersView) -> String {
    let mut lines: Vec<String> = view.offers.iter().map(line).collect();
    if !view.odd.is_empty() {
        lines.push(format!("no versions: {}", counted(view.odd.len(), "tag")));
    }
    if lines.is_empty() {
        return "nothing is offered".into();
    }
    lines.join("\n")
}

fn line(offer: &ComponentOffer) -> String {
    let date = offer.published_at.map(|at| at.strftime("%Y-%m-%d").to_string());
    let text = format!(
        "{:<16} {:<10} {}",
        offer.version.to_string(),
        date.unwrap_or_default(),
        if offer.pre_release { "pre-release" } else { "" }
    );
    text.trim_end().to_owned()
}
