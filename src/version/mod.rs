//! Versions: how they are written, which one is newer, and which ones a constraint means.

mod build;
mod constraint;
mod legacy;
mod lifecycle;
mod parse;

pub use constraint::Constraint;
pub use legacy::{LegacyError, legacy};
pub use lifecycle::{Channel, Version};
pub use parse::VersionError;
