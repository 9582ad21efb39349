//! A real `netlink serve`, and a client that holds every answer against the description that the server itself gives.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use ureq::http::{Request, Response};
use ureq::tls::TlsConfig;

use super::described::Description;
use crate::world::Installation;

pub const API: &str = "/api/v1/system";
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    begun: Begun,
    base: String,
    tls: TlsConfig,
    pub token: String,
    description: Description,
}

/// A process that says where it listens, and what else there is to say. It ends with the test.
pub struct Begun {
    pub child: Child,
    pub base: String,
    /// Where it listens for gRPC; empty when it does not.
    grpc: String,
    log: Arc<Mutex<String>>,
    lines: Mutex<mpsc::Receiver<String>>,
}

impl Begun {
    #[track_caller]
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut said, mut first) = (String::new(), Vec::new());
        let (base, grpc) = loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("the server ended: {said}"))
                .unwrap();
            first.push(line.clone());
            if let Some((_, rest)) = line.split_once("listening at ") {
                let mut parts = rest.split("; ");
                let base = parts.next().unwrap().to_owned();
                let grpc = parts.find_map(|part| part.strip_prefix("gRPC ")?.split_once("at "));
                let grpc = grpc.map(|(_, address)| address);
                break (base, grpc.unwrap_or_default().to_owned());
            }
            said += &line;
        };
        let log = Arc::new(Mutex::new(said));
        let kept = Arc::clone(&log);
        let (told, rest) = mpsc::channel();
        first.into_iter().for_each(|line| told.send(line).unwrap());
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("serve: {line}");
                kept.lock().unwrap().push_str(&line);
                // Hardly anybody wants them one by one.
                let _ = told.send(line);
            }
        });
        Self {
            child,
            base,
            grpc,
            log,
            lines: Mutex::new(rest),
        }
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn grpc(&self) -> &str {
        &self.grpc
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the process; its exit code, none when it was killed.
    pub fn ended(mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "the server does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
    /// Null when there is none or it is not JSON.
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// A problem document with this code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["code"], code, "{answer:#?}");
        assert_eq!(answer.body["type"], format!("urn:netlink:problem:{code}"));
        assert_eq!(answer.body["status"], status);
        answer
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Live events, one after the other; none when the server has ended the line.
pub struct Events(std::io::Lines<BufReader<ureq::BodyReader<'static>>>);

impl Events {
    pub fn line(&mut self) -> Option<String> {
        self.0.next()?.ok()
    }
}

impl Iterator for Events {
    type Item = Value;

    /// The next one that is of the journal.
    fn next(&mut self) -> Option<Value> {
        let mut id = None;
        loop {
            let line = self.line()?;
            if let Some(sent) = line.strip_prefix("id: ") {
                id = Some(sent.to_owned());
            }
            if let (Some(data), Some(id)) = (line.strip_prefix("data: "), &id) {
                let event: Value = serde_json::from_str(data).unwrap();
                assert_eq!(event["seq"].to_string(), *id);
                return Some(event);
            }
        }
    }
}

impl Server {
    #[track_caller]
    pub fn start(installation: &Installation) -> Self {
        Self::begin(installation, "127.0.0.1:0", TlsConfig::default(), &[])
    }

    /// With these variables in its environment.
    #[track_caller]
    pub fn start_with(installation: &Installation, variables: &[(&str, &str)]) -> Self {
        Self::begin(installation, "127.0.0.1:0", TlsConfig::default(), variables)
    }

    /// One that speaks TLS, asked by a client that is set up so.
    #[track_caller]
    pub fn start_trusting(installation: &Installation, tls: TlsConfig) -> Self {
        Self::begin(installation, "127.0.0.1:0", tls, &[])
    }

    /// Also where another one has listened before.
    #[track_caller]
    pub fn start_at(installation: &Installation, address: &str) -> Self {
        Self::begin(installation, address, TlsConfig::default(), &[])
    }

    #[track_caller]
    fn begin(installation: &Installation, address: &str, tls: TlsConfig, variables: &[(&str, &str)]) -> Self {
        let mut command = installation.command(&["serve", "--listen", address]);
        command.envs(variables.iter().copied());
        let begun = Begun::of(command);
        let base = begun.base.clone();
        Self::asked_at(installation, begun, &base, tls)
    }

    /// One that listens at its socket alone, asked at another address, of a relay in front of it.
    #[track_caller]
    pub fn behind(installation: &Installation, relay: &str, tls: TlsConfig) -> Self {
        let begun = Begun::of(installation.command(&["serve", "--listen", "off"]));
        assert!(
            begun.base.starts_with("unix:") && (begun.grpc.is_empty() || begun.grpc.starts_with("unix:")),
            "{} {}",
            begun.base,
            begun.grpc
        );
        Self::asked_at(installation, begun, relay, tls)
    }

    #[track_caller]
    fn asked_at(installation: &Installation, begun: Begun, base: &str, tls: TlsConfig) -> Self {
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.clone())
            .build()
            .new_agent();
        let described = agent.get(format!("{base}/openapi.yaml")).call().unwrap();
        let description = Description::read(&described.into_body().read_to_string().unwrap());
        Self {
            begun,
            base: base.to_owned(),
            tls,
            token: installation.text(".netlink/token").trim().to_owned(),
            description,
        }
    }

    /// All that it says until its end.
    pub fn all_lines(&self) -> Vec<String> {
        let lines = self.begun.lines.lock().unwrap();
        std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok()).collect()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.begun.log()
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Some(&self.token), &[], "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.ask("POST", path, Some(&self.token), &json, &body.to_string())
    }

    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, token: Option<&str>, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.send(method, path, token, headers, body);
        if method != "HEAD" {
            self.description.check(method, path, &answer);
        }
        answer
    }

    /// A file of the page, which is no part of the interface that is described.
    pub fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, None, headers, "")
    }

    pub fn send(&self, method: &str, path: &str, token: Option<&str>, headers: &[(&str, &str)], body: &str) -> Answer {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(self.tls.clone())
            .allow_non_standard_methods(true);
        let agent = config.timeout_global(Some(PATIENCE)).build().new_agent();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = if body.is_empty() && method != "POST" && method != "PUT" {
            agent.run(request.body(()).unwrap())
        } else {
            agent.run(request.body(body.to_owned()).unwrap())
        };
        answered(answer.unwrap())
    }

    /// The same with an Idempotency-Key.
    pub fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.ask("POST", path, Some(&self.token), &headers, &body.to_string())
    }

    /// A line of live events, read as it comes.
    pub fn events(&self, path: &str, last: Option<&str>) -> Events {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
        let mut request = config.build().new_agent().get(format!("{}{path}", self.base));
        request = request.header("authorization", format!("Bearer {}", self.token));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.call().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Events(BufReader::new(answer.into_body().into_reader()).lines())
    }

    /// As `--server` takes it.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where it listens, as `127.0.0.1:8690`.
    pub fn address(&self) -> &str {
        self.base.split_once("://").unwrap().1
    }

    /// The same for gRPC.
    pub fn grpc(&self) -> &str {
        &self.begun.grpc
    }

    pub fn pid(&self) -> u32 {
        self.begun.child.id()
    }

    pub fn upgrade(&self, version: &str) -> Answer {
        self.post(&format!("{API}/updates/upgrade"), &json!({"target_version": version}))
    }

    pub fn rollback(&self, body: &Value) -> Answer {
        self.post(&format!("{API}/updates/rollback"), body)
    }

    /// Asks for the status at `place` until it is as wished.
    #[track_caller]
    pub fn wait(&self, place: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let update = self.get(place).is(200).body;
            if wished(&update) {
                return update;
            }
            assert!(began.elapsed() < PATIENCE, "{update:#}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Follows an order until it neither waits nor runs.
    #[track_caller]
    pub fn settled(&self, place: &str) -> Value {
        self.wait(place, |order| {
            order["state"] != "waiting" && order["state"] != "running"
        })
    }

    /// Asks whether it is ready until it is.
    #[track_caller]
    pub fn wait_until_ready(&self) {
        let began = Instant::now();
        loop {
            let ready = self.ask("GET", "/health/ready", None, &[], "");
            if ready.status == 200 {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{ready:#?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    pub fn wait_for(&self, place: &str, outcome: &str) -> Value {
        let update = self.wait(place, |update| update["state"] == "finished");
        assert_eq!(update["outcome"], outcome, "{update:#}");
        update
    }

    #[track_caller]
    pub fn wait_for_step(&self, place: &str, step: &str) {
        let begun = |entry: &Value| entry["step"] == step && entry["state"] == "started";
        self.wait(place, |update| update["steps"].as_array().unwrap().iter().any(begun));
    }

    pub fn signal(&self, signal: Signal) {
        self.begun.signal(signal);
    }

    /// Waits for the end of the process; its exit code, none when it was killed.
    pub fn ended(self) -> Option<i32> {
        self.begun.ended()
    }
}

fn answered(answer: Response<ureq::Body>) -> Answer {
    let (parts, mut body) = answer.into_parts();
    let mut text = String::new();
    body.as_reader().read_to_string(&mut text).unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}
