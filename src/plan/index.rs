//! A release index: the planner's whole vocabulary in one file (INTERFACES, "Release index").
//!
//! It is read twice, first for the versions, then for the rules, so that no more than the file and the graph is in memory.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::graph::{BlockRule, Building, EdgeRule, Graph, GraphError};
use super::{Rule, Terms};
use crate::release::{Expression, FactSheet, ReleaseRules};
use crate::version::{Constraint, Scheme};

/// What a file says besides its releases, and their number.
#[derive(Debug)]
pub struct Index<V: Scheme> {
    versions: Vec<V>,
    edges: Vec<EdgeRule<V>>,
    blocks: Vec<BlockRule<V>>,
    pub facts: FactSheet,
}

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("the release index is not understood: {0}")]
    NotUnderstood(#[from] serde_json::Error),
    #[error("the release index is of the {found} scheme, not {asked}; see `--scheme`")]
    OtherScheme { found: String, asked: &'static str },
    #[error("the release index contradicts itself: {0}")]
    Contradiction(#[from] GraphError),
}

impl<V: Scheme> Index<V> {
    /// The first reading: all but the rules.
    pub fn read(text: &str) -> Result<Self, IndexError> {
        let file: File<V> = serde_json::from_str(text)?;
        if let Some(found) = file.scheme.filter(|scheme| scheme != V::NAME) {
            return Err(IndexError::OtherScheme {
                found: found.into_owned(),
                asked: V::NAME,
            });
        }
        Ok(Self {
            versions: file.releases.0,
            edges: file.edges.into_iter().map(EdgeRule::from).collect(),
            blocks: file.blocked.into_iter().map(BlockRule::from).collect(),
            facts: file.facts,
        })
    }

    /// The second reading of the same text.
    pub fn graph(self, text: &str, installed: Option<&V>, terms: &Terms<V>) -> Result<Graph<V>, IndexError> {
        let mut building = Building::new(self.versions, installed, terms)?;
        let mut contradiction = None;
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Releases {
            building: &mut building,
            contradiction: &mut contradiction,
        };
        let read = read.deserialize(&mut reader);
        if let Some(error) = contradiction {
            return Err(IndexError::Contradiction(error));
        }
        read?;
        Ok(building.finish(&self.edges, &self.blocks)?)
    }
}

/// The scheme that a file names, where it does.
pub fn scheme_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        scheme: Option<Cow<'a, str>>,
    }
    serde_json::from_str::<Head<'_>>(text).ok()?.scheme.map(Cow::into_owned)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
struct File<'a, V: Scheme> {
    #[serde(borrow)]
    scheme: Option<Cow<'a, str>>,
    releases: Versions<V>,
    #[serde(default)]
    edges: Vec<WrittenEdge<V>>,
    #[serde(default)]
    blocked: Vec<WrittenBlock<V>>,
    #[serde(default)]
    facts: FactSheet,
}

#[derive(Deserialize)]
#[serde(untagged, bound = "", expecting = "[from, to] or {\"from\", \"to\", \"min_patch\"}")]
enum WrittenEdge<V: Scheme> {
    Pair(V, V),
    Full { from: V, to: V, min_patch: Option<V> },
}

impl<V: Scheme> From<WrittenEdge<V>> for EdgeRule<V> {
    fn from(written: WrittenEdge<V>) -> Self {
        let (from, to, min_patch) = match written {
            WrittenEdge::Pair(from, to) => (from, to, None),
            WrittenEdge::Full { from, to, min_patch } => (from, to, min_patch),
        };
        Self { from, to, min_patch }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
struct WrittenBlock<V: Scheme> {
    name: String,
    from: Option<Constraint<V>>,
    to: Constraint<V>,
    #[serde(default)]
    reason: String,
    url: Option<String>,
    #[serde(default)]
    when: Conditions,
}

#[derive(Default, Deserialize)]
#[serde(untagged, expecting = "an expression over facts, or a list of them")]
enum Conditions {
    #[default]
    None,
    One(Expression),
    More(Vec<Expression>),
}

impl<V: Scheme> From<WrittenBlock<V>> for BlockRule<V> {
    fn from(written: WrittenBlock<V>) -> Self {
        Self {
            name: written.name,
            from: written.from,
            to: written.to,
            reason: written.reason,
            url: written.url,
            when: match written.when {
                Conditions::None => Vec::new(),
                Conditions::One(expression) => vec![expression],
                Conditions::More(expressions) => expressions,
            },
        }
    }
}

/// The versions of the releases; the rest of each is passed over.
struct Versions<V>(Vec<V>);

impl<'de, V: Scheme> Deserialize<'de> for Versions<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(bound = "")]
        struct OnlyVersion<V: Scheme> {
            version: V,
        }
        struct List<V>(PhantomData<V>);
        impl<'de, V: Scheme> Visitor<'de> for List<V> {
            type Value = Versions<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of releases")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut versions = Vec::new();
                while let Some(one) = list.next_element::<OnlyVersion<V>>()? {
                    versions.push(one.version);
                }
                Ok(Versions(versions))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// Feeds the rules of each release to the graph as they are read.
struct Releases<'b, 't, V: Scheme> {
    building: &'b mut Building<'t, V>,
    contradiction: &'b mut Option<GraphError>,
}

impl<'de, V: Scheme> DeserializeSeed<'de> for Releases<'_, '_, V> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, V: Scheme> Visitor<'de> for Releases<'_, '_, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a release index")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if key == "releases" {
                map.next_value_seed(Listed(&mut self))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Listed<'r, 'b, 't, V: Scheme>(&'r mut Releases<'b, 't, V>);

impl<'de, V: Scheme> DeserializeSeed<'de> for Listed<'_, '_, '_, V> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, V: Scheme> Visitor<'de> for Listed<'_, '_, '_, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of releases")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut nth = 0;
        while let Some(entry) = list.next_element::<Entry<V>>()? {
            let building = &mut *self.0.building;
            if let Err(error) = building.rules(nth, &entry.rules) {
                let said = error.to_string();
                *self.0.contradiction = Some(error);
                return Err(serde::de::Error::custom(said));
            }
            if entry.yanked {
                building.bar(nth, Rule::Yanked, "it was withdrawn by its publisher".into());
            }
            nth += 1;
        }
        Ok(())
    }
}

/// One release of the file: its rules, and two keys of its own among them.
struct Entry<V: Scheme> {
    rules: ReleaseRules<V>,
    yanked: bool,
}

impl<'de, V: Scheme> Deserialize<'de> for Entry<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<V>(PhantomData<V>);
        impl<'de, V: Scheme> Visitor<'de> for Map<V> {
            type Value = Entry<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a release")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let mut yanked = false;
                let others = Others {
                    map,
                    yanked: &mut yanked,
                };
                let rules = ReleaseRules::deserialize(MapAccessDeserializer::new(others))?;
                Ok(Entry { rules, yanked })
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// A release's map without the keys that are not rules.
struct Others<'y, A> {
    map: A,
    yanked: &'y mut bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Others<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        loop {
            let Some(key) = self.map.next_key::<Cow<'de, str>>()? else {
                return Ok(None);
            };
            match &*key {
                "version" => drop(self.map.next_value::<IgnoredAny>()?),
                "yanked" => *self.yanked = self.map.next_value()?,
                _ => return seed.deserialize(CowStrDeserializer::new(key)).map(Some),
            }
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
