//! How often something may be done: so many times within a minute, for each who does it.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

const WINDOW: Duration = Duration::from_secs(60);
/// So many are remembered at once; whoever asks under ever new names does not fill the memory.
const REMEMBERED: usize = 10_000;

/// Whoever has one address of a network of IPv6 has them all: those that share the first half are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl Origin {
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let first_half = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(first_half).into()
            }
            v4 => v4,
        })
    }
}

pub struct Rate<K> {
    /// Within a window; 0 knows no limit.
    limit: u32,
    seen: Mutex<HashMap<K, (Instant, u32)>>,
}

impl<K: Eq + Hash> Rate<K> {
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            seen: Mutex::default(),
        }
    }

    /// Counts one more; when that is too many, how long to wait.
    pub fn count(&self, who: K) -> Result<(), Duration> {
        self.count_at(who, clock::monotonic())
    }

    fn count_at(&self, who: K, now: Instant) -> Result<(), Duration> {
        if self.limit == 0 {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED && !seen.contains_key(&who) {
            seen.retain(|_, (began, _)| now.duration_since(*began) < WINDOW);
            if seen.len() >= REMEMBERED {
                return Err(WINDOW);
            }
        }
        let (began, count) = seen.entry(who).or_insert((now, 0));
        if now.duration_since(*began) >= WINDOW {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > self.limit {
            return Err(WINDOW.saturating_sub(now.duration_since(*began)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_and_an_ipv4_address_in_it_is_that_address() {
        let of = |text: &str| Origin::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("::ffff:192.0.2.7"), of("::ffff:192.0.2.8"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }

    #[test]
    fn each_has_its_own_count_and_a_new_window_begins_anew() {
        let (rate, now) = (Rate::new(2), clock::monotonic());
        assert_eq!(rate.count_at("a", now), Ok(()));
        assert_eq!(rate.count_at("a", now), Ok(()));
        assert_eq!(
            rate.count_at("a", now + Duration::from_secs(20)),
            Err(Duration::from_secs(40))
        );
        assert_eq!(rate.count_at("b", now), Ok(()));
        assert_eq!(rate.count_at("a", now + WINDOW), Ok(()));
    }

    #[test]
    fn ever_new_names_do_not_fill_the_memory() {
        let (rate, now) = (Rate::new(1), clock::monotonic());
        for name in 0..REMEMBERED {
            assert_eq!(rate.count_at(name, now), Ok(()));
        }
        assert!(rate.count_at(REMEMBERED, now).is_err());
        assert_eq!(rate.count_at(REMEMBERED, now + WINDOW), Ok(()));
        assert_eq!(rate.seen.lock().unwrap().len(), 1);
    }
}
