//! A rate that several askers share.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// Lets so many bytes pass in a second.
#[derive(Debug)]
pub(crate) struct Pace {
    bytes_per_s: u64,
    /// When the next bytes may pass.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many MiB a second.
    pub(crate) fn new(mib_per_s: u32) -> Self {
        Self {
            bytes_per_s: u64::from(mib_per_s.max(1)) << 20,
            next: Mutex::default(),
        }
    }

    /// Returns when so many bytes may pass.
    pub(crate) async fn pass(&self, bytes: usize) {
        let at = self.take(bytes, clock::runtime());
        tokio::time::sleep_until(at).await;
    }

    fn take(&self, bytes: usize, now: Instant) -> Instant {
        let nanos = u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_mul(1_000_000_000)
            .checked_div(self.bytes_per_s)
            .unwrap_or_default();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        *next = at.checked_add(Duration::from_nanos(nanos));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_pass_at_the_rate_and_a_pause_earns_nothing() {
        let pace = Pace::new(4);
        let now = clock::runtime();
        let second = Duration::from_secs(1);
        assert_eq!(pace.take(4 << 20, now), now);
        assert_eq!(pace.take(2 << 20, now), now + second);
        assert_eq!(pace.take(1, now), now + second + second / 2);
        let later = now + 60 * second;
        assert_eq!(pace.take(4 << 20, later), later);
        assert_eq!(pace.take(1, later), later + second);
    }
}
