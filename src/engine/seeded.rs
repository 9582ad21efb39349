//! A fault seeded on purpose, so that the crash sweep can prove that it would find it. Compiled out of every ordinary build.

/// True when the variable asks for results to be journaled before the work is done.
#[cfg(feature = "seeded-faults")]
#[allow(clippy::disallowed_methods)]
pub fn result_before_work() -> bool {
    std::env::var_os("NETLINK_SEEDED_FAULT").is_some_and(|fault| fault == "result-before-work")
}

#[cfg(not(feature = "seeded-faults"))]
pub const fn result_before_work() -> bool {
    false
}
