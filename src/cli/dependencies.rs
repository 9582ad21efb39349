//! Dependencies: what a plan changes of them, and making them anew.

use std::fmt::Write;

use super::args::Global;
use super::output::{Result, bytes, green, harmless, red, result, yellow};
use crate::app::{self, DependencyChange, Reinstalled};

pub fn reinstall(global: &Global) -> Result<()> {
    let done = app::reinstall_dependencies(&global.root, global.config.as_deref())?;
    result(global, &done, reinstalled_text)
}

fn reinstalled_text(done: &Reinstalled) -> String {
    if done.made.is_empty() {
        return format!("{} has no dependencies; nothing to do", done.version);
    }
    let again = if done.restarted { ", and started again" } else { "" };
    format!(
        "{} {} has its dependencies anew{again}: {}",
        green("done:"),
        done.version,
        harmless(&done.made.join(", "))
    )
}

/// Package by package.
pub fn changes_text(all: &[DependencyChange]) -> String {
    let mut out = String::new();
    for one in all {
        let room = one
            .bytes
            .map_or_else(String::new, |room| format!("; {} of room", bytes(room)));
        let counts = match &one.refused {
            Some(refused) => format!("{} {}", red("refused"), harmless(refused)),
            None => format!("{} change, {} stay{room}", one.changes.len(), one.stay),
        };
        let _ = writeln!(out, "  {:<9} {}: {counts}", "needs", harmless(&one.name));
        if let Some(way_back) = &one.way_back {
            let _ = writeln!(out, "            {}", yellow(&harmless(way_back)));
        }
        for change in &one.changes {
            let name = harmless(&change.package);
            let version = |version: &String| harmless(version);
            let _ = match (&change.from, &change.to) {
                (None, Some(to)) => writeln!(out, "    {}", green(&format!("+ {name} {}", version(to)))),
                (Some(from), None) => writeln!(out, "    {}", red(&format!("- {name} {}", version(from)))),
                (Some(from), Some(to)) => writeln!(out, "    ~ {name} {} -> {}", version(from), version(to)),
                (None, None) => Ok(()),
            };
        }
    }
    out
}
