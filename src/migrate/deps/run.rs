//! Running a tool: nothing of the operator's environment but what every command gets, marked as ours, within its limit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::mask::{masked, secrets_of};
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
    /// Seen by everybody on this machine, so nothing secret is in it.
    pub argv: Vec<String>,
    pub dir: &'a Path,
    pub env: Vec<(&'static str, String)>,
    pub limit: Duration,
}

/// How long one that was asked to end is waited for.
const GRACE: Duration = Duration::from_secs(120);

impl Call<'_> {
    /// To its end, whatever its exit code. Of long output the beginning is lost.
    pub fn run(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        self.heard(site, self.command(site).run())
    }

    /// The same for one that must not be cut off: neither its limit nor whoever takes up a killed update kills it.
    pub fn run_to_its_own_end(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        let mut run = self.command(site);
        let mark = host::command_mark(site.root);
        run.env.retain(|name, _| !mark.contains_key(name));
        self.heard(site, run.run_to_its_own_end(GRACE))
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
        let finished = finished.map(|finished| Finished {
            stdout: String::from_utf8_lossy(&out).into_owned(),
            ..finished
        });
        self.heard(site, finished)
    }

    /// Passwords are taken out of all that it says, before anybody sees it.
    fn heard(&self, site: &Site<'_>, ended: Result<Finished, CommandError>) -> Result<Finished, DepsError> {
        let tools = site.tools;
        let urls = tools.python_index.iter().chain(&tools.npm_registry);
        let secrets = secrets_of(urls.chain(tools.env.values()).map(String::as_str));
        match ended {
            Ok(finished) => Ok(Finished {
                status: finished.status,
                stdout: masked(&finished.stdout, &secrets),
                stderr: masked(&finished.stderr, &secrets),
            }),
            Err(mut error) => {
                if let Some(last) = error.last_mut() {
                    *last = masked(last, &secrets);
                }
                Err(self.not_run(error))
            }
        }
    }

    fn command(&self, site: &Site<'_>) -> host::Run {
        let mut env: BTreeMap<String, String> = host::command_mark(site.root);
        env.extend(site.tools.env.clone());
        env.extend(self.env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
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

    /// The same for one that must not be cut off.
    pub fn ok_at_its_own_end(&self, site: &Site<'_>) -> Result<Finished, DepsError> {
        self.succeeded(self.run_to_its_own_end(site)?)
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
            shown: masked(&self.argv.join(" "), &[]),
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

/// Variables with fixed values.
pub fn fixed(variables: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let owned = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
    owned.collect()
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}
