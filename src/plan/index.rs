//! A release index: the planner's whole vocabulary in one file (INTERFACES, "Release index").
//!
//! It is read twice, first for the versions, then for the rules, so that no more than the file and the graph is in memory.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::graph::{Building, EdgeRule, Graph, GraphError};
use super::{Rule, Terms};
use crate::named;
use crate::release::{BlockRule, FactSheet, ReleaseRules};
use crate::version::Scheme;

/// What must be known of a file before its rules can be read.
#[derive(Debug)]
pub struct Index<V: Scheme> {
    versions: Vec<V>,
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
        let file: File<V> = named::from_json(without_mark(text).as_bytes())?;
        if let Some(found) = file.scheme.filter(|scheme| scheme != V::NAME) {
            return Err(IndexError::OtherScheme {
                found: found.into_owned(),
                asked: V::NAME,
            });
        }
        Ok(Self {
            versions: file.releases.0,
            facts: file.facts,
        })
    }

    /// The second reading of the same text.
    pub fn graph(self, text: &str, installed: Option<&V>, terms: &Terms<V>) -> Result<Graph<V>, IndexError> {
        let mut building = Building::new(self.versions, installed, terms)?;
        let mut contradiction = None;
        let mut reader = serde_json::Deserializer::from_str(without_mark(text));
        let read = Rules {
            building: &mut building,
            contradiction: &mut contradiction,
        };
        let read = read.deserialize(&mut reader);
        if let Some(error) = contradiction {
            return Err(IndexError::Contradiction(error));
        }
        read?;
        Ok(building.finish()?)
    }
}

/// Some editors put a byte order mark first.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The scheme that a file names, where it does.
pub fn scheme_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        scheme: Option<Cow<'a, str>>,
    }
    serde_json::from_str::<Head<'_>>(without_mark(text))
        .ok()?
        .scheme
        .map(Cow::into_owned)
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    bound = "",
    expecting = "a release index: a table with `releases` and, if wanted, `scheme`, `edges`, `blocked` and `facts`"
)]
struct File<'a, V: Scheme> {
    #[serde(borrow)]
    scheme: Option<Cow<'a, str>>,
    releases: Versions<V>,
    #[serde(default, rename = "edges")]
    _edges: IgnoredAny,
    #[serde(default, rename = "blocked")]
    _blocked: IgnoredAny,
    #[serde(default)]
    facts: FactSheet,
}

/// `["0a1", "0b1"]`, or a table with `min_patch` besides.
struct WrittenEdge<V: Scheme>(EdgeRule<V>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
struct EdgeTable<V: Scheme> {
    from: V,
    to: V,
    min_patch: Option<V>,
}

/// By hand, so that a mistake in a version or a name is told as such.
impl<'de, V: Scheme> Deserialize<'de> for WrittenEdge<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairOrTable<V>(PhantomData<V>);
        impl<'de, V: Scheme> Visitor<'de> for PairOrTable<V> {
            type Value = WrittenEdge<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[from, to] or {\"from\", \"to\", \"min_patch\"}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                let (from, to) = Deserialize::deserialize(SeqAccessDeserializer::new(list))?;
                let min_patch = None;
                Ok(WrittenEdge(EdgeRule { from, to, min_patch }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let EdgeTable { from, to, min_patch } = EdgeTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WrittenEdge(EdgeRule { from, to, min_patch }))
            }
        }
        deserializer.deserialize_any(PairOrTable(PhantomData))
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

/// Feeds the rules of each release, the edges and the blocks to the graph as they are read.
struct Rules<'b, 't, V: Scheme> {
    building: &'b mut Building<'t, V>,
    contradiction: &'b mut Option<GraphError>,
}

impl<'de, V: Scheme> DeserializeSeed<'de> for Rules<'_, '_, V> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, V: Scheme> Visitor<'de> for Rules<'_, '_, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a release index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self {
            building,
            contradiction,
        } = self;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "releases" => {
                    let mut nth = 0;
                    let each = |entry: Entry<V>| {
                        building.rules(nth, &entry.rules)?;
                        if entry.yanked {
                            building.bar(nth, Rule::Yanked, "it was withdrawn by its publisher".into());
                        }
                        nth += 1;
                        Ok(())
                    };
                    map.next_value_seed(Each::of(each, contradiction))?;
                }
                "edges" => {
                    let each = |edge: WrittenEdge<V>| building.edge(&edge.0);
                    map.next_value_seed(Each::of(each, contradiction))?;
                }
                "blocked" => {
                    let each = |block: BlockRule<V>| building.block(&block);
                    map.next_value_seed(Each::of(each, contradiction))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A list that is taken in one by one, never whole.
struct Each<'c, T, F> {
    take: F,
    contradiction: &'c mut Option<GraphError>,
    of: PhantomData<T>,
}

impl<'c, T, F: FnMut(T) -> Result<(), GraphError>> Each<'c, T, F> {
    fn of(take: F, contradiction: &'c mut Option<GraphError>) -> Self {
        Self {
            take,
            contradiction,
            of: PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), GraphError>> DeserializeSeed<'de> for Each<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), GraphError>> Visitor<'de> for Each<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(one) = list.next_element()? {
            if let Err(error) = (self.take)(one) {
                let said = error.to_string();
                *self.contradiction = Some(error);
                return Err(serde::de::Error::custom(said));
            }
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
