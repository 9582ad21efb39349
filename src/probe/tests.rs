//! Checks against servers that are well, ill, slow or late.
