//! `netlink serve`

use super::args::{Global, ServeArgs};
use super::output::Result;
use super::update::open;
use crate::http;

pub fn run(global: &Global, wanted: &ServeArgs) -> Result<()> {
    let installation = open(global)?;
    let listen = wanted.listen.unwrap_or(installation.settings.server.listen);
    Ok(http::serve(
        installation.layout.root(),
        global.config.as_deref(),
        listen,
    )?)
}
