//! Health checks, asked from outside as a client would.
