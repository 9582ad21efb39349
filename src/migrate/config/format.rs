//! Which syntax a file has. What a library does with an outside text is fenced in here: one that panics fails this file, not the
//! update.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ConfigError;
use super::data::{Data, Kind};
use super::edit::Edit;
use super::inverse::Back;
use super::key::KeyPath;
use super::outline::{self, Dialect, Json, Lines, Syntax, Yaml};
use super::toml;

pub use crate::release::ConfigFormat as Format;

const MARK: char = '\u{feff}';

impl Format {
    /// None for TOML, which has edits of its own, and for texts that only lines are known of.
    pub(super) fn syntax(self) -> Option<&'static dyn Syntax> {
        Some(match self {
            Self::Toml | Self::Text => return None,
            Self::Yaml => &Yaml,
            Self::Json => &Json { comments: false },
            Self::Jsonc => &Json { comments: true },
            Self::Ini => &Lines(Dialect::Ini),
            Self::Env => &Lines(Dialect::Env),
            Self::Properties => &Lines(Dialect::Properties),
            Self::Systemd => &Lines(Dialect::Systemd),
        })
    }

    fn is_of_lines(self) -> bool {
        matches!(self, Self::Ini | Self::Env | Self::Properties | Self::Systemd)
    }

    /// Keys of properties have dots and no tables.
    pub(super) fn key(self, key: &KeyPath) -> KeyPath {
        match self {
            Self::Properties => KeyPath::of(&[key.parts().join(".")]),
            _ => key.clone(),
        }
    }

    /// As a file of this format reads it back: where there are only lines, every value is text.
    pub(super) fn value(self, value: &Data) -> Data {
        match value {
            Data::Scalar(Kind::Integer | Kind::Float | Kind::Boolean | Kind::Datetime, text) if self.is_of_lines() => {
                Data::text(text.clone())
            }
            other => other.clone(),
        }
    }

    /// What the text says; none where only its lines are known.
    pub(super) fn data(self, file: &str, text: &str) -> Result<Option<Data>, ConfigError> {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        fenced(|| match (self, self.syntax()) {
            (_, Some(syntax)) => {
                let data = syntax.data(file, text)?;
                match data {
                    Data::Table(_) => Ok(Some(data)),
                    _ => Err(ConfigError::Syntax {
                        file: file.to_owned(),
                        format: syntax.name(),
                        line: 1,
                        column: 1,
                        reason: "there are no keys: the whole is a list or a single value".to_owned(),
                    }),
                }
            }
            (Self::Toml, None) => toml::data(file, text).map(Some),
            _ => Ok(None),
        })
    }

    /// Does one edit; nothing when there is nothing to do.
    pub(super) fn run(self, text: &str, edit: &Edit) -> Result<Option<(String, Vec<Back>)>, ConfigError> {
        let bare = text.strip_prefix(MARK).unwrap_or(text);
        let mark = &text[..text.len() - bare.len()];
        fenced(|| match (self, self.syntax()) {
            (_, Some(syntax)) => {
                let done = outline::run(syntax, bare, edit)?;
                Ok(done.map(|(new, undo)| (format!("{mark}{new}"), undo.into_iter().map(Back::Edit).collect())))
            }
            (Self::Toml, None) => {
                let done = toml::run(text, edit)?;
                Ok(done.map(|(new, undo)| (new, undo.into_iter().map(Back::Toml).collect())))
            }
            _ => Err(ConfigError::NoOperations { action: "edit" }),
        })
    }
}

impl Format {
    /// Where the key of an entry stands in a text that can be read.
    pub(super) fn place_of(self, text: &str, path: &[String]) -> Option<usize> {
        self.laid_out(text, |bare| match self.syntax() {
            Some(syntax) => syntax.outline(bare).ok()?.entry(path).map(|entry| entry.key.start),
            None => toml::place_of(bare, path),
        })
        .map(|(mark, at)| mark + at)
    }

    /// The comment lines right above an entry, without their marks.
    pub(super) fn comment_above(self, text: &str, path: &[String]) -> Option<String> {
        let found = self.laid_out(text, |bare| match self.syntax() {
            Some(syntax) => syntax.outline(bare).ok()?.comment_above(bare, path),
            None => toml::comment_above(bare, path),
        });
        found.map(|(_, comment)| comment)
    }

    /// Where the values of entries stand.
    pub(super) fn values(self, text: &str) -> Option<Vec<(Vec<String>, Range<usize>)>> {
        let (mark, found) = self.laid_out(text, |bare| match self.syntax() {
            Some(syntax) => Some(syntax.outline(bare).ok()?.values()),
            None => Some(toml::values(bare)),
        })?;
        let moved = found
            .into_iter()
            .map(|(path, at)| (path, at.start + mark..at.end + mark));
        Some(moved.collect())
    }

    /// Of a text that can be read, with the length of the mark before it.
    fn laid_out<T>(self, text: &str, look: impl FnOnce(&str) -> Option<T>) -> Option<(usize, T)> {
        let bare = text.strip_prefix(MARK).unwrap_or(text);
        self.data("", text).ok().flatten()?;
        let found = fenced(|| Ok(look(bare))).ok().flatten()?;
        Some((text.len() - bare.len(), found))
    }
}

/// A panic becomes an error of this file.
pub(super) fn fenced<T>(work: impl FnOnce() -> Result<T, ConfigError>) -> Result<T, ConfigError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(ConfigError::Panicked {
            reason: said.unwrap_or("it did not say why").to_owned(),
        })
    })
}
