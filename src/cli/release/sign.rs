//! `netlink release sign`: shows what is to be signed, asks, signs.

use std::path::{Path, PathBuf};

use super::super::args::Global;
use super::super::output::{Result, bold, confirm, harmless, say};
use super::{keys, said};
use crate::app;
use crate::publish::Difference;

pub fn run(global: &Global, repo: &Path, dirs: &[PathBuf], copies: &[PathBuf]) -> Result<()> {
    let difference = app::release_difference(repo)?;
    if let Some(difference) = &difference {
        say(&shown(difference));
        // Whoever only gathers what others have signed signs nothing.
        if !dirs.is_empty() {
            confirm(global, "Sign this with the keys at hand?")?;
        }
    }
    let outcome = app::release_sign(repo, &keys::at_hand(dirs)?, copies, difference.as_ref())?;
    said(global, &outcome, "signed and published")
}

fn shown(difference: &Difference) -> String {
    let mut out = bold(&format!("To be signed: {}", difference.signed.join(", ")));
    let changes: Vec<&String> = difference.changes().collect();
    if changes.is_empty() {
        out += "\n  it says what is published already, and is good for longer";
    }
    for change in changes {
        out += &format!("\n  {}", harmless(change));
    }
    out
}
