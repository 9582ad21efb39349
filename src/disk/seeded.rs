//! Faults seeded on purpose, so that the crash sweep can prove that it would find them. Compiled out of every ordinary build.

/// True when the variable asks for durable writes that are not durable.
#[cfg(feature = "seeded-faults")]
pub fn skip_fsync() -> bool {
    std::env::var_os("NETLINK_SEEDED_FAULT").is_some_and(|fault| fault == "skip-fsync")
}

#[cfg(not(feature = "seeded-faults"))]
pub const fn skip_fsync() -> bool {
    false
}
