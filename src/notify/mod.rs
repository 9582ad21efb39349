//! Hooks: executables at named points of an update.
