//! Two processes: a relay without rights that faces the network, and the server behind its Unix socket.

mod ending;
mod limits;
mod page;
mod peers;
mod rights;
mod scene;
mod through;
