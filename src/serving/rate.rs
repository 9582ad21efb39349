//! How often something may be done: so many times within a minute, for each who does it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

const WINDOW: Duration = Duration::from_secs(60);
/// So many are remembered at once; whoever asks under ever new names does not fill the memory.
const REMEMBERED: usize = 10_000;

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
