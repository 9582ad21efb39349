//! Versions: how they are written, which one is newer, and which ones a constraint means.

mod build;
mod channel;
mod constraint;
mod dotted;
mod legacy;
mod lifecycle;
mod parse;
mod scheme;

pub use channel::Channel;
pub use constraint::Constraint;
pub use dotted::Dotted;
pub use legacy::{LegacyError, legacy};
pub use lifecycle::Version;
pub use parse::VersionError;
pub use scheme::Scheme;
