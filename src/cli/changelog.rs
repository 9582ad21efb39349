//! `netlink update changelog` and `netlink changelog …`

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{
    ChangelogFormat, ChangelogVerb, Global, Output, ShowChangelogArgs, UpdateChangelogArgs, VersionScheme,
};
use super::open::open;
use super::output::{Failed, Result, bold, dim, harmless, line, red, say, struck, width, yellow};
use super::remote::{self, Wire};
use crate::app::{self, AppError, ChangesOf};
use crate::release::changelog::{AnyDocument, Document, Grammar, Mark, Span, View, html, markdown, text, view};
use crate::version::{Scheme, Version};

pub fn run(global: &Global, verb: &ChangelogVerb) -> Result<()> {
    match verb {
        ChangelogVerb::Show(wanted) => show(global, wanted),
        ChangelogVerb::Check { files, scheme } => check(global, files, *scheme),
        ChangelogVerb::Draft { since, repo, version } => {
            let drafted = app::draft_changelog(repo, since, version.as_deref())?;
            match global.output {
                Output::Json => json(&json!({"since": since, "version": version, "markdown": drafted})),
                Output::Text => print(drafted.trim_end()),
            }
        }
    }
}

fn grammar(scheme: Option<VersionScheme>) -> Option<Grammar> {
    scheme.map(|scheme| match scheme {
        VersionScheme::Lifecycle => Grammar::Lifecycle,
        VersionScheme::Dotted => Grammar::Dotted,
    })
}

fn show(global: &Global, wanted: &ShowChangelogArgs) -> Result<()> {
    match app::read_changelog(&wanted.file, grammar(wanted.scheme))? {
        AnyDocument::Lifecycle(document) => show_of(global, wanted, document),
        AnyDocument::Dotted(document) => show_of(global, wanted, document),
    }
}

fn show_of<V: Scheme>(global: &Global, wanted: &ShowChangelogArgs, document: Document<V>) -> Result<()> {
    let parse = |text: &Option<String>| {
        let parsed = text.as_deref().map(str::parse).transpose();
        parsed.map_err(|e: crate::version::VersionError| AppError::below("NL0101", &e))
    };
    let span: Span<V> = Span {
        since: parse(&wanted.since)?,
        until: parse(&wanted.until)?,
        pre: wanted.pre,
    };
    for warning in &document.warnings {
        let place = format!("{}:{}", wanted.file.display(), warning.place);
        say(&format!(
            "{} {place}: {}",
            yellow("warning:"),
            harmless(&warning.kind.to_string())
        ));
    }
    let (releases, pending) = document.into_releases();
    if releases.is_empty() && pending.is_empty() {
        let message = format!("{} has no heading of a release", wanted.file.display());
        return Err(Failed::said("NL0505", message));
    }
    written(&view(releases, pending, &span), format(global, wanted.format))
}

fn check(global: &Global, files: &[PathBuf], scheme: Option<VersionScheme>) -> Result<()> {
    let checked: Vec<(&Path, Vec<_>)> = files
        .iter()
        .map(|file| Ok((file.as_path(), app::check_changelog(file, grammar(scheme))?)))
        .collect::<Result<_>>()?;
    if global.output == Output::Json {
        let documents = checked
            .iter()
            .map(|(file, findings)| json!({"file": file, "findings": findings}));
        json(&documents.collect::<Vec<_>>())?;
    } else {
        for (file, findings) in &checked {
            for finding in findings {
                print(&format!(
                    "{}:{}: {}",
                    file.display(),
                    finding.place,
                    harmless(&finding.kind.to_string())
                ))?;
            }
        }
    }
    if checked.iter().all(|(_, findings)| findings.is_empty()) {
        Ok(())
    } else {
        Err(Failed::Exit(1))
    }
}

pub fn of_installation(global: &Global, wanted: &UpdateChangelogArgs) -> Result<()> {
    if let Some(wire) = remote::wire(global)? {
        return of_server(&wire, wanted, format(global, wanted.format));
    }
    let of = match (&wanted.version, &wanted.since, &wanted.until) {
        (Some(version), _, _) => ChangesOf::One(version.clone()),
        (None, None, None) => ChangesOf::Installed,
        (None, since, until) => ChangesOf::Span(Span {
            since: since.clone(),
            until: until.clone(),
            pre: wanted.pre,
        }),
    };
    written(&app::changes(&open(global)?, &of)?, format(global, wanted.format))
}

/// As the server writes it.
fn of_server(wire: &Wire, wanted: &UpdateChangelogArgs, format: ChangelogFormat) -> Result<()> {
    let shown = |version: &Version| version.to_string();
    let columns = width().clamp(20, 400).to_string();
    let values = [
        ("version", wanted.version.as_ref().map(shown)),
        ("since", wanted.since.as_ref().map(shown)),
        ("until", wanted.until.as_ref().map(shown)),
        ("pre", wanted.pre.then(|| "true".to_owned())),
        ("width", Some(columns)),
    ];
    let given = values
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let query: Vec<(&str, &str)> = given.collect();
    let accept = match format {
        ChangelogFormat::Json => return json(&wire.look_long::<serde_json::Value>("/changelog", &query)?),
        ChangelogFormat::Text => "text/plain",
        ChangelogFormat::Markdown => "text/markdown",
        ChangelogFormat::Html => "text/html",
    };
    let text = wire.text("/changelog", &query, accept)?;
    match text.trim_end() {
        "" => print("no newer release"),
        text => print(&harmless(text)),
    }
}

/// `--output json` means the format as well.
fn format(global: &Global, wanted: ChangelogFormat) -> ChangelogFormat {
    if global.output == Output::Json {
        ChangelogFormat::Json
    } else {
        wanted
    }
}

fn json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| AppError::below("NL0408", &e))?;
    print(&text)
}

fn written<V: Scheme>(view: &View<V>, format: ChangelogFormat) -> Result<()> {
    let out = match format {
        ChangelogFormat::Json => return json(view),
        _ if view.releases.is_empty() && view.pending.is_empty() && format != ChangelogFormat::Html => {
            "no newer release".to_owned()
        }
        ChangelogFormat::Text => text(view, width(), &painted),
        ChangelogFormat::Markdown => markdown(view),
        ChangelogFormat::Html => html(view),
    };
    print(out.trim_end())
}

fn painted(mark: Mark, text: &str) -> String {
    match mark {
        Mark::Title | Mark::Section => bold(text),
        Mark::Breaking => red(text),
        Mark::Withdrawn => struck(text),
        Mark::Instead => yellow(text),
        Mark::Faint => dim(text),
    }
}

fn print(text: &str) -> Result<()> {
    match line(text) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::App(AppError::below("NL0408", &e))),
        _ => Ok(()),
    }
}
