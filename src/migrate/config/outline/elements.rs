//! What stands between brackets with commas: putting one more there and taking one out.

use std::ops::Range;

use super::lines_around;
use crate::migrate::config::text::{is_blank, line_end, line_ending, line_start};

/// The elements of one list or object.
pub struct Elements<'e> {
    pub text: &'e str,
    pub comments: &'e [Range<usize>],
    /// In their order.
    pub all: Vec<Range<usize>>,
    /// Between the brackets, without them.
    pub inside: Range<usize>,
    pub comment_marks: &'static [&'static str],
}

impl Elements<'_> {
    /// They are in the order of the text.
    fn comment_at(&self, at: usize) -> Option<&Range<usize>> {
        let next = self.comments.partition_point(|comment| comment.end <= at);
        self.comments.get(next).filter(|comment| comment.contains(&at))
    }

    /// The next comma behind `at` that is not in a comment and before anything else.
    fn comma_after(&self, at: usize) -> Option<usize> {
        let mut here = at;
        while here < self.inside.end {
            if let Some(comment) = self.comment_at(here) {
                here = comment.end;
                continue;
            }
            match self.text.as_bytes().get(here) {
                Some(b',') => return Some(here),
                Some(byte) if byte.is_ascii_whitespace() => here += 1,
                _ => return None,
            }
        }
        None
    }

    /// Whole lines of an element that shares them with nothing: comments above to the end of the line.
    pub fn lines_of(&self, element: &Range<usize>) -> Option<Range<usize>> {
        let start = line_start(self.text, element.start);
        let last = self.comma_after(element.end).map_or(element.end, |comma| comma + 1);
        let end = line_end(self.text, last.max(element.end));
        let alone = is_blank(&self.text[start..element.start]) && start >= self.inside.start;
        if !alone || end > self.inside.end || !self.is_comment_or_blank(last..end) {
            return None;
        }
        let is_comment = |line: &str| {
            self.comment_marks
                .iter()
                .any(|mark| line.trim_start().starts_with(mark))
        };
        let lines = lines_around(self.text, element.start, last, is_comment);
        Some(lines.start.max(line_end(self.text, self.inside.start).min(start))..lines.end)
    }

    fn is_comment_or_blank(&self, range: Range<usize>) -> bool {
        let mut here = range.start;
        while here < range.end {
            match self.comment_at(here) {
                Some(comment) => here = comment.end,
                None if self.text.as_bytes()[here].is_ascii_whitespace() => here += 1,
                None => return false,
            }
        }
        true
    }

    /// The comment behind an element on its line, without the comma.
    pub fn tail_of(&self, element: &Range<usize>) -> String {
        let end = line_end(self.text, element.end);
        let rest = &self.text[element.end..end.min(self.inside.end)];
        match self.comma_after(element.end).filter(|comma| *comma < end) {
            Some(comma) => format!(
                "{}{}",
                &self.text[element.end..comma],
                self.text[comma + 1..end.min(self.inside.end)].trim_end()
            ),
            None => rest.trim_end().to_owned(),
        }
    }

    pub fn without(&self, at: usize) -> Option<String> {
        let element = self.all.get(at)?;
        let before = at.checked_sub(1).and_then(|at| self.all.get(at));
        let comma = self.comma_after(element.end);
        if let Some(lines) = self.lines_of(element) {
            let rest = format!("{}{}", &self.text[..lines.start], &self.text[lines.end..]);
            // The last one must not leave a comma behind the one before it.
            let is_last = at + 1 == self.all.len();
            let hanging = before
                .filter(|_| is_last && comma.is_none())
                .and_then(|before| self.comma_after(before.end));
            return Some(match hanging {
                Some(comma) => format!("{}{}", &rest[..comma], &rest[comma + 1..]),
                None => rest,
            });
        }
        let next = self.all.get(at + 1);
        let range = match (before, next) {
            (_, Some(next)) => element.start..next.start,
            (Some(before), None) => before.end..element.end,
            (None, None) => element.start..comma.map_or(element.end, |comma| comma + 1),
        };
        let lost = self
            .comments
            .iter()
            .any(|comment| range.start <= comment.start && comment.end <= range.end);
        let own = self
            .comments
            .iter()
            .any(|comment| element.start <= comment.start && comment.end <= element.end);
        (!lost || own).then(|| format!("{}{}", &self.text[..range.start], &self.text[range.end..]))
    }

    /// Whether a new element gets lines of its own.
    pub fn is_on_lines(&self) -> bool {
        self.all.last().is_some_and(|last| self.lines_of(last).is_some())
    }

    pub fn indent(&self) -> Option<&str> {
        let last = self.all.last()?;
        Some(&self.text[line_start(self.text, last.start)..last.start]).filter(|indent| is_blank(indent))
    }

    /// Puts `element` at place `at`; `before` are lines with their ends, and must be empty where there are no lines.
    pub fn with(&self, at: usize, before: &str, element: &str, tail: &str) -> Option<String> {
        let (text, ending) = (self.text, line_ending(self.text));
        let (Some(last), Some(indent)) = (self.all.last(), self.indent().or(Some(""))) else {
            let fits = before.is_empty() && tail.is_empty() && is_blank(&text[self.inside.clone()]);
            return fits.then(|| format!("{}{element}{}", &text[..self.inside.start], &text[self.inside.end..]));
        };
        let on_lines = self.is_on_lines();
        if let Some(next) = self.all.get(at) {
            if on_lines {
                let lines = self.lines_of(next)?;
                let new = format!("{before}{indent}{element},{tail}{ending}");
                return Some(format!("{}{new}{}", &text[..lines.start], &text[lines.start..]));
            }
            let fits = before.is_empty() && tail.is_empty();
            return fits.then(|| format!("{}{element}, {}", &text[..next.start], &text[next.start..]));
        }
        let comma = self.comma_after(last.end);
        if on_lines {
            let end = self.lines_of(last)?.end;
            let (own, trailing) = if comma.is_some() { ("", ",") } else { (",", "") };
            let rest = format!("{}{own}{}", &text[..last.end], &text[last.end..end]);
            return Some(format!(
                "{rest}{before}{indent}{element}{trailing}{tail}{ending}{}",
                &text[end..]
            ));
        }
        let fits = before.is_empty() && tail.is_empty();
        fits.then(|| format!("{}, {element}{}", &text[..last.end], &text[last.end..]))
    }
}
