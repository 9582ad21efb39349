//! Versions: how they are written, which one is newer, and which ones a constraint means.

mod constraint;
mod lifecycle;
mod parse;

pub use constraint::Constraint;
pub use lifecycle::{Channel, Version};
pub use parse::VersionError;
