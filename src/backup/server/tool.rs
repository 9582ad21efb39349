//! Running one of the tools: found, limited, and what it said on an error without any secret.

use std::time::Duration;

use super::credentials::Credentials;
use super::{Result, Server, ServerError};
use crate::host::{CommandError, Finished, Run};

/// Questions to a server and changes of names take no longer.
const SHORT: Duration = Duration::from_secs(120);
/// Of what a tool said last, so many lines are told.
const LINES: usize = 5;

/// A run of a tool.
pub struct Tool<'a> {
    server: &'a Server,
    name: &'a str,
    args: Vec<String>,
    credentials: &'a Credentials,
}

impl<'a> Tool<'a> {
    pub fn new(server: &'a Server, name: &'a str, args: &[&str], credentials: &'a Credentials) -> Self {
        Self {
            server,
            name,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            credentials,
        }
    }

    fn run_of(&self, stdin: Vec<u8>, limit: Duration) -> Run {
        let mut argv = vec![path_of(self.server, self.name)];
        argv.extend(self.args.iter().cloned());
        Run {
            argv,
            dir: "/".into(),
            env: self.credentials.env.clone(),
            stdin,
            limit,
        }
    }

    /// A run that is fed or listened to.
    pub fn long(&self) -> Run {
        self.run_of(Vec::new(), self.server.tools.limit)
    }

    /// Statements whose answer is short.
    pub fn ask(&self, statements: &str) -> Result<String> {
        self.answer(statements.as_bytes(), SHORT)
    }

    /// Statements that may take long.
    pub fn tell(&self, statements: &[u8]) -> Result<String> {
        self.answer(statements, self.server.tools.limit)
    }

    fn answer(&self, statements: &[u8], limit: Duration) -> Result<String> {
        let finished = self.run_of(statements.to_vec(), limit).run();
        let finished = finished.map_err(|e| missing(self.server, self.name, e))?;
        match finished.status.success() {
            true => Ok(finished.stdout),
            false => Err(self.failed(&finished)),
        }
    }

    pub fn failed(&self, finished: &Finished) -> ServerError {
        ServerError::Failed {
            tool: self.name.to_owned(),
            database: self.server.login.database.clone(),
            status: finished.status.to_string(),
            said: said(self.server, &finished.stderr),
        }
    }
}

/// The version line of a tool, which shows that it is there.
pub fn version(server: &Server, name: &str) -> Result<String> {
    let run = Run {
        argv: vec![path_of(server, name), "--version".into()],
        dir: "/".into(),
        env: crate::host::command_mark(&server.root),
        stdin: Vec::new(),
        limit: SHORT,
    };
    let finished = run.run().map_err(|e| missing(server, name, e))?;
    match finished.status.success() {
        true => Ok(finished.stdout.trim().to_owned()),
        false => Err(ServerError::NoVersion {
            tool: name.to_owned(),
            said: said(server, &finished.stderr),
        }),
    }
}

/// A refusal to answer is about the server, not about the tool.
pub fn as_refusal(error: ServerError) -> ServerError {
    match error {
        ServerError::Failed { database, said, .. } => ServerError::Refused { database, said },
        other => other,
    }
}

fn path_of(server: &Server, name: &str) -> String {
    match &server.tools.dir {
        Some(dir) => dir.join(name).display().to_string(),
        None => name.to_owned(),
    }
}

fn missing(server: &Server, name: &str, error: CommandError) -> ServerError {
    match error {
        CommandError::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            ServerError::ToolMissing {
                tool: name.to_owned(),
                package: match server.login.engine {
                    crate::release::ServerEngine::Postgresql => "postgresql-client",
                    crate::release::ServerEngine::Mysql => "mariadb-client",
                },
            }
        }
        other => other.into(),
    }
}

/// The last lines, in one line. No tool says a password; should one, it is not handed on.
fn said(server: &Server, stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut said = lines[lines.len().saturating_sub(LINES)..].join("; ");
    let password = server.login.password.as_ref();
    if let Some(Ok(password)) = password.map(|password| std::str::from_utf8(password.expose()))
        && password.len() > 3
    {
        said = said.replace(password, "***");
    }
    match said.is_empty() {
        true => "it said nothing".into(),
        false => said,
    }
}
