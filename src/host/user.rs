//! Other users of this machine, whom commands run as, or whom a relay is.
//!
//! The change is made by util-linux' `setpriv` in the command's own process. The standard library would leave the user without groups of
//! its own, and a thread of ours that became that user for a moment could be ended by it, and all of us with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Bounds, CommandError, Finished, Run, user_id};

const LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("this machine knows no user `{0}`")]
    Unknown(String),
    #[error("`{0}` is root, whom nothing keeps from anything")]
    Root(String),
    #[error("NetLink runs as user {ours}, and only root can run commands as `{name}`")]
    NotRoot { name: String, ours: u32 },
    #[error("this machine cannot be asked for its users: {said}")]
    Unclear { said: String },
    #[error("commands cannot be run as `{name}` by setsid and setpriv of util-linux: {said}")]
    NotPossible { name: String, said: String },
}

/// As the machine knows it, wherever it keeps its users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    name: String,
    pub id: u32,
    pub group: u32,
    pub home: PathBuf,
}

impl User {
    /// By its name or number.
    pub fn named(name: &str) -> Result<Self, UserError> {
        let asked = plain(&["getent", "passwd", "--", name]).run();
        let asked = asked.map_err(|e| UserError::Unclear { said: told(&e) })?;
        let unknown = || UserError::Unknown(name.to_owned());
        match asked.status.code() {
            Some(0) => Self::read(name, &asked.stdout).ok_or_else(unknown),
            Some(2) => Err(unknown()),
            _ => Err(UserError::Unclear { said: said(&asked) }),
        }
    }

    /// One whom we may run commands as.
    pub fn find(name: &str) -> Result<Self, UserError> {
        let user = Self::named(name)?;
        match (user.id, user_id()) {
            (0, _) => Err(UserError::Root(user.name)),
            (id, ours) if ours != 0 && ours != id => Err(UserError::NotRoot { name: user.name, ours }),
            _ => Ok(user),
        }
    }

    /// Runs something as that user, which nobody notices.
    pub fn try_out(name: &str) -> Result<(), UserError> {
        let not_possible = |said: String| UserError::NotPossible {
            name: name.to_owned(),
            said,
        };
        let bounds = Bounds::within(Vec::new()).run_as(Some(name.to_owned()));
        match plain(&["true"]).run_within(&bounds) {
            Ok(done) if done.status.success() => Ok(()),
            Ok(done) => Err(not_possible(said(&done))),
            Err(CommandError::User(error)) => Err(error),
            Err(error) => Err(not_possible(told(&error))),
        }
    }

    /// A line of the table of users: name, password, number, group, who that is, home, shell.
    fn read(name: &str, line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.lines().next()?.split(':').collect();
        let [_, _, id, group, _, home, _] = fields[..] else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            id: id.parse().ok()?,
            group: group.parse().ok()?,
            home: home.into(),
        })
    }

    /// The words before a command that make it run as this user, in its groups and no others, and in a session of its own, since it could
    /// type at the terminal of ours; none where we are that user.
    pub(super) fn before(&self, gains_nothing: bool) -> Vec<String> {
        if user_id() == self.id {
            return Vec::new();
        }
        let (id, group) = (self.id.to_string(), self.group.to_string());
        let mut words = vec![
            "setsid",
            "setpriv",
            "--reuid",
            &id,
            "--regid",
            &group,
            "--init-groups",
            "--inh-caps=-all",
        ];
        if gains_nothing {
            words.push("--no-new-privs");
        }
        words.push("--");
        words.into_iter().map(str::to_owned).collect()
    }
}

fn plain(argv: &[&str]) -> Run {
    Run {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        dir: "/".into(),
        env: BTreeMap::new(),
        stdin: Vec::new(),
        limit: LIMIT,
    }
}

fn told(error: &CommandError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn said(finished: &Finished) -> String {
    let last = finished.stderr.lines().last().unwrap_or("nothing was said");
    format!("{last} ({})", finished.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_where_the_machine_keeps_them() {
        assert!(matches!(User::find("root"), Err(UserError::Root(_))));
        assert!(matches!(User::find("0"), Err(UserError::Root(_))));
        for name in ["nobody-has-this-name", "--help", ""] {
            let found = User::find(name);
            assert!(matches!(found, Err(UserError::Unknown(_))), "{name}: {found:?}");
        }
        let (found, ours) = (User::find("nobody"), user_id());
        match found {
            Ok(user) => assert!(user.id != 0 && (ours == 0 || ours == user.id)),
            Err(error) => assert!(matches!(error, UserError::NotRoot { .. }) && ours != 0, "{error}"),
        }
    }

    #[test]
    fn what_is_no_line_of_the_table_is_nobody() {
        let read = |line: &str| User::read("x", line);
        assert_eq!(read("x:*:12:34:X, Y:/home/x:/bin/sh\n").unwrap().group, 34);
        for line in [
            "",
            "x:*:12:34",
            "x:*:-1:34:X:/home/x:/bin/sh",
            "x:*:12:4294967296:X:/home/x:/bin/sh",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn who_we_are_already_needs_nothing() {
        let me = User {
            name: "me".into(),
            id: user_id(),
            group: 1,
            home: "/".into(),
        };
        assert!(me.before(true).is_empty());
        let other = User { id: me.id + 1, ..me };
        assert!(other.before(false).iter().all(|word| word != "--no-new-privs"));
        assert_eq!(other.before(true).last().unwrap(), "--");
    }
}
