//! How often and how long a notice is tried that does not arrive.

use std::time::Duration;

/// So often it is tried at least, however old it is: a clock may have leapt.
const TRIES_AT_LEAST: u32 = 3;

/// Pauses grow from the first to the longest, until a notice is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub first: Duration,
    pub longest: Duration,
    /// What is older is given up.
    pub whole: Duration,
}

impl Patience {
    /// The pause after so many tries that failed; none when it is to be given up. `asked` is what the receiver asks for, `chance` from 0
    /// to 1 lets receivers of many installations not be asked all at once.
    pub fn pause(&self, tries: u32, age: Duration, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if age > self.whole && tries >= TRIES_AT_LEAST {
            return None;
        }
        let doublings = 2_u32.saturating_pow(tries.saturating_sub(1));
        let grown = self.first.saturating_mul(doublings).min(self.longest);
        let pause = grown.max(asked.unwrap_or_default()).min(self.longest);
        Some(pause.mul_f64(1.0 - 0.2 * chance.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience {
        first: Duration::from_secs(5),
        longest: Duration::from_secs(3600),
        whole: Duration::from_secs(86400),
    };

    #[test]
    fn pauses_double_up_to_the_longest_and_chance_shortens_them_a_little() {
        let after = |tries, asked| PATIENCE.pause(tries, SECOND, asked, 0.0);
        for (tries, seconds) in [(1, 5), (2, 10), (5, 80), (10, 2560), (11, 3600), (4_000_000_000, 3600)] {
            assert_eq!(after(tries, None), Some(SECOND * seconds), "{tries}");
        }
        assert_eq!(after(1, Some(SECOND * 60)), Some(SECOND * 60));
        assert_eq!(after(1, Some(SECOND * 100_000)), Some(SECOND * 3600));
        assert_eq!(PATIENCE.pause(1, SECOND, None, 1.0), Some(SECOND * 4));
    }

    #[test]
    fn what_is_old_is_given_up_but_not_untried() {
        let old = PATIENCE.whole + SECOND;
        assert!(PATIENCE.pause(2, old, None, 0.5).is_some());
        assert_eq!(PATIENCE.pause(3, old, None, 0.5), None);
    }
}
