//! Lines of a text.

use std::collections::BTreeMap;

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

pub(super) fn line_start_of_line_above(text: &str, start: usize) -> usize {
    let above = &text[..start];
    line_start(text, above.strip_suffix('\n').unwrap_or(above).len())
}

pub(super) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

pub(super) fn line_ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The first of `old` that is not among `new`, each of which counts once.
pub(super) fn first_lost<'t>(
    old: impl IntoIterator<Item = &'t str>,
    new: impl IntoIterator<Item = &'t str>,
) -> Option<&'t str> {
    let mut left = BTreeMap::<&str, usize>::new();
    for comment in new {
        *left.entry(comment).or_default() += 1;
    }
    old.into_iter().find(|comment| match left.get_mut(comment) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    })
}
