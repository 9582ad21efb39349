//! Single moves that are named, and series of releases that lead to others.

use super::{Building, Graph, GraphError, NO_CHECK, Span, number};
use crate::version::{Scheme, Version};

/// A single move, or all moves from one series to another.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeRule<V: Scheme = Version> {
    pub from: V,
    pub to: V,
    /// The oldest of the series `from` that may move; without it both ends are releases.
    pub min_patch: Option<V>,
}

/// Releases of a series, from one on, that lead to those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesEdge {
    pub from: Span,
    pub to: Span,
    /// Releases of the series `from` that are too old to move.
    pub too_old: Span,
    /// Into the graph's list of oldest that may move.
    pub oldest: u32,
}

impl<V: Scheme> Building<'_, V> {
    /// All versions must be known.
    pub fn edge(&mut self, edge: &EdgeRule<V>) -> Result<(), GraphError> {
        if edge.from == edge.to {
            return Err(GraphError::Loop(edge.from.to_string()));
        }
        match &edge.min_patch {
            None => self.single(edge),
            Some(oldest) => self.series(edge, oldest),
        }
    }

    fn single(&mut self, edge: &EdgeRule<V>) -> Result<(), GraphError> {
        let graph = &mut self.graph;
        let known = |version: &V| graph.find(version).ok_or_else(|| dangling(edge, version));
        let (from, to) = (known(&edge.from)?, known(&edge.to)?);
        let edges = if from < to { &mut graph.ups } else { &mut graph.downs };
        edges.push((to, from));
        Ok(())
    }

    fn series(&mut self, edge: &EdgeRule<V>, oldest: &V) -> Result<(), GraphError> {
        if !oldest.fits(&edge.from.series()) {
            return Err(GraphError::OtherSeries {
                from: edge.from.to_string(),
                to: edge.to.to_string(),
                min_patch: oldest.to_string(),
            });
        }
        let graph = &mut self.graph;
        let whole = |version: &V| graph.series_of(version).ok_or_else(|| dangling(edge, version));
        let (from, to) = (whole(&edge.from)?, whole(&edge.to)?);
        let first = number(graph.versions.partition_point(|version| version < oldest));
        graph.free.extend([from, to]);
        let edges = if edge.from < edge.to {
            &mut graph.series_up
        } else {
            &mut graph.series_down
        };
        let start = first.clamp(from.start, from.end);
        edges.push(SeriesEdge {
            from: Span { start, ..from },
            to,
            too_old: Span { end: start, ..from },
            oldest: number(graph.oldest.len()),
        });
        graph.oldest.push(oldest.clone());
        Ok(())
    }
}

impl<V: Scheme> Graph<V> {
    fn series_of(&self, version: &V) -> Option<Span> {
        let pattern = version.series();
        let start = number(self.versions.partition_point(|one| one.beside(&pattern).is_lt()));
        let end = number(self.versions.partition_point(|one| one.beside(&pattern).is_le()));
        let check = NO_CHECK;
        (start < end).then_some(Span { start, end, check })
    }

    /// The oldest of the series of `from` that an edge lets move to `to`, where `from` is older.
    pub(super) fn oldest_that_moves(&self, from: u32, to: u32) -> Option<&V> {
        let edges = if from < to { &self.series_up } else { &self.series_down };
        let closed = edges
            .iter()
            .filter(|edge| edge.too_old.holds(from) && edge.to.holds(to));
        closed.filter_map(|edge| self.oldest.get(edge.oldest as usize)).min()
    }

    pub(super) fn sort_edges(&mut self) {
        for edges in [&mut self.ups, &mut self.downs] {
            edges.sort_unstable();
            edges.dedup();
        }
        for series in [&mut self.series_up, &mut self.series_down] {
            series.sort_unstable();
            series.dedup();
        }
        self.free.sort_unstable();
        self.free.dedup();
    }
}

fn dangling<V: Scheme>(edge: &EdgeRule<V>, missing: &V) -> GraphError {
    GraphError::Dangling {
        from: edge.from.to_string(),
        to: edge.to.to_string(),
        missing: missing.to_string(),
    }
}
