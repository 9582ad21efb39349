//! Which commits a draft tells: one that was taken back and what took it back cancel out, and fixups belong to what they fix.

use std::collections::{BTreeMap, HashMap};

use super::draft::Change;
use super::mark;

/// What becomes of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Told by this subject.
    Told(String),
    /// It takes back what had this subject, which is older than the draft.
    Reverted(String),
    Silent,
}

/// No shorter name of a commit is looked for.
const SHORTEST_ID: usize = 7;
const FIXUPS: [&str; 3] = ["fixup!", "squash!", "amend!"];

/// What became of the commits so far, oldest first.
#[derive(Default)]
struct Story<'a> {
    ids: BTreeMap<&'a str, usize>,
    /// The commits of each subject that nothing has taken back since.
    subjects: HashMap<&'a str, Vec<usize>>,
    keys: HashMap<usize, &'a str>,
    /// What a revert did: which commits it silenced, and which it let speak again.
    did: HashMap<usize, Vec<(usize, bool)>>,
    fates: HashMap<usize, Fate>,
    silent: Vec<bool>,
    undone: Vec<bool>,
}

/// Of each commit, which come newest first.
pub(super) fn fates(changes: &[Change]) -> Vec<Fate> {
    let mut story = Story {
        silent: vec![false; changes.len()],
        undone: vec![false; changes.len()],
        ..Story::default()
    };
    for (at, change) in changes.iter().enumerate().rev() {
        story.go_on(at, change);
    }
    let Story { mut fates, silent, .. } = story;
    let fate = |(at, silent): (usize, bool)| {
        let fate = fates.remove(&at).filter(|_| !silent);
        fate.unwrap_or(Fate::Silent)
    };
    silent.into_iter().enumerate().map(fate).collect()
}

impl<'a> Story<'a> {
    fn go_on(&mut self, at: usize, change: &Change<'a>) {
        let subject = change.message.lines().next().unwrap_or_default().trim();
        if subject.is_empty() || FIXUPS.iter().any(|mark| subject.starts_with(mark)) {
            return;
        }
        let fate = match taken_back(subject) {
            Some(target) => {
                let targets = self.targets(change.message, &target);
                if targets.is_empty() {
                    of_older(&target)
                } else {
                    self.undo(at, targets);
                    Fate::Silent
                }
            }
            None => Fate::Told(subject.to_owned()),
        };
        self.fates.insert(at, fate);
        self.ids.insert(change.id, at);
        self.keys.insert(at, bare(subject));
        self.stands(at);
    }

    fn stands(&mut self, at: usize) {
        if let Some(key) = self.keys.get(&at) {
            self.subjects.entry(key).or_default().push(at);
        }
    }

    /// The commits that it takes back: those that it names, else the newest of that subject.
    fn targets(&mut self, message: &str, subject: &str) -> Vec<usize> {
        let named: Vec<usize> = ids(message).filter_map(|id| self.of_id(id)).collect();
        if !named.is_empty() {
            return named;
        }
        let known = self.subjects.get_mut(bare(subject));
        let newest = known.and_then(|known| {
            while let Some(at) = known.pop() {
                if !self.undone[at] {
                    return Some(at);
                }
            }
            None
        });
        newest.into_iter().collect()
    }

    /// Either of the two may be shortened.
    fn of_id(&self, id: &str) -> Option<usize> {
        let longer = self.ids.range(id..).next();
        let longer = longer.filter(|(known, _)| known.starts_with(id)).map(|(_, at)| *at);
        let shorter = (SHORTEST_ID..id.len()).rev().filter_map(|length| id.get(..length));
        longer.or_else(|| shorter.filter_map(|id| self.ids.get(id).copied()).next())
    }

    fn undo(&mut self, at: usize, targets: Vec<usize>) {
        let mut did = Vec::new();
        for target in targets {
            self.undone[target] = true;
            match self.did.get(&target) {
                // What it silenced speaks again, and the other way round.
                Some(done) => did.extend(done.iter().map(|(other, silent)| (*other, !silent))),
                None => did.push((target, true)),
            }
        }
        for (other, silent) in &did {
            self.silent[*other] = *silent;
            self.undone[*other] = *silent;
            if !silent {
                self.stands(*other);
            }
        }
        self.did.insert(at, did);
    }
}

/// The subject of what a commit takes back, by its own.
fn taken_back(subject: &str) -> Option<String> {
    let quoted = |mark: &str| {
        let inner = bare(subject).strip_prefix(mark)?.trim_start();
        inner.strip_prefix('"')?.strip_suffix('"')
    };
    let target = if let Some(target) = quoted("Revert") {
        target.to_owned()
    } else if let Some(target) = quoted("Reapply") {
        // Git's name for the revert of a revert.
        format!("Revert \"{target}\"")
    } else {
        let commit = mark::conventional(subject).filter(|commit| commit.kind.eq_ignore_ascii_case("revert"))?;
        let text = commit.text;
        let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        unquoted.unwrap_or(text).to_owned()
    };
    (!target.trim().is_empty()).then_some(target)
}

/// What takes back an older revert brings its change again.
fn of_older(target: &str) -> Fate {
    let (mut subject, mut back) = (target.to_owned(), true);
    while let Some(inner) = taken_back(&subject) {
        // `Reapply` becomes a `Revert` once, all else gets shorter.
        (subject, back) = (inner, !back);
    }
    if back {
        Fate::Reverted(subject)
    } else {
        Fate::Told(subject)
    }
}

/// A subject without the numbers of pull requests that forges put behind it.
fn bare(subject: &str) -> &str {
    let mut subject = subject.trim();
    while let Some((start, number)) = subject.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (#")) {
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        subject = start.trim_end();
    }
    subject
}

/// The commits named in `This reverts commit …`, or in the footer `Refs:` of a Conventional Commit.
fn ids(message: &str) -> impl Iterator<Item = &str> {
    let lists = message.lines().skip(1).filter_map(|line| {
        let at = line
            .find("This reverts commit")
            .or(line.starts_with("Refs:").then_some(0))?;
        Some(&line[at..])
    });
    let words = lists.flat_map(|list| list.split(|c: char| !c.is_ascii_alphanumeric()));
    words.filter(|word| word.len() >= SHORTEST_ID && word.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commits oldest first, each named by its place: `0000000a`, `0000000b`, …
    fn told(messages: &[&str]) -> Vec<String> {
        let ids: Vec<String> = (0..messages.len()).map(|n| format!("{:08x}", n + 10)).collect();
        let newest_first: Vec<Change> = ids
            .iter()
            .zip(messages)
            .rev()
            .map(|(id, message)| Change { id, message })
            .collect();
        let fates = fates(&newest_first).into_iter().rev();
        fates
            .filter_map(|fate| match fate {
                Fate::Told(subject) => Some(subject),
                Fate::Reverted(subject) => Some(format!("Reverted: {subject}")),
                Fate::Silent => None,
            })
            .collect()
    }

    #[test]
    fn a_commit_and_what_took_it_back_cancel_out() {
        let table: &[(&[&str], &[&str])] = &[
            (&["feat: x", "revert: feat: x"], &[]),
            (&["feat: x", "Revert \"feat: x\""], &[]),
            (&["feat: x (#1)", "Revert \"feat: x (#1)\" (#2)"], &[]),
            (
                &[
                    "feat: x",
                    "fix: y",
                    "Revert \"other words\"\n\nThis reverts commit 0000000a.",
                ],
                &["fix: y"],
            ),
            (
                &[
                    "feat: x",
                    "Revert \"a\"\n\nThis reverts commit 0000000a0123456789012345678901234567890a.",
                ],
                &[],
            ),
            (&["feat: x", "revert: the thing\n\nRefs: 0000000a"], &[]),
            // Named before subject.
            (
                &["fix: x", "fix: x", "Revert \"fix: x\"\n\nThis reverts commit 0000000a."],
                &["fix: x"],
            ),
            (
                &[
                    "feat: x",
                    "fix: y",
                    "fix: z",
                    "revert: z\n\nThis reverts commits 0000000b, 0000000c.",
                ],
                &["feat: x"],
            ),
            // Back and forth.
            (
                &["feat: x", "Revert \"feat: x\"", "Revert \"Revert \"feat: x\"\""],
                &["feat: x"],
            ),
            (&["feat: x", "Revert \"feat: x\"", "Reapply \"feat: x\""], &["feat: x"]),
            (
                &[
                    "feat: x",
                    "Revert \"feat: x\"",
                    "Reapply \"feat: x\"",
                    "Revert \"feat: x\"",
                ],
                &[],
            ),
            (&["feat: x", "revert: feat: x", "feat: x"], &["feat: x"]),
            // What is older than the draft.
            (&["revert: feat: x"], &["Reverted: feat: x"]),
            (&["Revert \"feat: x\"", "feat: x"], &["Reverted: feat: x", "feat: x"]),
            (&["Revert \"feat: x\"", "Revert \"Revert \"feat: x\"\""], &[]),
            (&["Reapply \"feat: x\""], &["feat: x"]),
            (
                &["feat: x", "fixup! feat: x", "squash! fixup! feat: x", "amend! feat: x"],
                &["feat: x"],
            ),
            // No reverts.
            (
                &["Revert to the older way", "Revert \"\""],
                &["Revert to the older way", "Revert \"\""],
            ),
        ];
        for (messages, expected) in table {
            assert_eq!(told(messages), *expected, "{messages:?}");
        }
    }
}
