//! `netlink config show|check`

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::args::{ConfigVerb, Global};
use super::output::{Failed, Result, dim, exit_of, green, harmless, red, result};
use crate::app::{self, ConfigView};
use crate::release::counted;
use crate::settings::{Origin, Setting};

pub fn run(global: &Global, verb: &ConfigVerb) -> Result<()> {
    match verb {
        ConfigVerb::Show { origin, key } => show(global, *origin, key.as_deref()),
        ConfigVerb::Check => check(global),
    }
}

fn show(global: &Global, origin: bool, key: Option<&str>) -> Result<()> {
    let mut view = app::show_config(&global.root, global.config.as_deref())?;
    if let Some(key) = key {
        view.settings.retain(|one| is_of(one, key));
        if view.settings.is_empty() {
            let message = format!("`{key}` is not a setting; `netlink config show` lists all");
            return Err(Failed::said("NL0110", message));
        }
    }
    result(global, &view, |view| text(view, origin))
}

/// The key itself, or the section that it is in.
fn is_of(setting: &Setting, key: &str) -> bool {
    let rest = setting.key.strip_prefix(key);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// As a settings file says it, a key a line.
fn text(view: &ConfigView, origin: bool) -> String {
    let mut out = String::new();
    let mut above: Vec<&str> = Vec::new();
    for setting in &view.settings {
        let mut sections: Vec<&str> = setting.key.split('.').collect();
        let name = sections.pop().unwrap_or_default();
        let shared = above.iter().zip(&sections).take_while(|(a, b)| a == b).count();
        for (depth, section) in sections.iter().enumerate().skip(shared) {
            let _ = writeln!(out, "{:1$}{section}:", "", 2 * depth);
        }
        let line = format!("{:1$}{name}: {2}", "", 2 * sections.len(), scalar(&setting.value));
        let _ = match origin {
            true => writeln!(out, "{}  {}", harmless(&line), dim(&from(view, &setting.origin))),
            false => writeln!(out, "{}", harmless(&line)),
        };
        above = sections;
    }
    out
}

fn from(view: &ConfigView, origin: &Origin) -> String {
    match origin {
        Origin::Default => "# default".into(),
        Origin::File => format!("# {}", view.file.display()),
        Origin::Environment { variable } => format!("# ${variable}"),
    }
}

/// JSON is YAML; words that are nothing else in YAML stand without quotes.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_word = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    // What older and newer readers of YAML take for something else than text.
    const TAKEN: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    let lower = text.to_ascii_lowercase();
    starts && text.chars().all(is_word) && lower != "n" && !TAKEN.contains(&lower.as_str())
}

#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    counts: Counts<'a>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Counts<'a> {
    file: &'a std::path::Path,
    file_exists: bool,
    /// Keys that the file gives a value.
    by_file: usize,
    by_environment: usize,
}

fn check(global: &Global) -> Result<()> {
    let view = app::show_config(&global.root, global.config.as_deref())?;
    let count = |is: fn(&Origin) -> bool| view.settings.iter().filter(|one| is(&one.origin)).count();
    let checked = Checked {
        counts: Counts {
            file: &view.file,
            file_exists: view.file_exists,
            by_file: count(|origin| *origin == Origin::File),
            by_environment: count(|origin| matches!(origin, Origin::Environment { .. })),
        },
        problems: app::config_problems(&global.root, global.config.as_deref())?,
    };
    result(global, &checked, checked_text)?;
    match checked.problems.is_empty() {
        true => Ok(()),
        false => Err(Failed::Exit(exit_of("NL0403"))),
    }
}

fn checked_text(checked: &Checked<'_>) -> String {
    let Checked { counts, problems } = checked;
    let file = counts.file.display();
    if !problems.is_empty() {
        let lines = problems
            .iter()
            .map(|one| format!("{} {}", red("wrong:"), harmless(one)));
        return lines.collect::<Vec<_>>().join("\n");
    }
    let by_file = match counts.file_exists {
        true => format!("{} set by {file}", counted(counts.by_file, "key")),
        false => format!("there is no {file}"),
    };
    format!(
        "{} {by_file}, {} by the environment, the rest have their defaults",
        green("ok:"),
        counts.by_environment
    )
}
