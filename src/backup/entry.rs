//! An entry of a backup: what a file, folder or link was.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::server::DumpNote;

/// A name of any bytes: text where it is UTF-8, else hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Name {
    Text(String),
    Bytes { hex: String },
}

impl Name {
    pub fn of(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes {
                hex: hex::encode(path.as_os_str().as_bytes()),
            },
        }
    }

    pub fn path(&self) -> PathBuf {
        match self {
            Self::Text(text) => PathBuf::from(text),
            Self::Bytes { hex } => OsString::from_vec(hex::decode(hex).unwrap_or_default()).into(),
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    Folder,
    Link {
        target: Name,
    },
    File(Content),
    /// Of a database on a server, as its own tool wrote it.
    Dump(Box<Dump>),
    /// A socket, pipe or device: noted, never opened, not restored.
    Special,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dump {
    #[serde(flatten)]
    pub content: Content,
    pub dump: DumpNote,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    pub size: u64,
    /// How many of the list of chunks are its.
    pub chunks: u64,
    /// A consistent copy of a live SQLite database; its side files are not in the backup.
    #[serde(skip_serializing_if = "is_false")]
    pub database: bool,
    /// It was still being written while it was read.
    #[serde(skip_serializing_if = "is_false")]
    pub unsettled: bool,
    /// It had holes.
    #[serde(skip_serializing_if = "is_false")]
    pub sparse: bool,
    /// An earlier entry that is another name of the same file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<Name>,
    pub seen: Seen,
}

/// What changes when a file is written to: unchanged, it need not be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub inode: u64,
    /// Of its inode: seconds since 1970 and nanoseconds.
    pub changed: (i64, u32),
    /// The same of the log beside a database, with its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<(u64, i64, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Entry {
    pub path: Name,
    #[serde(flatten)]
    pub what: What,
    pub mode: u32,
    /// Seconds since 1970 and nanoseconds after them.
    pub modified: (i64, u32),
    pub user: u32,
    pub group: u32,
    /// Extended attributes, access lists among them; names and values in hex.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// All that any entry may have: read in one go, where serde's tagged enums gather everything first. A backup has as many as files.
#[derive(Deserialize)]
struct Fields {
    path: Name,
    #[serde(rename = "type")]
    kind: Type,
    target: Option<Name>,
    size: Option<u64>,
    chunks: Option<u64>,
    #[serde(default)]
    database: bool,
    #[serde(default)]
    unsettled: bool,
    #[serde(default)]
    sparse: bool,
    same_as: Option<Name>,
    seen: Option<Seen>,
    dump: Option<DumpNote>,
    mode: u32,
    modified: (i64, u32),
    user: u32,
    group: u32,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Folder,
    Link,
    File,
    Dump,
    Special,
}

impl TryFrom<Fields> for Entry {
    type Error = String;

    fn try_from(mut fields: Fields) -> Result<Self, String> {
        let what = match fields.kind {
            Type::Folder => What::Folder,
            Type::Special => What::Special,
            Type::Link => What::Link {
                target: needed("target", fields.target.take())?,
            },
            Type::File => What::File(fields.content()?),
            Type::Dump => What::Dump(Box::new(Dump {
                content: fields.content()?,
                dump: needed("dump", fields.dump.take())?,
            })),
        };
        Ok(Self {
            path: fields.path,
            what,
            mode: fields.mode,
            modified: fields.modified,
            user: fields.user,
            group: fields.group,
            attributes: fields.attributes,
        })
    }
}

impl Fields {
    fn content(&mut self) -> Result<Content, String> {
        Ok(Content {
            size: needed("size", self.size)?,
            chunks: needed("chunks", self.chunks)?,
            database: self.database,
            unsettled: self.unsettled,
            sparse: self.sparse,
            same_as: self.same_as.take(),
            seen: needed("seen", self.seen.take())?,
        })
    }
}

fn needed<T>(name: &str, field: Option<T>) -> Result<T, String> {
    field.ok_or_else(|| format!("missing field `{name}`"))
}

/// By hand: serde's untagged enums keep what they read to try it again.
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or `{\"hex\": \"…\"}`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Name, E> {
        Ok(Name::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Name, A::Error> {
        #[derive(Deserialize)]
        struct Bytes {
            hex: String,
        }
        let Bytes { hex } = Bytes::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Name::Bytes { hex })
    }
}

impl Entry {
    pub fn of(path: &Path, meta: &Metadata, what: What) -> Self {
        Self {
            path: Name::of(path),
            what,
            mode: meta.mode() & 0o7777,
            modified: (meta.mtime(), nanos(meta.mtime_nsec())),
            user: meta.uid(),
            group: meta.gid(),
            attributes: BTreeMap::new(),
        }
    }

    pub fn modified(&self) -> SystemTime {
        let (seconds, nanos) = self.modified;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(whole)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        };
        base.and_then(|base| base.checked_add(Duration::from_nanos(nanos.into())))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    pub fn content(&self) -> Option<&Content> {
        match &self.what {
            What::File(content) => Some(content),
            What::Dump(dump) => Some(&dump.content),
            _ => None,
        }
    }

    pub fn dump(&self) -> Option<&DumpNote> {
        match &self.what {
            What::Dump(dump) => Some(&dump.dump),
            _ => None,
        }
    }

    pub fn size(&self) -> u64 {
        self.content().map_or(0, |content| content.size)
    }

    pub fn chunks(&self) -> u64 {
        self.content().map_or(0, |content| content.chunks)
    }

    pub fn is_folder(&self) -> bool {
        self.what == What::Folder
    }

    pub fn set_attributes(&mut self, attributes: &[(OsString, Vec<u8>)]) {
        let hexed = |(name, value): &(OsString, Vec<u8>)| (hex::encode(name.as_bytes()), hex::encode(value));
        self.attributes = attributes.iter().map(hexed).collect();
    }

    pub fn attributes(&self) -> impl Iterator<Item = (OsString, Vec<u8>)> {
        self.attributes.iter().filter_map(|(name, value)| {
            let name = OsStr::from_bytes(&hex::decode(name).ok()?).to_owned();
            Some((name, hex::decode(value).ok()?))
        })
    }
}

impl Seen {
    pub fn of(meta: &Metadata) -> Self {
        Self {
            inode: meta.ino(),
            changed: (meta.ctime(), nanos(meta.ctime_nsec())),
            log: None,
        }
    }
}

/// Always below a billion.
pub fn nanos(of_a_second: i64) -> u32 {
    u32::try_from(of_a_second).unwrap_or(0)
}
