//! What a server is made of, and its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::access::Access;
use super::certificate::Certificate;
use super::feed::Feed;
use super::peer::relay_user;
use super::work::Work;
use crate::app::{self, AppError, Gate, Installation, Result};
use crate::host::User;
use crate::settings;

pub struct Server {
    pub root: PathBuf,
    /// The file of its settings, where it is not in its usual place.
    pub config: Option<PathBuf>,
    pub work: Arc<Work>,
    pub access: Arc<Access>,
    pub certificate: Arc<Certificate>,
    /// Tells the installation from others.
    pub id: String,
    /// As they were at the start.
    pub settings: settings::Server,
    /// Who a relay runs as.
    pub relay: Option<User>,
}

impl Server {
    /// Makes the first token where there is none, and follows the journal; nothing begins before [`Self::begin`].
    pub fn open(root: &Path, config: Option<&Path>) -> Result<Self> {
        let installation = Installation::open(root, config)?;
        app::first_token(&installation)?;
        let id = app::installation_id(&installation)?;
        let settings = installation.settings.server.clone();
        let relay = settings.relay_user.as_deref().map(relay_user).transpose()?;
        drop(installation);
        let certificate = Arc::new(Certificate::load(&settings.tls)?);
        let access = Arc::new(Access::new(
            Gate::open(root, config)?,
            &settings,
            relay.as_ref().map(|user| user.id),
        ));
        let feed = Arc::new(Feed::new());
        feed.follow(root, config, settings.heartbeat)?;
        let work = Arc::new(Work::new(root, config, feed));
        certificate.follow()?;
        Ok(Self {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            work,
            access,
            certificate,
            id,
            settings,
            relay,
        })
    }

    /// Takes up what an earlier process left and the orders that wait; all doors listen by now.
    pub fn begin(&self) {
        self.work.begin();
    }

    /// From SIGTERM or SIGINT on the server is ending (see [`Self::ended`]); whoever watches is let go at once, since lines of live
    /// events have no end of their own. `also` is done before.
    pub fn end_with_signals(&self, also: impl FnOnce() + Send + 'static) -> Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let failed = |e: std::io::Error| AppError::below("NL0704", &e);
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).map_err(failed)?;
        let feed = Arc::clone(self.work.feed());
        let wait = move || {
            if signals.forever().next().is_some() {
                also();
                feed.end();
            }
        };
        let spawned = std::thread::Builder::new().name("signals".into()).spawn(wait);
        spawned.map(drop).map_err(failed)
    }

    /// Waits until the server was told to end.
    pub async fn ended(&self) {
        self.work.feed().ended().await;
    }

    /// No door lets anybody in any more: the step that runs is finished, the rest waits for the next start.
    pub fn end(&self) {
        self.work.feed().end();
        self.work.end();
        self.access.end();
    }
}
