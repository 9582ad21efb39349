//! `netlink serve`

use super::args::{Global, ServeArgs};
use super::open::open;
use super::output::{Result, say};
use crate::host::Confining;
use crate::http;

pub fn run(global: &Global, wanted: &ServeArgs) -> Result<()> {
    let installation = open(global)?;
    let listen = wanted.listen.unwrap_or(installation.settings.server.listen);
    let here = Confining::here();
    if installation.settings.confinement.enabled && !matches!(here, Confining::Possible { .. }) {
        say(&format!("note: {here}"));
    }
    let token = installation.layout.token();
    drop(installation);
    let ready = |address| {
        say(&format!(
            "listening at http://{address}; the bearer token is in {}",
            token.display()
        ));
    };
    Ok(http::serve(&global.root, global.config.as_deref(), listen, ready)?)
}
