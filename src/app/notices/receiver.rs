//! One try: a notice is posted to a web server, signed, or given to a command.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::super::Installation;
use crate::clock;
use crate::crypt::Secret;
use crate::disk;
use crate::fetch::{self, PostError, Posting, Proxies};
use crate::notify::{self, SigningSecrets};
use crate::settings::{self, Notifier, SecretPlace, Webhook};
use crate::store::NoticeRecord;

/// Of a file with secrets.
const SECRET_LIMIT: u64 = 64 << 10;
/// Others on the machine may do nothing with such a file, the group at most read it.
const TOO_OPEN: u32 = 0o027;
/// The standard's word of a receiver that wants nothing more.
const GONE: u16 = 410;

/// Whom the settings name.
pub(super) enum Receiver<'a> {
    Webhook(&'a Webhook),
    Command(&'a Notifier),
}

/// Why a notice did not arrive.
#[derive(Debug)]
pub(super) struct NotTaken {
    pub problem: String,
    /// Trying again is not wanted.
    pub is_final: bool,
    /// The pause that the receiver asks for.
    pub asked: Option<Duration>,
}

impl NotTaken {
    fn of(error: &dyn std::error::Error) -> Self {
        Self::for_now(told(error))
    }

    /// It is tried again.
    fn for_now(problem: String) -> Self {
        Self {
            problem,
            is_final: false,
            asked: None,
        }
    }
}

/// With its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl<'a> Receiver<'a> {
    pub fn find(installation: &'a Installation, name: &str) -> Option<Self> {
        let settings = &installation.settings.notifications;
        let webhook = settings.webhooks.iter().find(|one| one.name.as_str() == name);
        let command = || settings.commands.iter().find(|one| one.name.as_str() == name);
        webhook.map(Self::Webhook).or_else(|| command().map(Self::Command))
    }

    pub fn give(&self, installation: &Installation, notice: &NoticeRecord) -> Result<(), NotTaken> {
        let limit = installation.settings.notifications.timeout;
        match self {
            Self::Webhook(webhook) => post(installation, webhook, notice, limit),
            Self::Command(notifier) => {
                let (layout, about) = (&installation.layout, (notice.kind.as_str(), notice.id.as_str()));
                let bounds = layout.bounds_of_operator();
                let ran = notify::run_notifier(layout.root(), &notifier.command, about, &notice.body, limit, &bounds);
                ran.map_err(|e| NotTaken::of(&e))
            }
        }
    }
}

fn post(
    installation: &Installation,
    webhook: &Webhook,
    notice: &NoticeRecord,
    limit: Duration,
) -> Result<(), NotTaken> {
    let secrets = secrets(installation.layout.root(), &webhook.secret)?;
    let seconds = clock::now().as_second();
    let signature = secrets.sign(&notice.id, seconds, &notice.body);
    let (timestamp, shown) = (seconds.to_string(), webhook.url.to_string());
    let headers = [
        ("webhook-id", notice.id.as_str()),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let posting = Posting {
        url: webhook.url.expose(),
        shown: &shown,
        content_type: "application/cloudevents+json",
        headers: &headers,
        body: &notice.body,
        limit,
    };
    fetch::post(posting, &Proxies::of(&settings::proxies())).map_err(|error| NotTaken {
        is_final: matches!(error, PostError::Status { status: GONE, .. }),
        asked: match error {
            PostError::Status { retry_after, .. } => retry_after,
            _ => None,
        },
        ..NotTaken::of(&error)
    })
}

/// Why nothing can be signed with the secret of this webhook; none when it can be.
pub(super) fn unusable_secret(root: &Path, webhook: &Webhook) -> Option<String> {
    secrets(root, &webhook.secret).err().map(|why| why.problem)
}

fn secrets(root: &Path, place: &SecretPlace) -> Result<SigningSecrets, NotTaken> {
    let text = match place {
        SecretPlace::Environment(name) => settings::secret(name)
            .ok_or_else(|| NotTaken::for_now(format!("the variable {name} with the secret is not set")))?,
        SecretPlace::File(path) => {
            let path = root.join(path);
            is_closed(&path)?;
            Secret::new(disk::read_limited(&path, SECRET_LIMIT).map_err(|e| NotTaken::of(&e))?)
        }
    };
    SigningSecrets::read(&text).map_err(|e| NotTaken::for_now(format!("{place}: {e}")))
}

fn is_closed(path: &Path) -> Result<(), NotTaken> {
    let seen = std::fs::metadata(path);
    let seen = seen.map_err(|e| NotTaken::for_now(format!("{} cannot be looked at: {e}", path.display())))?;
    let mode = seen.permissions().mode() & 0o7777;
    if mode & TOO_OPEN == 0 {
        return Ok(());
    }
    let shown = path.display();
    let problem = format!("{shown} is open to everybody on this machine (mode {mode:04o}): `chmod 600 {shown}`");
    Err(NotTaken::for_now(problem))
}
