//! The database alone, to the schema of a release; what is installed stays.

use super::goal::{Aim, unknown};
use super::{Direction, Facts, Fetch, Hop, Planned, Reason, Refusal, Settled, Warning, path};
use crate::release::{Catalog, CatalogRelease};
use crate::version::Version;

/// What is aimed at, with the one hop that leads there.
pub enum Resolved {
    AlreadyThere(Planned),
    Go(Aim, Vec<Hop>),
}

pub fn resolve(facts: &Facts, catalog: &Catalog, to: &Version) -> Result<Resolved, Refusal> {
    let Some(installed) = &facts.installed else {
        let message = "nothing is installed yet; install a version with `netlink init --version V`";
        return Err(Refusal::new(Reason::NotInstalled, message));
    };
    let release = catalog.get(to).ok_or_else(|| unknown(catalog, to.clone()))?;
    let Some(level) = release.rules.schema_level else {
        let message = format!("release {to} names no schema level that the database could be brought to");
        return Err(Refusal::new(Reason::NoSchema { version: to.clone() }, message));
    };
    let found = installed.schema_level.unwrap_or(0);
    if found == level {
        return Ok(Resolved::AlreadyThere(Planned::AlreadyThere(Settled::at(to.clone()))));
    }
    let mut aim = Aim {
        to: to.clone(),
        direction: Direction::Schema,
        back: false,
        fetch: Fetch::AsNeeded,
        warnings: Vec::new(),
    };
    if level < found {
        path::the_schema_knows_its_way_back(facts, &installed.version, release, &aim)?;
    } else {
        can_be_taken_up(catalog, release, found)?;
    }
    let own = catalog
        .get(&installed.version)
        .and_then(|release| release.rules.schema_level);
    if let Some(own) = own.filter(|own| *own != level) {
        aim.warnings.push(Warning {
            code: "schema-of-another-release".into(),
            message: format!(
                "{} is made for schema level {own}: unless it runs on {level} too, it stays stopped until \
                 `netlink update upgrade-db` brings the database back, or an upgrade or downgrade brings the release that fits",
                installed.version
            ),
        });
    }
    Ok(Resolved::Go(aim, vec![hop(&installed.version, to)]))
}

fn can_be_taken_up(catalog: &Catalog, release: &CatalogRelease, found: u32) -> Result<(), Refusal> {
    if let Some(withdrawal) = catalog.withdrawal(&release.version) {
        let message = format!("{}: {}", release.version, withdrawal.reason());
        return Err(Refusal::new(
            Reason::NoSchema {
                version: release.version.clone(),
            },
            message,
        ));
    }
    let least = release.rules.min_schema_level.unwrap_or(0);
    if found >= least {
        return Ok(());
    }
    let message = format!(
        "the database is at schema level {found}, {} takes over from level {least} on; go there over a release between",
        release.version
    );
    Err(Refusal::new(
        Reason::NoSchema {
            version: release.version.clone(),
        },
        message,
    ))
}

fn hop(from: &Version, to: &Version) -> Hop {
    Hop {
        from: Some(from.clone()),
        to: to.clone(),
        stop: false,
        runs: true,
        reversible: true,
        gates: Vec::new(),
    }
}
