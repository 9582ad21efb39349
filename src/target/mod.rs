//! How the product runs: a child of its own small supervisor.
