//! Text for a terminal, wrapped. Colours are the caller's: it is told what each piece is, and foreign text cannot bring any.

use super::super::model::{Body, Changelog, Entry, Form, NoteId};
use super::super::range::{Gathered, Shown, View, Way};
use super::plain::{self, Line};
use super::{date_of, harmless, list, origin, versions, withdrawn_words};
use crate::version::Scheme;

/// What a piece of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Title,
    Section,
    Breaking,
    /// The title of a withdrawn release, to be struck through.
    Withdrawn,
    /// Why it was withdrawn and where to go.
    Instead,
    Faint,
}

/// Narrower than this, nothing reads well.
const NARROWEST: usize = 30;
const DEFAULT_WIDTH: usize = 96;

struct Writer<'a> {
    out: String,
    width: usize,
    paint: &'a dyn Fn(Mark, &str) -> String,
}

/// `paint` gets each marked piece and gives it back, coloured or not.
pub fn text<V: Scheme>(view: &View<V>, width: usize, paint: &dyn Fn(Mark, &str) -> String) -> String {
    let mut writer = Writer {
        out: String::new(),
        width: width.max(NARROWEST),
        paint,
    };
    if view.way == Way::Down {
        writer.heading(Mark::Title, "You will lose");
    }
    writer.notes(view);
    for pending in &view.pending {
        writer.heading(Mark::Title, &pending.title);
        writer.body(&pending.body);
    }
    for one in &view.releases {
        writer.release(one);
    }
    writer.out
}

impl<V: Scheme> Changelog<V> {
    /// For a terminal: without markup and colours, wrapped.
    pub fn to_text(&self) -> String {
        let span = super::super::range::Span::all();
        let view = super::super::range::view(vec![self.clone()], Vec::new(), &span);
        text(&view, DEFAULT_WIDTH, &|_, text| text.to_owned())
    }
}

impl Writer<'_> {
    fn heading(&mut self, mark: Mark, title: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let title = (self.paint)(mark, &harmless(title).replace('\n', " "));
        self.out += &format!("{title}\n");
    }

    fn section(&mut self, title: &str) {
        let title = (self.paint)(Mark::Section, &harmless(title).replace('\n', " "));
        self.out += &format!("\n  {title}\n");
    }

    fn notes<V: Scheme>(&mut self, view: &View<V>) {
        let mut lists = view.told.of_data().peekable();
        if lists.peek().is_none() {
            return;
        }
        let urgency = view
            .urgency
            .map(|urgency| format!(" (urgency: {urgency})"))
            .unwrap_or_default();
        self.heading(Mark::Title, &format!("Notes{urgency}"));
        for (title, notes) in lists {
            self.section(title);
            notes.iter().for_each(|(id, note)| self.note(id, note));
        }
    }

    fn note<V: Scheme>(&mut self, id: &NoteId, note: &Gathered<V>) {
        self.entry(&note.text, Some("-"), None);
        let line = format!("{id}, {}", origin(note));
        let line = (self.paint)(Mark::Faint, &line);
        self.out += &format!("      {line}\n");
    }

    fn release<V: Scheme>(&mut self, one: &Shown<V>) {
        let release = &one.release;
        let mut title = versions(release);
        if let Some(date) = date_of(release) {
            title += &format!(" - {date}");
        }
        if release.pending {
            title += " (unreleased)";
        }
        match withdrawn_words(one) {
            Some(words) => {
                self.heading(Mark::Withdrawn, &title);
                self.out.truncate(self.out.len() - 1);
                let words = (self.paint)(Mark::Instead, &format!("[{words}]"));
                self.out += &format!(" {words}\n");
            }
            None => self.heading(Mark::Title, &title),
        }
        if !one.with.is_empty() {
            let line = (self.paint)(Mark::Faint, &format!("with the changes of {}", list(&one.with)));
            self.out += &format!("  {line}\n");
        }
        self.body(&release.body);
    }

    fn body(&mut self, body: &Body) {
        for block in &body.preamble {
            self.out.push('\n');
            for line in plain::lines(block) {
                self.line(&line, 2, None);
            }
        }
        for section in &body.sections {
            self.section(&section.title);
            section.entries.iter().for_each(|entry| self.of_section(entry));
        }
    }

    fn of_section(&mut self, entry: &Entry) {
        let number;
        let mark = match entry.form {
            Form::Block => None,
            Form::Item => Some("-"),
            Form::Numbered(n) => {
                number = format!("{n}.");
                Some(number.as_str())
            }
        };
        // What says so itself needs no mark.
        let lower: String = entry.text.chars().take(40).flat_map(char::to_lowercase).collect();
        let flag = (entry.breaking && !lower.contains("breaking")).then_some("BREAKING");
        self.entry(&entry.text, mark, flag);
    }

    fn entry(&mut self, markdown: &str, mark: Option<&str>, flag: Option<&str>) {
        let mut lines = plain::lines(markdown);
        if let Some(mark) = mark {
            let begins = lines
                .first()
                .is_some_and(|first| first.mark.is_none() && !first.verbatim);
            if !begins {
                lines.insert(0, Line::default());
            }
            if let Some(first) = lines.first_mut() {
                first.mark = Some(mark.to_owned());
            }
            // What follows belongs to the item.
            lines.iter_mut().skip(1).for_each(|line| line.depth += 1);
            if let Some(first) = lines.first_mut() {
                first.depth += 1;
            }
        }
        for (at, line) in lines.iter().enumerate() {
            self.line(line, 4, flag.filter(|_| at == 0));
        }
    }

    /// One line of a text, wrapped; the mark of an item hangs before it.
    fn line(&mut self, line: &Line, margin: usize, flag: Option<&str>) {
        let mark = line.mark.as_deref().unwrap_or_default();
        let nested = line.depth.min(self.width / 4) * 2;
        let hang = if line.depth == 0 {
            margin
        } else {
            margin + nested.max(mark.len() + 1)
        };
        let start = if mark.is_empty() {
            " ".repeat(hang)
        } else {
            format!("{:>hang$}", format!("{mark} "))
        };
        let text = harmless(&line.text);
        if line.verbatim {
            self.out += &format!("{}{text}\n", " ".repeat(hang + 2));
            return;
        }
        self.out += &start;
        let mut width = hang;
        let mut fresh = true;
        if let Some(flag) = flag {
            width += flag.len();
            self.out += &(self.paint)(Mark::Breaking, flag);
            fresh = false;
        }
        for word in text.split_whitespace() {
            let long = word.chars().count();
            if !fresh && width + 1 + long > self.width {
                self.out += &format!("\n{}", " ".repeat(hang));
                width = hang;
            } else if !fresh {
                self.out.push(' ');
                width += 1;
            }
            self.out += word;
            width += long;
            fresh = false;
        }
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        self.out.push('\n');
    }
}
