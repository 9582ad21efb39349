//! The Unix socket: the system says who is at its other end.

use std::any::Any;

use actix_web::dev::Extensions;

use crate::serving::End;

/// Keeps who is at the other end of a connection, for its requests.
pub fn note_peer(connection: &dyn Any, known: &mut Extensions) {
    let stream = connection.downcast_ref::<actix_web::rt::net::UnixStream>();
    if let Some(credentials) = stream.and_then(|stream| stream.peer_cred().ok()) {
        known.insert(End::User(credentials.uid()));
    }
}
