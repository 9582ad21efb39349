//! Which file one version for one platform is, and who vouches for it.

use super::source::{File, Source, Vouched};
use super::{ComponentError, Offer, Template, Values};
use crate::crypt::Digest;
use crate::release::Platform;
use crate::version::Dotted;

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub url: String,
    pub proof: Proof,
}

/// By what the file is known to be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The line for the file in the file of checksums at this address.
    Sums(String),
    Digest(Digest),
    /// Nothing: the source says that this is accepted.
    Nothing,
}

/// `offer` is the release, where the source has a list of them.
pub fn choose(
    source: &Source,
    version: &Dotted,
    platform: &Platform,
    offer: Option<&Offer>,
) -> Result<Choice, ComponentError> {
    let text = platform.to_string();
    let (os, arch) = match text.split_once('-') {
        Some(pair) => pair,
        None if source.knows_platforms() => return Err(ComponentError::Platform(platform.clone())),
        None => ("", ""),
    };
    let called = |names: &std::collections::BTreeMap<String, String>, name: &str| {
        names.get(name).cloned().unwrap_or_else(|| name.to_owned())
    };
    let version_text = version.to_string();
    let (os, arch) = (called(&source.os, os), called(&source.arch, arch));
    let values = Values {
        version: &version_text,
        os: &os,
        arch: &arch,
    };
    let asset = |template: &Template| {
        let name = template.fill(&values);
        let assets = offer.map(|offer| offer.assets.as_slice()).unwrap_or_default();
        match assets.iter().find(|asset| asset.name == name) {
            Some(asset) => Ok(asset.clone()),
            None => {
                let there: Vec<&str> = assets.iter().take(20).map(|asset| asset.name.as_str()).collect();
                Err(ComponentError::NoAsset {
                    version: version.clone(),
                    name,
                    there: if there.is_empty() {
                        "none".into()
                    } else {
                        there.join(", ")
                    },
                })
            }
        }
    };
    let (name, url, digest) = match &source.file {
        File::Url(template) => {
            let url = template.fill(&values);
            (name_of(&url)?, url, None)
        }
        File::Asset(template) => {
            let asset = asset(template)?;
            (asset.name, asset.url, asset.digest)
        }
    };
    let proof = match &source.vouched {
        Vouched::Sums(template) if template.is_address() => Proof::Sums(template.fill(&values)),
        Vouched::Sums(template) => Proof::Sums(asset(template)?.url),
        Vouched::Releases => Proof::Digest(digest.ok_or_else(|| ComponentError::NoDigest(name.clone()))?),
        Vouched::ByNobody => Proof::Nothing,
    };
    Ok(Choice { name, url, proof })
}

/// The last part of an address.
fn name_of(url: &str) -> Result<String, ComponentError> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(ComponentError::NoName(url.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Offers;
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(&format!("name: tool\n{text}")).unwrap()
    }

    fn chosen(source: &Source, platform: &str, offers: &Offers) -> Result<Choice, String> {
        let version: Dotted = "v1.7.0".parse().unwrap();
        let offer = offers.find(&version);
        choose(source, &version, &platform.parse().unwrap(), offer).map_err(|e| e.to_string())
    }

    #[test]
    fn names_of_systems_are_those_of_the_publisher() {
        let source = source(
            "url: https://h/v{version}/t-{version}.{os}-{arch}.tgz\nchecksums: https://h/{version}/sums.txt\narch: {x86_64: amd64, aarch64: arm64}\n",
        );
        let of = |platform| chosen(&source, platform, &Offers::default());
        let found = of("linux-x86_64").unwrap();
        assert_eq!(found.url, "https://h/v1.7.0/t-1.7.0.linux-amd64.tgz");
        assert_eq!(found.name, "t-1.7.0.linux-amd64.tgz");
        assert_eq!(found.proof, Proof::Sums("https://h/1.7.0/sums.txt".into()));
        assert_eq!(of("linux-aarch64").unwrap().name, "t-1.7.0.linux-arm64.tgz");
        assert_eq!(of("linux-riscv64").unwrap().name, "t-1.7.0.linux-riscv64.tgz");
        assert!(of("any").unwrap_err().contains("one system at a time"));
    }

    #[test]
    fn files_of_releases_are_found_by_their_name_with_the_hash_that_is_given() {
        let mut offers = Offers::default();
        let digest = crate::crypt::digest_of(b"t");
        let page = format!(
            r#"[{{"tag_name":"v1.7.0","assets":[
                {{"name":"t-linux.zip","browser_download_url":"https://h/1","digest":"sha256:{digest}"}},
                {{"name":"t-macos.zip","browser_download_url":"https://h/2","digest":null}},
                {{"name":"sums","browser_download_url":"https://h/3"}}]}}]"#
        );
        offers.add_page(page.as_bytes()).unwrap();
        let by_list = source("releases: https://h/r\nasset: t-{os}.zip\n");
        assert_eq!(
            chosen(&by_list, "linux-x86_64", &offers).unwrap(),
            Choice {
                name: "t-linux.zip".into(),
                url: "https://h/1".into(),
                proof: Proof::Digest(digest)
            }
        );
        assert!(
            chosen(&by_list, "macos-x86_64", &offers)
                .unwrap_err()
                .contains("gives no SHA-256 of `t-macos.zip`")
        );
        assert!(
            chosen(&by_list, "plan9-x86_64", &offers)
                .unwrap_err()
                .contains("has no file `t-plan9.zip`; it has t-linux.zip, t-macos.zip, sums")
        );
        let by_sums = source("releases: https://h/r\nasset: t-{os}.zip\nchecksums: sums\n");
        let found = chosen(&by_sums, "macos-x86_64", &offers).unwrap();
        assert_eq!(found.proof, Proof::Sums("https://h/3".into()));
    }
}
