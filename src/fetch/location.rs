//! Where a repository lies: a folder of this machine, of a web server, or of an object store.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ureq::http::Uri;

use super::bucket::Object;
use super::http::Address;
use super::{FetchError, Network};

/// `file:///folder`, `/folder`, `http://host/folder`, `https://host/folder`, `s3://bucket/folder` or `bundle:///file`. Holds no
/// password, so it may be shown and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    /// Without a slash at its end.
    Web(String),
    /// The prefix without slashes around it; none when it is empty.
    Bucket {
        bucket: String,
        prefix: String,
    },
    /// One file of the web by its whole address, whatever name is asked for.
    File(String),
    /// The same of this machine.
    LocalFile(PathBuf),
    /// A repository in one file; the prefix as that of a bucket.
    Bundle {
        file: PathBuf,
        prefix: String,
    },
}

/// One file of a location.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    Path(PathBuf),
    Web(Web),
    InBundle(InBundle),
}

/// One file in a bundle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InBundle {
    pub bundle: PathBuf,
    pub name: String,
}

/// One file that is had by HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Web {
    Url(String),
    Object(Object),
}

impl Web {
    /// What to ask for. For an object store a URL that is good for this file and some time, made with the machine's credentials.
    pub fn address(self, network: &Network) -> Result<Address, FetchError> {
        match self {
            Self::Url(url) => Ok(Address {
                // What is asked for behind a `?` may be a key to the file.
                shown: url.split('?').next().unwrap_or_default().to_owned(),
                url,
                is_store: false,
            }),
            Self::Object(object) => object.address(network),
        }
    }
}

impl fmt::Display for InBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.name, self.bundle.display())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    #[error(
        "`{0}` is not a location: expected file:///folder, /folder, http://host/folder, https://host/folder, s3://bucket/folder or bundle:///file"
    )]
    Shape(String),
    #[error("`{0}` has a `%` that is not followed by two hexadecimal digits")]
    Percent(String),
    #[error("a location holds no user name or password (`…@{0}`): it is shown and stored in plain text")]
    UserInfo(String),
    #[error("`{0}` has a `?` or `#`: a location names a folder")]
    Query(String),
}

impl Location {
    /// A repository in one file; the path begins at the root of the file system.
    pub fn bundle(file: PathBuf) -> Self {
        Self(Place::Bundle {
            file,
            prefix: String::new(),
        })
    }

    /// One file by its whole address; every name that is asked for is it. Of a file of this machine the folder is the location.
    pub fn of_file(url: &str) -> Result<Self, LocationError> {
        if url.starts_with("http:") || url.starts_with("https:") {
            without_password(url)?;
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            if url.contains('#') {
                return Err(LocationError::Query(url.to_owned()));
            }
            let end = if query.is_empty() {
                String::new()
            } else {
                format!("?{}", ascii(query))
            };
            return Ok(Self(Place::File(format!("{}{end}", web(path)?))));
        }
        match url.parse()? {
            Self(Place::Folder(path)) => Ok(Self(Place::LocalFile(path))),
            _ => Err(LocationError::Shape(url.to_owned())),
        }
    }

    /// A folder of this location. `part` is a name that this program gives; it never leads upwards.
    #[must_use]
    pub fn join(&self, part: &str) -> Self {
        let parts = part.split('/').filter(|p| !matches!(*p, "" | "." | ".."));
        Self(match &self.0 {
            Place::Folder(folder) => Place::Folder(parts.fold(folder.clone(), |folder, part| folder.join(part))),
            Place::Web(base) => Place::Web(parts.fold(base.clone(), |base, part| format!("{base}/{}", encoded(part)))),
            Place::File(_) | Place::LocalFile(_) => self.0.clone(),
            Place::Bucket { bucket, prefix } => Place::Bucket {
                bucket: bucket.clone(),
                prefix: parts.fold(prefix.clone(), |prefix, part| below(&prefix, part)),
            },
            Place::Bundle { file, prefix } => Place::Bundle {
                file: file.clone(),
                prefix: parts.fold(prefix.clone(), |prefix, part| below(&prefix, part)),
            },
        })
    }

    /// The file `name` of this location; refused when it could lie elsewhere.
    pub(super) fn file(&self, name: &str) -> Result<Source, FetchError> {
        if !stays_below(name) {
            return Err(FetchError::Name { name: name.to_owned() });
        }
        Ok(match &self.0 {
            Place::Folder(folder) => Source::Path(folder.join(name)),
            Place::File(url) => Source::Web(Web::Url(url.clone())),
            Place::LocalFile(path) => Source::Path(path.clone()),
            Place::Web(base) => {
                let parts: Vec<String> = name.split('/').map(encoded).collect();
                Source::Web(Web::Url(format!("{base}/{}", parts.join("/"))))
            }
            Place::Bucket { bucket, prefix } => Source::Web(Web::Object(Object {
                bucket: bucket.clone(),
                key: below(prefix, name),
            })),
            Place::Bundle { file, prefix } => Source::InBundle(InBundle {
                bundle: file.clone(),
                name: below(prefix, name),
            }),
        })
    }

    /// The file that a server gives for `name` as one part of its address, where a `/` in the name is quoted. In a folder or
    /// an object store, it lies where a server over that would look.
    pub(super) fn named(&self, name: &str) -> Result<Source, FetchError> {
        match &self.0 {
            Place::Folder(_) | Place::Bucket { .. } | Place::Bundle { .. } | Place::File(_) | Place::LocalFile(_) => {
                self.file(name)
            }
            Place::Web(base) if name.len() <= NAME_LENGTH && !matches!(name, "" | "." | "..") => {
                Ok(Source::Web(Web::Url(format!("{base}/{}", encoded(name)))))
            }
            Place::Web(_) => Err(FetchError::Name { name: name.to_owned() }),
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        match &self.0 {
            Place::Folder(_) | Place::Bundle { .. } | Place::LocalFile(_) => false,
            Place::Web(_) | Place::Bucket { .. } | Place::File(_) => true,
        }
    }

    /// The folder itself, where it is one of this machine.
    pub(super) fn folder(&self) -> Option<&std::path::Path> {
        match &self.0 {
            Place::Folder(folder) => Some(folder),
            Place::LocalFile(path) => path.parent(),
            Place::Web(_) | Place::Bucket { .. } | Place::Bundle { .. } | Place::File(_) => None,
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.starts_with('/') {
            return Ok(Self(Place::Folder(text.into())));
        }
        if let Some(path) = text.strip_prefix("bundle://").filter(|path| path.starts_with('/')) {
            return Ok(Self::bundle(decoded(path)?));
        }
        match text.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Ok(Self(Place::Folder(decoded(path)?))),
            Some(_) => Err(LocationError::Shape(text.to_owned())),
            None => match text.strip_prefix("s3://") {
                Some(bucket) => in_bucket(text, bucket).map(Self),
                None => web(text).map(Place::Web).map(Self),
            },
        }
    }
}

/// Also where an `@` would be harmless: that it is shows only to who reads closely.
fn without_password(text: &str) -> Result<(), LocationError> {
    match text.rsplit_once('@') {
        Some((_, host)) => Err(LocationError::UserInfo(host.to_owned())),
        None => Ok(()),
    }
}

fn web(text: &str) -> Result<String, LocationError> {
    without_password(text)?;
    if text.contains(['?', '#']) {
        return Err(LocationError::Query(text.to_owned()));
    }
    let shape = || LocationError::Shape(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| shape())?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
    let host = uri.authority().filter(|authority| !authority.host().is_empty());
    let (scheme, host) = scheme.zip(host).ok_or_else(shape)?;
    Ok(format!("{scheme}://{host}{}", ascii(uri.path().trim_end_matches('/'))))
}

/// A path as it is asked for and shown: of what is not ASCII, some cannot be told from a blank.
fn ascii(path: &str) -> String {
    let one = |b: u8| match b {
        b if b.is_ascii() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    path.bytes().map(one).collect()
}

fn in_bucket(text: &str, rest: &str) -> Result<Place, LocationError> {
    without_password(text)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    let is_name = (3..=63).contains(&bucket.len()) && bucket.bytes().all(plain);
    let is_plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#%".contains(&b));
    if !is_name || !is_plain || !(prefix.is_empty() || stays_below(prefix)) {
        return Err(LocationError::Shape(text.to_owned()));
    }
    Ok(Place::Bucket {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    })
}

/// The key `name` behind the prefix.
pub(super) fn below(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        return name.to_owned();
    }
    format!("{prefix}/{name}")
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Folder(folder) => write!(f, "file://{}", encoded_path(folder)),
            Place::Bundle { file, prefix } => {
                let end = if prefix.is_empty() { "" } else { "/" };
                write!(f, "bundle://{}{end}{prefix}", encoded_path(file))
            }
            Place::LocalFile(path) => write!(f, "file://{}", encoded_path(path)),
            Place::Web(url) | Place::File(url) => f.write_str(url),
            Place::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Place::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl TryFrom<String> for Location {
    type Error = LocationError;

    fn try_from(text: String) -> Result<Self, LocationError> {
        text.parse()
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.to_string()
    }
}

const NAME_LENGTH: usize = 4096;

/// Names come from metadata, which is outside data until it is verified.
fn stays_below(name: &str) -> bool {
    name.len() <= NAME_LENGTH
        && !name.contains(char::is_control)
        && !name.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn encoded_path(path: &Path) -> String {
    let parts = path.as_os_str().as_bytes().split(|b| *b == b'/');
    parts.map(encoded_bytes).collect::<Vec<_>>().join("/")
}

fn encoded(part: &str) -> String {
    encoded_bytes(part.as_bytes())
}

fn encoded_bytes(part: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let one = |b: &u8| match *b {
        b if plain(b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    part.iter().map(one).collect()
}

fn decoded(text: &str) -> Result<PathBuf, LocationError> {
    let wrong = || LocationError::Percent(text.to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(wrong)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| wrong())?;
        bytes.push(byte[0]);
        rest = after;
    }
    Ok(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Location {
        text.parse().unwrap()
    }

    #[test]
    fn folders_and_servers_are_read_and_shown_alike() {
        let check = |text: &str, shown: &str| assert_eq!(at(text).to_string(), shown, "{text}");
        check("/srv/repo", "file:///srv/repo");
        check("file:///srv/my%20repo", "file:///srv/my%20repo");
        check("file:///srv/my repo", "file:///srv/my%20repo");
        check("HTTPS://example.org:8443/a/", "https://example.org:8443/a");
        check("http://[::1]:80", "http://[::1]:80");
        check("s3://my-bucket", "s3://my-bucket");
        check("s3://my.bucket/a/b/", "s3://my.bucket/a/b");
        check("https://host/caf\u{e9}\u{a0}", "https://host/caf%C3%A9%C2%A0");
    }

    #[test]
    fn what_is_not_a_location_is_refused() {
        for bad in [
            "",
            "repo",
            "./repo",
            "file://host/repo",
            "ftp://host/a",
            "https://",
            "http:///x",
            "file:///%zz",
            "s3://",
            "s3://A_b/c",
            "s3://bucket/../c",
            "s3://bucket/a?versionId=3",
            "s3://bucket/a\u{a0}",
        ] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
        assert!(matches!(
            "https://host/a?b".parse::<Location>(),
            Err(LocationError::Query(_))
        ));
    }

    #[test]
    fn a_password_is_refused_and_never_shown() {
        for text in [
            "https://me:secret@host/a",
            "s3://me:secret@bucket/a",
            "s3://bucket/secret@a",
        ] {
            let error = text.parse::<Location>().unwrap_err();
            assert!(matches!(error, LocationError::UserInfo(_)));
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn files_lie_below_the_location() {
        let file = |location: &Location, name: &str| location.file(name).map_err(|e| e.to_string());
        let metadata = at("https://host/r").join("metadata");
        assert_eq!(
            file(&metadata, "1.root.json"),
            Ok(Source::Web(Web::Url("https://host/r/metadata/1.root.json".into())))
        );
        assert_eq!(
            file(&metadata, "a%2e/b ?"),
            Ok(Source::Web(Web::Url("https://host/r/metadata/a%252e/b%20%3F".into())))
        );
        assert_eq!(
            file(&at("/r").join("../metadata"), "x"),
            Ok(Source::Path("/r/metadata/x".into()))
        );
        assert_eq!(
            file(&at("s3://bucket/r").join("metadata"), "1.root.json"),
            Ok(Source::Web(Web::Object(Object {
                bucket: "bucket".into(),
                key: "r/metadata/1.root.json".into()
            })))
        );
        for bad in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/",
            "./a",
            "a\nb",
        ] {
            assert!(file(&metadata, bad).is_err(), "{bad}");
            assert!(file(&at("/r"), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_of_others_is_one_part_of_an_address_and_never_leaves_a_folder() {
        let url = |name: &str| at("https://host/r").named(name).map_err(|e| e.to_string());
        for (name, quoted) in [
            ("1./role.json", "1.%2Frole.json"),
            ("1.../role.json", "1...%2Frole.json"),
            ("../x", "..%2Fx"),
            ("1.?#.json", "1.%3F%23.json"),
            ("1.\n.json", "1.%0A.json"),
        ] {
            assert_eq!(
                url(name),
                Ok(Source::Web(Web::Url(format!("https://host/r/{quoted}")))),
                "{name:?}"
            );
        }
        assert_eq!(
            at("s3://bucket/r").named("1./role.json").map_err(|e| e.to_string()),
            Ok(Source::Web(Web::Object(Object {
                bucket: "bucket".into(),
                key: "r/1./role.json".into()
            })))
        );
        let path = |name: &str| at("/r").named(name).map_err(|e| e.to_string());
        assert_eq!(path("1../a.json"), Ok(Source::Path("/r/1../a.json".into())));
        for bad in ["", "..", "../x.json", "/x.json", "1.a/../../x.json"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_folder_comes_back_from_its_url(path in "/[^\0]*") {
            let location = at(&path);
            prop_assert_eq!(at(&location.to_string()), location);
        }
    }
}
