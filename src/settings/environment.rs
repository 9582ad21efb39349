//! `NETLINK_<SECTION>_<KEY>` overrides a key of the file, e.g. `NETLINK_BACKUP_RETENTION_DAYS=7`.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use serde_json::Value;

use super::{File, SettingsError, keys};
use crate::crypt::Secret;

const PREFIX: &str = "NETLINK_";

/// All variables that begin with `NETLINK_`.
pub type Environment = BTreeMap<String, String>;

pub fn environment() -> Environment {
    let ours =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    ours.filter(|(name, _)| name.starts_with(PREFIX)).collect()
}

/// The passphrase of signing keys, from `NETLINK_PASSPHRASE`.
pub fn passphrase() -> Option<Secret> {
    std::env::var("NETLINK_PASSPHRASE").ok().map(Secret::from)
}

/// What a variable holds that the settings name as a secret; none when it is not set.
pub fn secret(name: &str) -> Option<Secret> {
    use std::os::unix::ffi::OsStringExt;
    std::env::var_os(name).map(|value| Secret::new(value.into_vec()))
}

/// Who has started this process, where that one wants to be told how it stands (`sd_notify(3)`).
pub fn starter() -> Option<Starter> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let watchdog = number("WATCHDOG_USEC").filter(|time| *time > 0 && is_ours);
    Some(Starter {
        socket: std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())?,
        watchdog: watchdog.map(Duration::from_micros),
    })
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// A path, or an abstract name after `@`.
    pub socket: OsString,
    /// Who says nothing for so long is taken for hung.
    pub watchdog: Option<Duration>,
}

/// Where programs put what they need only while they run: `TMPDIR`, else the system's folder.
pub fn folder_for_temporary_files() -> std::path::PathBuf {
    std::env::temp_dir()
}

/// The variables that name proxies, as every program that goes to the web heeds them.
pub fn proxies() -> BTreeMap<String, String> {
    let names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    let all = names.iter().flat_map(|name| [(*name).to_owned(), name.to_uppercase()]);
    all.filter_map(|name| Some((name.clone(), std::env::var(&name).ok()?)))
        .collect()
}

/// The file with the environment's values. A variable of a section that exists must name a key of it; others are not ours.
pub fn overridden(file: File, environment: &Environment) -> Result<File, SettingsError> {
    let mut file = file;
    let paths = paths();
    for (name, text) in environment {
        let Some(path) = paths.get(name) else {
            let of_ours = sections()
                .iter()
                .any(|section| name.starts_with(&format!("{PREFIX}{section}_")));
            if of_ours {
                let nearest = keys::nearest(name, paths.keys().map(String::as_str));
                return Err(SettingsError::UnknownVariable {
                    name: name.clone(),
                    nearest,
                });
            }
            continue;
        };
        let wrong = |problem: String| SettingsError::Variable {
            name: name.clone(),
            problem,
        };
        file = changed(&file, path, text).map_err(wrong)?;
    }
    Ok(file)
}

/// The file with another value there: what the text may mean is tried in turn.
fn changed(file: &File, path: &str, text: &str) -> Result<File, String> {
    let mut tree = serde_json::to_value(file).map_err(|e| e.to_string())?;
    let Some(now) = tree.pointer(path) else {
        return serde_json::from_value(tree).map_err(|e| e.to_string());
    };
    let mut first = None;
    for meant in meanings(text, now) {
        let tried = meant.and_then(|value| {
            if let Some(leaf) = tree.pointer_mut(path) {
                *leaf = value;
            }
            serde_json::from_value(tree.clone()).map_err(|e| e.to_string())
        });
        match tried {
            Ok(file) => return Ok(file),
            Err(problem) => first = first.or(Some(problem)),
        }
    }
    Err(first.unwrap_or_default())
}

/// Text where the setting is text, though `null` is none where there may be none, as in the file; else what the text says as YAML, or
/// itself where that is something else, as the address `[::1]:1`.
fn meanings(text: &str, now: &Value) -> Vec<Result<Value, String>> {
    let itself = Ok(Value::String(text.to_owned()));
    match now {
        Value::String(_) if text == "null" => vec![Ok(Value::Null), itself],
        Value::String(_) => vec![itself],
        Value::Null => vec![serde_saphyr::from_str(text).map_err(|e| e.to_string()), itself],
        _ => vec![serde_saphyr::from_str(text).map_err(|e| e.to_string())],
    }
}

fn sections() -> Vec<String> {
    let known = keys::known();
    let below = |value: &Value| {
        value
            .as_object()
            .map(|map| map.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let mut names = below(&known["update_system"]);
    names.extend(
        below(&known)
            .into_iter()
            .filter(|name| name != "update_system" && name != "hooks"),
    );
    names.into_iter().map(|name| name.to_uppercase()).collect()
}

/// Every variable with the JSON pointer of its setting.
pub fn paths() -> BTreeMap<String, String> {
    let known = keys::known();
    let mut paths = BTreeMap::new();
    let mut add = |above: &str, sections: &Value| {
        let sections = sections.as_object().into_iter().flatten();
        for (section, keys) in sections.filter(|(name, _)| *name != "update_system" && *name != "hooks") {
            for (key, below) in keys.as_object().into_iter().flatten() {
                let name = format!("{PREFIX}{}_{}", section.to_uppercase(), key.to_uppercase());
                let path = format!("{above}/{section}/{key}");
                for (key, _) in below.as_object().into_iter().flatten() {
                    paths.insert(format!("{name}_{}", key.to_uppercase()), format!("{path}/{key}"));
                }
                paths.insert(name, path);
            }
        }
    };
    add("/update_system", &known["update_system"]);
    add("", &known);
    paths
}
