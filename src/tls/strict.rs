//! Whether browsers are to come back in TLS alone.

use std::net::IpAddr;

/// For `Strict-Transport-Security`: from then on browsers ask in TLS alone.
pub const STRICT: &str = "max-age=31536000";

/// Not on loopback, where other servers answer in the clear under the same name.
pub fn is_strict_at(own: IpAddr) -> bool {
    !own.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for (address, expected) in [
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("192.0.2.1", true),
            ("2001:db8::1", true),
        ] {
            assert_eq!(is_strict_at(address.parse().unwrap()), expected, "{address}");
        }
    }
}
