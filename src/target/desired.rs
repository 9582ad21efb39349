//! What should run: the file that outlives clients, supervisors and reboots.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Launch, TargetError, places};
use crate::{clock, disk};

/// A launch holds a command line and an environment; the kernel takes 2 MiB of them.
const LIMIT: u64 = 4 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    Run(Launch),
    Stopped {
        since: jiff::Timestamp,
        /// It may take so long to end by itself, where that is more than its launch says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Duration>,
    },
}

impl Desired {
    pub fn stopped_within(within: Option<Duration>) -> Self {
        Self::Stopped {
            since: clock::now(),
            within,
        }
    }

    pub fn launch(&self) -> Option<&Launch> {
        match self {
            Self::Run(launch) => Some(launch),
            Self::Stopped { .. } => None,
        }
    }
}

/// An installation that was never started is one that should be stopped.
pub fn read(root: &Path) -> Result<Desired, TargetError> {
    let path = places::desired(root);
    let content = match disk::read_limited(&path, LIMIT) {
        Err(e) if e.is_missing() => return Ok(Desired::stopped_within(None)),
        other => other?,
    };
    serde_json::from_slice(&content).map_err(|e| TargetError::Damaged {
        path,
        reason: e.to_string(),
    })
}

/// Durable when this returns. Only the owner may read it: the environment may hold secrets.
pub fn write(root: &Path, desired: &Desired) -> Result<(), TargetError> {
    let path = places::desired(root);
    let content = serde_json::to_vec_pretty(desired).map_err(|e| TargetError::Damaged {
        path: path.clone(),
        reason: e.to_string(),
    })?;
    Ok(disk::write_atomic(&path, &content, 0o600)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_written_means_stopped() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap().launch(), None);
        disk::create_dir_all(&places::own_folder(dir.path())).unwrap();
        let launch = Launch {
            version: "0a1".parse().unwrap(),
            argv: vec!["/bin/true".into()],
            env: [("A".to_owned(), "b".to_owned())].into(),
            dir: "/".into(),
            stop_timeout: Duration::from_millis(1500),
        };
        let desired = Desired::Run(launch);
        write(dir.path(), &desired).unwrap();
        assert_eq!(read(dir.path()).unwrap(), desired);
        let text = std::fs::read_to_string(places::desired(dir.path())).unwrap();
        assert!(text.contains("\"run\""), "{text}");
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        disk::create_dir_all(&places::own_folder(dir.path())).unwrap();
        disk::write_atomic(&places::desired(dir.path()), b"{", 0o600).unwrap();
        assert!(
            read(dir.path())
                .unwrap_err()
                .to_string()
                .contains("desired.json is damaged")
        );
    }
}
