//! Trusted metadata after The Update Framework 1.0 (<https://theupdateframework.github.io/specification/>): client and
//! editor on one set of types.
//!
//! The client is [`init`], [`refresh`], [`find`], [`all`] and [`trusted`]; the publisher's side is [`Editor`]. What either gives was signed as
//! the trusted root asks, and only this room makes a [`Verified`].

mod catalog;
mod client;
mod delegation;
mod document;
mod editor;
mod error;
mod hashes;
mod json;
mod key;
mod model;
mod name;
mod pattern;
mod signer;
mod target;
mod tight;

pub use catalog::{catalog, target_file, target_ref};
pub use client::{Asking, Listed, Listing, MetadataSource, Note, Refreshed, all, find, init, refresh, trusted};
pub use delegation::{DelegatedRole, Delegations, SuccinctRoles};
pub use document::{Verified, signed_bytes};
pub use editor::{
    Editor, HandedOn, Lacking, Lifetime, LifetimeChanges, LifetimeError, Lifetimes, RoleKeys, RoleState, Signatories,
    Standing,
};
pub use error::{SourceError, TufError};
pub use json::{NotCanonical, canonical, parse_strict};
pub use key::Key;
pub use model::{MetaFile, Role, Root, Signed, Snapshot, Targets, Timestamp};
pub use name::file_name;
pub use signer::{Signer, SignerError};
pub use target::{Custom, TargetFile};
