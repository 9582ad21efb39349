//! `netlink explain CODE`

use serde_json::json;

use super::args::Global;
use super::output::{Failed, Result, bold, result};
use crate::app::codes::{self, Code};

pub fn run(global: &Global, code: Option<&str>) -> Result<()> {
    let chosen: Vec<&Code> = match code {
        None => codes::all().collect(),
        Some(id) => {
            let found = codes::all().find(|code| code.id.eq_ignore_ascii_case(id));
            let unknown = || {
                Failed::said(
                    "NL0110",
                    format!("there is no code `{id}`; `netlink explain` lists all"),
                )
            };
            vec![found.ok_or_else(unknown)?]
        }
    };
    let documents: Vec<_> = chosen
        .iter()
        .map(|code| json!({"code": code.id, "title": code.title, "exit": code.kind.exit(), "http": code.kind.http(), "explanation": code.explanation}))
        .collect();
    result(global, &documents, |_| {
        let text = |code: &&Code| {
            format!(
                "{} {} (exit {})\n  {}",
                bold(code.id),
                code.title,
                code.kind.exit(),
                code.explanation
            )
        };
        chosen.iter().map(text).collect::<Vec<_>>().join("\n")
    })
}
