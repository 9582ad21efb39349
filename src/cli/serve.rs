//! `netlink serve`

use std::sync::Arc;

use super::args::{Global, ServeArgs};
use super::open::open;
use super::output::Result;
use super::relay;
use super::starter::Starter;
use crate::app::Courier;
use crate::host::{Confining, Stands};
use crate::serving::{Server, begin_log, say};
use crate::settings::DoorAt;
use crate::{grpc, http};

pub fn run(global: &Global, wanted: &ServeArgs) -> Result<()> {
    match &wanted.relay.through {
        Some(through) => relay::run(through, wanted),
        None => serve(global, wanted),
    }
}

fn serve(global: &Global, wanted: &ServeArgs) -> Result<()> {
    let installation = open(global)?;
    let settings = &installation.settings.server;
    let listen = wanted.listen.map_or(settings.listen, DoorAt::address);
    // Who is to be asked at the socket alone parses nothing of the network.
    let by_default = settings.grpc.filter(|_| listen.is_some());
    let for_grpc = wanted.grpc.map_or(by_default, DoorAt::address);
    let speaks_grpc = for_grpc.is_some() || (wanted.grpc.is_none() && settings.grpc.is_some());
    begin_log(&installation.settings.log);
    let here = Confining::here();
    if installation.settings.confinement.enabled && !matches!(here, Confining::Possible { .. }) {
        say(&format!("note: {here}"));
    }
    let token = installation.layout.token();
    drop(installation);
    let server = Arc::new(Server::open(&global.root, global.config.as_deref())?);
    let rest = http::listen(listen, &server)?;
    let calls = match speaks_grpc {
        true => grpc::Door::at(for_grpc, &server)?,
        false => None,
    };
    let grpc = calls.as_ref().map_or_else(String::new, |calls| format!("; {calls}"));
    let at = format!("listening at {rest}{grpc}");
    let starter = Arc::new(Starter::find());
    let told = Arc::clone(&starter);
    server.end_with_signals(move || told.tell(Stands::Stopping))?;
    let courier = Courier::start(&global.root, global.config.as_deref(), say)?;
    server.begin();
    say(&format!("{at}; the bearer token is in {}", token.display()));
    let calls = calls.map(|calls| calls.open(Arc::clone(&server))).transpose();
    starter.tell(Stands::Ready);
    let work = Arc::clone(&server.work);
    starter.keep_telling(move || drop(work.not_ready()));
    let served = calls.as_ref().map_or(Ok(()), |_| http::serve(&server, rest));
    server.end();
    if let Some(calls) = calls? {
        // It says itself what has failed.
        let _ = calls.join();
    }
    // What is on its way to a receiver is nobody's to wait for.
    drop(courier);
    Ok(served?)
}
