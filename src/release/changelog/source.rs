//! The Markdown of one block, made to stand alone: without its list's mark and indent, with its links' addresses in it,
//! and closed, so that nothing after it is swallowed.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, LinkType, Parser, Tag};

use super::blocks::OPTIONS;
use super::model::Form;

/// Markdown's tabs reach to the next multiple of this.
const TAB: usize = 4;

/// Replaces the end of a link by reference with the address that the reference stands for.
#[derive(Debug)]
pub(super) struct Edit {
    range: Range<usize>,
    new: String,
}

/// What has to change in `link`, a piece of `text`, for it to need no definition elsewhere.
pub(super) fn inlined(text: &str, link: &Range<usize>, kind: LinkType, url: &CowStr, title: &CowStr) -> Option<Edit> {
    let source = &text[link.clone()];
    let (start, end) = match kind {
        LinkType::Shortcut => (link.end, link.end),
        // The parser leaves the empty brackets out.
        LinkType::Collapsed if text[link.end..].starts_with("[]") => (link.end, link.end + 2),
        LinkType::Collapsed | LinkType::Reference => (link.start + last_bracket(source)?, link.end),
        _ => return None,
    };
    let title = if title.is_empty() {
        String::new()
    } else {
        format!(" \"{}\"", title.replace('\\', "\\\\").replace('"', "\\\""))
    };
    Some(Edit {
        range: start..end,
        new: format!("({}{title})", destination(url)),
    })
}

/// Where the last `[` stands that is not escaped.
fn last_bracket(source: &str) -> Option<usize> {
    let escaped = |at: usize| source[..at].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
    source.rmatch_indices('[').map(|(at, _)| at).find(|at| !escaped(*at))
}

fn destination(url: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-._~:/?#@!$'*+,;=%".contains(c);
    if !url.is_empty() && url.chars().all(plain) {
        return url.to_owned();
    }
    let mut out = String::from("<");
    for c in url.chars() {
        match c {
            '<' | '>' | '\\' => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out + ">"
}

/// The source of `range` with the edits made; they lie within it and do not overlap.
pub(super) fn edited(text: &str, range: Range<usize>, edits: &mut [Edit]) -> String {
    edits.sort_by_key(|edit| edit.range.start);
    let mut out = String::new();
    let mut at = range.start;
    for edit in edits.iter().filter(|edit| edit.range.end <= range.end) {
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.new);
        at = edit.range.end;
    }
    out + &text[at..range.end]
}

/// Takes the mark of a list item off; `column` is where in its line the mark stands.
pub(super) fn without_mark(source: &str, column: usize) -> (String, Form) {
    let digits = source.len() - source.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number = source[..digits].parse().ok();
    let mark = (digits + 1).min(source.len());
    let (Some(rest), true) = (source.get(mark..), digits > 0 || source.starts_with(['-', '*', '+'])) else {
        return (source.trim().to_owned(), Form::Block);
    };
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let column = column + mark;
    let width = columns(&rest[..blanks], column);
    let starts_below = rest[blanks..].starts_with('\n');
    // With five or more blanks, all but one belong to code that the item begins with.
    let indent = if starts_below || width > TAB { 1 } else { width };
    let mut lines = rest.split('\n');
    let first = undented(lines.next().unwrap_or_default(), column, column + indent);
    let below: Vec<String> = lines.map(|line| undented(line, 0, column + indent)).collect();
    let text = if starts_below {
        less_indented(below.join("\n").trim_start_matches('\n'))
    } else {
        std::iter::once(first).chain(below).collect::<Vec<_>>().join("\n")
    };
    (text.trim_end().to_owned(), number.map_or(Form::Item, Form::Numbered))
}

/// What begins below its mark may stand further in than it must; four blanks and more are code.
fn less_indented(text: &str) -> String {
    let blanks = text.len() - text.trim_start_matches(' ').len();
    if !(1..TAB).contains(&blanks) {
        return text.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(|line| undented(line, 0, blanks)).collect();
    lines.join("\n")
}

fn columns(blanks: &str, from: usize) -> usize {
    let end = blanks
        .bytes()
        .fold(from, |at, b| if b == b'\t' { at / TAB * TAB + TAB } else { at + 1 });
    end - from
}

/// The line without blanks up to column `to`; its first character stands at column `from`. What remains of them are spaces,
/// for a tab reaches less far or farther at another column.
fn undented(line: &str, from: usize, to: usize) -> String {
    let text = line.trim_start_matches([' ', '\t']);
    let reached = from + columns(&line[..line.len() - text.len()], from);
    format!("{}{text}", " ".repeat(reached.saturating_sub(to)))
}

/// A paragraph that began right below a definition may look like a list or the like where it stands alone: `7) of them`.
pub(super) fn as_paragraph(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let is_paragraph = match Parser::new_ext(first, OPTIONS).next() {
        Some(Event::Start(Tag::Paragraph | Tag::HtmlBlock)) | None => true,
        Some(_) => false,
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = text[digits..].starts_with(|c: char| c.is_ascii_punctuation());
    if is_paragraph || !sign {
        return text.to_owned();
    }
    format!("{}\\{}", &text[..digits], &text[digits..])
}

/// What a heading says, of either kind.
pub(super) fn one_line(heading: &str) -> String {
    let rest = heading.trim_start_matches('#');
    if rest.len() < heading.len() && (rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return rest.trim().to_owned();
    }
    let lines: Vec<&str> = heading.lines().map(str::trim).collect();
    lines
        .split_last()
        .map_or_else(String::new, |(_, lines)| lines.join(" "))
}

/// A block of code in a fence that its content cannot end.
pub(super) fn fenced(language: &str, code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    // A backtick may not stand behind an opening fence of backticks.
    let language = language.replace(['`', '\n'], "");
    let end = if code.is_empty() || code.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{fence}{}\n{code}{end}{fence}", language.trim())
}

/// Raw HTML that, left open, would run on to the end of the file.
pub(super) fn closed(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let open = [
        ("<!--", "-->"),
        ("<?", "?>"),
        ("<![cdata[", "]]>"),
        ("<script", "</script>"),
        ("<pre", "</pre>"),
        ("<style", "</style>"),
        ("<textarea", "</textarea>"),
        ("<!", ">"),
    ];
    match open.iter().find(|(start, _)| lower.starts_with(start)) {
        Some((start, end)) if !lower[start.len()..].contains(end) => format!("{html}\n{end}"),
        _ => html.to_owned(),
    }
}

pub(super) fn without_tags(html: &str) -> String {
    let pieces = html.split('<').enumerate().map(|(at, piece)| {
        if at == 0 {
            piece
        } else {
            piece.split_once('>').map_or("", |(_, text)| text)
        }
    });
    pieces.collect()
}

/// Comments and empty anchors show nothing wherever the file is read.
pub(super) fn shows_nothing(html: &str) -> bool {
    let mut rest = html.trim();
    while !rest.is_empty() {
        let lower = rest.get(..6).unwrap_or(rest).to_ascii_lowercase();
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else if lower.starts_with("<a ")
            || lower.starts_with("</a>")
            || lower.starts_with("<br")
            || lower.starts_with("<hr")
        {
            rest.find('>').map(|at| at + 1)
        } else {
            None
        };
        match end {
            Some(end) => rest = rest[end..].trim_start(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_indents_go_and_nothing_else() {
        let table = [
            ("- one", 0, "one", Form::Item),
            ("*   one\n    two", 0, "one\ntwo", Form::Item),
            ("  - a\n    - b".trim_start(), 2, "a\n- b", Form::Item),
            ("-\tone\n\ttwo", 0, "one\ntwo", Form::Item),
            ("-\n  one\n  two", 0, "one\ntwo", Form::Item),
            ("-\t\n\tone", 0, "one", Form::Item),
            ("-     code\n\n  text", 0, "    code\n\ntext", Form::Item),
            ("12. one\n    two", 0, "one\ntwo", Form::Numbered(12)),
            ("1) one\nlazy", 0, "one\nlazy", Form::Numbered(1)),
            ("- ```\n  x\n    y\n  ```", 0, "```\nx\n  y\n```", Form::Item),
        ];
        for (source, column, text, form) in table {
            assert_eq!(without_mark(source, column), (text.to_owned(), form), "{source:?}");
        }
    }

    #[test]
    fn what_is_open_is_closed() {
        assert_eq!(closed("<!-- x"), "<!-- x\n-->");
        assert_eq!(closed("<pre>x</pre>"), "<pre>x</pre>");
        assert_eq!(closed("<div>"), "<div>");
        assert_eq!(fenced("rust", "a ``` b"), "````rust\na ``` b\n````");
        assert!(shows_nothing("<!-- a -->\n<a name=\"1.2\"></a>") && !shows_nothing("<!-- a --> b"));
    }
}
