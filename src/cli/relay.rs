//! `netlink serve --through SOCKET`

use std::path::Path;
use std::sync::Arc;

use super::args::{RelayArgs, ServeArgs};
use super::output::{Failed, Result};
use super::starter::Starter;
use crate::app::AppError;
use crate::host::{Confined, Stands};
use crate::relay::{Relay, RelayError, Told, Wanted};
use crate::serving::{begin_log, say, say_warning};
use crate::settings::{self, DoorAt, Settings};
use crate::tls::Files;

pub fn run(through: &Path, wanted: &ServeArgs) -> Result<()> {
    // Of the settings it has what the environment says, and the defaults.
    let settings = Settings::parse(Path::new("the environment"), "", &settings::environment());
    let settings = settings.map_err(|e| AppError::below("NL0403", &e))?;
    begin_log(&settings.log);
    let listen = wanted.listen.map_or(settings.server.listen, DoorAt::address);
    let listen = listen.ok_or_else(|| Failed::said("NL0704", "a relay listens at an address: `--listen ADDR:PORT`"))?;
    let relay = Relay::listen(Wanted {
        through: through.to_path_buf(),
        listen,
        grpc: wanted.grpc.and_then(DoorAt::address),
        grpc_age: settings.server.grpc_connection,
        tls: files(&wanted.relay),
        connections: wanted.relay.connections,
    });
    let relay = relay.map_err(|e| failed(&e))?;
    // Before it is confined: then it may connect to nobody else.
    let starter = Starter::find();
    match relay.confine().map_err(|e| failed(&e))? {
        Confined::ByLandlock { network: true } => {}
        Confined::ByLandlock { network: false } => {
            say("note: this kernel keeps the relay from files, and not from the network (Linux 6.7 and later do)");
        }
        Confined::ByUserAlone => {
            say("note: this kernel has no Landlock, or it is switched off: the relay may do what its user may");
        }
    }
    let (scheme, how) = match relay.is_encrypted() {
        true => ("https", "gRPC in TLS"),
        false => ("http", "gRPC"),
    };
    let grpc = relay.address_for_grpc();
    let grpc = grpc.map_or_else(String::new, |at| format!("; {how} at {at}"));
    say(&format!(
        "listening at {scheme}://{}{grpc}; what comes goes on to {}",
        relay.address(),
        through.display()
    ));
    let beat = starter.beat();
    let manager = Arc::new(starter);
    let on_end = Arc::clone(&manager);
    let told = Told {
        say,
        warn: say_warning,
        stopping: Box::new(move || on_end.tell(Stands::Stopping)),
        beat: beat.map(|(every, beat)| (every, Box::new(beat) as Box<dyn Fn()>)),
    };
    manager.tell(Stands::Ready);
    Ok(relay.serve(told).map_err(|e| failed(&e))?)
}

fn files(wanted: &RelayArgs) -> Option<Files> {
    Some(Files {
        certificate: wanted.certificate.clone()?,
        key: wanted.key.clone()?,
        client_ca: wanted.client_ca.clone(),
    })
}

fn failed(error: &RelayError) -> AppError {
    AppError::below(error.code(), error)
}
