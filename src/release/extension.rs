//! Extensions: what an operator has put into a product beside its release. The manifest's `[[extensions]]` say where they are found and
//! how one is switched off; `[rules.extensions]` says with which versions of them a release runs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CommandSpec, NameError, ProductName, RelPath};
use crate::version::{Constraint, Dotted};

/// One extension: of the product itself, `gallery`, or of a component of it, `web/gallery`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtensionName {
    component: Option<ProductName>,
    name: String,
}

const LONGEST: usize = 128;

impl ExtensionName {
    /// `name` as it is found. It becomes an argument of commands, and a part of paths.
    pub fn new(component: Option<ProductName>, name: &str) -> Result<Self, NameError> {
        let plain = |c: char| !c.is_control() && c != '/';
        let fits = (1..=LONGEST).contains(&name.len()) && name.trim() == name && name.chars().all(plain);
        if fits && !name.starts_with(['-', '.', '*']) {
            let name = name.to_owned();
            return Ok(Self { component, name });
        }
        Err(NameError {
            text: name.to_owned(),
            what: "name of an extension",
            expected: "no `/` and no control character, not `-`, `.` or `*` in front, 128 bytes at most",
        })
    }

    pub fn component(&self) -> Option<&ProductName> {
        self.component.as_ref()
    }

    /// Without its component.
    pub fn own(&self) -> &str {
        &self.name
    }
}

/// `web/gallery` or `gallery`.
fn halves(text: &str) -> Result<(Option<ProductName>, &str), NameError> {
    match text.split_once('/') {
        Some((component, name)) => Ok((Some(component.parse()?), name)),
        None => Ok((None, text)),
    }
}

impl FromStr for ExtensionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (component, name) = halves(text)?;
        Self::new(component, name)
    }
}

impl fmt::Display for ExtensionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{component}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A key of `[rules.extensions]`: one extension, or `*` and `web/*` for all others of the product or of a component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Extensions {
    One(ExtensionName),
    Others(Option<ProductName>),
}

impl FromStr for Extensions {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match halves(text)? {
            (component, "*") => Ok(Self::Others(component)),
            (component, name) => Ok(Self::One(ExtensionName::new(component, name)?)),
        }
    }
}

impl fmt::Display for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => name.fmt(f),
            Self::Others(Some(component)) => write!(f, "{component}/*"),
            Self::Others(None) => f.write_str("*"),
        }
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }
    };
}

as_text!(ExtensionName);
as_text!(Extensions);

/// The extensions that a release runs with; any other is not supported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Supported(BTreeMap<Extensions, Constraint<Dotted>>);

impl Supported {
    /// Why a release does not run with an extension; none when it does. A version that nobody can tell fits `*` alone.
    pub fn objection(&self, name: &ExtensionName, version: Option<&Dotted>) -> Option<String> {
        let others = Extensions::Others(name.component.clone());
        let rule = self
            .0
            .get(&Extensions::One(name.clone()))
            .or_else(|| self.0.get(&others));
        let Some(rule) = rule else {
            return Some("it does not support it".into());
        };
        match version {
            _ if rule.is_any() => None,
            Some(version) if rule.matches(version) => None,
            Some(_) => Some(format!("it supports {rule}")),
            None => Some(format!("it supports {rule}, and which version is here cannot be told")),
        }
    }
}

/// Where the extensions of a product, or of one of its components, are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenExtensions", into = "WrittenExtensions")]
pub struct ExtensionsSpec {
    pub component: Option<ProductName>,
    pub found: ExtensionsFound,
}

impl ExtensionsSpec {
    /// All commands by their keys.
    pub fn commands(&self) -> Vec<(&'static str, &CommandSpec)> {
        let ExtensionsFound::ByCommand(ExtensionCommands { list, switch }) = &self.found else {
            return Vec::new();
        };
        let switch = switch
            .iter()
            .flat_map(|switch| [("disable", &switch.disable), ("enable", &switch.enable)]);
        std::iter::once(("list", list)).chain(switch).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtensionsFound {
    InFolder(ExtensionFolder),
    ByCommand(ExtensionCommands),
}

/// A folder below the installation's `data/`, in which each entry is an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionFolder {
    pub folder: RelPath,
    /// Without it an entry's name has its version: `gallery-1.2.0.zip`.
    pub version: Option<VersionPlace>,
    /// Entries that are none.
    pub except: Vec<String>,
}

/// Commands of the release that list its extensions and switch one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionCommands {
    /// Prints a line `name version` for each, with `disabled` behind it where it is off; a version that is not known is `-`.
    pub list: CommandSpec,
    pub switch: Option<ExtensionSwitch>,
}

/// `{name}` and `{version}` are those of the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionSwitch {
    pub disable: CommandSpec,
    pub enable: CommandSpec,
}

/// A file in the folder of an extension, and the key of it that has the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionPlace {
    pub file: RelPath,
    pub key: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenExtensions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<ProductName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<RelPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<VersionPlace>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<CommandSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disable: Option<CommandSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enable: Option<CommandSpec>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionsSpecError {
    #[error("extensions are found in a `folder` or by a command `list`, one of both")]
    NotOne,
    #[error("`version` and `except` are of a `folder`, `disable` and `enable` of a `list`")]
    OfTheOther,
    #[error("`disable` and `enable` go together: what NetLink switches off it must be able to switch on again")]
    HalfASwitch,
}

impl TryFrom<WrittenExtensions> for ExtensionsSpec {
    type Error = ExtensionsSpecError;

    fn try_from(written: WrittenExtensions) -> Result<Self, ExtensionsSpecError> {
        let WrittenExtensions {
            component,
            folder,
            version,
            except,
            list,
            disable,
            enable,
        } = written;
        let found = match (folder, list) {
            (Some(_), None) if disable.is_some() || enable.is_some() => return Err(ExtensionsSpecError::OfTheOther),
            (None, Some(_)) if version.is_some() || !except.is_empty() => return Err(ExtensionsSpecError::OfTheOther),
            (Some(folder), None) => ExtensionsFound::InFolder(ExtensionFolder {
                folder,
                version,
                except,
            }),
            (None, Some(list)) => {
                let switch = match (disable, enable) {
                    (Some(disable), Some(enable)) => Some(ExtensionSwitch { disable, enable }),
                    (None, None) => None,
                    _ => return Err(ExtensionsSpecError::HalfASwitch),
                };
                ExtensionsFound::ByCommand(ExtensionCommands { list, switch })
            }
            _ => return Err(ExtensionsSpecError::NotOne),
        };
        Ok(Self { component, found })
    }
}

impl From<ExtensionsSpec> for WrittenExtensions {
    fn from(spec: ExtensionsSpec) -> Self {
        let mut written = Self {
            component: spec.component,
            folder: None,
            version: None,
            except: Vec::new(),
            list: None,
            disable: None,
            enable: None,
        };
        match spec.found {
            ExtensionsFound::InFolder(folder) => {
                written.folder = Some(folder.folder);
                written.version = folder.version;
                written.except = folder.except;
            }
            ExtensionsFound::ByCommand(commands) => {
                written.list = Some(commands.list);
                let switch = commands.switch.map(|switch| (switch.disable, switch.enable));
                (written.disable, written.enable) = switch.unzip();
            }
        }
        written
    }
}

/// What the name of a file or folder says: `gallery-1.2.0.zip` is gallery 1.2.0, `gallery.zip` a gallery of which no version is known.
pub fn named_version(file: &str) -> (String, Option<Dotted>) {
    let stem = without_endings(file);
    for text in [stem, file] {
        let behind_hyphens = text.match_indices('-').map(|(at, _)| (at, &text[at + 1..]));
        let numbered = behind_hyphens.filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'v'));
        let read = numbered.filter_map(|(at, rest)| Some((at, rest, rest.parse().ok()?)));
        // `gallery-2-1.2.0` is gallery-2: a number with a point is more of a version than one without.
        let is_pointed =
            |(_, rest, _): &(usize, &str, Dotted)| rest.split('-').next().is_some_and(|first| first.contains('.'));
        let all: Vec<(usize, &str, Dotted)> = read.collect();
        let best = all.iter().find(|one| is_pointed(one)).or(all.first());
        if let Some((at, _, version)) = best {
            return (text[..*at].to_owned(), Some(version.clone()));
        }
    }
    (stem.to_owned(), None)
}

/// Without `.zip`, `.tar.gz` and the like; what begins with a digit is part of a version.
fn without_endings(file: &str) -> &str {
    let mut stem = file;
    while let Some((rest, _)) = stem
        .rsplit_once('.')
        .filter(|(rest, ending)| !rest.is_empty() && is_ending(ending))
    {
        stem = rest;
    }
    stem
}

fn is_ending(text: &str) -> bool {
    (1..=6).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_files_say_their_versions() {
        for (file, name, version) in [
            ("gallery-1.2.0.zip", "gallery", Some("1.2.0")),
            ("gallery-1.2.0", "gallery", Some("1.2.0")),
            ("gallery-2-1.2.0-rc.1.tar.gz", "gallery-2", Some("1.2.0-rc.1")),
            ("spam-filter-v3.jar", "spam-filter", Some("v3")),
            ("gallery.tar.gz", "gallery", None),
            ("gallery", "gallery", None),
            ("org.example.maps-7.0.jar", "org.example.maps", Some("7.0")),
        ] {
            let (found, read) = named_version(file);
            let version: Option<Dotted> = version.map(|version| version.parse().unwrap());
            assert_eq!((found.as_str(), read), (name, version), "{file}");
        }
    }

    proptest! {
        #[test]
        fn a_name_and_a_version_are_found_again(
            name in "[a-z][a-z.]{0,8}(-[a-z]{1,4}){0,2}", numbers in proptest::collection::vec(0_u16..300, 1..4),
            ending in "(|\\.zip|\\.tar\\.gz)",
        ) {
            let version = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
            let (found, read) = named_version(&format!("{name}-{version}{ending}"));
            prop_assert_eq!((found, read), (name, Some(version.parse::<Dotted>().unwrap())));
        }
    }

    fn name(text: &str) -> ExtensionName {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_release_supports_is_told_with_the_reason() {
        let text = r#"{"gallery": ">=1.2, <2", "any": "*", "web/*": "3.x", "web/old": "=1.0"}"#;
        let supported: Supported = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::from_str::<Supported>(&serde_json::to_string(&supported).unwrap()).unwrap(),
            supported
        );
        for (extension, version, objection) in [
            ("gallery", Some("1.5"), None),
            ("gallery", Some("2.0"), Some("it supports >=1.2, <2")),
            (
                "gallery",
                None,
                Some("it supports >=1.2, <2, and which version is here cannot be told"),
            ),
            ("any", None, None),
            ("maps", Some("1.0"), Some("it does not support it")),
            ("web/maps", Some("3.1"), None),
            ("web/old", Some("3.1"), Some("it supports =1.0")),
        ] {
            let version: Option<Dotted> = version.map(|version| version.parse().unwrap());
            let found = supported.objection(&name(extension), version.as_ref());
            assert_eq!(found.as_deref(), objection, "{extension}");
        }
    }

    #[test]
    fn names_are_no_options_and_no_paths() {
        for bad in ["", "-rf", ".x", "a\nb", "web/", "web/a/b", "Web/a", "*", " a"] {
            assert!(bad.parse::<ExtensionName>().is_err(), "{bad}");
        }
        for good in ["gallery", "Gallery Plus", "web/org.example", "ä"] {
            assert_eq!(name(good).to_string(), good);
        }
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        let read = |text: &str| toml_edit::de::from_str::<ExtensionsSpec>(text).map_err(|e| e.to_string());
        for (text, said) in [
            ("", "one of both"),
            ("folder = \"a\"\nlist = {command = [\"x\"]}", "one of both"),
            ("folder = \"a\"\ndisable = {command = [\"x\"]}", "of a `list`"),
            ("list = {command = [\"x\"]}\nexcept = [\"a\"]", "of a `folder`"),
            (
                "list = {command = [\"x\"]}\ndisable = {command = [\"x\"]}",
                "go together",
            ),
            ("folder = \"../a\"", "../a"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let spec = read("component = \"web\"\nfolder = \"plugins\"\nexcept = [\"README\"]").unwrap();
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ExtensionsSpec>(&json).unwrap(), spec);
    }
}
