//! Commands that are told of something: the notice on standard input, a cleared environment, a time limit.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use super::hooks::located;
use crate::host::{Bounds, CommandError, Run};

const SHOWN: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    #[error(transparent)]
    Run(#[from] CommandError),
    #[error("`{program}` failed ({status}); it last said: {last}")]
    Failed {
        program: String,
        status: ExitStatus,
        last: String,
    },
}

/// Runs `command` in the installation's folder with `body` on its standard input; any exit code but 0 is a failure.
pub fn run_notifier(
    root: &Path,
    command: &[String],
    (kind, id): (&str, &str),
    body: &str,
    limit: Duration,
    bounds: &Bounds,
) -> Result<(), NotifierError> {
    // Not marked as a command of an update: whoever goes on with one must not end it.
    let env = BTreeMap::from([
        ("NETLINK_EVENT".to_owned(), kind.to_owned()),
        ("NETLINK_EVENT_ID".to_owned(), id.to_owned()),
    ]);
    let argv = if command.is_empty() {
        Vec::new()
    } else {
        located(root, command)
    };
    let program = argv.first().cloned().unwrap_or_default();
    let run = Run {
        argv,
        dir: root.to_path_buf(),
        env,
        stdin: format!("{body}\n").into_bytes(),
        limit,
    };
    let finished = run.run_within(bounds)?;
    if finished.status.success() {
        return Ok(());
    }
    let said = [&finished.stderr, &finished.stdout];
    let last = said.into_iter().find_map(|text| text.trim().lines().last());
    Err(NotifierError::Failed {
        program,
        status: finished.status,
        last: last.unwrap_or("nothing").chars().take(SHOWN).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(root: &Path, script: &str) -> Result<(), NotifierError> {
        let argv = ["sh", "-c", script].map(String::from);
        run_notifier(
            root,
            &argv,
            ("update.completed", "notice_1"),
            "{}",
            Duration::from_secs(20),
            &Bounds::none(),
        )
    }

    #[test]
    fn a_command_reads_the_notice_and_knows_its_id() {
        let root = tempfile::tempdir().unwrap();
        told(root.path(), "(cat; echo $NETLINK_EVENT $NETLINK_EVENT_ID) > told").unwrap();
        let told = std::fs::read_to_string(root.path().join("told")).unwrap();
        assert_eq!(told, "{}\nupdate.completed notice_1\n");
    }

    #[test]
    fn a_failure_says_what_it_said_last() {
        let error = told(Path::new("/"), "echo no mail today >&2; exit 3").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.ends_with("no mail today"),
            "{text}"
        );
    }
}
