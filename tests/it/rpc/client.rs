//! Asks a real server by a stranger's client in Python, which learns the messages from reflection.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::rest::server::Server;

pub const SERVICE: &str = "netlink.update.v1.UpgradeService";

/// What came of a call.
#[derive(Debug)]
pub struct Ended {
    pub messages: Vec<Value>,
    /// `code`, `message`, and where there is one `reason` with `domain` and `metadata`.
    pub end: Value,
}

impl Ended {
    /// The one message of a call that went well.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.end["code"], "OK", "{self:#?}");
        let [message] = <[Value; 1]>::try_from(self.messages).unwrap();
        message
    }

    /// A status with this code of ours.
    #[track_caller]
    pub fn no(self, status: &str, code: &str) -> Value {
        assert_eq!(self.end["code"], status, "{self:#?}");
        assert_eq!(self.end["reason"], code, "{self:#?}");
        assert_eq!(self.end["domain"], "netlink", "{self:#?}");
        assert_eq!(self.end["metadata"]["type"], format!("urn:netlink:problem:{code}"));
        assert_eq!(self.messages, [Value::Null; 0]);
        self.end
    }
}

/// A call that is under way.
pub struct Call {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Call {
    pub fn begin(address: &str, args: &[&str]) -> Self {
        Self::begin_as(&[], address, args)
    }

    /// `how`: in TLS, see the client.
    pub fn begin_as(how: &[&str], address: &str, args: &[&str]) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(here.join("target/python/bin/python"));
        command
            .arg(here.join("tests/data/grpc/client.py"))
            .args(how)
            .arg(address)
            .args(args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> Value {
        let line = self.lines.next().expect("the client says how it ended").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The next message of a stream; none when it has ended, and how.
    pub fn next(&mut self) -> Result<Value, Value> {
        let mut line = self.line();
        match line.get("code") {
            None => Ok(line["message"].take()),
            Some(_) => Err(line),
        }
    }

    pub fn rest(mut self) -> Ended {
        let mut messages = Vec::new();
        let end = loop {
            match self.next() {
                Ok(message) => messages.push(message),
                Err(end) => break end,
            }
        };
        assert!(self.child.wait().unwrap().success());
        Ended { messages, end }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Begins a call as the administrator; `more` are further words for the client.
pub fn begin(server: &Server, name: &str, message: &Value, more: &[&str]) -> Call {
    let token = format!("Bearer {}", server.token);
    let message = message.to_string();
    let mut args = vec!["call", name, &message, "--token", &token];
    args.extend(more);
    Call::begin(server.grpc(), &args)
}

pub fn ask(server: &Server, name: &str, message: &Value) -> Ended {
    begin(server, name, message, &[]).rest()
}

/// With this as the whole of the metadata `authorization`.
pub fn ask_as(server: &Server, authorization: Option<&str>, name: &str, message: &Value) -> Ended {
    let message = message.to_string();
    let mut args = vec!["call", name, &message];
    args.extend(authorization.into_iter().flat_map(|sent| ["--token", sent]));
    Call::begin(server.grpc(), &args).rest()
}

/// Without a token: health, and what reflection lists.
pub fn besides(server: &Server, args: &[&str]) -> Call {
    Call::begin(server.grpc(), args)
}
