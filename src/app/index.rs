//! Planning over a release index file alone, without any installation.

use std::collections::BTreeSet;
use std::path::Path;

use super::{AppError, Result};
use crate::plan::{self, Graph, NoTravel, Policy, Terms, Travel};
use crate::release::FactSheet;
use crate::version::Scheme;
use crate::{clock, disk};

/// An index of a million releases with all their rules is a quarter of this.
const LIMIT: u64 = 1 << 30;

#[derive(Debug, Clone, Default)]
pub struct IndexOptions {
    pub facts: FactSheet,
    pub now: Option<jiff::Timestamp>,
    pub node: Option<String>,
    pub accepted_risks: BTreeSet<String>,
}

/// The scheme that an index names for itself, with its text.
pub fn read_index(file: &Path) -> Result<(String, Option<String>)> {
    let text = disk::read_text_limited(file, LIMIT).map_err(|e| AppError::below("NL0111", &e))?;
    let scheme = plan::scheme_of(&text);
    Ok((text, scheme))
}

/// The graph of an index; its text is not needed any more.
pub fn graph_of_index<V: Scheme>(
    text: String,
    from: &V,
    policy: Policy<V>,
    options: &IndexOptions,
) -> std::result::Result<Graph<V>, NoTravel<V>> {
    let terms = Terms {
        facts: options.facts.clone(),
        policy,
        node: options.node.clone(),
        accepted_risks: options.accepted_risks.clone(),
        ..Terms::at(options.now.unwrap_or_else(clock::now))
    };
    let graph = plan::index_graph(&text, from, terms)?;
    drop(text);
    Ok(graph)
}

/// The way, or the refusal with what stands in the way.
pub fn plan_over_index<'g, V: Scheme>(
    graph: &'g Graph<V>,
    from: &V,
    to: &V,
) -> std::result::Result<Travel<'g, V>, NoTravel<V>> {
    plan::plan_way(graph, from, to)
}

/// The code of a refusal.
pub fn code_of<V: Scheme>(no: &NoTravel<V>) -> &'static str {
    match no {
        NoTravel::Index(_) => "NL0111",
        NoTravel::Unknown { .. } => "NL0102",
        NoTravel::NoPath { .. } => "NL0103",
    }
}
