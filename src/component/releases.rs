//! Lists of releases as GitHub's interface gives them, and others after its model.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ComponentError;
use crate::crypt::Digest;
use crate::named;
use crate::version::{Channel, Dotted, Scheme};

/// One release of a component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Offer {
    pub version: Dotted,
    /// What it is called where it is published.
    pub tag: String,
    pub pre_release: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    #[serde(skip)]
    pub assets: Vec<Asset>,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub name: String,
    pub url: String,
    pub digest: Option<Digest>,
}

/// All that is offered, from as many pages as there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offers {
    pub offers: Vec<Offer>,
    /// Tags that are not versions.
    pub odd: Vec<String>,
}

#[derive(Deserialize)]
struct Listed {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    published_at: Option<Timestamp>,
    #[serde(default)]
    assets: Vec<ListedAsset>,
}

#[derive(Deserialize)]
struct ListedAsset {
    name: String,
    browser_download_url: String,
    #[serde(default)]
    digest: Option<String>,
}

impl Offers {
    /// Adds a page; gives how many releases it had, drafts too. What is in preparation is nobody's business.
    pub fn add_page(&mut self, page: &[u8]) -> Result<usize, ComponentError> {
        let listed: Vec<Listed> = named::from_json(page).map_err(|e| ComponentError::Releases(e.to_string()))?;
        let count = listed.len();
        for one in listed.into_iter().filter(|one| !one.draft) {
            match one.tag_name.parse() {
                Ok(version) => self.add(version, one),
                Err(_) => self.odd.push(one.tag_name),
            }
        }
        Ok(count)
    }

    fn add(&mut self, version: Dotted, listed: Listed) {
        // A page may shift while the next one is asked for, so that a release is on both.
        if self.offers.iter().any(|offer| offer.tag == listed.tag_name) {
            return;
        }
        let asset = |asset: ListedAsset| Asset {
            name: asset.name,
            url: asset.browser_download_url,
            digest: asset.digest.as_deref().and_then(sha256),
        };
        self.offers.push(Offer {
            pre_release: listed.prerelease || version.channel() != Channel::Release,
            version,
            tag: listed.tag_name,
            published_at: listed.published_at,
            assets: listed.assets.into_iter().map(asset).collect(),
        });
    }

    /// Those that may be chosen from, the highest first.
    pub fn sorted(&self, pre_releases: bool) -> Vec<&Offer> {
        let wanted = self.offers.iter().filter(|offer| pre_releases || !offer.pre_release);
        let mut offers: Vec<&Offer> = wanted.collect();
        offers.sort_by(|a, b| b.version.cmp(&a.version));
        offers
    }

    /// Also a pre-release, when it is asked for by its version.
    pub fn find(&self, version: &Dotted) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.version == *version)
    }
}

fn sha256(text: &str) -> Option<Digest> {
    text.strip_prefix("sha256:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(pages: &[&str]) -> Offers {
        let mut offers = Offers::default();
        for page in pages {
            offers.add_page(page.as_bytes()).unwrap();
        }
        offers
    }

    fn shown(offers: &Offers, pre_releases: bool) -> Vec<String> {
        let sorted = offers.sorted(pre_releases);
        sorted.iter().map(|offer| offer.version.to_string()).collect()
    }

    #[test]
    fn drafts_are_left_out_and_pre_releases_when_they_are_not_wanted() {
        let offers = offers(&[
            r#"[{"tag_name":"v1.9.0"},{"tag_name":"v1.10.0","draft":false},{"tag_name":"v9.0.0","draft":true}]"#,
            r#"[{"tag_name":"v2.0.0-rc.1"},{"tag_name":"2.1.0","prerelease":true},{"tag_name":"nightly"},{"tag_name":"v1.9.0"}]"#,
            "[]",
        ]);
        assert_eq!(shown(&offers, false), ["1.10.0", "1.9.0"]);
        assert_eq!(shown(&offers, true), ["2.1.0", "2.0.0-rc.1", "1.10.0", "1.9.0"]);
        assert_eq!(offers.odd, ["nightly"]);
        assert_eq!(offers.find(&"1.10".parse().unwrap()).unwrap().tag, "v1.10.0");
        assert!(offers.find(&"9.0.0".parse().unwrap()).is_none());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let said = |page: &str| Offers::default().add_page(page.as_bytes()).unwrap_err().to_string();
        for page in [
            r#"{"message":"Not Found"}"#,
            "",
            "<html>",
            r#"[{"name":"x"}]"#,
            &"[".repeat(100_000),
        ] {
            assert!(said(page).contains("is not one"), "{page:.20}");
        }
    }
}
