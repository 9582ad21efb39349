//! A reader that gives up on a source that is too slow, however steadily it drips.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::Limits;
use crate::clock;

pub(super) struct Paced<R> {
    inner: R,
    /// Bytes a second.
    lowest: u64,
    window: Duration,
    since: Instant,
    arrived: u64,
}

impl<R: Read> Paced<R> {
    pub fn new(inner: R, limits: &Limits) -> Self {
        Self {
            inner,
            lowest: limits.lowest_speed,
            window: limits.idle,
            since: clock::monotonic(),
            arrived: 0,
        }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.arrived += n as u64;
        let elapsed = self.since.elapsed();
        if n > 0 && elapsed >= self.window {
            if (self.arrived as f64) < self.lowest as f64 * elapsed.as_secs_f64() {
                let reason = format!("less than {} bytes a second for {} s", self.lowest, elapsed.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
            }
            self.since = clock::monotonic();
            self.arrived = 0;
        }
        Ok(n)
    }
}
