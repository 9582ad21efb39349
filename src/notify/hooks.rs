//! Hooks: executables at named points of an update.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

use crate::host::{self, Bounds, CommandError, Finished, Run};

pub use crate::release::{HookPoint, HookPointError};

const KEPT_LINES: usize = 20;

#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("the hook at {point} could not run; see `hooks.{point}` in config/update.yml")]
    Run {
        point: HookPoint,
        #[source]
        source: CommandError,
    },
    #[error("the hook at {point}, `{command}`, failed ({status}); it last said: {}", said(last))]
    Failed {
        point: HookPoint,
        command: String,
        status: ExitStatus,
        /// The last lines that it printed.
        last: Vec<String>,
    },
}

/// Runs `command` in the installation's folder `root`, within `bounds`, with `payload` and the name of the point as JSON on its standard
/// input; killed at `limit`. Gives the last lines that it printed, or none where no hook is set.
pub fn run(
    root: &Path,
    point: HookPoint,
    command: Option<&[String]>,
    payload: &Value,
    limit: Duration,
    bounds: &Bounds,
) -> Result<Option<Vec<String>>, HookError> {
    let Some(argv) = command.filter(|argv| !argv.is_empty()) else {
        return Ok(None);
    };
    let mut env = host::command_mark(root);
    env.insert("NETLINK_HOOK".to_owned(), point.to_string());
    let run = Run {
        argv: located(root, argv),
        dir: root.to_path_buf(),
        env,
        stdin: input(point, payload),
        limit,
    };
    let finished = run
        .run_within(bounds)
        .map_err(|source| HookError::Run { point, source })?;
    if finished.status.success() {
        return Ok(Some(last_lines(&finished)));
    }
    Err(HookError::Failed {
        point,
        command: argv.join(" "),
        status: finished.status,
        last: last_lines(&finished),
    })
}

/// A program given by a relative path lies in the installation, from wherever this program was started.
pub(super) fn located(root: &Path, argv: &[String]) -> Vec<String> {
    let mut argv = argv.to_vec();
    if argv[0].contains('/') {
        argv[0] = root.join(&argv[0]).display().to_string();
    }
    argv
}

fn input(point: HookPoint, payload: &Value) -> Vec<u8> {
    let mut payload = payload.clone();
    if let Value::Object(fields) = &mut payload {
        fields.insert("point".into(), point.to_string().into());
    }
    format!("{payload}\n").into_bytes()
}

fn last_lines(finished: &Finished) -> Vec<String> {
    let printed = [&finished.stdout, &finished.stderr];
    let lines: Vec<&str> = printed.iter().flat_map(|text| text.lines()).collect();
    let from = lines.len().saturating_sub(KEPT_LINES);
    lines[from..].iter().map(|line| (*line).to_owned()).collect()
}

fn said(last: &[String]) -> String {
    if last.is_empty() {
        "nothing".into()
    } else {
        last.join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(root: &Path, script: &str, limit: Duration) -> Result<Option<Vec<String>>, HookError> {
        let argv = ["sh", "-c", script].map(String::from);
        let payload = serde_json::json!({"update_id": "u1"});
        run(
            root,
            HookPoint::PreUpdate,
            Some(&argv),
            &payload,
            limit,
            &Bounds::none(),
        )
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_hook_reads_the_update_and_its_point_in_the_installation() {
        let root = tempfile::tempdir().unwrap();
        let said = hook(root.path(), "cat; echo $NETLINK_HOOK; pwd -P", LONG)
            .unwrap()
            .unwrap();
        let payload: Value = serde_json::from_str(&said[0]).unwrap();
        assert_eq!(payload, serde_json::json!({"update_id": "u1", "point": "pre-update"}));
        assert_eq!(said[1], "pre-update");
        assert_eq!(Path::new(&said[2]), root.path().canonicalize().unwrap());
    }

    #[test]
    fn a_point_without_a_hook_is_passed() {
        let none = run(
            Path::new("/"),
            HookPoint::Drain,
            None,
            &Value::Null,
            LONG,
            &Bounds::none(),
        )
        .unwrap();
        assert_eq!(none, None);
    }

    #[test]
    fn a_failed_hook_tells_what_it_said_last() {
        let error = hook(Path::new("/"), "seq 100; echo the lock is held >&2; exit 3", LONG).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("pre-update") && text.contains("exit status: 3"), "{text}");
        let HookError::Failed { last, .. } = error else {
            panic!("{text}")
        };
        assert_eq!(
            (last.len(), last[KEPT_LINES - 1].as_str()),
            (KEPT_LINES, "the lock is held")
        );
    }

    #[test]
    fn a_hook_over_its_limit_or_not_there_is_an_error() {
        let slow = hook(Path::new("/"), "sleep 60", Duration::from_millis(200)).unwrap_err();
        assert!(
            matches!(
                slow,
                HookError::Run {
                    source: CommandError::TimedOut { .. },
                    ..
                }
            ),
            "{slow}"
        );
        let root = tempfile::tempdir().unwrap();
        let none = run(
            root.path(),
            HookPoint::Drain,
            Some(&["./hooks/x".to_owned()]),
            &Value::Null,
            LONG,
            &Bounds::none(),
        );
        let Err(HookError::Run {
            source: CommandError::Start { program, .. },
            ..
        }) = none
        else {
            panic!("{none:?}")
        };
        assert!(Path::new(&program).starts_with(root.path()), "{program}");
    }
}
