//! `netlink update changelog`

use super::args::{ChangelogFormat, Global, Output};
use super::open::open;
use super::output::{Result, line, result};
use crate::app::{self, ChangesOf};
use crate::release::Changelog;
use crate::version::Version;

pub fn run(global: &Global, version: Option<&Version>, since: Option<&Version>, format: ChangelogFormat) -> Result<()> {
    let of = match (version, since) {
        (Some(version), _) => ChangesOf::One(version.clone()),
        (None, Some(since)) => ChangesOf::Since(since.clone()),
        (None, None) => ChangesOf::Installed,
    };
    let changes = app::changes(&open(global)?, &of)?;
    if format == ChangelogFormat::Json || global.output == Output::Json {
        let text = serde_json::to_string_pretty(&changes).map_err(|e| app::AppError::below("NL0408", &e))?;
        let _ = line(&text);
        return Ok(());
    }
    let each = if format == ChangelogFormat::Markdown {
        Changelog::to_markdown
    } else {
        Changelog::to_text
    };
    result(global, &changes, |changes| {
        let texts: Vec<String> = changes.iter().map(each).collect();
        if texts.is_empty() {
            "no newer release".into()
        } else {
            texts.join("\n")
        }
    })
}
