//! The examples in the description are requests to a real server and its answers. `NETLINK_MAKE=1` takes them anew.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::server::{API, Answer, Server};
use super::steering::{pause_an_upgrade, slow_lamp};
use super::{described::Description, lamp};
use crate::world::{Installation, put};

const KEPT: &str = "src/http/openapi/examples.json";
const JSON: &str = "application/json";

/// What was asked and answered so far.
struct Taken<'a> {
    server: &'a Server,
    requests: BTreeMap<String, Value>,
    answers: BTreeMap<String, BTreeMap<String, Value>>,
    problems: BTreeMap<String, Value>,
}

/// Of a long text what shows how it goes on.
fn cut(text: &str) -> String {
    match text.lines().count() {
        ..40 => text.to_owned(),
        _ => text
            .lines()
            .take(12)
            .chain(["# EOF"])
            .map(|line| format!("{line}\n"))
            .collect(),
    }
}

impl<'a> Taken<'a> {
    fn from(server: &'a Server) -> Self {
        Self {
            server,
            requests: BTreeMap::new(),
            answers: BTreeMap::new(),
            problems: BTreeMap::new(),
        }
    }

    fn keep(&mut self, method: &str, path: &str, sent: &Value, answer: &Answer) {
        let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
        if kind == "application/problem+json" {
            let code = answer.body["code"].as_str().unwrap().to_owned();
            self.problems.entry(code).or_insert_with(|| answer.body.clone());
            return;
        }
        let operation = self.server.description().operation(method, path).unwrap();
        let id = operation["operationId"].as_str().unwrap().to_owned();
        if !sent.is_null() && !operation["requestBody"].is_null() {
            self.requests.entry(id.clone()).or_insert_with(|| sent.clone());
        }
        let body = match kind.as_str() {
            "" | "application/yaml" => return,
            JSON => answer.body.clone(),
            _ => Value::String(cut(&answer.text)),
        };
        let of_operation = self.answers.entry(id).or_default();
        of_operation.entry(format!("{} {kind}", answer.status)).or_insert(body);
    }

    #[track_caller]
    fn get(&mut self, path: &str) -> Answer {
        self.get_as(path, JSON)
    }

    #[track_caller]
    fn get_as(&mut self, path: &str, kind: &str) -> Answer {
        let answer = self
            .server
            .ask("GET", path, Some(&self.server.token), &[("accept", kind)], "");
        self.keep("GET", path, &Value::Null, &answer);
        answer
    }

    #[track_caller]
    fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("{API}{path}");
        let headers = [("content-type", JSON)];
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self
            .server
            .ask(method, &path, Some(&self.server.token), &headers, &text);
        self.keep(method, &path, body, &answer);
        answer
    }

    /// Starts something and waits until it is done.
    #[track_caller]
    fn done(&mut self, path: &str, body: &Value) -> Value {
        let begun = self.send("POST", path, body).is(202);
        let place = begun.header("location").to_owned();
        self.server
            .wait(&place, |now| now["state"] == "finished" || now["state"] == "done")
    }

    fn all(self) -> Value {
        json!({"answers": self.answers, "problems": self.problems, "requests": self.requests})
    }
}

/// Ups and downs, backups, orders, tokens.
fn of_a_life(server: &Server, installation: &Installation) -> Value {
    let mut taken = Taken::from(server);
    let on = json!({"enabled": true});
    taken.send("PUT", "/maintenance", &on).is(200);
    taken.get(&format!("{API}/maintenance")).is(200);
    taken.send("PUT", "/maintenance", &json!({"enabled": false})).is(200);
    let wish = json!({"target_version": "0b1", "accept_breaking": true});
    let dry = json!({"target_version": "0r1", "accept_breaking": true, "dry_run": true});
    taken.get(&format!("{API}/updates/plan?to=0b1")).is(200);
    let update = taken.done("/updates/upgrade", &wish)["update_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in ["status/{}", "{}/report"] {
        taken
            .get(&format!("{API}/updates/{}", path.replace("{}", &update)))
            .is(200);
    }
    taken.send("POST", "/updates/upgrade", &dry).is(200);
    let down = json!({"target_version": "0a1"});
    let dry = json!({"target_version": "0a1", "dry_run": true});
    taken.send("POST", "/updates/upgrade", &down).problem(409, "NL0104");
    taken
        .send("POST", "/updates/upgrade", &json!({"target_version": "9r9"}))
        .problem(404, "NL0102");
    taken
        .send("POST", "/updates/upgrade", &json!({"target_version": "zero"}))
        .problem(422, "NL0101");
    taken.send("POST", "/updates/downgrade", &dry).is(200);
    taken.done("/updates/downgrade", &down);
    let back = json!({"force": true});
    taken.done("/updates/rollback", &back);
    taken.send("POST", "/updates/rollback", &back).problem(409, "NL0756");
    taken.send(
        "POST",
        "/updates/rollback",
        &json!({"update_id": update, "dry_run": true}),
    );
    taken
        .send("POST", &format!("/updates/{update}/resume"), &Value::Null)
        .problem(409, "NL0719");
    of_backups(&mut taken, installation);
    of_orders(&mut taken);
    of_access(&mut taken);
    of_looks(&mut taken);
    taken.all()
}

fn of_backups(taken: &mut Taken<'_>, installation: &Installation) {
    let made = taken.done("/backups", &json!({"full": true}));
    let id = made["result"]["id"].as_str().unwrap().to_owned();
    for action in ["verify", "drill"] {
        taken.done(&format!("/backups/{id}/{action}"), &Value::Null);
    }
    taken.get(&format!("{API}/backups/{id}?limit=2")).is(200);
    let only = json!({"only": ["config/lamp.toml"]});
    let restore = format!("/backups/{id}/restore");
    taken.send("POST", &restore, &only).problem(409, "NL0604");
    installation.run(&["supervise", "--stop"]).ok();
    taken.done(&restore, &only);
    installation.run(&["supervise", "--start"]).ok();
    taken.done("/backups/prune", &Value::Null);
    let none = taken.send("POST", "/backups/backup_0b1_20200131_235959/drill", &Value::Null);
    none.problem(404, "NL0601");
}

fn of_orders(taken: &mut Taken<'_>) {
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(20);
    let later = json!({"target_version": "0r1", "strategy": "scheduled", "scheduled_time": later.to_string()});
    let ordered = || {
        let waits = taken.server.post(&format!("{API}/updates/upgrade"), &later).is(202);
        waits.body["order_id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (ordered(), ordered());
    taken.get(&format!("{API}/orders/{first}")).is(200);
    taken.get(&format!("{API}/updates/queue")).is(200);
    taken
        .send("POST", &format!("/updates/{second}/cancel"), &Value::Null)
        .is(200);
    taken
        .send("POST", &format!("/orders/{first}/cancel"), &Value::Null)
        .is(200);
    taken.get(&format!("{API}/orders")).is(200);
    taken
        .get(&format!("{API}/orders/order_0123456789abcdef"))
        .problem(404, "NL0718");
    taken
        .get(&format!("{API}/updates/status/update_0a1_0b1_20200101_000000"))
        .problem(404, "NL0406");
    let upgrade = format!("{API}/updates/upgrade");
    taken.server.post_once(&upgrade, "night-42", &later).is(202);
    let other = taken
        .server
        .post_once(&upgrade, "night-42", &json!({"target_version": "0r1"}));
    taken.keep("POST", &upgrade, &Value::Null, &other.problem(409, "NL0715"));
}

fn of_access(taken: &mut Taken<'_>) {
    let made = taken
        .send(
            "POST",
            "/tokens",
            &json!({"name": "dashboard", "role": "viewer", "expires_in": "90d"}),
        )
        .is(201);
    let version = format!("{API}/version");
    let viewer = made.body["token"].as_str().unwrap();
    let upgrade = format!("{API}/updates/upgrade");
    let forbidden = taken
        .server
        .ask("POST", &upgrade, Some(viewer), &[("content-type", JSON)], "{}");
    taken.keep("POST", &upgrade, &Value::Null, &forbidden.problem(403, "NL0713"));
    let denied = taken.server.ask("GET", &version, None, &[], "").problem(401, "NL0701");
    taken.keep("GET", &version, &Value::Null, &denied);
    let prefix = made.body["prefix"].as_str().unwrap();
    taken.send("DELETE", &format!("/tokens/{prefix}"), &Value::Null).is(200);
    taken
        .send("DELETE", "/tokens/nlk_00000000", &Value::Null)
        .problem(404, "NL0712");
    taken
        .send(
            "POST",
            "/tokens",
            &json!({"name": "x", "role": "viewer", "expires_in": "soon"}),
        )
        .problem(422, "NL0711");
    taken
        .send("POST", "/tokens", &json!({"name": "x", "rule": "viewer"}))
        .problem(400, "NL0703");
    taken.send("POST", "/session", &Value::Null).is(201);
}

fn of_looks(taken: &mut Taken<'_>) {
    for path in [
        "version",
        "status",
        "updates/check",
        "updates?limit=2",
        "policy?days=1",
        "backups",
        "tokens",
        "session",
        "audit?limit=2",
        "audit/verify",
        "changelog",
    ] {
        taken.get(&format!("{API}/{path}")).is(200);
    }
    for kind in ["text/markdown", "text/html", "text/plain"] {
        taken.get_as(&format!("{API}/changelog?version=0b1"), kind).is(200);
    }
    for path in ["/health/ready", "/cluster/status", "/cluster/protocol-version"] {
        taken.get(path).is(200);
    }
    for kind in ["application/openmetrics-text", "text/plain"] {
        let metrics = taken.get_as("/metrics", kind).is(200);
        assert!(metrics.text.contains("netlink_"));
    }
}

/// An update that waits for a person, goes on, and is turned back.
fn of_a_pause(server: &Server) -> Value {
    let mut taken = Taken::from(server);
    let update = server.get(&format!("{API}/status")).is(200).body["update"]["update_id"].clone();
    let update = update.as_str().unwrap();
    taken
        .send("POST", "/updates/upgrade", &json!({"target_version": "0r1"}))
        .problem(409, "NL0407");
    taken
        .send("POST", &format!("/updates/{update}/resume"), &Value::Null)
        .is(202);
    let turned = taken
        .send("POST", &format!("/updates/{update}/cancel"), &Value::Null)
        .is(202);
    server.wait_for(turned.header("location"), "rolled_back");
    taken.all()
}

/// As it would be on an ordinary machine.
fn at_home(taken: &Value, root: &Path, dir: &Path) -> Value {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let places = [
        (root.to_str().unwrap(), "/opt/lamp"),
        (dir.to_str().unwrap(), "/srv"),
        (host.as_str(), "box"),
    ];
    let text = |text: &str| {
        let moved = places
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        match moved.strip_prefix("nlk_").is_some_and(|rest| rest.len() > 60) {
            true => format!("{}{}", &moved[..13], "0".repeat(64)),
            false => moved,
        }
    };
    mapped(taken, &text)
}

fn mapped(value: &Value, text: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(found) => Value::String(text(found)),
        Value::Array(items) => items.iter().map(|item| mapped(item, text)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), mapped(value, text)))
            .collect(),
        other => other.clone(),
    }
}

/// The first counts where both have something.
fn merged(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(mut first), Value::Object(second)) => {
            for (name, value) in second {
                let both = match first.remove(&name) {
                    Some(had) if had.get("code").is_none() => merged(had, value),
                    Some(had) => had,
                    None => value,
                };
                first.insert(name, both);
            }
            Value::Object(first)
        }
        (first, _) => first,
    }
}

/// What there is an example of, with the names of the fields at its top.
fn outline(taken: &Value) -> Value {
    let fields = |value: &Value| match value.as_object() {
        // Whether an order waits still, and for what, when it is answered is a matter of moments.
        Some(fields) => fields
            .keys()
            .filter(|name| !["position", "reason"].contains(&name.as_str()))
            .cloned()
            .collect(),
        None => Value::Null,
    };
    let answers = taken["answers"].as_object().unwrap().iter();
    let answers: BTreeMap<_, BTreeMap<_, _>> = answers
        .map(|(id, kinds)| {
            let kinds = kinds.as_object().unwrap().iter();
            (id, kinds.map(|(kind, value)| (kind, fields(value))).collect())
        })
        .collect();
    json!({"answers": answers, "problems": fields(&taken["problems"]), "requests": fields(&taken["requests"])})
}

#[test]
fn the_examples_are_what_a_server_answers() {
    let dir = tempfile::tempdir().unwrap();
    let life = {
        let installation = lamp(&dir.path().join("life"));
        let taken = of_a_life(&Server::start(&installation), &installation);
        at_home(&taken, &installation.root, &dir.path().join("life"))
    };
    let pause = {
        let installation = slow_lamp(&dir.path().join("pause"));
        pause_an_upgrade(&installation);
        let server = Server::start(&installation);
        let taken = of_a_pause(&server);
        server.signal(Signal::TERM);
        at_home(&taken, &installation.root, &dir.path().join("pause"))
    };
    let taken = merged(life, pause);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    if std::env::var_os("NETLINK_MAKE").is_some() {
        put(&file, &format!("{taken:#}\n"), 0o644);
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(outline(&kept), outline(&taken), "`NETLINK_MAKE=1` takes them anew");
}

#[test]
fn each_operation_has_examples_of_its_own_schemas() {
    let description = Description::read(&netlink::http::openapi::document().unwrap());
    let paths = description.0["paths"].as_object().unwrap();
    let mut seen = 0;
    for (id, operation) in paths
        .values()
        .flat_map(|address| address.as_object().unwrap())
        .map(|(_, operation)| (operation["operationId"].as_str().unwrap(), operation))
    {
        let mut contents = vec![("request", &operation["requestBody"]["content"])];
        let responses = operation["responses"].as_object().unwrap().iter();
        contents.extend(responses.map(|(status, response)| (status.as_str(), &response["content"])));
        for (of, (kind, content)) in contents
            .into_iter()
            .flat_map(|(of, content)| content.as_object().into_iter().flatten().map(move |found| (of, found)))
        {
            let example = content.get("example");
            let is_told = kind == JSON && of != "503" || kind.starts_with("text/") && kind != "text/event-stream";
            assert!(example.is_some() || !is_told, "{id}: {of} {kind} has no example");
            let given = content["examples"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(_, given)| &given["value"]);
            for example in example.into_iter().chain(given) {
                assert_eq!(
                    description.complaint(&content["schema"], example),
                    None,
                    "{id}: {of} {kind}: {example:#}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 80, "{seen}");
}
