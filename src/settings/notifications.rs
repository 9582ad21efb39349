//! Who is told what becomes of updates: web servers and commands, and how patiently.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BackupKeyError, SettingsError, backup_key};
use crate::journal::NoticeKind;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notifications {
    pub webhooks: Vec<Webhook>,
    pub commands: Vec<Notifier>,
    /// Of one try.
    #[serde(with = "crate::release::duration")]
    pub timeout: Duration,
    /// After the first failed try; twice as long after each further one.
    #[serde(with = "crate::release::duration")]
    pub retry_pause: Duration,
    #[serde(with = "crate::release::duration")]
    pub longest_pause: Duration,
    /// What is older, and was tried a few times, is given up.
    #[serde(with = "crate::release::duration")]
    pub retry_for: Duration,
    /// So long a command waits at its end for what is still on its way.
    #[serde(with = "crate::release::duration")]
    pub linger: Duration,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            webhooks: Vec::new(),
            commands: Vec::new(),
            timeout: Duration::from_secs(10),
            retry_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(60 * 60),
            retry_for: Duration::from_secs(3 * 24 * 60 * 60),
            linger: Duration::from_secs(5),
        }
    }
}

/// A web server that takes a POST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub name: ReceiverName,
    pub url: WebhookUrl,
    /// Where the secret is that signs.
    pub secret: SecretPlace,
    /// All that concern updates and orders when empty.
    #[serde(default)]
    pub events: BTreeSet<NoticeKind>,
}

/// A program that reads the notice on its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notifier {
    pub name: ReceiverName,
    /// Program and arguments.
    pub command: Vec<String>,
    #[serde(default)]
    pub events: BTreeSet<NoticeKind>,
}

impl Notifications {
    /// Each receiver with what it wants to be told.
    pub fn receivers(&self) -> impl Iterator<Item = (&ReceiverName, BTreeSet<NoticeKind>)> {
        let webhooks = self.webhooks.iter().map(|one| (&one.name, &one.events));
        let commands = self.commands.iter().map(|one| (&one.name, &one.events));
        webhooks.chain(commands).map(|(name, events)| match events.is_empty() {
            true => (name, usual()),
            false => (name, events.clone()),
        })
    }

    /// The time limits with their keys.
    pub(super) fn times(&self) -> [(&'static str, Duration); 5] {
        [
            ("notifications.timeout", self.timeout),
            ("notifications.retry_pause", self.retry_pause),
            ("notifications.longest_pause", self.longest_pause),
            ("notifications.retry_for", self.retry_for),
            ("notifications.linger", self.linger),
        ]
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let refuse = |key, value: String, reason| Err(SettingsError::NotPossible { key, value, reason });
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = self.receivers().find(|(name, _)| !names.insert((*name).clone())) {
            let reason = "another receiver has this name";
            return refuse("notifications: name", twice.to_string(), reason);
        }
        match self.commands.iter().find(|one| one.command.is_empty()) {
            Some(empty) => refuse(
                "notifications.commands: name",
                empty.name.to_string(),
                "it names no program to run",
            ),
            None => Ok(()),
        }
    }
}

fn usual() -> BTreeSet<NoticeKind> {
    NoticeKind::ALL.into_iter().filter(|kind| kind.is_usual()).collect()
}

/// Up to 40 letters, digits, `-` and `_`; it is in file names and measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReceiverName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    #[error("`{0}` cannot be the name of a receiver: take 1 to 40 letters, digits, `-` and `_`")]
    Name(String),
    /// What was written may hold a password, so it is not repeated.
    #[error("the address of a webhook must be http://… or https://…, with a host and without a user or a password")]
    Url,
    /// Nor is this: it may be the secret itself.
    #[error("the secret of a webhook stands elsewhere: expected `file:PATH` or `env:NAME`")]
    Secret,
    #[error(transparent)]
    Variable(#[from] BackupKeyError),
}

impl ReceiverName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReceiverName {
    type Err = NotificationError;

    fn from_str(text: &str) -> Result<Self, NotificationError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match (1..=40).contains(&text.len()) && text.chars().all(is_name) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotificationError::Name(text.to_owned())),
        }
    }
}

impl fmt::Display for ReceiverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An address of the web. Its path may be a secret, as with many chat services: it is shown without.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// All of it, to be asked.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn without_path(&self) -> &str {
        let host = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[host..]
            .find(['/', '?', '#'])
            .map_or(self.0.len(), |at| host + at);
        &self.0[..end]
    }
}

impl FromStr for WebhookUrl {
    type Err = NotificationError;

    fn from_str(text: &str) -> Result<Self, NotificationError> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let authority = rest.ok_or(NotificationError::Url)?.split(['/', '?', '#']).next();
        let authority = authority.filter(|authority| !authority.is_empty() && !authority.contains('@'));
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        match authority {
            Some(_) if is_plain => Ok(Self(text.to_owned())),
            _ => Err(NotificationError::Url),
        }
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.without_path())
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a secret is, never the secret: `file:PATH`, relative to the installation unless absolute, or `env:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretPlace {
    File(PathBuf),
    Environment(String),
}

impl FromStr for SecretPlace {
    type Err = NotificationError;

    fn from_str(text: &str) -> Result<Self, NotificationError> {
        if let Some(name) = text.strip_prefix("env:") {
            return Ok(Self::Environment(backup_key::variable(name)?));
        }
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(NotificationError::Secret),
        }
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Environment(name) => write!(f, "env:{name}"),
        }
    }
}

/// Read from and written as text.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = NotificationError;

            fn try_from(text: String) -> Result<Self, NotificationError> {
                text.parse()
            }
        }
    )+};
}
as_text!(ReceiverName, WebhookUrl, SecretPlace);

impl From<ReceiverName> for String {
    fn from(name: ReceiverName) -> Self {
        name.0
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0
    }
}

impl From<SecretPlace> for String {
    fn from(place: SecretPlace) -> Self {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (text, shown) in [
            ("https://chat.example.org/hooks/T0/abc", "https://chat.example.org"),
            ("http://127.0.0.1:8080?token=abc", "http://127.0.0.1:8080"),
            ("https://[::1]:1/", "https://[::1]:1"),
        ] {
            let url: WebhookUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.expose()), (shown, text));
            assert!(!format!("{url:?}").contains("abc"));
        }
        for text in [
            "",
            "ftp://a/b",
            "https://",
            "https:///a",
            "https://me:abc@a/",
            "https://a/ b",
            "a",
        ] {
            let error = text.parse::<WebhookUrl>().unwrap_err().to_string();
            assert!(!error.contains("abc"), "{error}");
        }
    }

    #[test]
    fn a_secret_in_the_text_is_refused_and_not_repeated() {
        for text in ["file:secrets/ops", "env:OPS"] {
            assert_eq!(text.parse::<SecretPlace>().unwrap().to_string(), text);
        }
        for text in ["whsec_abcdef", "file:", "", "env:NETLINK_X"] {
            let error = text.parse::<SecretPlace>().unwrap_err().to_string();
            assert!(!error.contains("whsec"), "{error}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        let long = "a".repeat(41);
        for wrong in ["", "a/b", "ä", long.as_str(), ".."] {
            assert!(wrong.parse::<ReceiverName>().is_err(), "{wrong}");
        }
    }
}
