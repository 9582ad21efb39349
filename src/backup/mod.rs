//! The encrypted backup repository.
