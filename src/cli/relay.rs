//! `netlink serve --through SOCKET`

use std::path::Path;

use super::args::{DoorAt, RelayArgs, ServeArgs};
use super::output::{Failed, Result};
use crate::app::AppError;
use crate::host::Confined;
use crate::relay::{Relay, RelayError, Wanted};
use crate::serving::{begin_log, say, say_warning};
use crate::settings::{self, Settings};
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
        tls: files(&wanted.relay),
        connections: wanted.relay.connections,
    });
    let relay = relay.map_err(|e| failed(&e))?;
    match relay.confine().map_err(|e| failed(&e))? {
        Confined::ByLandlock { network: true } => {}
        Confined::ByLandlock { network: false } => {
            say("note: this kernel keeps the relay from files, and not from the network (Linux 6.7 and later do)");
        }
        Confined::ByUserAlone => {
            say("note: this kernel has no Landlock, or it is switched off: the relay may do what its user may");
        }
    }
    let at = format!("{}://{}", relay.scheme(), relay.address());
    say(&format!(
        "listening at {at}; what comes goes on to {}",
        through.display()
    ));
    Ok(relay.serve(say, say_warning).map_err(|e| failed(&e))?)
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
