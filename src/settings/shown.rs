//! Every setting with its value, and where that comes from.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::{Environment, Settings, SettingsError, WebhookUrl, environment, keys, read};

/// One key that holds a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Dotted, e.g. `policy.freeze`.
    pub key: String,
    /// Without what may be a secret in it.
    pub value: Value,
    #[serde(flatten)]
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "lowercase")]
pub enum Origin {
    Default,
    File,
    Environment { variable: String },
}

/// What holds, by keys; refused as [`Settings::parse`] refuses it.
pub fn all(path: &Path, text: &str, environment: &Environment) -> Result<Vec<Setting>, SettingsError> {
    Settings::parse(path, text, environment)?;
    let read = read(path, text)?;
    let in_force = environment::overridden(read.file, environment)?;
    let variables: Vec<(String, String)> = environment::paths()
        .into_iter()
        .filter(|(name, _)| environment.contains_key(name))
        .collect();
    let mut all = Vec::new();
    let mut settle = |pointer: &str, value: &Value| {
        // The variable of the longest name is the last one that was heeded.
        let by = variables
            .iter()
            .filter(|(_, path)| pointer == path || pointer.starts_with(&format!("{path}/")))
            .max_by_key(|(_, path)| path.len());
        let origin = match by {
            Some((variable, _)) => Origin::Environment {
                variable: variable.clone(),
            },
            None if read.found.pointer(pointer).is_some() => Origin::File,
            None => Origin::Default,
        };
        all.push(Setting {
            key: pointer.trim_start_matches('/').replace('/', "."),
            value: without_secrets(pointer, value),
            origin,
        });
    };
    let tree = serde_json::to_value(&in_force).unwrap_or_default();
    leaves(&tree, &keys::known(), "", &mut settle);
    Ok(all)
}

/// Each key that is no section, with its JSON pointer.
fn leaves(value: &Value, known: &Value, at: &str, settle: &mut impl FnMut(&str, &Value)) {
    match (value, known) {
        (Value::Object(section), Value::Object(known)) => {
            for (key, below) in section {
                leaves(below, &known[key], &format!("{at}/{key}"), settle);
            }
        }
        _ => settle(at, value),
    }
}

const WEBHOOKS: &str = "/notifications/webhooks";
const COMMANDS: &str = "/notifications/commands";
const COPIES: &str = "/audit/copy_to";

/// Of web addresses the name and password go, what is asked and, where it may be a secret as with many chat services, the path; of
/// commands that tell others the arguments.
fn without_secrets(at: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if at == COPIES => host_alone(text).into(),
        Value::String(text) => without_user(text).into(),
        Value::Array(all) => all.iter().map(|one| without_secrets(at, one)).collect(),
        Value::Object(section) => {
            let shown = |(key, below): (&String, &Value)| (key.clone(), part_without_secrets(at, key, below));
            section.iter().map(shown).collect()
        }
        other => other.clone(),
    }
}

fn part_without_secrets(at: &str, key: &str, value: &Value) -> Value {
    match (at, key, value) {
        (WEBHOOKS, "url", Value::String(url)) => host_alone(url).into(),
        (COMMANDS, "command", Value::Array(command)) => program_alone(command),
        _ => without_secrets(at, value),
    }
}

fn program_alone(command: &[Value]) -> Value {
    let rest = (command.len() > 1).then(|| "…".into());
    command.iter().take(1).cloned().chain(rest).collect()
}

fn host_alone(text: &str) -> String {
    let url = text.parse::<WebhookUrl>();
    url.map_or_else(|_| without_user(text), |url| format!("{url}/…"))
}

fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (rest, asked) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], "?…"),
        None => (rest, ""),
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rfind('@') {
        Some(at) => format!("{scheme}://…{}{path}{asked}", &host[at..]),
        None => format!("{scheme}://{host}{path}{asked}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, environment: &[(&str, &str)]) -> Vec<Setting> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all(Path::new("update.yml"), text, &environment).unwrap()
    }

    fn one(all: &[Setting], key: &str) -> (Value, Origin) {
        let found = all.iter().find(|setting| setting.key == key);
        let found = found.unwrap_or_else(|| panic!("no {key} in {all:#?}"));
        (found.value.clone(), found.origin.clone())
    }

    #[test]
    fn each_key_says_where_its_value_comes_from() {
        let text =
            "policy: {freeze: audit, version_constraints: {max_version: 1r1}}\nserver: {tls: {key: a, certificate: b}}";
        let by = [("NETLINK_SERVER_TLS_KEY", "c"), ("NETLINK_BACKUP_KEEP_LAST", "3")];
        let all = of(text, &by);
        let variable = |name: &str| Origin::Environment {
            variable: name.to_owned(),
        };
        assert_eq!(one(&all, "policy.freeze"), ("audit".into(), Origin::File));
        assert_eq!(one(&all, "policy.node"), (Value::Null, Origin::Default));
        assert_eq!(
            one(&all, "policy.version_constraints.max_version"),
            ("1r1".into(), Origin::File)
        );
        assert_eq!(one(&all, "server.tls.certificate"), ("b".into(), Origin::File));
        assert_eq!(
            one(&all, "server.tls.key"),
            ("c".into(), variable("NETLINK_SERVER_TLS_KEY"))
        );
        let keep = ("update_system.backup.keep_last", variable("NETLINK_BACKUP_KEEP_LAST"));
        assert_eq!(one(&all, keep.0), (3.into(), keep.1));
    }

    #[test]
    fn nothing_of_a_webhooks_path_is_shown() {
        let all = of(
            "notifications: {webhooks: [{name: ops, url: 'https://chat.example.org/hooks/T0/abc', secret: 'env:OPS'}]}",
            &[],
        );
        let (shown, _) = one(&all, "notifications.webhooks");
        assert_eq!(shown[0]["url"], "https://chat.example.org/…");
        let all = of("audit: {copy_to: 'https://copies.example.org/T0/abc'}", &[]);
        assert_eq!(one(&all, "audit.copy_to").0, "https://copies.example.org/…");
    }

    #[test]
    fn of_a_command_its_program_is_shown() {
        let all = of(
            "notifications: {commands: [{name: ops, command: [tell, --token, abc]}]}",
            &[],
        );
        let (shown, _) = one(&all, "notifications.commands");
        assert_eq!(shown[0]["command"], serde_json::json!(["tell", "…"]));
    }

    #[test]
    fn no_password_of_an_address_is_shown() {
        for (text, shown) in [
            (
                "https://me:a@b@index.example.org/simple?x=@",
                "https://…@index.example.org/simple?…",
            ),
            ("https://index.example.org/@scope", "https://index.example.org/@scope"),
            ("me@host", "me@host"),
        ] {
            let all = of(&format!("dependencies: {{python_index: '{text}'}}"), &[]);
            assert_eq!(one(&all, "dependencies.python_index").0, shown);
        }
    }

    #[test]
    fn every_known_key_is_shown_once() {
        let mut known = Vec::new();
        leaves(&keys::known(), &keys::known(), "", &mut |at, _| {
            known.push(at.to_owned());
        });
        let shown = of("", &[]);
        for key in known.iter().filter(|key| !key.starts_with("/hooks/")) {
            let key = key.trim_start_matches('/').replace('/', ".");
            assert_eq!(shown.iter().filter(|one| one.key == key).count(), 1, "{key}");
        }
    }
}
