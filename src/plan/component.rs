//! What releases need of bundled components, hop by hop. A component's own ways are not the planner's to find: an index knows which
//! versions of it a release runs with, and nothing of how one comes from one of them to the next.

use std::fmt;

use serde::Serialize;

use super::graph::{Component, Graph};
use crate::version::Scheme;

/// What the end of a hop needs of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "")]
pub struct ComponentNeed<V: Scheme> {
    pub from: V,
    pub to: V,
    pub component: String,
    /// The versions with which `to` runs.
    pub needs: String,
    /// Those with which `from` runs, if it says so: until the hop is made the component has to stay among them.
    pub until_then: Option<String>,
    /// The version that is here, where it is known.
    pub present: Option<String>,
    pub fits: Option<bool>,
}

/// What each hop of the way needs of components, in order.
pub fn needs<V: Scheme>(graph: &Graph<V>, chain: &[u32]) -> Vec<ComponentNeed<V>> {
    let of_hop = |pair: &[u32]| {
        let (from, to) = (pair[0], pair[1]);
        let need = move |one: &Component| ComponentNeed {
            from: graph.version(from).clone(),
            to: graph.version(to).clone(),
            component: one.name.clone(),
            needs: one.needs.clone(),
            until_then: graph
                .components(from)
                .iter()
                .find(|other| other.name == one.name)
                .map(|other| other.needs.clone()),
            present: one.present.clone(),
            fits: one.fits(),
        };
        graph.components(to).iter().map(need).collect::<Vec<_>>()
    };
    chain.windows(2).flat_map(of_hop).collect()
}

/// What has to be brought where before which hop; none where nothing would help.
pub fn to_bring<V: Scheme>(needs: &[ComponentNeed<V>]) -> Option<String> {
    let missing = needs.iter().filter(|need| need.fits == Some(false));
    let all: Vec<String> = missing
        .map(|need| {
            let meanwhile = need.until_then.as_ref().filter(|until| **until != need.needs);
            let meanwhile = meanwhile.map(|until| format!(" ({} itself runs with {until})", need.from));
            format!(
                "{} from {} to {} before {} -> {}{}",
                need.component,
                need.present.as_deref().unwrap_or("what it is"),
                need.needs,
                need.from,
                need.to,
                meanwhile.unwrap_or_default()
            )
        })
        .collect();
    (!all.is_empty()).then(|| format!("with components brought along there is one: bring {}", all.join(", ")))
}

impl<V: Scheme> fmt::Display for ComponentNeed<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self.present.as_deref().unwrap_or("of a version that is not known");
        let fits = match self.fits {
            Some(true) => "fits",
            Some(false) => "does not fit",
            None => "tell it as a fact",
        };
        let (from, to, component, needs) = (&self.from, &self.to, &self.component, &self.needs);
        write!(
            f,
            "{from} -> {to} needs {component} {needs}; here it is {present}: {fits}"
        )
    }
}
