//! What a client and the supervisor say to each other: one line of JSON each way, then the connection ends.

use serde::{Deserialize, Serialize};

use super::{Launch, Running, Status};
use crate::crypt::{Digest, digest_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Request {
    Status,
    /// Read what is desired and go there now, without waiting for a back-off to end.
    Reconcile,
    /// Stop the product and end.
    Shutdown,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    State(Box<State>),
    Error(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    pub status: Status,
    /// Of the launch that the supervisor now wants to run.
    pub wanted: Option<Digest>,
    /// How the last try to start that launch went.
    pub last_start: Option<LastStart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastStart {
    Started(Running),
    Failed(String),
}

/// Names a launch without repeating it: its environment may hold secrets.
pub fn name_of(launch: &Launch) -> Digest {
    digest_of(&serde_json::to_vec(launch).unwrap_or_default())
}
