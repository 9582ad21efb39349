//! The headings of a Markdown text and each list item or other block between them, in order.
//!
//! Only what stands at the top level counts: a heading within a list, a quotation or a block of code is part of that.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use super::model::{Form, Place};
use super::source::{self, Edit};

pub(super) const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);

#[derive(Debug)]
pub(super) enum Block {
    Heading(Heading),
    Entry {
        form: Form,
        text: String,
        place: Place,
    },
    /// A heading within a list, a quotation or HTML, which follows the entry that it is part of.
    Inner {
        text: String,
        place: Place,
    },
}

/// Headings deeper than this are part of what they stand in.
pub(super) const DEEPEST: u8 = 3;
/// A heading in HTML is looked for in this many characters.
const LONGEST_INNER: usize = 200;

#[derive(Debug)]
pub(super) struct Heading {
    pub level: u8,
    /// Without markup.
    pub text: String,
    /// As the file has it, in one line and without the signs that make it a heading.
    pub markdown: String,
    /// Its first words are struck through.
    pub struck: bool,
    /// Address of its first link.
    pub link: Option<String>,
    pub place: Place,
}

/// Counts lines and columns for offsets that only grow.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    start: usize,
}

impl Lines<'_> {
    fn place(&mut self, offset: usize) -> Place {
        let passed = &self.text[self.at.min(offset)..offset];
        for (at, _) in passed.match_indices('\n') {
            self.line += 1;
            self.start = offset - passed.len() + at + 1;
        }
        self.at = offset;
        Place {
            line: self.line,
            column: self.text[self.start..offset].chars().count() + 1,
        }
    }

    /// Bytes from the start of the line to `offset`, which has been placed.
    fn column(&self, offset: usize) -> usize {
        offset - self.start
    }
}

/// A block whose end has not come yet.
struct Open {
    range: Range<usize>,
    kind: OpenKind,
    edits: Vec<Edit>,
    inner: Vec<Inner>,
}

/// A heading within a block, and where it begins.
struct Inner {
    start: usize,
    text: String,
    open: bool,
}

enum OpenKind {
    Item,
    Code {
        language: String,
        code: String,
    },
    Html,
    Heading {
        level: u8,
        text: String,
        struck: bool,
        link: Option<String>,
    },
    Paragraph,
    Other,
}

/// Text with line ends as everywhere, and without a byte order mark.
pub(super) fn tidy(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}

/// `text` must be tidy. `above` lines stand above it in its file.
pub(super) fn blocks(text: &str, above: usize) -> Vec<Block> {
    let mut lines = Lines {
        text,
        at: 0,
        line: above + 1,
        start: 0,
    };
    let mut blocks = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<Open> = None;
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        match event {
            Event::Start(Tag::List(_)) | Event::End(TagEnd::List(_)) if depth == 0 => {}
            Event::Start(tag) => {
                if depth == 0 {
                    open = Some(opened(&tag, range));
                } else if let Some(open) = &mut open {
                    inside(text, open, &tag, &range);
                }
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    if let Some(open) = open.take() {
                        close(open, &mut lines, &mut blocks);
                    }
                } else if let Some(inner) = open.as_mut().and_then(|open| open.inner.last_mut()) {
                    inner.open &= !matches!(tag, TagEnd::Heading(_));
                }
            }
            Event::Text(words) | Event::Code(words) => add_words(open.as_mut(), &words),
            Event::SoftBreak | Event::HardBreak => add_words(open.as_mut(), " "),
            _ => {}
        }
    }
    blocks
}

fn opened(tag: &Tag, range: Range<usize>) -> Open {
    let kind = match tag {
        Tag::Item => OpenKind::Item,
        Tag::HtmlBlock => OpenKind::Html,
        Tag::Paragraph => OpenKind::Paragraph,
        Tag::CodeBlock(kind) => OpenKind::Code {
            language: match kind {
                CodeBlockKind::Fenced(language) => language.to_string(),
                CodeBlockKind::Indented => String::new(),
            },
            code: String::new(),
        },
        Tag::Heading { level, .. } => OpenKind::Heading {
            level: level_of(*level),
            text: String::new(),
            struck: false,
            link: None,
        },
        _ => OpenKind::Other,
    };
    Open {
        range,
        kind,
        edits: Vec::new(),
        inner: Vec::new(),
    }
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn inside(text: &str, open: &mut Open, tag: &Tag, range: &Range<usize>) {
    if let Tag::Heading { level, .. } = tag
        && level_of(*level) <= DEEPEST
    {
        open.inner.push(Inner {
            start: range.start,
            text: String::new(),
            open: true,
        });
    }
    let (kind, url, title): (&LinkType, _, _) = match tag {
        Tag::Link {
            link_type,
            dest_url,
            title,
            ..
        }
        | Tag::Image {
            link_type,
            dest_url,
            title,
            ..
        } => (link_type, dest_url, title),
        Tag::Strikethrough => {
            if let OpenKind::Heading { text, struck, .. } = &mut open.kind {
                *struck |= text.trim().is_empty();
            }
            return;
        }
        _ => return,
    };
    open.edits.extend(source::inlined(text, range, *kind, url, title));
    if let OpenKind::Heading { link, .. } = &mut open.kind
        && matches!(tag, Tag::Link { .. })
    {
        link.get_or_insert_with(|| url.to_string());
    }
}

fn add_words(open: Option<&mut Open>, words: &str) {
    let Some(open) = open else { return };
    match &mut open.kind {
        OpenKind::Heading { text, .. } => text.push_str(words),
        OpenKind::Code { code, .. } => code.push_str(words),
        _ => {}
    }
    if let Some(inner) = open.inner.last_mut().filter(|inner| inner.open) {
        inner.text.push_str(words);
    }
}

fn close(mut open: Open, lines: &mut Lines, blocks: &mut Vec<Block>) {
    let mut inner = std::mem::take(&mut open.inner);
    if matches!(open.kind, OpenKind::Html) && !source::shows_nothing(&lines.text[open.range.clone()]) {
        inner = in_html(&lines.text[open.range.clone()], open.range.start);
    }
    blocks.extend(closed(open, lines));
    blocks.extend(inner.into_iter().map(|inner| Block::Inner {
        text: inner.text.trim().to_owned(),
        place: lines.place(inner.start),
    }));
}

/// The headings of a piece of HTML that begins at `start`.
fn in_html(html: &str, start: usize) -> Vec<Inner> {
    let lower = html.to_ascii_lowercase();
    let heading = |at: usize| {
        let rest = &lower[at + "<h".len()..];
        let level = rest.chars().next()?.to_digit(10)?;
        let near = rest
            .char_indices()
            .nth(LONGEST_INNER)
            .map_or(rest, |(end, _)| &rest[..end]);
        let (from, to) = (near.find('>')? + 1, near.find("</h")?);
        let text = html[at + "<h".len()..].get(from..to)?;
        (level <= u32::from(DEEPEST)).then(|| Inner {
            start: start + at,
            text: source::without_tags(text),
            open: false,
        })
    };
    lower.match_indices("<h").filter_map(|(at, _)| heading(at)).collect()
}

fn closed(mut open: Open, lines: &mut Lines) -> Option<Block> {
    let start = open.range.start;
    let blanks =
        lines.text[open.range.clone()].len() - lines.text[open.range.clone()].trim_start_matches([' ', '\t']).len();
    let place = lines.place(start + blanks);
    let column = lines.column(start + blanks);
    open.range.start += blanks;
    let source = source::edited(lines.text, open.range, &mut open.edits);
    let entry = |form, text: String| (!text.is_empty()).then_some(Block::Entry { form, text, place });
    match open.kind {
        OpenKind::Heading {
            level,
            text,
            struck,
            link,
        } => Some(Block::Heading(Heading {
            level,
            text: text.trim().to_owned(),
            markdown: source::one_line(source.trim_end()),
            struck,
            link,
            place,
        })),
        OpenKind::Item => {
            let (text, form) = source::without_mark(source.trim_end(), column);
            entry(form, text)
        }
        OpenKind::Code { language, code } => entry(Form::Block, source::fenced(&language, &code)),
        OpenKind::Html => {
            let html = source::closed(source.trim_end());
            if source::shows_nothing(&html) {
                None
            } else {
                entry(Form::Block, html)
            }
        }
        OpenKind::Paragraph if source::shows_nothing(&source) => None,
        OpenKind::Paragraph => entry(Form::Block, source::as_paragraph(source.trim_end())),
        OpenKind::Other => entry(Form::Block, source.trim_end().to_owned()),
    }
}
