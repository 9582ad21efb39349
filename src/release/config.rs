//! A configuration file of a product, as its manifest names it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::RelPath;

/// A plain name in the manifest, or a table with what else there is to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct ConfigSpec {
    /// Below the release's and the installation's `config/`.
    pub file: RelPath,
    /// By the file's ending when it is not named.
    pub format: Option<ConfigFormat>,
    /// A JSON Schema in the release tree.
    pub schema: Option<RelPath>,
    /// Keys whose values are never shown, beside those that look like secrets.
    pub secrets: Vec<String>,
    /// Lists of tables whose items are known by one of their keys: `servers` by `name`.
    pub list_keys: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigFormat {
    Toml,
    Yaml,
    Json,
    /// JSON in which new keys come with their comments.
    Jsonc,
    Ini,
    Env,
    Properties,
    Systemd,
    /// Anything else: merged line by line.
    Text,
}

impl ConfigSpec {
    pub fn of(file: RelPath) -> Self {
        Self {
            file,
            format: None,
            schema: None,
            secrets: Vec::new(),
            list_keys: BTreeMap::new(),
        }
    }

    pub fn format(&self) -> ConfigFormat {
        self.format.unwrap_or_else(|| ConfigFormat::of(&self.file))
    }
}

impl ConfigFormat {
    /// By the ending; `.conf` says nothing.
    pub fn of(file: &RelPath) -> Self {
        let name = file.as_str().rsplit('/').next().unwrap_or_default();
        match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("toml") => Self::Toml,
            Some("yml" | "yaml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("jsonc") => Self::Jsonc,
            Some("ini" | "cfg" | "cnf") => Self::Ini,
            Some("properties") => Self::Properties,
            Some("service" | "socket" | "timer" | "mount" | "path" | "target" | "slice") => Self::Systemd,
            Some("env") => Self::Env,
            _ if name.starts_with(".env") => Self::Env,
            _ => Self::Text,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Written {
    Name(RelPath),
    Table(Table),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    file: RelPath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<ConfigFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<RelPath>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    list_keys: BTreeMap<String, String>,
}

/// By hand, so that a mistake in the table is told as such.
impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;
        impl<'de> Visitor<'de> for NameOrTable {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a file, or a table with `file`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Written, E> {
                name.parse().map(Written::Name).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(Written::Table)
            }
        }
        deserializer.deserialize_any(NameOrTable)
    }
}

impl From<Written> for ConfigSpec {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(file) => Self::of(file),
            Written::Table(table) => Self {
                file: table.file,
                format: table.format,
                schema: table.schema,
                secrets: table.secrets,
                list_keys: table.list_keys,
            },
        }
    }
}

impl From<ConfigSpec> for Written {
    fn from(spec: ConfigSpec) -> Self {
        if spec == ConfigSpec::of(spec.file.clone()) {
            return Self::Name(spec.file);
        }
        Self::Table(Table {
            file: spec.file,
            format: spec.format,
            schema: spec.schema,
            secrets: spec.secrets,
            list_keys: spec.list_keys,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_plainly_or_with_more() {
        let plain: ConfigSpec = serde_json::from_str("\"a.toml\"").unwrap();
        assert_eq!(serde_json::to_string(&plain).unwrap(), "\"a.toml\"");
        let text = r#"{"file":"app.conf","format":"ini","schema":"schema.json","secrets":["db.pin"]}"#;
        let table: ConfigSpec = serde_json::from_str(text).unwrap();
        assert_eq!(
            (table.format(), &*table.secrets),
            (ConfigFormat::Ini, &["db.pin".to_owned()][..])
        );
        assert_eq!(serde_json::to_string(&table).unwrap(), text);
        assert!(serde_json::from_str::<ConfigSpec>(r#"{"file":"a","kind":"ini"}"#).is_err());
    }

    #[test]
    fn formats_are_known_by_their_endings() {
        for (file, format) in [
            ("a.toml", ConfigFormat::Toml),
            ("d/a.yml", ConfigFormat::Yaml),
            ("a.json", ConfigFormat::Json),
            ("a.b.jsonc", ConfigFormat::Jsonc),
            ("my.cnf", ConfigFormat::Ini),
            (".env", ConfigFormat::Env),
            (".env.local", ConfigFormat::Env),
            ("app.service", ConfigFormat::Systemd),
            ("nginx.conf", ConfigFormat::Text),
            ("motd", ConfigFormat::Text),
        ] {
            assert_eq!(ConfigSpec::of(file.parse().unwrap()).format(), format, "{file}");
        }
    }
}
