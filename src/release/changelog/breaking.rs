//! Whether an entry says of itself that it breaks what worked before, by its words as they are read: without code, and
//! with emphasis as such. docs/changelogs.md tells the rule.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::blocks::OPTIONS;
use super::mark;

/// Stands for what is not read, such as code.
const UNREAD: char = '\u{fffc}';
/// Ends a block.
const END: char = '\u{2029}';
const WORD: &str = "breaking";
/// Signs of gitmoji for the same.
const BOOM: [&str; 2] = ["\u{1f4a5}", ":boom:"];
/// What may stand beside `breaking` in a label.
const QUALITIES: [&str; 18] = [
    "change",
    "changes",
    "api",
    "abi",
    "cli",
    "ui",
    "config",
    "schema",
    "behavior",
    "behaviour",
    "minor",
    "major",
    "small",
    "potential",
    "potentially",
    "possible",
    "possibly",
    "semver",
];
const LONGEST_LABEL: usize = 4;
/// Signs beside a label in an emphasis, in bytes.
const LONGEST_SIGNS: usize = 16;
/// Emphases within each other.
const DEEPEST: usize = 4;
/// What may stand in a line before a label; no text can make each of its words look through all before it.
const LONGEST_LEAD: usize = 400;
const NEGATIONS: [&str; 14] = [
    "not", "no", "non", "never", "without", "isn't", "isn’t", "aren't", "aren’t", "wasn't", "wasn’t", "nothing",
    "hardly", "un",
];
/// These may stand between a negation and what it negates.
const FILLERS: [&str; 19] = [
    "a",
    "an",
    "the",
    "any",
    "be",
    "is",
    "are",
    "as",
    "to",
    "considered",
    "strictly",
    "technically",
    "really",
    "actually",
    "longer",
    "more",
    "necessarily",
    "api",
    "known",
];
/// A phrase that opens an entry goes on with one of these: `Breaking change for plugins …`.
const GOES_ON: [&str; 6] = ["in", "to", "for", "of", "since", "from"];

pub(super) fn breaks(markdown: &str) -> bool {
    let first = markdown.lines().next().unwrap_or_default();
    let may = mentions(markdown) || first.contains('!') || BOOM.iter().any(|sign| markdown.contains(sign));
    may && Words::of(markdown).break_something()
}

/// Most entries do not have the word at all.
fn mentions(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes
        .windows(WORD.len())
        .any(|window| window[0] | 0x20 == b'b' && window.eq_ignore_ascii_case(WORD.as_bytes()))
}

/// The words of an entry, and which of them are emphasised or a link.
#[derive(Default)]
struct Words {
    text: String,
    spans: Vec<Range<usize>>,
    open: Vec<usize>,
    /// How deep in what is not read.
    unread: usize,
}

impl Words {
    fn of(markdown: &str) -> Self {
        let mut words = Self::default();
        for event in Parser::new_ext(markdown, OPTIONS) {
            words.read(event);
        }
        words
    }

    fn read(&mut self, event: Event) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Strikethrough) => self.unread += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Strikethrough) => {
                self.unread = self.unread.saturating_sub(1);
                self.text.push(UNREAD);
            }
            Event::Start(Tag::Strong | Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. }) => {
                self.open.push(self.text.len());
            }
            Event::End(TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link | TagEnd::Image) => {
                let start = self.open.pop().unwrap_or_default();
                self.spans.push(start..self.text.len());
            }
            Event::Text(text) if self.unread == 0 => self.text.push_str(&text),
            Event::Code(_) => self.text.push(UNREAD),
            Event::InlineHtml(html) => self.tag(&html.to_ascii_lowercase()),
            // Comments and tags are not read, what stands between them is.
            Event::Html(html) if self.unread == 0 && !html.trim_start().starts_with("<!--") => {
                let pieces = html
                    .split('<')
                    .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
                pieces.for_each(|text| self.text.push_str(text));
            }
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::End(
                TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_) | TagEnd::TableCell | TagEnd::HtmlBlock,
            )
            | Event::Start(Tag::List(_) | Tag::Item) => self.text.push(END),
            _ => {}
        }
    }

    fn tag(&mut self, html: &str) {
        if html.starts_with("<code") {
            self.unread += 1;
        } else if html.starts_with("</code") {
            self.unread = self.unread.saturating_sub(1);
            self.text.push(UNREAD);
        }
    }

    fn break_something(&self) -> bool {
        if conventional(&self.text) || BOOM.iter().any(|sign| self.text.trim_start().starts_with(sign)) {
            return true;
        }
        let lower = self.text.to_ascii_lowercase();
        let found = lower.match_indices(WORD).map(|(at, _)| at..at + WORD.len());
        found
            .filter(|word| is_word(&self.text, word) && !is_negated(&lower, word.start))
            .any(|word| self.shouts(&word) || self.labels(&lower, &word))
    }

    /// `BREAKING` in capitals, other than between quotation marks.
    fn shouts(&self, word: &Range<usize>) -> bool {
        let before = self.text[..word.start].chars().next_back();
        let quoted = before.is_some_and(|c| matches!(c, '"' | '\'' | '“' | '‘' | '«'));
        self.text[word.clone()].bytes().all(|b| b.is_ascii_uppercase()) && !quoted
    }

    /// The words around stand alone: in brackets, emphasised, or before a colon or dash where a text begins.
    fn labels(&self, lower: &str, word: &Range<usize>) -> bool {
        let label = label_around(lower, word);
        let (before, after) = (&lower[..label.start], &lower[label.end..]);
        let left = before.trim_end_matches([' ', '\n']);
        let right = after.trim_start_matches([' ', '\n']);
        let opened = left.ends_with(['[', '(', '{', '【', '（']);
        let closed = right.starts_with([']', ')', '}', '】', '）']);
        let listed =
            |c: Option<char>| c.is_some_and(|c| matches!(c, ',' | ';' | '/' | '|' | ':' | '-' | '–' | '—' | '#' | '!'));
        if opened && (closed || listed(right.chars().next())) || closed && listed(left.chars().next_back()) {
            return true;
        }
        let phrase = lower[label.clone()].contains("change");
        let begins = begins(before);
        let ends = right.trim_start_matches(['.', '!', ')', ']']).is_empty() || right.starts_with(END);
        // They come in the order of their ends; the narrowest are the nearest.
        let first = self.spans.partition_point(|span| span.end < label.end);
        let nearest = self.spans[first..].iter().take(DEEPEST);
        let marked = nearest.into_iter().any(|span| self.is_alone_in(span, &label));
        if marked && (phrase || begins || ends || right.starts_with(':')) {
            return true;
        }
        let set_off =
            right.starts_with([':', '!', '–', '—', '：']) || right.starts_with("- ") || right.starts_with("-> ");
        let goes_on = || {
            let next = right.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            phrase && GOES_ON.contains(&next)
        };
        begins && (set_off || goes_on())
    }

    /// Nothing but signs stands beside the label in an emphasis or a link.
    fn is_alone_in(&self, span: &Range<usize>, label: &Range<usize>) -> bool {
        let holds = span.start <= label.start && label.end <= span.end && span.len() <= label.len() + LONGEST_SIGNS;
        let silent = |range: Range<usize>| !self.text[range].contains(|c: char| c.is_alphanumeric() || c == UNREAD);
        holds && silent(span.start..label.start) && silent(label.end..span.end)
    }
}

/// `line-breaking` and `NON_BREAKING_SPACE` are other words.
fn is_word(text: &str, word: &Range<usize>) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = (&text[..word.start], &text[word.end..]);
    if before.ends_with(joins) || after.starts_with(joins) {
        return false;
    }
    match before.strip_suffix(['-', '\u{2011}']) {
        Some(before) => {
            let start = before.trim_end_matches(char::is_alphanumeric).len();
            let other = before[start..].to_ascii_lowercase();
            other.is_empty() || QUALITIES.contains(&other.as_str())
        }
        None => true,
    }
}

/// A negation right before it, with nothing but small words between: `not a BREAKING change`.
fn is_negated(lower: &str, at: usize) -> bool {
    let mut rest = &lower[..at];
    loop {
        let text = rest.trim_end_matches([' ', '\n', '-', '\u{2011}']);
        let start = text
            .trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '\'' | '’'))
            .len();
        let word = &text[start..];
        if NEGATIONS.contains(&word) {
            return true;
        }
        if !FILLERS.contains(&word) {
            return false;
        }
        rest = &text[..start];
    }
}

/// `breaking` with the words beside it that belong to it: `potentially breaking api change`.
fn label_around(lower: &str, word: &Range<usize>) -> Range<usize> {
    let mut label = word.clone();
    let gap = [' ', '-', '\n', '_'];
    for _ in 1..LONGEST_LABEL {
        let text = lower[..label.start].trim_end_matches(gap);
        let start = text.trim_end_matches(char::is_alphanumeric).len();
        if QUALITIES.contains(&&text[start..]) {
            label.start = start;
        }
        let text = lower[label.end..].trim_start_matches(gap);
        let end = text.len() - text.trim_start_matches(char::is_alphanumeric).len();
        if QUALITIES.contains(&&text[..end]) {
            label.end = lower.len() - text.len() + end;
        }
    }
    label
}

/// Whether `before` is the start of a block or line, or there are only signs, bracketed words, code and `scope:` before.
fn begins(before: &str) -> bool {
    let floor = before.char_indices().rev().nth(LONGEST_LEAD).map_or(0, |(at, _)| at);
    let near = &before[floor..];
    let line = near.rsplit(['\n', END]).next().unwrap_or_default();
    if floor > 0 && line.len() == near.len() {
        return false;
    }
    let line = line.trim_end();
    let line = line.trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ':' | ')' | ']'));
    let Some(last) = line.chars().next_back() else {
        return true;
    };
    match last {
        ')' | ']' => {
            let open = if last == ')' { '(' } else { '[' };
            line.rfind(open).is_some_and(|at| begins(&line[..at]))
        }
        // `core:`, `core/api:`; more words are a sentence.
        ':' => {
            let scope = line.trim_end_matches(':');
            scope.split_whitespace().count() <= 1 || scope.ends_with(':')
        }
        _ => false,
    }
}

/// A Conventional Commit with `!`, also behind a hash, a number in brackets or the name of a package.
fn conventional(text: &str) -> bool {
    let line = text
        .split(['\n', END])
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let mut rest = line.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '[' | '('));
    for _ in 0..3 {
        if let Some(commit) = mark::conventional(rest) {
            if commit.breaking {
                return true;
            }
            rest = commit.text;
        } else if let Some(after) = rest
            .strip_prefix(['[', '('])
            .and_then(|rest| rest.split_once([']', ')']))
        {
            rest = after.1;
        } else if let Some((word, after)) = rest.split_once(' ') {
            let is_hash = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
            let Some(after) = is_hash.then_some(after) else {
                return false;
            };
            rest = after;
        }
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '[' | '('));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_as_projects_write_them() {
        for text in MARKED {
            assert!(breaks(text), "{text}");
        }
        assert!(MARKED.len() >= 40);
    }

    #[test]
    fn mentions_are_no_marks() {
        for text in NOT_MARKED {
            assert!(!breaks(text), "{text}");
        }
    }

    const MARKED: &[&str] = &[
        // git-cliff
        "*(core)* [**breaking**] Rename the thing",
        "[**breaking**] Rename the thing",
        "*(core)* Rename the thing [**BREAKING**]",
        // Conventional Commits and what is made of them
        "feat!: x",
        "feat(api)!: x",
        "**api!**: s",
        "**api!:** s",
        "**feat(api)!:** s",
        "[`abc1234`](https://x.example) feat!: x",
        "abc12345 feat(x)!: y",
        "[#12] fix!: z",
        "core: feat!: x",
        "wow!: x y",
        "x\n\nBREAKING CHANGE: y",
        "x\n\nBREAKING-CHANGE: y",
        "x\nBREAKING CHANGE: y",
        // Labels in front
        "BREAKING: x",
        "BREAKING x",
        "**BREAKING** x",
        "**BREAKING:** x",
        "_BREAKING_: o",
        "__BREAKING CHANGE__: o",
        "***BREAKING*** - o",
        "Breaking: x",
        "breaking: x",
        "Breaking change: x",
        "Breaking Change - x",
        "Breaking change — x",
        "**Breaking change:** x",
        "**Breaking Change**: x",
        "**Breaking**: x",
        "**Breaking** The thing is gone",
        "*Breaking change* x",
        "breaking-change: x",
        "[breaking] x",
        "[Breaking change] x",
        "[BREAKING CHANGE] x",
        "[BREAKING][core] x",
        "\\[BREAKING\\] x",
        "(BREAKING) x",
        "(breaking) x",
        "[[Breaking]](https://x.example) x",
        "[Breaking](https://x.example/label) x",
        "⚠️ BREAKING: x",
        "⚠ **Breaking change** ⚠: x",
        "💥 x",
        ":boom: x",
        "**core:** **breaking** x",
        "**core:** breaking: x",
        "`core`: Breaking: x",
        "API-BREAKING: x",
        "**Potentially breaking:** x",
        "**Minor breaking change:** x",
        "Breaking API change: x",
        "Breaking change for plugins: the hooks have other names",
        "<b>BREAKING</b> x",
        "![BREAKING](https://x.example/badge.svg) x",
        // Labels behind and within
        "g **(breaking)**",
        "h [breaking change]",
        "h (breaking change)",
        "h (Breaking)",
        "h (BREAKING, #12)",
        "h (#12, breaking)",
        "h ([#12](https://x.example)) **BREAKING**",
        "h **breaking**",
        "h. **Breaking change**: w",
        "No longer reads X (BREAKING)",
        "This is a BREAKING change for those who use x",
        "x\n  - **Breaking:** y",
        "Do not use x. BREAKING: y",
        "`old()` is gone; BREAKING for all who call it",
    ];

    const NOT_MARKED: &[&str] = &[
        "This is not a BREAKING change at all",
        "This is **not** a BREAKING change",
        "This is not **BREAKING**",
        "This isn't considered BREAKING",
        "docs: mention `BREAKING` flag",
        "Look for <code>BREAKING</code> in entries",
        "x\n\n```\nBREAKING CHANGE: y\n```",
        "Read \"BREAKING CHANGE\" footers",
        "feat: x",
        "UNBREAKING x",
        "NON-BREAKING: x",
        "non-breaking: x",
        "[non-breaking] x",
        "(not breaking) x",
        "No BREAKING changes",
        "Breaking news",
        "NON_BREAKING_SPACE is kept",
        "A line-breaking algorithm (LINE-BREAKING: new)",
        "Fixed a bug breaking the build",
        "Fixed a bug **breaking** the build",
        "fix(a): x! y",
        "Prevent breaking changes: compare with the last release",
        "Render `feat!: x` as it is",
        "~~BREAKING: x~~ taken back",
        "<!-- BREAKING -->\nx",
        "",
    ];
}
