//! The keys of a backup repository: a random master key, and the slots that each hold it wrapped for one way of opening.

mod master;

pub use master::{Fingerprint, Keyring, Master};
