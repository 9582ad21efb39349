//! Markdown: of one release, as a file that reads back the same; of a view, as one text to hand on.

use super::super::front::Front;
use super::super::heading::{self, Release, Title};
use super::super::model::{Body, Changelog, Entry, Form, Pending};
use super::super::range::{Shown, View, Way};
use super::{date_of, harmless_lines, list, origin, versions, withdrawn_words};
use crate::version::Scheme;

impl<V: Scheme> Changelog<V> {
    /// As a file of its own, with front matter where there is something that the text cannot say.
    pub fn to_markdown(&self) -> String {
        let front = Front::of(self).map(|front| front.to_text()).unwrap_or_default();
        format!("{front}# {}\n{}", title(self, false), body(&self.body))
    }
}

pub fn markdown<V: Scheme>(view: &View<V>) -> String {
    let mut parts = Vec::new();
    if view.way == Way::Down {
        parts.push("# You will lose\n".to_owned());
    }
    parts.extend(summary(view));
    parts.extend(view.pending.iter().map(pending));
    parts.extend(view.releases.iter().map(shown));
    harmless_lines(&parts.join("\n"))
}

fn summary<V: Scheme>(view: &View<V>) -> Option<String> {
    let mut lists = view.told.of_data().peekable();
    lists.peek()?;
    let urgency = view
        .urgency
        .map(|urgency| format!(" (urgency: {urgency})"))
        .unwrap_or_default();
    let mut out = format!("# Notes{urgency}\n");
    for (title, notes) in lists {
        out += &format!("\n## {title}\n\n");
        for (id, note) in notes {
            let text = format!("{} (`{id}`, {})", note.text.trim(), escaped(&origin(note)));
            out += &format!("- {}\n", indented(&text, 2));
        }
    }
    Some(out)
}

fn pending(pending: &Pending) -> String {
    format!("# {}\n{}", escaped(&pending.title), body(&pending.body))
}

fn shown<V: Scheme>(one: &Shown<V>) -> String {
    let with = if one.with.is_empty() {
        String::new()
    } else {
        format!("\nWith the changes of {}.\n", list(&one.with))
    };
    let gone = withdrawn_words(one)
        .map(|words| format!("\n> {}\n", escaped(&words)))
        .unwrap_or_default();
    format!(
        "# {}\n{gone}{with}{}",
        title(&one.release, true),
        body(&one.release.body)
    )
}

fn title<V: Scheme>(release: &Changelog<V>, struck: bool) -> String {
    let mut version = versions(release);
    // `3` or `20240102` would not be taken for a version.
    let reads_back = |read: &Release<V>| read.version == release.version && read.together_with == release.together_with;
    if !matches!(heading::read::<V>(&version), Title::Release(read) if reads_back(&read)) {
        version = format!("v{}", version.replace(", ", ", v"));
    }
    if let Some(link) = &release.link {
        version = format!(
            "[{version}](<{}>)",
            link.replace('\\', "\\\\")
                .replace('<', "\\<")
                .replace('>', "\\>")
                .replace('\n', " ")
        );
    }
    if struck && release.is_yanked() {
        version = format!("~~{version}~~");
    }
    if let Some(date) = date_of(release) {
        version += &format!(" - {date}");
    }
    if release.pending {
        version += " - Unreleased";
    }
    if release.is_yanked() {
        version += " [YANKED]";
    }
    version
}

fn body(body: &Body) -> String {
    let mut out = String::new();
    for block in &body.preamble {
        out += &format!("\n{block}\n");
    }
    for section in &body.sections {
        out += &format!("\n## {}\n", escaped(&section.title));
        let mut before = Form::Block;
        for entry in &section.entries {
            if entry.form == Form::Block || before == Form::Block {
                out.push('\n');
            }
            out += &item(entry);
            before = entry.form;
        }
    }
    out
}

fn item(entry: &Entry) -> String {
    match entry.form {
        Form::Block => format!("{}\n", entry.text),
        // With a dash before it, `--` would be a ruler.
        Form::Item
            if entry
                .text
                .lines()
                .next()
                .is_some_and(|line| line.chars().all(|c| matches!(c, '-' | ' ' | '\t'))) =>
        {
            format!("*{}\n", after_mark(&entry.text, 2))
        }
        Form::Item => format!("-{}\n", after_mark(&entry.text, 2)),
        Form::Numbered(number) => {
            let mark = format!("{number}.");
            format!("{mark}{}\n", after_mark(&entry.text, mark.len() + 1))
        }
    }
}

/// A text that begins with blanks is code, which must stand behind exactly one more blank.
fn after_mark(text: &str, indent: usize) -> String {
    format!(" {}", indented(text, indent))
}

fn indented(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |out, line| {
        if line.is_empty() {
            out + "\n"
        } else {
            out + "\n" + &margin + line
        }
    })
}

/// Plain text so that Markdown takes none of it for markup.
pub(super) fn escaped(text: &str) -> String {
    let special = |c: char| {
        matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '&' | '~' | '|'
        )
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}
