//! Versions of the components of a stack that go together, from release index files alone.

use std::path::Path;

use super::index::IndexOptions;
use super::{AppError, Result, read_index};
use crate::plan::{FittedStack, Stack, StackError, StackTerms, StackWish, Terms};
use crate::version::Scheme;
use crate::{clock, disk};

/// A file that names a few dozen components.
const LIMIT: u64 = 1 << 20;

/// What fits, by the file of a stack and the indexes that it names. Facts, time, node and risks are those of the options.
pub fn fit_stack(file: &Path, wish: &StackWish, options: &IndexOptions) -> std::result::Result<FittedStack, NoStack> {
    let text = disk::read_text_limited(file, LIMIT).map_err(|e| AppError::below("NL0111", &e))?;
    let stack = Stack::file(&text)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let read = |(name, entry): (&String, &crate::plan::StackEntry)| -> Result<(String, String)> {
        let (text, _) = read_index(&folder.join(&entry.index))?;
        Ok((name.clone(), text))
    };
    let texts = stack.components.iter().map(read).collect::<Result<_>>()?;
    let now = options.now.unwrap_or_else(clock::now);
    let terms = StackTerms {
        lifecycle: &|| terms(options, now),
        dotted: &|| terms(options, now),
    };
    Ok(Stack::read(&stack, &texts, &terms)?.fit(wish)?)
}

fn terms<V: Scheme>(options: &IndexOptions, now: jiff::Timestamp) -> Terms<V> {
    Terms {
        facts: options.facts.clone(),
        node: options.node.clone(),
        accepted_risks: options.accepted_risks.clone(),
        ..Terms::at(now)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum NoStack {
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Stack(#[from] StackError),
}

impl NoStack {
    pub fn code(&self) -> &'static str {
        match self {
            Self::App(e) => e.code().id,
            Self::Stack(StackError::NoFit(_)) => "NL0124",
            Self::Stack(StackError::UnknownComponent { .. } | StackError::UnknownVersion { .. }) => "NL0102",
            Self::Stack(StackError::Version { .. }) => "NL0101",
            Self::Stack(_) => "NL0111",
        }
    }
}
