//! Where a component comes from, as it is written down.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Template;
use crate::release::ProductName;

/// What must be written to take files that nothing vouches for.
const LOUDLY: &str = "accept-bytes-that-nobody-vouches-for";

#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: ProductName,
    /// The address of the list of releases.
    pub releases: Option<String>,
    pub(super) file: File,
    pub(super) vouched: Vouched,
    /// What this publisher calls systems, where it differs from Rust's names.
    pub(super) os: BTreeMap<String, String>,
    pub(super) arch: BTreeMap<String, String>,
    pub archive: Option<ArchiveKind>,
    /// What a bare program is called in the tree.
    pub program: String,
    /// Whether the single folder at the top of an archive is left out.
    pub strip: bool,
    pub pre_releases: bool,
    pub limits: SourceLimits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    Url(Template),
    /// The name of a file of a release in the list.
    Asset(Template),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Vouched {
    /// An address, or the name of a file of a release.
    Sums(Template),
    /// The list of releases has the hash.
    Releases,
    ByNobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ArchiveKind {
    #[serde(rename = "tar.gz")]
    TarGz,
    #[serde(rename = "tar.xz")]
    TarXz,
    #[serde(rename = "tar.zst")]
    TarZst,
    #[serde(rename = "zip")]
    Zip,
    /// Not an archive but the program itself.
    #[serde(rename = "binary")]
    Binary,
}

impl ArchiveKind {
    /// By the ending of a file's name; what has none of an archive is the program itself.
    pub fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match () {
            () if ends(&[".tar.gz", ".tgz"]) => Self::TarGz,
            () if ends(&[".tar.xz", ".txz"]) => Self::TarXz,
            () if ends(&[".tar.zst", ".tzst"]) => Self::TarZst,
            () if ends(&[".zip"]) => Self::Zip,
            () => Self::Binary,
        }
    }
}

/// The most that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLimits {
    /// Bytes of the file that is fetched.
    pub download: u64,
    /// Bytes of all that is in it.
    pub unpacked: u64,
    pub files: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error("{0}")]
    Yaml(String),
    #[error("`url` and `asset`: give one of them, the address of the file or its name in a list of releases")]
    WhichFile,
    #[error("`asset` is a name in a list of releases; give its address as `releases`, or `github_repo`")]
    NoReleases,
    #[error("`releases` and `github_repo`: give one of them")]
    TwoLists,
    #[error("`github_repo: {0}` is not a repository; expected owner/name")]
    Repo(String),
    #[error("`{key}: {value}` is not an address; expected https://…, http://…, or file:///…")]
    Address { key: &'static str, value: String },
    #[error("`{0}` has no {{version}}, so that every version would be the same file")]
    NoVersion(Template),
    #[error(
        "nothing would vouch for the file: name its file of checksums as `checksums`; only where there is none, and what arrives may be anything, write `unverified: {LOUDLY}`"
    )]
    NotVouched,
    #[error("`unverified` is for files that nothing vouches for; take it out, as there are `checksums`")]
    BothVouched,
    #[error("`program: {0}` is not a plain file name")]
    Program(String),
    #[error("`{0}` must be above 0")]
    Zero(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: ProductName,
    #[serde(default)]
    url: Option<Template>,
    #[serde(default)]
    asset: Option<Template>,
    #[serde(default)]
    releases: Option<String>,
    #[serde(default)]
    github_repo: Option<String>,
    #[serde(default)]
    checksums: Option<Template>,
    #[serde(default)]
    unverified: Option<Unverified>,
    #[serde(default)]
    os: BTreeMap<String, String>,
    #[serde(default)]
    arch: BTreeMap<String, String>,
    #[serde(default)]
    archive: Option<ArchiveKind>,
    #[serde(default)]
    program: Option<String>,
    #[serde(default = "yes")]
    strip: bool,
    #[serde(default)]
    pre_releases: bool,
    #[serde(default = "two_gib")]
    max_download_mib: u64,
    #[serde(default = "four_gib")]
    max_unpacked_mib: u64,
    #[serde(default = "many")]
    max_files: usize,
}

#[derive(Deserialize)]
enum Unverified {
    #[serde(rename = "accept-bytes-that-nobody-vouches-for")]
    Accepted,
}

fn yes() -> bool {
    true
}

fn two_gib() -> u64 {
    2048
}

fn four_gib() -> u64 {
    4096
}

fn many() -> usize {
    100_000
}

impl Source {
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let written: Written = serde_saphyr::from_str(text).map_err(|e| SourceError::Yaml(e.to_string()))?;
        written.checked()
    }

    pub(super) fn knows_platforms(&self) -> bool {
        let (File::Url(file) | File::Asset(file)) = &self.file;
        let sums = match &self.vouched {
            Vouched::Sums(sums) => sums.knows_platforms(),
            Vouched::Releases | Vouched::ByNobody => false,
        };
        file.knows_platforms() || sums
    }
}

impl Written {
    fn checked(self) -> Result<Source, SourceError> {
        let releases = match (self.releases, self.github_repo) {
            (Some(_), Some(_)) => return Err(SourceError::TwoLists),
            (Some(url), None) => Some(address("releases", url)?),
            (None, Some(repo)) => Some(list_of(&repo)?),
            (None, None) => None,
        };
        let file = match (self.url, self.asset) {
            (Some(url), None) => {
                address("url", url.to_string())?;
                if !url.knows_versions() {
                    return Err(SourceError::NoVersion(url));
                }
                File::Url(url)
            }
            (None, Some(_)) if releases.is_none() => return Err(SourceError::NoReleases),
            (None, Some(asset)) => File::Asset(asset),
            _ => return Err(SourceError::WhichFile),
        };
        let vouched = match (self.checksums, self.unverified) {
            (Some(_), Some(Unverified::Accepted)) => return Err(SourceError::BothVouched),
            (Some(sums), None) if releases.is_none() && !sums.is_address() => return Err(SourceError::NoReleases),
            (Some(sums), None) => Vouched::Sums(sums),
            (None, Some(Unverified::Accepted)) => Vouched::ByNobody,
            (None, None) if matches!(file, File::Asset(_)) => Vouched::Releases,
            (None, None) => return Err(SourceError::NotVouched),
        };
        let program = self.program.unwrap_or_else(|| self.name.to_string());
        if program.is_empty() || program.contains(['/', '\\', '\0']) || matches!(&*program, "." | "..") {
            return Err(SourceError::Program(program));
        }
        let bytes = |key, mib: u64| match mib.checked_mul(1 << 20) {
            Some(bytes) if bytes > 0 => Ok(bytes),
            _ => Err(SourceError::Zero(key)),
        };
        if self.max_files == 0 {
            return Err(SourceError::Zero("max_files"));
        }
        Ok(Source {
            name: self.name,
            releases,
            file,
            vouched,
            os: self.os,
            arch: self.arch,
            archive: self.archive,
            program,
            strip: self.strip,
            pre_releases: self.pre_releases,
            limits: SourceLimits {
                download: bytes("max_download_mib", self.max_download_mib)?,
                unpacked: bytes("max_unpacked_mib", self.max_unpacked_mib)?,
                files: self.max_files,
            },
        })
    }
}

fn address(key: &'static str, value: String) -> Result<String, SourceError> {
    let schemes = ["https://", "http://", "file:///"];
    if schemes.iter().any(|scheme| value.starts_with(scheme)) {
        return Ok(value);
    }
    Err(SourceError::Address { key, value })
}

fn list_of(repo: &str) -> Result<String, SourceError> {
    let plain = |part: &str| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(legal)
    };
    match repo.split_once('/') {
        Some((owner, name)) if plain(owner) && plain(name) => {
            Ok(format!("https://api.github.com/repos/{owner}/{name}/releases"))
        }
        _ => Err(SourceError::Repo(repo.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        Source::parse(text).unwrap_err().to_string()
    }

    const URL: &str = "name: tool\nurl: https://h/{version}.zip\n";

    #[test]
    fn few_keys_suffice() {
        let source = Source::parse(&format!("{URL}checksums: https://h/sums\n")).unwrap();
        assert_eq!(
            (source.program.as_str(), source.strip, source.pre_releases),
            ("tool", true, false)
        );
        assert_eq!(source.limits.download, 2 << 30);
        let short = Source::parse("name: tool\ngithub_repo: org/tool\nasset: t-{version}.zip\n").unwrap();
        assert_eq!(
            short.releases.as_deref(),
            Some("https://api.github.com/repos/org/tool/releases")
        );
    }

    #[test]
    fn what_nothing_vouches_for_is_accepted_only_in_so_many_words() {
        assert!(said(URL).contains("nothing would vouch for the file"));
        for word in ["true", "yes", "accept"] {
            assert!(said(&format!("{URL}unverified: {word}\n")).contains("line 3"), "{word}");
        }
        assert!(Source::parse(&format!("{URL}unverified: {LOUDLY}\n")).is_ok());
        assert!(said(&format!("{URL}unverified: {LOUDLY}\nchecksums: https://h/s\n")).contains("take it out"));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            ("name: tool\nulr: x\n", "line 2"),
            ("name: Tool\n", "line 1"),
            ("name: tool\nurl: 'https://h/{ver}'\n", "line 2"),
            ("name: tool\n", "give one of them"),
            ("name: tool\nasset: x\n", "list of releases"),
            ("name: tool\nurl: ftp://h/{version}\n", "not an address"),
            ("name: tool\nurl: https://h/x\n", "has no {version}"),
            ("name: tool\ngithub_repo: ../x\nasset: x\n", "expected owner/name"),
            (
                "name: tool\ngithub_repo: a/b\nreleases: https://h\nasset: x\n",
                "give one of them",
            ),
        ] {
            assert!(said(text).contains(expected), "{text}: {}", said(text));
        }
        for bad in [
            "program: a/b\n",
            "max_files: 0\n",
            "archive: rar\n",
            "checksums: sums.txt\n",
        ] {
            let sums = if bad.starts_with("checksums") {
                ""
            } else {
                "checksums: https://h/s\n"
            };
            assert!(Source::parse(&format!("{URL}{sums}{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn endings_tell_kinds() {
        for (name, kind) in [
            ("a.tar.gz", ArchiveKind::TarGz),
            ("a.TGZ", ArchiveKind::TarGz),
            ("a.tar.xz", ArchiveKind::TarXz),
            ("a.tar.zst", ArchiveKind::TarZst),
            ("a.zip", ArchiveKind::Zip),
            ("a-1.2.3", ArchiveKind::Binary),
        ] {
            assert_eq!(ArchiveKind::of(name), kind, "{name}");
        }
    }
}
