//! Writing results and failures, the same way for every command.

use std::io::{BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use super::args::{Global, Output};
use crate::app::{AppError, Consent, OpenConflict, codes};
use crate::plan::{PlanNotes, Reason};
use crate::release::changelog::is_obeyed;
use crate::release::counted;
use crate::settings::Side;

/// A command that did not do what was asked.
pub enum Failed {
    App(AppError),
    /// The result was already written; only the exit code is left.
    Exit(u8),
}

impl From<AppError> for Failed {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

pub type Result<T> = std::result::Result<T, Failed>;

impl Failed {
    pub fn said(code: &'static str, message: impl Into<String>) -> Self {
        Self::App(AppError::said(code, message))
    }

    /// The message to standard error and, where JSON is wanted, the same as a document to standard output.
    pub fn report(&self, global: &Global) -> ExitCode {
        match self {
            Self::Exit(code) => ExitCode::from(*code),
            Self::App(error) => {
                let code = error.code();
                let told = harmless(&error.to_string());
                say(&format!("{} {told} [{}]", red("error:"), code.id));
                if global.output == Output::Json {
                    let _ = line(&document(error).to_string());
                }
                ExitCode::from(code.kind.exit())
            }
        }
    }
}

fn document(error: &AppError) -> serde_json::Value {
    let code = error.code();
    let mut told = json!({"code": code.id, "kind": code.title, "message": error.to_string()});
    if let AppError::Refused(refusal) = error
        && let Reason::NoPath { farthest, witness } = &refusal.reason
    {
        told["kind"] = "no-path".into();
        told["farthest"] = json!(farthest);
        told["witness"] = json!(witness);
    }
    json!({"error": told})
}

/// The exit code that belongs to a code of the table.
pub fn exit_of(code: &str) -> u8 {
    codes::lookup(code).kind.exit()
}

/// Writes one line to standard output. A reader that went away is no error of ours.
pub fn line(text: &str) -> std::io::Result<()> {
    writeln!(anstream::stdout(), "{text}")
}

/// Writes the result as JSON, or as the text that `text` makes of it.
pub fn result<T: Serialize>(global: &Global, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
    streamed(global, value, |value, out| {
        let text = text(value);
        if text.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}", text.trim_end())
    })
}

/// The same for what may be long: the text is written as it is made.
pub fn streamed<T: Serialize>(
    global: &Global,
    value: &T,
    text: impl FnOnce(&T, &mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let mut out = BufWriter::new(anstream::stdout());
    let written = match global.output {
        Output::Json => serde_json::to_writer_pretty(&mut out, value)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out)),
        Output::Text => text(value, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::App(AppError::below("NL0408", &e))),
        _ => Ok(()),
    }
}

/// A line for people, to standard error.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Asks a yes-or-no question; without a terminal the answer is no, never a hanging prompt.
pub fn confirm(global: &Global, question: &str) -> Result<()> {
    if global.yes {
        return Ok(());
    }
    if !is_somebody_there() {
        return Err(Failed::said(
            "NL0108",
            "not confirmed: there is no terminal to ask on; add `--yes`",
        ));
    }
    match inquire::Confirm::new(question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Failed::said("NL0108", "not confirmed; nothing was changed")),
    }
}

/// On a terminal, to ask on.
pub fn is_somebody_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks whose value it is to be, by a whole word, until it is one of the two.
pub fn side(open: &OpenConflict) -> Result<Side> {
    let (old, yours, new) = (harmless(&open.old), harmless(&open.yours), harmless(&open.new));
    let name = harmless(&open.name);
    say(&format!(
        "{name} (line {}) was {old}, you have {yours}, the release brings {new}",
        open.line
    ));
    loop {
        let answer = inquire::Text::new("Type `keep` for yours or `new` for the release's:").prompt();
        match answer.as_deref().map(str::trim) {
            Ok("keep") => return Ok(Side::Keep),
            Ok("new") => return Ok(Side::New),
            Ok(other) => say(&format!("`{}` is neither `keep` nor `new`", harmless(other))),
            Err(_) => return Err(Failed::said("NL0108", "not answered; nothing was changed")),
        }
    }
}

/// Asks for what is missing of the consent that a plan needs, each by a whole word; without a terminal nothing is added.
pub fn consent(mut given: Consent, notes: &PlanNotes) -> Consent {
    if !is_somebody_there() {
        return given;
    }
    let typed = |question: &str, word: &str| {
        let answer = inquire::Text::new(question).prompt();
        answer.is_ok_and(|answer| answer.trim() == word)
    };
    if !given.breaking && !notes.breaking.is_empty() {
        let question = format!(
            "{}, see above. Type `yes` to accept:",
            counted(notes.breaking.len(), "breaking change")
        );
        given.breaking = typed(&question, "yes");
    }
    let missing: Vec<String> = given.missing(notes).map(|note| note.id.clone()).collect();
    for id in missing {
        let question = format!("The note `{id}` must be acknowledged, see above. Type its id:");
        if typed(&question, &id) {
            given.acknowledged.insert(id);
        }
    }
    given
}

pub fn red(text: &str) -> String {
    format!("\x1b[31m{text}\x1b[0m")
}

pub fn green(text: &str) -> String {
    format!("\x1b[32m{text}\x1b[0m")
}

pub fn yellow(text: &str) -> String {
    format!("\x1b[33m{text}\x1b[0m")
}

pub fn bold(text: &str) -> String {
    format!("\x1b[1m{text}\x1b[0m")
}

pub fn struck(text: &str) -> String {
    format!("\x1b[9m{text}\x1b[0m")
}

pub fn dim(text: &str) -> String {
    format!("\x1b[2m{text}\x1b[0m")
}

/// Columns for running text: those of the terminal, but no more than read well.
pub fn width() -> usize {
    const WIDEST: usize = 96;
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let columns = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    columns.unwrap_or(WIDEST).min(WIDEST)
}

/// `1.2 MB`; decimal units as in release notes and disk labels.
pub fn bytes(count: u64) -> String {
    indicatif::DecimalBytes(count).to_string()
}

/// `1 min 20 s`.
pub fn seconds(count: u64) -> String {
    match count {
        0..60 => format!("{count} s"),
        60..3600 => format!("{} min {} s", count / 60, count % 60),
        _ => format!("{} h {} min", count / 3600, count % 3600 / 60),
    }
}

/// Outside text without what the terminal would obey.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if is_obeyed(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_outside_text_is_obeyed() {
        let shown = harmless("a\u{1b}[31m\u{7}\u{202e}b\u{2066}c\n\td\u{9b}");
        assert_eq!(shown, "a\u{fffd}[31m\u{fffd}\u{fffd}b\u{fffd}c\n\td\u{fffd}");
    }
}
