//! Telling others: the operator's hooks at named points of an update, and how notices are signed, run and tried again.

mod command;
mod hooks;
mod patience;
mod signature;

pub use command::{NotifierError, run_notifier};
pub use hooks::{HookError, HookPoint, HookPointError, run};
pub use patience::Patience;
pub use signature::{SecretError, SigningSecrets};
