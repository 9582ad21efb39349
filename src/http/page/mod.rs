//! The page: files in the binary, sent as they are. What it shows it asks of the same addresses as everybody else.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::Answer;
use super::openapi;
use super::problem::Problem;
use crate::crypt::digest_of;

/// Nothing but what this server sends itself, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($path:literal: $kind:ident),+ $(,)?) => {
        &[$(Asset { path: $path, kind: $kind, text: include_str!($path) }),+]
    };
}

const ASSETS: &[Asset] = assets! {
    "index.html": HTML,
    "reference.html": HTML,
    "page.css": CSS,
    "icon.svg": SVG,
    "main.js": SCRIPT,
    "dom.js": SCRIPT,
    "api.js": SCRIPT,
    "words.js": SCRIPT,
    "live.js": SCRIPT,
    "parts.js": SCRIPT,
    "confirm.js": SCRIPT,
    "markdown.js": SCRIPT,
    "path.js": SCRIPT,
    "chart.js": SCRIPT,
    "zone.js": SCRIPT,
    "days.js": SCRIPT,
    "reference.js": SCRIPT,
    "views/login.js": SCRIPT,
    "views/overview.js": SCRIPT,
    "views/plan.js": SCRIPT,
    "views/start.js": SCRIPT,
    "views/when.js": SCRIPT,
    "views/trial.js": SCRIPT,
    "views/update.js": SCRIPT,
    "views/order.js": SCRIPT,
    "views/waiting.js": SCRIPT,
    "views/calendar.js": SCRIPT,
    "views/steps.js": SCRIPT,
    "views/history.js": SCRIPT,
    "views/backups.js": SCRIPT,
    "views/backup.js": SCRIPT,
    "views/restore.js": SCRIPT,
    "views/audit.js": SCRIPT,
    "views/tokens.js": SCRIPT,
};

/// What the reference is made of.
const DESCRIPTION: &str = "openapi.json";

/// Each file with the tag of its content.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| ASSETS.iter().map(|asset| tag(asset.text)).collect());
static DESCRIBED: LazyLock<Result<(String, String), String>> = LazyLock::new(|| {
    let text = openapi::json()?;
    Ok((tag(&text), text))
});

pub async fn home(request: HttpRequest) -> Answer {
    named(&request, "index.html")
}

pub async fn reference(request: HttpRequest) -> Answer {
    named(&request, "reference.html")
}

pub async fn asset(request: HttpRequest, path: web::Path<String>) -> Answer {
    if path.as_str() == DESCRIPTION {
        let described = DESCRIBED.as_ref().map_err(|e| Problem::new("NL0999", e.clone()))?;
        return Ok(sent(&request, JSON, &described.0, &described.1));
    }
    named(&request, &path)
}

fn named(request: &HttpRequest, path: &str) -> Answer {
    let found = ASSETS.iter().zip(TAGS.iter()).find(|(asset, _)| asset.path == path);
    let (asset, tag) =
        found.ok_or_else(|| Problem::new("NL0702", format!("there is nothing at {}", request.path())))?;
    Ok(sent(request, asset.kind, tag, asset.text))
}

/// A browser keeps it and asks each time whether it is still so: after an update of NetLink nobody sees half of two pages.
fn sent(request: &HttpRequest, kind: &'static str, tag: &str, text: &'static str) -> HttpResponse {
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut answer = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"));
    match is_known {
        true => answer.finish(),
        false => answer.content_type(kind).body(text),
    }
}

fn tag(text: &str) -> String {
    format!("\"{}\"", &digest_of(text.as_bytes()).to_string()[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file that one of them names.
    fn asked_for(asset: &Asset) -> Vec<String> {
        let folder = asset.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut found = Vec::new();
        for line in asset.text.lines() {
            if let Some((_, rest)) = line.split_once("from \"").filter(|_| asset.kind == SCRIPT) {
                let name = rest.split('"').next().unwrap();
                found.push(match (name.strip_prefix("../"), name.strip_prefix("./")) {
                    (Some(name), _) => name.to_owned(),
                    (_, Some(name)) if folder.is_empty() => name.to_owned(),
                    (_, Some(name)) => format!("{folder}/{name}"),
                    _ => panic!("{}: {line}", asset.path),
                });
            }
            for name in line.split("\"/page/").skip(1) {
                found.push(name.split('"').next().unwrap().to_owned());
            }
        }
        found
    }

    #[test]
    fn every_file_that_is_asked_for_is_there_and_every_one_is_asked_for() {
        let mut asked: Vec<String> = ASSETS.iter().flat_map(asked_for).collect();
        asked.sort();
        asked.dedup();
        let mut there: Vec<&str> = ASSETS.iter().map(|asset| asset.path).collect();
        there.retain(|path| !path.ends_with(".html"));
        there.push(DESCRIPTION);
        there.sort_unstable();
        assert_eq!(asked, there);
    }

    #[test]
    fn nothing_is_built_out_of_strings_and_nothing_stands_inline() {
        let forbidden = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "srcdoc",
            "DOMParser",
            "javascript:",
            " style=",
            "<style",
            " onclick=",
            " onload=",
            "http://",
            "https://",
            "setAttribute(\"style\"",
        ];
        // Names of vocabularies, and what links of changelogs may begin with; nothing is fetched from there.
        let allowed = ["http://www.w3.org/2000/svg", "\"https://\"", "\"http://\""];
        for asset in ASSETS {
            let text = allowed
                .iter()
                .fold(asset.text.to_owned(), |text, known| text.replace(known, ""));
            for word in forbidden {
                assert!(!text.contains(word), "{}: {word}", asset.path);
            }
            let inline = text
                .match_indices("<script")
                .filter(|(at, _)| !text[*at..].starts_with("<script type=\"module\" src=\"/page/"));
            assert_eq!(inline.count(), 0, "{}", asset.path);
        }
    }
}
