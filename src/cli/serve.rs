//! `netlink serve`

use super::args::{Global, ServeArgs};
use super::open::open;
use super::output::Result;
use crate::app::Courier;
use crate::host::Confining;
use crate::http;
use crate::serving::{Server, begin_log, say};

pub fn run(global: &Global, wanted: &ServeArgs) -> Result<()> {
    let installation = open(global)?;
    let listen = wanted.listen.unwrap_or(installation.settings.server.listen);
    begin_log(&installation.settings.log);
    let here = Confining::here();
    if installation.settings.confinement.enabled && !matches!(here, Confining::Possible { .. }) {
        say(&format!("note: {here}"));
    }
    let token = installation.layout.token();
    drop(installation);
    let server = Server::open(&global.root, global.config.as_deref())?;
    let rest = http::listen(listen, &server)?;
    server.end_with_signals()?;
    let courier = Courier::start(&global.root, global.config.as_deref(), say)?;
    server.begin();
    say(&format!(
        "listening at {}://{}; the bearer token is in {}",
        rest.scheme,
        rest.address,
        token.display()
    ));
    let served = http::serve(&server, rest);
    server.end();
    // What is on its way to a receiver is nobody's to wait for.
    drop(courier);
    Ok(served?)
}
