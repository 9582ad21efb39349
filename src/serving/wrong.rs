//! Wrong tokens that were answered a while ago: whoever sends the same one again guesses nothing, and is told the same again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::crypt::{Digest, digest_of};

const WINDOW: Duration = Duration::from_secs(60);
/// So many are remembered at once; beyond them each counts as a new one.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub struct WrongTokens(Mutex<HashMap<(IpAddr, Digest), Instant>>);

impl WrongTokens {
    /// Whether it came from there within the last minute.
    pub fn has(&self, from: IpAddr, token: &str) -> bool {
        self.has_at(from, token, clock::monotonic())
    }

    pub fn add(&self, from: IpAddr, token: &str) {
        self.add_at(from, token, clock::monotonic());
    }

    fn has_at(&self, from: IpAddr, token: &str, now: Instant) -> bool {
        let since = self.locked().get(&key(from, token)).copied();
        since.is_some_and(|since| now.duration_since(since) < WINDOW)
    }

    fn add_at(&self, from: IpAddr, token: &str, now: Instant) {
        let mut seen = self.locked();
        if seen.len() >= REMEMBERED {
            seen.retain(|_, since| now.duration_since(*since) < WINDOW);
        }
        if seen.len() < REMEMBERED {
            seen.insert(key(from, token), now);
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(IpAddr, Digest), Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(from: IpAddr, token: &str) -> (IpAddr, Digest) {
    (from, digest_of(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_token_from_the_same_place_is_known_for_a_minute() {
        let (seen, now) = (WrongTokens::default(), clock::monotonic());
        let [here, there] = [[127, 0, 0, 1], [127, 0, 0, 2]].map(IpAddr::from);
        assert!(!seen.has_at(here, "a", now));
        seen.add_at(here, "a", now);
        assert!(seen.has_at(here, "a", now + Duration::from_secs(59)));
        assert!(!seen.has_at(here, "b", now) && !seen.has_at(there, "a", now));
        assert!(!seen.has_at(here, "a", now + WINDOW));
    }

    #[test]
    fn ever_new_tokens_do_not_fill_the_memory() {
        let (seen, now) = (WrongTokens::default(), clock::monotonic());
        let here = IpAddr::from([127, 0, 0, 1]);
        for n in 0..=REMEMBERED {
            seen.add_at(here, &n.to_string(), now);
        }
        assert_eq!(seen.locked().len(), REMEMBERED);
        seen.add_at(here, "later", now + WINDOW);
        assert_eq!(seen.locked().len(), 1);
    }
}
