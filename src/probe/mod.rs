//! Health checks, asked from outside as a client would.

mod check;
mod http;
mod patience;
#[cfg(test)]
mod tests;

pub use check::{Check, ProbeError, resolve};
pub use patience::{Healthy, Patience, Unhealthy, check_all};
