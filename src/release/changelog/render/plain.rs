//! Markdown without its markup, as lines that can be wrapped: paragraphs, list items with their depth, code as it stands.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::super::blocks::OPTIONS;
use super::super::source::shows_nothing;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Lists around it.
    pub depth: usize,
    /// Mark of the item that begins here, e.g. `-` or `2.`.
    pub mark: Option<String>,
    pub text: String,
    /// Code keeps its blanks and is not wrapped.
    pub verbatim: bool,
}

#[derive(Default)]
struct Lines {
    done: Vec<Line>,
    open: Line,
    lists: Vec<Option<u64>>,
    code: bool,
}

pub(super) fn lines(markdown: &str) -> Vec<Line> {
    let mut lines = Lines::default();
    for event in Parser::new_ext(markdown, OPTIONS) {
        match event {
            Event::Start(tag) => lines.start(&tag),
            Event::End(tag) => lines.end(tag),
            Event::Text(text) if lines.code => lines.open.text.push_str(&text),
            Event::Text(text) | Event::Code(text) => lines.open.text.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) if shows_nothing(&html) => {}
            Event::Html(html) | Event::InlineHtml(html) => lines.open.text.push_str(&html),
            Event::SoftBreak | Event::HardBreak => lines.open.text.push(' '),
            _ => {}
        }
    }
    lines.flush();
    lines.done
}

impl Lines {
    fn start(&mut self, tag: &Tag) {
        match tag {
            Tag::List(first) => {
                self.flush();
                self.lists.push(*first);
            }
            Tag::Item => {
                self.flush();
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}.");
                        *number += 1;
                        mark
                    }
                    _ => "-".to_owned(),
                };
                self.open.mark = Some(mark);
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = true;
            }
            Tag::TableCell if !self.open.text.is_empty() => self.open.text.push_str(" | "),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => {
                let code = std::mem::take(&mut self.open.text);
                let mark = self.open.mark.take();
                let depth = self.lists.len();
                self.done.extend(mark.map(|mark| Line {
                    depth,
                    mark: Some(mark),
                    ..Line::default()
                }));
                self.done.extend(code.lines().map(|line| Line {
                    depth,
                    mark: None,
                    text: line.to_owned(),
                    verbatim: true,
                }));
                self.code = false;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::Paragraph
            | TagEnd::Item
            | TagEnd::Heading(_)
            | TagEnd::TableRow
            | TagEnd::TableHead
            | TagEnd::HtmlBlock => {
                self.flush();
            }
            _ => {}
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.open);
        if !line.text.trim().is_empty() || line.mark.is_some() {
            self.done.push(Line {
                depth: self.lists.len(),
                ..line
            });
        }
    }
}
