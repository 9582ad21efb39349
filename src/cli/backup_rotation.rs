//! `netlink backup keys rotate --master` and `forget-older`.

use std::fmt::Write;

use super::args::{Global, UnlockArgs};
use super::backup_keys::line;
use super::open::open;
use super::output::{Failed, Result, bytes, dim, exit_of, green, harmless, red, result, say, yellow};
use crate::app::{self, Forgotten, KeysView, Rotated};
use crate::release::counted;

pub fn rotate(global: &Global, unlock: &UnlockArgs) -> Result<()> {
    let installation = open(global)?;
    let unlock = unlock.unlock()?;
    let mut heard = |left| say(&format!("{} are left to be sealed anew", bytes(left)));
    let rotated = app::rotate_master_key(&installation, unlock.as_ref(), &mut heard)?;
    result(global, &rotated, rotated_lines)?;
    match rotated.resealed.left_files {
        0 => Ok(()),
        _ => Err(Failed::Exit(exit_of("NL0602"))),
    }
}

pub fn forget(global: &Global, unlock: &UnlockArgs) -> Result<()> {
    let installation = open(global)?;
    let forgotten = app::forget_older_keys(&installation, unlock.unlock()?.as_ref())?;
    result(global, &forgotten, forgotten_lines)
}

fn rotated_lines(rotated: &Rotated) -> String {
    let mut out = String::new();
    for slot in &rotated.slots {
        let _ = writeln!(out, "{} {}", green("holds it"), line(slot));
    }
    for slot in &rotated.behind {
        let _ = writeln!(
            out,
            "{}\n  its secret was not at hand: netlink backup keys rotate {}",
            line(slot),
            slot.id
        );
    }
    let resealed = &rotated.resealed;
    for problem in &resealed.problems {
        let _ = writeln!(out, "{} {}", red("damaged"), harmless(problem));
    }
    let word = if rotated.new {
        "new master key"
    } else {
        "went on with master key"
    };
    let _ = write!(
        out,
        "{} {}: {} sealed anew, {}",
        green(word),
        rotated.key,
        counted(resealed.files, "file"),
        bytes(resealed.bytes)
    );
    if resealed.left_files > 0 {
        let _ = write!(
            out,
            "\n{} still sealed with older keys: {}; run `netlink backup repair`, then the same command again",
            red("not finished:"),
            counted(resealed.left_files, "file")
        );
        return out;
    }
    let hint =
        "older keys open nothing that is there now; `netlink backup keys forget-older` takes them out of the slots";
    let _ = write!(out, "\n{}", dim(hint));
    out
}

fn forgotten_lines(forgotten: &Forgotten) -> String {
    if forgotten.keys.is_empty() && forgotten.left.is_empty() {
        return "there are no older keys".into();
    }
    let mut out = String::new();
    for key in &forgotten.keys {
        let _ = writeln!(out, "{} {key}", green("forgotten"));
    }
    for slot in &forgotten.left {
        let _ = writeln!(
            out,
            "{} {}\n  its secret was not at hand: netlink backup keys rotate {}",
            yellow("still held:"),
            line(slot),
            slot.id
        );
    }
    let _ = write!(
        out,
        "the current key alone is in {}",
        counted(forgotten.slots.len(), "slot")
    );
    out
}

/// How far a rotation is that was not finished.
pub fn unfinished(view: &KeysView) -> Option<String> {
    let newest = view.slots.iter().find(|one| !one.behind)?;
    let (current, others) = newest.masters.split_first()?;
    let of = |key: &crate::backup::keys::Fingerprint| {
        let sealed = view.sealed.iter().filter(move |one| one.key.as_ref() == Some(key));
        sealed.fold((0, 0), |(files, size), one| (files + one.files, size + one.bytes))
    };
    let (files, size) = others
        .iter()
        .map(of)
        .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    (files > 0).then(|| {
        let (done_files, done) = of(current);
        format!(
            "{} {done_files} of {}, {} of {}, are sealed with key {current}; `netlink backup keys rotate --master` goes on",
            yellow("rotation of the master key:"),
            counted(done_files + files, "file"),
            bytes(done),
            bytes(done + size)
        )
    })
}
