//! Trusted metadata after The Update Framework 1.0: client and editor.
