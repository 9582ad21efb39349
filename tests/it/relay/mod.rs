//! Two processes: a relay without rights that faces the network, and the server behind its Unix socket.

mod calls;
mod ending;
mod kernels;
mod limits;
mod page;
mod peers;
mod rights;
pub mod scene;
mod starter;
mod through;
mod watchers;
