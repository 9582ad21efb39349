//! Where each statement of a TOML text stands. Edits are cuts and pastes at these places, so all other bytes stay: moving
//! items inside toml_edit's tree would drop the comments that hang on their keys and reorder tables.

use std::ops::Range;

use toml_parser::decoder::Encoding;
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, Raw, Source, Span};

use crate::migrate::config::text::{line_end, line_start, line_start_of_line_above};

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[table]` or `[[array]]`; `close` is the end of its brackets.
    Header {
        array: bool,
        close: usize,
    },
    Entry {
        value: Range<usize>,
    },
    /// An entry inside `{ }`.
    InlineEntry {
        value: Range<usize>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) kind: Kind,
    /// The table of the header above; a header's own path.
    pub(super) section: Vec<String>,
    pub(super) keys: Vec<Part>,
    /// From the start of its line, or of the comment lines directly above, to the end of its line.
    pub(super) block: Range<usize>,
    pub(super) line_start: usize,
    /// How many entries of the whole path belong to inline tables outside.
    outer: Vec<String>,
}

impl Statement {
    pub(super) fn is_header(&self) -> bool {
        matches!(self.kind, Kind::Header { .. })
    }

    pub(super) fn is_inline(&self) -> bool {
        matches!(self.kind, Kind::InlineEntry { .. })
    }

    pub(super) fn value(&self) -> Option<Range<usize>> {
        match &self.kind {
            Kind::Header { .. } => None,
            Kind::Entry { value } | Kind::InlineEntry { value } => Some(value.clone()),
        }
    }

    pub(super) fn path(&self) -> Vec<String> {
        if self.is_header() {
            return self.section.clone();
        }
        let keys = self.keys.iter().map(|part| part.name.clone());
        self.section.iter().chain(&self.outer).cloned().chain(keys).collect()
    }

    /// From the first key to the last.
    pub(super) fn keys_at(&self) -> Range<usize> {
        let start = self.keys.first().map_or(self.line_start, |part| part.at.start);
        start..self.keys.last().map_or(start, |part| part.at.end)
    }
}

#[derive(Debug, Default)]
pub(super) struct Layout {
    /// In the order of the text.
    pub(super) statements: Vec<Statement>,
    pub(super) comments: Vec<String>,
    /// Behind the byte order mark.
    pub(super) first: usize,
}

impl Layout {
    /// Of a text that is known to be valid TOML.
    pub(super) fn of(text: &str) -> Self {
        let mut reader = Reader::new(text);
        let tokens = Source::new(text).lex().into_vec();
        parse_document(&tokens, &mut reader, &mut ());
        let mut layout = reader.layout;
        layout.statements.sort_by_key(|statement| statement.keys_at().start);
        layout.find_blocks(text);
        layout
    }

    fn find_blocks(&mut self, text: &str) {
        let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
        self.first = first;
        let mut floor = first;
        for statement in self.statements.iter_mut().filter(|statement| !statement.is_inline()) {
            let line_start = line_start(text, statement.keys_at().start).max(first);
            let end = match &statement.kind {
                Kind::Header { close, .. } => *close,
                Kind::Entry { value } | Kind::InlineEntry { value } => value.end,
            };
            let mut lead = line_start;
            while lead > floor {
                let above = line_start_of_line_above(text, lead).max(first);
                if above < floor || !text[above..lead].trim_start().starts_with('#') {
                    break;
                }
                lead = above;
            }
            statement.line_start = line_start;
            statement.block = lead..line_end(text, end);
            floor = statement.block.end;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Nesting {
    Array,
    Inline,
}

/// An entry whose value has not ended yet.
#[derive(Default)]
struct Open {
    keys: Vec<Part>,
    value: Option<usize>,
}

struct Reader<'t> {
    text: &'t str,
    layout: Layout,
    section: Vec<String>,
    header: Option<(bool, Vec<Part>)>,
    open: Vec<Open>,
    nesting: Vec<Nesting>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            layout: Layout::default(),
            section: Vec::new(),
            header: None,
            open: Vec::new(),
            nesting: Vec::new(),
        }
    }

    /// What stands inside an array has no path of keys.
    fn in_array(&self) -> bool {
        self.nesting.contains(&Nesting::Array)
    }

    fn value_starts(&mut self, at: usize) {
        if !self.in_array()
            && let Some(open) = self.open.last_mut()
        {
            open.value.get_or_insert(at);
        }
    }

    fn value_ends(&mut self, at: usize) {
        if self.in_array() {
            return;
        }
        let Some(open) = self.open.pop() else { return };
        let value = open.value.unwrap_or(at)..at;
        let outer: Vec<String> = self
            .open
            .iter()
            .flat_map(|o| &o.keys)
            .map(|part| part.name.clone())
            .collect();
        let kind = if self.open.is_empty() {
            Kind::Entry { value }
        } else {
            Kind::InlineEntry { value }
        };
        self.push(kind, open.keys, outer);
    }

    fn push(&mut self, kind: Kind, keys: Vec<Part>, outer: Vec<String>) {
        self.layout.statements.push(Statement {
            kind,
            section: self.section.clone(),
            keys,
            block: 0..0,
            line_start: 0,
            outer,
        });
    }

    fn header_ends(&mut self, close: usize) {
        if let Some((array, keys)) = self.header.take() {
            self.section = keys.iter().map(|part| part.name.clone()).collect();
            self.push(Kind::Header { array, close }, keys, Vec::new());
        }
    }
}

impl EventReceiver for Reader<'_> {
    fn std_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.header = Some((false, Vec::new()));
    }

    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.header_ends(span.end());
    }

    fn array_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.header = Some((true, Vec::new()));
    }

    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.header_ends(span.end());
    }

    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.value_starts(span.start());
        self.nesting.push(Nesting::Inline);
        true
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.nesting.pop();
        self.value_ends(span.end());
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.value_starts(span.start());
        self.nesting.push(Nesting::Array);
        true
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.nesting.pop();
        self.value_ends(span.end());
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, _: &mut dyn ErrorSink) {
        let at = span.start()..span.end();
        let mut name = String::new();
        Raw::new_unchecked(&self.text[at.clone()], encoding, span).decode_key(&mut name, &mut ());
        let part = Part { name, at };
        if let Some((_, keys)) = &mut self.header {
            keys.push(part);
        } else if !self.in_array() {
            if self.open.len() <= self.nesting.len() {
                self.open.push(Open::default());
            }
            if let Some(open) = self.open.last_mut() {
                open.keys.push(part);
            }
        }
    }

    fn scalar(&mut self, span: Span, _: Option<Encoding>, _: &mut dyn ErrorSink) {
        self.value_starts(span.start());
        self.value_ends(span.end());
    }

    fn comment(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.layout
            .comments
            .push(self.text[span.start()..span.end()].trim_end().to_owned());
    }
}
