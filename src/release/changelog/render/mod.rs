//! A view as people and programs read it. Foreign text never gets through raw: control characters and HTML are shown, not obeyed.

mod html;
mod markdown;
mod plain;
mod text;

pub use html::html;
pub use markdown::markdown;
pub use text::{Mark, text};

use super::model::{Changelog, Level};
use super::range::{Gathered, Shown};
use super::withdrawn;
use crate::version::Scheme;

/// What a terminal or a page would obey rather than show: control characters, and those that turn the direction of writing.
pub fn is_obeyed(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What is obeyed, each shown as one sign.
fn harmless(text: &str) -> String {
    let shown = |c| match c {
        '\t' => ' ',
        c if is_obeyed(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The same for Markdown, to which tabs matter.
fn harmless_lines(text: &str) -> String {
    text.split('\t').map(harmless).collect::<Vec<_>>().join("\t")
}

/// `1.2.3`, or all versions under one heading.
fn versions<V: Scheme>(release: &Changelog<V>) -> String {
    let mut all: Vec<String> = release.together_with.iter().map(ToString::to_string).collect();
    all.push(release.version.to_string());
    all.join(", ")
}

/// Its day, or what its heading has for one.
fn date_of<V: Scheme>(release: &Changelog<V>) -> Option<String> {
    let dated = || release.dated.as_deref().map(harmless);
    release.date.map(|date| date.to_string()).or_else(dated)
}

/// What a withdrawn release is marked with.
fn withdrawn_words<V: Scheme>(one: &Shown<V>) -> Option<String> {
    let yanked = one.release.yanked.as_ref()?;
    let reason = yanked.reason.as_deref().map(harmless);
    Some(withdrawn::words(
        &one.release.version,
        reason.as_deref(),
        one.instead.as_ref(),
    ))
}

fn list<V: Scheme>(versions: &[V]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Who says it, and whom it concerns.
fn origin<V: Scheme>(note: &Gathered<V>) -> String {
    let from = note.from.as_ref().map(|from| format!(", from {from}"));
    let when = note.when.as_ref().map(|when| format!(", when {when}"));
    let blocking = (note.level == Some(Level::Blocking)).then_some(", to be acknowledged");
    format!(
        "{}{}{}{}",
        list(&note.versions),
        from.unwrap_or_default(),
        harmless(&when.unwrap_or_default()).replace('\n', " "),
        blocking.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests;
