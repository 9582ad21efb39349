//! `netlink update changelog` and `netlink changelog …`

use super::args::{ChangelogFormat, Global, Output, UpdateChangelogArgs};
use super::open::open;
use super::output::{Failed, Result, bold, dim, line, red, width, yellow};
use crate::app::{self, AppError, ChangesOf};
use crate::release::changelog::{Mark, Span, View, html, markdown, text};
use crate::version::Scheme;

pub fn of_installation(global: &Global, wanted: &UpdateChangelogArgs) -> Result<()> {
    let of = match (&wanted.version, &wanted.since, &wanted.until) {
        (Some(version), _, _) => ChangesOf::One(version.clone()),
        (None, None, None) => ChangesOf::Installed,
        (None, since, until) => ChangesOf::Span(Span {
            since: since.clone(),
            until: until.clone(),
            pre: wanted.pre,
        }),
    };
    let view = app::changes(&open(global)?, &of)?;
    match format(global, wanted.format) {
        ChangelogFormat::Json => json(&view.releases),
        format => written(&view, format),
    }
}

/// `--output json` means the format as well.
fn format(global: &Global, wanted: ChangelogFormat) -> ChangelogFormat {
    if global.output == Output::Json {
        ChangelogFormat::Json
    } else {
        wanted
    }
}

fn json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| AppError::below("NL0408", &e))?;
    print(&text)
}

fn written<V: Scheme>(view: &View<V>, format: ChangelogFormat) -> Result<()> {
    let out = match format {
        ChangelogFormat::Json => return json(view),
        _ if view.releases.is_empty() && view.pending.is_empty() && format != ChangelogFormat::Html => {
            "no newer release".to_owned()
        }
        ChangelogFormat::Text => text(view, width(), &painted),
        ChangelogFormat::Markdown => markdown(view),
        ChangelogFormat::Html => html(view),
    };
    print(out.trim_end())
}

fn painted(mark: Mark, text: &str) -> String {
    match mark {
        Mark::Title | Mark::Section => bold(text),
        Mark::Breaking => red(text),
        Mark::Withdrawn => yellow(text),
        Mark::Faint => dim(text),
    }
}

fn print(text: &str) -> Result<()> {
    match line(text) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::App(AppError::below("NL0408", &e))),
        _ => Ok(()),
    }
}
