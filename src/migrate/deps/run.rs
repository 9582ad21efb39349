//! Running a tool: nothing of the operator's environment but what every command gets, marked as ours, within its limit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{DepsError, Site};
use crate::host::{self, CommandError, Finished};
use crate::release::DependencyKind;

/// Of what a tool printed, so many lines are kept.
const KEPT_LINES: usize = 30;
/// Of what is read, this much at most.
const OUTPUT_LIMIT: usize = 64 << 20;

/// One call of a tool.
pub struct Call<'a> {
    pub kind: DependencyKind,
    pub argv: Vec<String>,
    pub dir: &'a Path,
    pub env: &'a [(&'a str, &'a str)],
    pub limit: Duration,
}

impl Call<'_> {
    /// To its end, whatever its exit code. Of long output the beginning is lost.
    pub fn run(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        self.command(site).run().map_err(|source| self.not_run(source))
    }

    /// The same for one whose output is read by us, which is kept whole.
    pub fn run_to_read(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        let mut out = Vec::new();
        let mut keep = |piece: &[u8]| {
            let room = OUTPUT_LIMIT.saturating_sub(out.len());
            out.extend_from_slice(&piece[..piece.len().min(room)]);
            Ok(())
        };
        let finished = self.command(site).stream_out::<CommandError>(self.limit, &mut keep);
        let finished = finished.map_err(|source| self.not_run(source))?;
        Ok(Finished {
            stdout: String::from_utf8_lossy(&out).into_owned(),
            ..finished
        })
    }

    fn command(&self, site: &Site<'_>) -> host::Run {
        let mut env: BTreeMap<String, String> = host::command_mark(site.root);
        env.extend(site.tools.env.clone());
        env.extend(
            self.env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        host::Run {
            argv: self.argv.clone(),
            dir: self.dir.to_path_buf(),
            env,
            stdin: Vec::new(),
            limit: self.limit,
        }
    }

    fn not_run(&self, source: CommandError) -> DepsError {
        let kind = self.kind;
        match &source {
            CommandError::Start { program, .. } => DepsError::NoTool {
                kind,
                program: program.clone(),
                source,
            },
            _ => DepsError::NoEnd { kind, source },
        }
    }

    /// Must end with exit code 0.
    pub fn ok(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        self.succeeded(self.run(site)?)
    }

    /// The same for one whose output is read by us.
    pub fn ok_to_read(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        self.succeeded(self.run_to_read(site)?)
    }

    fn succeeded(&self, finished: Finished) -> Result<Finished, DepsError> {
        match finished.status.success() {
            true => Ok(finished),
            false => Err(self.failed(&finished)),
        }
    }

    pub fn failed(&self, finished: &Finished) -> DepsError {
        DepsError::Failed {
            shown: self.argv.join(" "),
            said: lines(finished),
        }
    }
}

/// The last lines that it printed, warnings and errors by preference.
fn lines(finished: &Finished) -> Vec<String> {
    let said = if finished.stderr.trim().is_empty() {
        &finished.stdout
    } else {
        &finished.stderr
    };
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(KEPT_LINES)..].to_vec()
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}
