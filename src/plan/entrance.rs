//! For a publisher: whether a release can be entered at all from those before it.

use super::graph::{Ends, Graph, GraphError, Heading};
use super::route::refusals;
use super::{Facts, RefusedHop, Terms, path};
use crate::release::{Catalog, Platform, ProductName};
use crate::version::Version;

/// No release leads to it, on no platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut {
    pub version: Version,
    /// The highest release before it.
    pub nearest: Version,
    /// What keeps that one out.
    pub witness: Vec<RefusedHop>,
}

/// Those of the releases that nobody who has an earlier one can move up to, whatever its facts, once every roll-out has come to its end. A
/// release that was withdrawn is not meant to be entered, and the lowest can only be installed.
pub fn shut(product: &ProductName, catalog: &Catalog) -> Result<Vec<Shut>, GraphError> {
    let graphs = platforms(catalog)
        .into_iter()
        .map(|platform| path::assembled(&anywhere(product, platform, catalog), catalog))
        .collect::<Result<Vec<_>, _>>()?;
    let offered = catalog
        .releases()
        .filter(|release| catalog.withdrawal(&release.version).is_none());
    let witness = |release: &Version| {
        let mut found = None;
        for graph in &graphs {
            found = Some(nobody_enters(graph, release)?);
        }
        found
    };
    Ok(offered.filter_map(|release| witness(&release.version)).collect())
}

fn platforms(catalog: &Catalog) -> Vec<Platform> {
    let mut all: Vec<Platform> = catalog
        .releases()
        .flat_map(|release| release.packages.keys().cloned())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A machine on which nothing that changes from machine to machine keeps one out.
fn anywhere(product: &ProductName, platform: Platform, catalog: &Catalog) -> Facts {
    let blocked = catalog.advisory().map_or(&[][..], |advisory| &advisory.blocked);
    let risks = blocked.iter().filter(|block| !block.when.is_empty());
    Facts {
        product: product.clone(),
        platform,
        installed: None,
        trees: Default::default(),
        altered: None,
        stored_downs: Default::default(),
        one_way_levels: Default::default(),
        rolled_back: Default::default(),
        restore: None,
        extensions: Default::default(),
        terms: Terms {
            accepted_risks: risks.map(|block| block.name().into_owned()).collect(),
            ..Terms::at(jiff::Timestamp::MAX)
        },
    }
}

/// None where somebody does, and for the lowest release.
fn nobody_enters(graph: &Graph<Version>, version: &Version) -> Option<Shut> {
    let to = graph.find(version)?;
    let ends = Ends {
        heading: Heading::Up,
        goal: to,
        without: None,
    };
    let before = || graph.listed().rev().filter(|from| *from < to);
    let nearest = before().next()?;
    if before().any(|from| graph.against(from, to, ends).next().is_none()) {
        return None;
    }
    Some(Shut {
        version: version.clone(),
        nearest: graph.version(nearest).clone(),
        witness: refusals(graph, nearest, to, ends),
    })
}
