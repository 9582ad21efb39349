//! A panic in the server's work is an error like any other: the thread that it came in goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::app::{AppError, Result};

/// The code of what broke off.
pub const BROKE_OFF: &str = "NL0726";

pub fn guarded<T>(what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("no message");
        Err(AppError::said(
            BROKE_OFF,
            format!("{what} broke off by a fault in NetLink itself: {text}"),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_broke_off() {
        let broke: Result<()> = guarded("order_1", || panic!("{} is wrong", "it"));
        let error = broke.unwrap_err();
        assert_eq!(error.code().id, BROKE_OFF);
        assert_eq!(
            error.to_string(),
            "order_1 broke off by a fault in NetLink itself: it is wrong"
        );
        assert_eq!(guarded("order_1", || Ok(1)).unwrap(), 1);
    }
}
