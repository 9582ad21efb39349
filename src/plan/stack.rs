//! A stack over the release indexes of its components: which of their versions go together, and the way of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fit::{self, Explanation, NoFit, Part, PartNeed, PartRelease, PartWish};
use super::travel::plan_way;
use super::{Graph, Index, IndexError, Terms};
use crate::named;
use crate::version::{Constraint, Dotted, Scheme, Version, VersionError};

/// The file that names the components of a stack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackFile {
    pub components: BTreeMap<String, StackEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackEntry {
    /// Its release index; where it is relative, beside the stack's file.
    pub index: PathBuf,
    /// The version that is here; without it the component comes only where another one needs it.
    #[serde(default)]
    pub installed: Option<String>,
    /// In place of what the index says.
    #[serde(default)]
    pub scheme: Option<String>,
}

/// What is wanted of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackWish {
    /// Nothing new; where what is here does not fit, the least that makes it fit.
    Mend,
    /// The newest of every component.
    All,
    /// The newest of these.
    Newest(Vec<String>),
    To {
        component: String,
        version: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error("the stack's file is not understood: {0}")]
    NotUnderstood(#[from] serde_json::Error),
    #[error("component {component}")]
    Index {
        component: String,
        #[source]
        source: IndexError,
    },
    #[error("component {component}")]
    Version {
        component: String,
        #[source]
        source: VersionError,
    },
    #[error("component {component} has versions of the scheme `{scheme}`; there are lifecycle and dotted")]
    UnknownScheme { component: String, scheme: String },
    #[error("{by} needs {component} {range}, which is no range of that component's versions")]
    Range {
        by: String,
        component: String,
        range: String,
    },
    #[error("the stack has no component {component}; it has {known}")]
    UnknownComponent { component: String, known: String },
    #[error("component {component} has no release {version}")]
    UnknownVersion { component: String, version: String },
    #[error("no versions of the components fit together")]
    NoFit(Explanation),
}

/// What becomes of one component.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Placed {
    pub component: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub change: Change,
    /// Over which of its releases, with both ends.
    pub path: Vec<String>,
    pub because: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Stays,
    Up,
    Down,
    /// It was not here.
    Comes,
    /// It is not here, and nobody needs it.
    NotNeeded,
}

/// The newest of a component that was wished for, and why it is not taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Missed {
    pub component: String,
    pub version: String,
    pub because: Explanation,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FittedStack {
    pub components: Vec<Placed>,
    pub passed_over: Vec<Missed>,
    /// No set with fewer changes was looked for to the end.
    pub may_change_less: bool,
    pub warnings: Vec<String>,
}

/// The components of a stack with their graphs.
pub struct Stack {
    members: Vec<Box<dyn Member>>,
    names: Vec<String>,
    parts: Vec<Part>,
    warnings: Vec<String>,
}

/// A component, whatever scheme its versions have. Positions count its releases from the oldest.
trait Member {
    fn versions(&self) -> Vec<String>;
    fn installed(&self) -> Option<u32>;
    fn position(&self, version: &str) -> Result<Option<u32>, VersionError>;
    /// Of other components: name and range.
    fn needs(&self, position: u32) -> Vec<(&str, &str)>;
    fn fitting(&self, range: &str) -> Result<BTreeSet<u32>, VersionError>;
    /// Why one cannot go there.
    fn barred(&self, position: u32) -> Option<String>;
    /// Over which releases, and what is to be said of that.
    fn way(&self, position: u32) -> (Vec<String>, Vec<String>);
}

struct Own<V: Scheme> {
    graph: Graph<V>,
    installed: Option<V>,
    /// Of the graph, for each position.
    places: Vec<u32>,
}

impl<V: Scheme> Own<V> {
    fn read(text: &str, installed: Option<&str>, (terms, names): (Terms<V>, &[String])) -> Result<Self, Unread> {
        let mut terms = terms;
        let mut index = Index::read(text).map_err(Unread::Index)?;
        let installed: Option<V> = installed.map(str::parse).transpose().map_err(Unread::Version)?;
        let mut facts = std::mem::take(&mut index.facts).overridden(terms.facts);
        // Which versions there are is what is looked for.
        names
            .iter()
            .for_each(|name| facts.forget(&format!("components.{name}")));
        terms.facts = facts;
        let graph = index.graph(text, installed.as_ref(), &terms).map_err(Unread::Index)?;
        let here = installed.as_ref().and_then(|installed| graph.find(installed));
        let places = (0..graph.count()).filter(|place| graph.is_listed(*place) || here == Some(*place));
        let places = places.collect();
        Ok(Self {
            graph,
            installed,
            places,
        })
    }

    fn version(&self, position: u32) -> &V {
        self.graph.version(self.places[position as usize])
    }

    fn positions(&self) -> impl Iterator<Item = u32> {
        (0_u32..).take(self.places.len())
    }
}

enum Unread {
    Index(IndexError),
    Version(VersionError),
}

impl<V: Scheme> Member for Own<V> {
    fn versions(&self) -> Vec<String> {
        self.positions().map(|at| self.version(at).to_string()).collect()
    }

    fn installed(&self) -> Option<u32> {
        let installed = self.installed.as_ref()?;
        self.positions().find(|at| self.version(*at) == installed)
    }

    fn position(&self, version: &str) -> Result<Option<u32>, VersionError> {
        let version: V = version.parse()?;
        Ok(self.positions().find(|at| *self.version(*at) == version))
    }

    fn needs(&self, position: u32) -> Vec<(&str, &str)> {
        let all = self.graph.components(self.places[position as usize]).iter();
        all.map(|one| (one.name.as_str(), one.needs.as_str())).collect()
    }

    fn fitting(&self, range: &str) -> Result<BTreeSet<u32>, VersionError> {
        let range: Constraint<V> = range.parse()?;
        Ok(self.positions().filter(|at| range.matches(self.version(*at))).collect())
    }

    fn barred(&self, position: u32) -> Option<String> {
        let place = self.places[position as usize];
        let Some(installed) = &self.installed else {
            let first = self.graph.barred(place).first();
            return first.map(|(_, reason)| reason.clone());
        };
        plan_way(&self.graph, installed, self.graph.version(place))
            .err()
            .map(|no| no.to_string())
    }

    fn way(&self, position: u32) -> (Vec<String>, Vec<String>) {
        let to = self.version(position);
        let travel = self
            .installed
            .as_ref()
            .and_then(|from| plan_way(&self.graph, from, to).ok());
        let Some(travel) = travel else {
            return (vec![to.to_string()], Vec::new());
        };
        let warnings = travel.warnings().into_iter();
        // Of components it is said here what fits.
        let warnings = warnings.filter(|warning| warning.code != "unknown-component");
        (
            travel.path().map(ToString::to_string).collect(),
            warnings.map(|warning| warning.message).collect(),
        )
    }
}

/// How the terms of a component are made, for each scheme.
pub struct StackTerms<'t> {
    pub lifecycle: &'t dyn Fn() -> Terms<Version>,
    pub dotted: &'t dyn Fn() -> Terms<Dotted>,
}

impl Stack {
    pub fn file(text: &str) -> Result<StackFile, StackError> {
        Ok(named::from_json(text.as_bytes())?)
    }

    /// `texts` has the index of each component of the file.
    pub fn read(
        file: &StackFile,
        texts: &BTreeMap<String, String>,
        terms: &StackTerms<'_>,
    ) -> Result<Self, StackError> {
        let names: Vec<String> = file.components.keys().cloned().collect();
        let mut members: Vec<Box<dyn Member>> = Vec::new();
        for (name, entry) in &file.components {
            let text = texts.get(name).map_or("", String::as_str);
            let scheme = entry.scheme.clone().or_else(|| super::scheme_of(text));
            let installed = entry.installed.as_deref();
            let read: Result<Box<dyn Member>, Unread> = match scheme.as_deref().unwrap_or(Version::NAME) {
                Version::NAME => {
                    Own::read(text, installed, ((terms.lifecycle)(), &names)).map(|own| Box::new(own) as _)
                }
                Dotted::NAME => Own::read(text, installed, ((terms.dotted)(), &names)).map(|own| Box::new(own) as _),
                other => {
                    return Err(StackError::UnknownScheme {
                        component: name.clone(),
                        scheme: other.to_owned(),
                    });
                }
            };
            let component = name.clone();
            members.push(read.map_err(|unread| match unread {
                Unread::Index(source) => StackError::Index { component, source },
                Unread::Version(source) => StackError::Version { component, source },
            })?);
        }
        let mut warnings = Vec::new();
        let parts = parts(&names, &members, &mut warnings)?;
        Ok(Self {
            members,
            names,
            parts,
            warnings,
        })
    }

    pub fn fit(&self, wish: &StackWish) -> Result<FittedStack, StackError> {
        let wishes = self.wishes(wish)?;
        let barred = |part: usize, position: u32| self.members[part].barred(position);
        let fitted = fit::fit(&self.parts, &wishes, &barred).map_err(|NoFit(why)| StackError::NoFit(why))?;
        let mut warnings = self.warnings_for(&fitted.chosen);
        let mut components = Vec::new();
        for part in 0..self.parts.len() {
            let wished = wishes.iter().any(|(wished, _)| *wished == part);
            let (placed, said) = self.placed(part, &fitted.chosen, wished);
            warnings.extend(said.into_iter().map(|said| format!("{}: {said}", placed.component)));
            components.push(placed);
        }
        let missed = fitted.passed_over.into_iter().map(|missed| Missed {
            component: self.names[missed.part].clone(),
            version: self.parts[missed.part].releases[missed.newest as usize].version.clone(),
            because: missed.why,
        });
        Ok(FittedStack {
            components,
            passed_over: missed.collect(),
            may_change_less: !fitted.is_least,
            warnings,
        })
    }

    fn wishes(&self, wish: &StackWish) -> Result<Vec<(usize, PartWish)>, StackError> {
        let find = |component: &String| {
            let unknown = || StackError::UnknownComponent {
                component: component.clone(),
                known: self.names.join(", "),
            };
            self.names.iter().position(|name| name == component).ok_or_else(unknown)
        };
        Ok(match wish {
            StackWish::Mend => Vec::new(),
            StackWish::All => (0..self.names.len()).map(|part| (part, PartWish::Newest)).collect(),
            StackWish::Newest(components) => {
                let newest = |component| Ok((find(component)?, PartWish::Newest));
                components.iter().map(newest).collect::<Result<_, StackError>>()?
            }
            StackWish::To { component, version } => {
                let part = find(component)?;
                let position = self.members[part].position(version);
                let position = position.map_err(|source| StackError::Version {
                    component: component.clone(),
                    source,
                })?;
                let unknown = || StackError::UnknownVersion {
                    component: component.clone(),
                    version: version.clone(),
                };
                vec![(part, PartWish::To(position.ok_or_else(unknown)?))]
            }
        })
    }

    /// What a chosen release needs of what the stack does not have.
    fn warnings_for(&self, chosen: &[Option<u32>]) -> Vec<String> {
        let taken = self.parts.iter().zip(chosen);
        let taken = taken.filter_map(|(part, position)| Some((part, &part.releases[(*position)? as usize])));
        let begins: Vec<String> = taken
            .map(|(part, release)| format!("{} {} ", part.name, release.version))
            .collect();
        let of_taken = |warning: &&String| begins.iter().any(|begin| warning.starts_with(begin.as_str()));
        self.warnings.iter().filter(of_taken).cloned().collect()
    }

    fn placed(&self, part: usize, chosen: &[Option<u32>], wished: bool) -> (Placed, Vec<String>) {
        let Part {
            name,
            releases,
            installed,
        } = &self.parts[part];
        let version = |at: u32| releases[at as usize].version.clone();
        let change = match (*installed, chosen[part]) {
            (_, None) => Change::NotNeeded,
            (None, Some(_)) => Change::Comes,
            (Some(from), Some(to)) if from == to => Change::Stays,
            (Some(from), Some(to)) if from < to => Change::Up,
            (Some(_), Some(_)) => Change::Down,
        };
        let (path, said) = match (change, chosen[part]) {
            (Change::NotNeeded | Change::Stays, _) | (_, None) => (Vec::new(), Vec::new()),
            (_, Some(position)) => self.members[part].way(position),
        };
        let because = match change {
            Change::NotNeeded | Change::Stays => Vec::new(),
            _ if wished => vec!["it is wished for".into()],
            _ => self.because(part, chosen),
        };
        let placed = Placed {
            component: name.clone(),
            from: installed.map(version),
            to: chosen[part].map(version),
            change,
            path,
            because,
        };
        (placed, said)
    }

    /// What does not fit if it stays as it is.
    fn because(&self, part: usize, chosen: &[Option<u32>]) -> Vec<String> {
        let Part { installed, name, .. } = &self.parts[part];
        let mut reasons = Vec::new();
        for (other, position) in self.parts.iter().zip(chosen) {
            let Some(release) = position.map(|at| &other.releases[at as usize]) else {
                continue;
            };
            let needs = release.needs.iter().filter(|need| need.part == part);
            let unmet = needs.filter(|need| installed.is_none_or(|at| !need.fits.contains(&at)));
            reasons.extend(unmet.map(|need| format!("{} {} needs {name} {}", other.name, release.version, need.range)));
        }
        let own = installed.map(|at| &self.parts[part].releases[at as usize]);
        for (own, need) in own
            .into_iter()
            .flat_map(|own| own.needs.iter().map(move |need| (own, need)))
        {
            if chosen[need.part].is_none_or(|at| !need.fits.contains(&at)) {
                let other = &self.parts[need.part].name;
                reasons.push(format!("{name} {} needs {other} {}", own.version, need.range));
            }
        }
        reasons
    }
}

fn parts(names: &[String], members: &[Box<dyn Member>], warnings: &mut Vec<String>) -> Result<Vec<Part>, StackError> {
    let mut parts = Vec::new();
    for (name, member) in names.iter().zip(members) {
        let mut releases = Vec::new();
        for (at, version) in (0_u32..).zip(member.versions()) {
            let by = format!("{name} {version}");
            let mut needs = Vec::new();
            for (component, range) in member.needs(at) {
                let Some(part) = names.iter().position(|name| name == component) else {
                    warnings.push(format!(
                        "{by} needs {component} {range}, and the stack's file has no {component}"
                    ));
                    continue;
                };
                let fits = members[part].fitting(range).map_err(|_| StackError::Range {
                    by: by.clone(),
                    component: component.to_owned(),
                    range: range.to_owned(),
                })?;
                needs.push(PartNeed {
                    part,
                    range: range.to_owned(),
                    fits,
                });
            }
            releases.push(PartRelease { version, needs });
        }
        parts.push(Part {
            name: name.clone(),
            releases,
            installed: member.installed(),
        });
    }
    Ok(parts)
}
