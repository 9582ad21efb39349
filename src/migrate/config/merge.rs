//! What a release changes in its default, brought into a file that the operator made their own: three ways, value by value. The
//! operator's own values win, and what both changed is told.

use std::collections::BTreeMap;

use super::data::Data;
use super::edit::Edit;
use super::error::position;
use super::format::Format;
use super::inverse::{Applied, Inverse, Work};
use super::key::KeyPath;
use super::secrets::Secrets;
use super::{ConfigError, Op};

/// Whose value it is in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Yours,
    New,
}

/// Changed by the operator and by the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// None of a file of which only the lines are known.
    pub key: Option<KeyPath>,
    pub line: usize,
    /// Without secrets.
    pub old: String,
    pub yours: String,
    pub new: String,
    /// None when nothing settles it.
    pub taken: Option<Side>,
}

/// What there is to merge, and by which rules.
pub struct Merging<'m> {
    /// The default that the file was made from, brought to the names of the new release.
    pub old: &'m str,
    pub new: &'m str,
    /// Lists of tables whose items are known by one of their keys.
    pub list_keys: &'m BTreeMap<String, String>,
    pub secrets: &'m Secrets,
    pub settle: &'m dyn Fn(Option<&KeyPath>) -> Option<Side>,
}

#[derive(Debug)]
pub struct Merged {
    pub applied: Applied,
    pub conflicts: Vec<Conflict>,
}

/// The old default as the migrations leave it: with the names that the new one has.
pub fn brought_forward(format: Format, default: &str, migrations: &[&[Op]]) -> Result<String, ConfigError> {
    let mut now = default.to_owned();
    for ops in migrations {
        let ops: Vec<Op> = ops
            .iter()
            .filter(|op| !matches!(op, Op::Note(_) | Op::Require(_)))
            .cloned()
            .collect();
        now = super::apply(format, &now, &ops)?.text;
    }
    Ok(now)
}

pub fn merge(format: Format, text: &str, merging: &Merging<'_>) -> Result<Merged, ConfigError> {
    let mut work = Work::of(format, text);
    let (old, new) = (
        format.data("the old default", merging.old)?,
        format.data("the new default", merging.new)?,
    );
    let (Some(old), Some(new), Some(mine)) = (old, new, work.data()?) else {
        return Ok(by_lines(text, merging));
    };
    let mut conflicts = Vec::new();
    for (key, value) in new.leaves() {
        let before = old.get(&key).ok().flatten();
        // A table here and a single value there: the operator has another idea of it.
        let Ok(found) = mine.get(&key) else { continue };
        match (before, found) {
            (None, None) => bring(&mut work, format, &key, value, merging.new),
            (Some(before), Some(found)) if before != value && found != value => {
                let each = Each {
                    key: &key,
                    before,
                    found,
                    value,
                };
                if let Some(by) = merging.list_keys.get(&key.to_string()) {
                    items(&mut work, &each, by);
                } else if before == found {
                    try_edit(&mut work, &key, &set(&key, value));
                } else {
                    let conflict = each.conflict(format, text, merging);
                    if conflict.taken == Some(Side::New) {
                        try_edit(&mut work, &key, &set(&key, value));
                    }
                    conflicts.push(conflict);
                }
            }
            _ => {}
        }
    }
    Ok(Merged {
        applied: work.finished(),
        conflicts,
    })
}

fn set(key: &KeyPath, value: &Data) -> Edit {
    Edit::Set {
        key: key.clone(),
        value: value.clone(),
        raw: None,
    }
}

/// One value in the three files.
struct Each<'e> {
    key: &'e KeyPath,
    before: &'e Data,
    found: &'e Data,
    value: &'e Data,
}

impl Each<'_> {
    fn conflict(&self, format: Format, text: &str, merging: &Merging<'_>) -> Conflict {
        let shown = |value| merging.secrets.shown(self.key, value);
        Conflict {
            key: Some(self.key.clone()),
            line: format
                .place_of(text, self.key.parts())
                .map_or(1, |at| position(text, at).0),
            old: shown(self.before),
            yours: shown(self.found),
            new: shown(self.value),
            taken: (merging.settle)(Some(self.key)),
        }
    }
}

/// A new key comes with the comments above it, or else with those above its table when that is new too.
fn bring(work: &mut Work<'_>, format: Format, key: &KeyPath, value: &Data, default: &str) {
    let above = |path: &[String]| {
        let comment = format.comment_above(default, path);
        comment.filter(|comment| !comment.is_empty())
    };
    let is_new = |path: &[String]| {
        let said = work.data().ok().flatten();
        !path.is_empty() && said.is_some_and(|said| said.get(&KeyPath::of(path)).is_ok_and(|found| found.is_none()))
    };
    let comment = above(key.parts()).or_else(|| above(key.parent()).filter(|_| is_new(key.parent())));
    let edit = Edit::Insert {
        key: key.clone(),
        value: value.clone(),
        comment,
        raw: None,
    };
    try_edit(work, key, &edit);
}

/// What cannot be written where the file stands as it does is left, and said: the operator's file comes first.
fn try_edit(work: &mut Work<'_>, key: &KeyPath, edit: &Edit) {
    if let Err(e) = work.edit(edit) {
        work.note(format!("the new default of `{key}` was left out: {e}"));
    }
}

/// Item by item, each known by one of its keys.
fn items(work: &mut Work<'_>, each: &Each<'_>, by: &str) {
    let (Data::Array(before), Data::Array(found), Data::Array(new)) = (each.before, each.found, each.value) else {
        return;
    };
    let name = |item: &Data| match item {
        Data::Table(table) => table.get(by).cloned(),
        _ => None,
    };
    let named = |items: &[Data], wanted: &Data| items.iter().position(|item| name(item).as_ref() == Some(wanted));
    for item in new {
        let Some(wanted) = name(item) else { continue };
        let (old, mine) = (named(before, &wanted), named(found, &wanted));
        let add = |at| Edit::AddItem {
            key: each.key.clone(),
            item: item.clone(),
            at,
        };
        match (old, mine) {
            (None, None) => try_edit(work, each.key, &add(usize::MAX)),
            (Some(old), Some(mine)) if before[old] == found[mine] && found[mine] != *item => {
                let take = Edit::TakeItem {
                    key: each.key.clone(),
                    item: found[mine].clone(),
                };
                try_edit(work, each.key, &take);
                try_edit(work, each.key, &add(mine));
            }
            _ => {}
        }
    }
}

fn by_lines(text: &str, merging: &Merging<'_>) -> Merged {
    let unchanged = |text: &str| Applied::of_lines(text, text);
    if merging.old == merging.new || text == merging.new {
        return Merged {
            applied: unchanged(text),
            conflicts: Vec::new(),
        };
    }
    match diffy::merge(merging.old, text, merging.new) {
        Ok(merged) => Merged {
            applied: Applied::of_lines(text, &merged),
            conflicts: Vec::new(),
        },
        Err(marked) => {
            let taken = (merging.settle)(None);
            let line = marked
                .lines()
                .position(|line| line.starts_with("<<<<<<<"))
                .map_or(1, |at| at + 1);
            let applied = if taken == Some(Side::New) {
                Applied::of_lines(text, merging.new)
            } else {
                unchanged(text)
            };
            let lines = "the same lines".to_owned();
            let conflict = Conflict {
                key: None,
                line,
                old: lines.clone(),
                yours: lines.clone(),
                new: lines,
                taken,
            };
            Merged {
                applied,
                conflicts: vec![conflict],
            }
        }
    }
}

impl Applied {
    fn of_lines(before: &str, after: &str) -> Self {
        Self {
            text: after.to_owned(),
            inverse: Inverse::of_lines(before, after),
            notes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(format: Format, text: &str, old: &str, new: &str, side: Option<Side>) -> Merged {
        let keys = BTreeMap::from([("servers".to_owned(), "name".to_owned())]);
        let merging = Merging {
            old,
            new,
            list_keys: &keys,
            secrets: &Secrets::default(),
            settle: &|_| side,
        };
        let merged = merge(format, text, &merging).unwrap();
        assert_eq!(
            super::super::invert(&merged.applied.text, &merged.applied.inverse).unwrap(),
            text
        );
        merged
    }

    #[test]
    fn the_release_s_changes_come_and_the_operator_s_stay() {
        let old = "# The port.\nport = 80\nname = \"x\"\nlimit = 5\ngone = 1\n";
        let new = "# The port.\nport = 8080\nname = \"y\"\nlimit = 6\n# How long.\n# In seconds.\nwait = 30\n[log]\nlevel = 1\n";
        let mine = "port = 80 # mine\nname = \"me\"\nlimit = 5\ngone = 1\n";
        let done = merged(Format::Toml, mine, old, new, Some(Side::Yours));
        assert_eq!(
            done.applied.text,
            "port = 8080 # mine\nname = \"me\"\nlimit = 6\ngone = 1\n# How long.\n# In seconds.\nwait = 30\n\n[log]\nlevel = 1\n"
        );
        let [conflict] = &done.conflicts[..] else {
            panic!("{:?}", done.conflicts)
        };
        let said = (conflict.line, &*conflict.old, &*conflict.yours, &*conflict.new);
        assert_eq!(said, (2, "\"x\"", "\"me\"", "\"y\""));
        let taken = merged(Format::Toml, mine, old, new, Some(Side::New));
        assert!(taken.applied.text.contains("name = \"y\""));
        let open = merged(Format::Toml, mine, old, new, None);
        assert_eq!(
            (open.conflicts[0].taken, open.applied.text),
            (None, done.applied.text.clone())
        );
    }

    #[test]
    fn what_the_operator_took_out_stays_out_and_their_own_additions_stay() {
        let done = merged(
            Format::Yaml,
            "b: 2\nnew: mine\n",
            "a: 1\nb: 2\n",
            "a: 9\nb: 2\nnew: theirs\n",
            None,
        );
        assert_eq!(
            (done.applied.text.as_str(), done.conflicts.len()),
            ("b: 2\nnew: mine\n", 0)
        );
        let shaped = merged(Format::Yaml, "a: 1\n", "a: 1\n", "a:\n  b: 1\n", None);
        assert_eq!(shaped.applied.text, "a: 1\n");
    }

    #[test]
    fn lists_are_one_value_unless_a_key_names_their_items() {
        let old = "{\"list\": [1, 2], \"servers\": [{\"name\": \"a\", \"port\": 1}, {\"name\": \"b\", \"port\": 1}]}";
        let new = "{\"list\": [1, 3], \"servers\": [{\"name\": \"a\", \"port\": 2}, {\"name\": \"b\", \"port\": 2}, {\"name\": \"c\", \"port\": 2}]}";
        let mine =
            "{\"list\": [1, 2, 9], \"servers\": [{\"name\": \"a\", \"port\": 1}, {\"name\": \"b\", \"port\": 7}]}";
        let done = merged(Format::Json, mine, old, new, Some(Side::Yours));
        assert_eq!(
            done.applied.text,
            "{\"list\": [1, 2, 9], \"servers\": [{ \"name\": \"a\", \"port\": 2 }, {\"name\": \"b\", \"port\": 7}, { \"name\": \"c\", \"port\": 2 }]}"
        );
        assert_eq!(done.conflicts.len(), 1);
    }

    #[test]
    fn other_files_are_merged_by_lines() {
        let (old, new) = ("one\ntwo\nthree\nfour\nfive\n", "ONE\ntwo\nthree\nfour\nfive\n");
        let done = merged(Format::Text, "one\ntwo\nthree\nfour\nmine\n", old, new, None);
        assert_eq!(
            (done.applied.text.as_str(), done.conflicts.len()),
            ("ONE\ntwo\nthree\nfour\nmine\n", 0)
        );
        let both = merged(Format::Text, "eins\ntwo\nthree\nfour\nfive\n", old, new, None);
        assert_eq!(
            (both.conflicts.len(), both.applied.text.as_str()),
            (1, "eins\ntwo\nthree\nfour\nfive\n")
        );
        let new_one = merged(
            Format::Text,
            "eins\ntwo\nthree\nfour\nfive\n",
            old,
            new,
            Some(Side::New),
        );
        assert_eq!(new_one.applied.text, new);
    }
}
