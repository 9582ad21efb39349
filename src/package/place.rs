//! Where in a `release.toml` something is said, so that what is wrong with it is told with its line and its key.

use std::ops::Range;

use toml_edit::{Document, Item};

/// Every key of a text of TOML with its place in it. Keys are dotted, and numbers in them count the items of lists from 0.
pub struct Places<'t> {
    text: &'t str,
    all: Vec<(String, Range<usize>)>,
}

impl<'t> Places<'t> {
    /// Of a text that is no TOML there are none.
    pub fn of(text: &'t str) -> Self {
        let mut all = Vec::new();
        if let Ok(document) = Document::parse(text) {
            collect(document.as_item(), "", &mut all);
        }
        Self { text, all }
    }

    /// The line of a key; where it is not there, that of what is there of it.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let mut wanted = key;
        loop {
            if let Some((_, span)) = self.all.iter().find(|(name, _)| name == wanted) {
                return Some(self.line_at(span.start));
            }
            wanted = wanted.rsplit_once('.')?.0;
        }
    }

    /// The innermost key around a place.
    pub fn key_at(&self, byte: usize) -> Option<&str> {
        let around = self.all.iter().filter(|(_, span)| span.contains(&byte));
        around.map(|(name, _)| name.as_str()).max_by_key(|name| name.len())
    }

    pub fn line_at(&self, byte: usize) -> usize {
        let before = &self.text[..self.text.floor_char_boundary(byte)];
        1 + before.matches('\n').count()
    }
}

fn collect(item: &Item, above: &str, all: &mut Vec<(String, Range<usize>)>) {
    let below = |part: &str| {
        if above.is_empty() {
            part.to_owned()
        } else {
            format!("{above}.{part}")
        }
    };
    if let Some(table) = item.as_table_like() {
        for (key, value) in table.iter() {
            let name = below(key);
            let at = table.key(key).and_then(toml_edit::Key::span);
            let (start, end) = (at.clone().or(value.span()), value.span().or(at));
            if let (Some(start), Some(end)) = (start, end) {
                all.push((name.clone(), start.start..end.end.max(start.end)));
            }
            collect(value, &name, all);
        }
        return;
    }
    for (nth, one) in (0..).map_while(|nth: usize| Some((nth, item.get(nth)?))) {
        let name = below(&nth.to_string());
        all.extend(one.span().map(|span| (name.clone(), span)));
        collect(one, &name, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_name_and_by_place() {
        let text = "product = \"a\"\n[run]\ncommand = [\"x\",\n  \"y\"]\n[[health]]\nhttp = \"u\"\n[[health]]\ncommand = [\"z\"]\nenv = {A = \"b\"}\n";
        let places = Places::of(text);
        for (key, line) in [
            ("product", 1),
            ("run", 2),
            ("run.command", 3),
            ("run.command.1", 4),
            ("run.stop_timeout", 2),
            ("health.0.http", 6),
            ("health.1.command.0", 8),
            ("health.1.env.A", 9),
        ] {
            assert_eq!(places.line_of(key), Some(line), "{key}");
        }
        assert_eq!(places.line_of("nowhere"), None);
        for (word, key) in [
            ("\"y\"", "run.command.1"),
            ("\"u\"", "health.0.http"),
            ("\"b\"", "health.1.env.A"),
        ] {
            assert_eq!(places.key_at(text.find(word).unwrap()), Some(key));
        }
        assert_eq!(Places::of("a = ").line_of("a"), None);
    }
}
