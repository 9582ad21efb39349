//! Versions: how they are written, which one is newer, and which ones a constraint means.

mod bound;
mod build;
mod channel;
mod constraint;
mod dotted;
mod error;
mod legacy;
mod lifecycle;
mod scheme;
mod text;

pub use bound::Bound;
pub use channel::Channel;
pub use constraint::Constraint;
pub use dotted::Dotted;
pub use error::VersionError;
pub use legacy::{LegacyError, legacy};
pub use lifecycle::Version;
pub use scheme::Scheme;
